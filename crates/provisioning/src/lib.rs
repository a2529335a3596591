//! Provisioning: what telephone systems read, and how far they have read it.
//!
//! A page of a snapshot or of changes is one read transaction: the feed's head, the entries and their content belong to one
//! instant. What a consumer must do with it is in the descriptions of the API; what is promised is tested in `tests.rs`.
//!
//! This module reads the tables of the other domains with narrow queries of its own (`content_queries.rs`): a page loads a
//! thousand extensions with all that they show in a constant number of statements. It writes feeds' consumers and errors; what a
//! telephone system writes back into an extension is a rule of extensions.

pub mod acknowledge;
mod account_hooks;
pub mod actions;
mod consumer_queries;
pub mod consumers;
mod content;
mod content_queries;
pub mod cursor;
pub mod devices;
pub mod feed;
pub mod follow;
pub mod followers;
pub mod gauges;
pub mod json;
mod keys;
pub mod model;
mod prune;
mod queries;
pub mod render;
pub mod watch;
pub mod web_hooks;
pub mod whole;

#[cfg(test)]
mod tests;

pub use account_hooks::ProvisioningHooks;
pub use consumers::statuses_of;
pub use prune::prune;
