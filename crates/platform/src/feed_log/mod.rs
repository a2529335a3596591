//! The feed log: the ordered revisions of each feed, appended in the transaction that changes its entries.
//!
//! A rule collects [`EntryChange`]s in its transaction's [`ChangeSet`]. Before the commit [`append`] turns them into
//! one new revision of each affected feed: the changed entries move to that revision, their former keys are kept in the
//! key history, and the running digest is updated. So a change is in a feed if and only if its transaction committed.
//! This module knows no domain: an entry names an [`Entity`] by kind and id, with its slot and the keys by which a
//! telephone system finds its record. The domain of the entity supplies the content when an entry is read.

mod append;
pub mod digest;
mod entity;
mod model;
mod queries;

pub use append::{AppendedRevision, append, ensure_feed};
pub use entity::{Entity, EntityKind};
pub use model::{ChangeSet, Entry, EntryChange, EntryKeys, Feed, FeedRef, KeyHistoryRow, Revision, Tag, entry_version};
pub use queries::{feed_by_id, feed_of, feeds_of_event, feeds_of_service_type};
