//! What a feed must tell again, marked in the transaction that changes it.
//!
//! A rule gathers [`EntryChange`]s in its transaction's [`ChangeSet`]. Before the commit they become one new revision of each feed
//! concerned: the entry of every marked extension moves to it, the keys it bore are kept in the key history, and the feed's
//! running digest follows. So a change is in a feed if and only if its transaction committed. This module knows no domain:
//! an extension is an id, a slot and the keys by which a telephone system knows it.

pub mod digest;
mod model;
mod queries;
mod record;

pub use model::{BorneKeys, ChangeSet, Entry, EntryChange, Feed, FeedRef, Keys, Revision, Tag, entry_version};
pub use queries::{feed_by_id, feed_of, feeds_of_event, feeds_of_service_type};
pub use record::{Recorded, ensure_feed, record};
