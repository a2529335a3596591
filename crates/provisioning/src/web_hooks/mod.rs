//! Web hooks: systems that want to be called.
//!
//! A consumer may have an address. What its feed tells after the cursor that it acknowledged is posted there, signed; an answer
//! of 2xx acknowledges up to the page's cursor, and may report errors as an acknowledgement does. Nothing is queued: a delivery
//! that fails is read anew from the feed when its turn comes again, so that what is late is also what is newest. After a day of
//! failures the hook is given up and waits for an operator; its position stays, and nothing is lost.

mod call;
mod delivery;
mod destination;
mod model;
mod queries;
mod rules;
mod signature;

pub use call::{Calls, call_due};
pub use model::{WebHook, WebHookState};
pub use rules::{Saved, delete, of_consumer, of_consumer_in, replay, reseal, rotate, save};
pub use signature::{HEADER, sign};
