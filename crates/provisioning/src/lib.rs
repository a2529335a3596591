//! Provisioning: the feeds that telephone systems read, and the position each of them has acknowledged.
//!
//! A page of a snapshot or of changes is read in one transaction, so the feed's head, the entries and their content
//! belong to one instant. The descriptions of the GraphQL API say what a consumer does with a page; `tests.rs` checks
//! the guarantees.
//!
//! The content of an entry comes from the [`source::FeedSource`] of its entity's kind. The source of extensions reads the
//! tables of other domains with narrow bulk queries (`extension_source/queries.rs`): a page loads a thousand extensions
//! with everything they show in a constant number of statements. It writes consumers, errors, web
//! hooks and device links. Parameters that a telephone system writes back into an extension go through a rule of
//! `extensions`.

mod account_hooks;
pub mod acknowledge;
pub mod actions;
pub mod consumer_changes;
mod consumer_queries;
pub mod consumers;
mod context_queries;
pub mod cursor;
pub mod devices;
mod extension_source;
pub mod feed;
mod feed_events;
pub mod json;
pub mod long_poll;
pub mod metrics;
pub mod model;
pub mod previous_keys;
mod prune;
mod queries;
pub mod render;
pub mod snapshot_export;
pub mod source;
pub mod subscribers;
pub mod subscription;
pub mod web_hooks;

pub use account_hooks::ProvisioningHooks;
pub use consumers::statuses_of;
pub use extension_source::ExtensionSource;
pub use prune::prune;
