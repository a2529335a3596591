//! The directory: the entries of a phonebook, and the search for them.
//!
//! The directory contains the extensions that are PUBLIC, MEMBERS or STAFF and that can be called, of events that are neither
//! DRAFT nor ARCHIVED. [`Audience`] defines which of them a caller can see. The entries for one audience change only with a
//! feed of the event, a call permission or the phase of the event; [`watch`] relies on this.

pub mod export;
mod listing;
mod model;
pub mod phonebooks;
mod queries;
pub mod watch;

pub use listing::{DirectoryFilter, EntryCursor, TermKind, entries, find_event, total};
pub use model::{Audience, Entry, is_listed};
pub use queries::is_visible;

#[cfg(test)]
mod tests;
