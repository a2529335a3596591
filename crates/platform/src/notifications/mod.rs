//! Notifications after a commit, and the helpers that wait for them.
//!
//! A notification says that something may have changed. The change itself is always read from the database, so a lost
//! notification costs time, never data.

mod notifier;
mod queries;
pub mod single_flight;
pub mod watch;

pub use notifier::{CHANNEL, Notification, Notifier};
pub use queries::{catalogue_generation, increment_catalogue_generation};
