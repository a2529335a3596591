//! Web hooks: deliveries of a feed to consumers that do not read it by themselves.
//!
//! The changes after a consumer's acknowledged cursor are posted to its address, signed. A response of 2xx acknowledges
//! the page's cursor and may report errors like an acknowledgement. There is no queue: a failed delivery is read again
//! from the feed at the next attempt, so a late delivery has the newest state. After a day of failures deliveries are
//! given up until an operator replays the hook; its position stays, so no change is lost.

mod client;
mod destination;
mod dispatch;
mod model;
mod payload;
mod prepare;
mod queries;
mod rules;
mod signature;

pub use client::WebhookClient;
pub use dispatch::deliver_due;
pub use model::{WebHook, WebHookState};
pub use rules::{ReplayFrom, WebHookOutcome, delete, of_consumer, of_consumer_in, replay, reseal, rotate, save};
pub use signature::{HEADER, sign};
