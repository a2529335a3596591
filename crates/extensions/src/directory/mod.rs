//! The directory: what a phonebook shows, and how it is searched.
//!
//! Listed is what is PUBLIC, MEMBERS or STAFF and may be called, in events that are neither DRAFT nor ARCHIVED. Who sees how
//! much of it: [`Audience`]. What is listed for one reader changes only with a feed of the event, a call permission or the
//! event's phase; [`watch`] leans on that.

pub mod export;
mod listing;
mod model;
pub mod phonebooks;
mod queries;
pub mod watch;

pub use listing::{Key, Listing, TermKind, entries, find_event, total};
pub use model::{Audience, Entry, is_listed};
pub use queries::shows;

#[cfg(test)]
mod tests;
