//! Feeds, their revisions and their entries.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::prelude::{Insertable, Queryable, Selectable};

use crate::clock::Timestamp;
use crate::ids::{EventId, ExtensionId, FeedId, ServiceTypeId};
use crate::store::schema::{feed_entries, feed_keys, feed_revisions, feeds};
use crate::store::types::{Id, JsonValue};

/// A position in a feed: rises by one with every transaction that changes it.
pub type Revision = i64;

/// The random bytes that prove to have seen a revision: a restored database issues the revision again, not the tag.
pub type Tag = Vec<u8>;

/// How many random bytes a tag has.
pub const TAG_BYTES: usize = 8;

/// Which feed: those of one event and one service type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FeedRef {
    pub event: EventId,
    pub service_type: ServiceTypeId,
}

/// The keys by which a telephone system finds what to change or delete.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keys {
    /// The number.
    pub number: String,
    /// The parameters that the schema marks `x-unique`, secrets apart: a JSON object.
    pub parameters: serde_json::Value,
}

/// What a feed must tell again of one extension.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EntryChange {
    /// It is there, under these keys.
    Upsert(Keys),
    /// It is there as before, and something that it shows has changed.
    Touch,
    /// It is gone.
    Delete,
}

/// The marks of one transaction, by feed.
#[derive(Clone, Default, Debug)]
pub struct ChangeSet {
    pub(super) feeds: BTreeMap<FeedRef, BTreeMap<ExtensionId, (i32, EntryChange)>>,
}

impl ChangeSet {
    /// Marks an extension. What is marked twice is told once: gone wins, and keys win over a touch.
    pub fn mark(&mut self, feed: FeedRef, extension: ExtensionId, slot: i32, mark: EntryChange) {
        let entries = self.feeds.entry(feed).or_default();
        match (entries.get(&extension), &mark) {
            (Some((_, EntryChange::Delete)), _) | (Some((_, EntryChange::Upsert(_))), EntryChange::Touch) => {}
            _ => {
                entries.insert(extension, (slot, mark));
            }
        }
    }

    /// Gives the feed a revision even if no extension is marked: its own settings changed.
    pub fn mark_feed(&mut self, feed: FeedRef) {
        self.feeds.entry(feed).or_default();
    }

    /// Takes over the marks of a part of the transaction that succeeded.
    pub fn absorb(&mut self, other: Self) {
        for (feed, entries) in other.feeds {
            self.mark_feed(feed);
            for (extension, (slot, mark)) in entries {
                self.mark(feed, extension, slot, mark);
            }
        }
    }

    /// Whether nothing is marked.
    pub fn is_empty(&self) -> bool {
        self.feeds.is_empty()
    }
}

/// A feed's row.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = feeds)]
pub struct Feed {
    pub id: FeedId,
    pub event_id: EventId,
    pub service_type_id: ServiceTypeId,
    /// Made with the feed; another database's feed has another.
    pub epoch: Id,
    /// The newest revision.
    pub head: Revision,
    /// The highest revision that was pruned; -1 before the first pruning.
    pub horizon: Revision,
    /// The running sum, 32 bytes.
    pub digest: Vec<u8>,
    /// How many entries are present.
    pub entry_count: i64,
}

/// One revision of a feed.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = feed_revisions)]
pub struct RevisionRow {
    pub feed_id: FeedId,
    pub revision: Revision,
    pub tag: Tag,
    pub at: Timestamp,
    pub entries: i32,
}

/// The latest state of one extension in its feed.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = feed_entries)]
pub struct Entry {
    pub extension_id: ExtensionId,
    pub feed_id: FeedId,
    pub revision: Revision,
    pub tag: Tag,
    pub slot: i32,
    pub present: bool,
}

impl Entry {
    /// The opaque version that a consumer sees.
    pub fn version(&self) -> String {
        entry_version(self.revision, &self.tag)
    }
}

/// One set of keys that an extension has borne, from a revision to another.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = feed_keys)]
pub struct BorneKeys {
    pub id: Id,
    pub extension_id: ExtensionId,
    pub feed_id: FeedId,
    pub number: String,
    pub parameters: JsonValue,
    pub from_revision: Revision,
    pub to_revision: Option<Revision>,
}

/// The version of an entry: made of revision *and* tag, so that a restored database does not lie in digests.
pub fn entry_version(revision: Revision, tag: &[u8]) -> String {
    format!("{revision}-{}", URL_SAFE_NO_PAD.encode(tag))
}
