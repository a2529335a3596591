//! Feeds, their revisions and their entries.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::prelude::{Insertable, Queryable, Selectable};

use super::entity::{Entity, EntityKind};
use crate::clock::Timestamp;
use crate::ids::{EntityId, EventId, FeedId, ServiceTypeId};
use crate::store::schema::{feed_entries, feed_keys, feed_revisions, feeds};
use crate::store::types::{Id, JsonValue};

/// A position in a feed. Each transaction that changes the feed increments it by one.
pub type Revision = i64;

/// The random bytes that identify a revision. A database that was restored from a backup issues the same revision
/// number again, but with another tag.
pub type Tag = Vec<u8>;

/// The length of a tag, in bytes.
pub const TAG_BYTES: usize = 8;

/// The identity of a feed: its event and its service type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FeedRef {
    pub event: EventId,
    pub service_type: ServiceTypeId,
}

/// The keys by which a telephone system finds the record to change or delete.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntryKeys {
    pub number: String,
    /// The parameters that the schema annotates with `x-unique`, without secrets: a JSON object.
    pub parameters: serde_json::Value,
}

/// The change of one entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EntryChange {
    /// The entity is present under these keys.
    Upsert(EntryKeys),
    /// The content of a present entity has changed, its keys have not.
    Touch,
    /// The entity is deleted.
    Delete,
}

/// A change with the slot of its entity.
#[derive(Clone, Debug)]
pub(super) struct PendingChange {
    pub slot: i32,
    pub change: EntryChange,
}

/// The changes of one feed, by entity.
pub(super) type FeedChanges = BTreeMap<Entity, PendingChange>;

/// The entry changes of one transaction, by feed.
#[derive(Clone, Default, Debug)]
pub struct ChangeSet {
    pub(super) feeds: BTreeMap<FeedRef, FeedChanges>,
}

impl ChangeSet {
    /// Adds the change of an entity. Of several changes of one entity only one is kept: a deletion takes precedence,
    /// then an upsert, and a later upsert replaces an earlier one.
    pub fn record(&mut self, feed: FeedRef, entity: impl Into<Entity>, slot: i32, change: EntryChange) {
        let entity = entity.into();
        let entries = self.feeds.entry(feed).or_default();
        match (entries.get(&entity).map(|pending| &pending.change), &change) {
            (Some(EntryChange::Delete), _) | (Some(EntryChange::Upsert(_)), EntryChange::Touch) => {}
            _ => {
                entries.insert(entity, PendingChange { slot, change });
            }
        }
    }

    /// Gives the feed a new revision even without a changed entry, for a change of its settings.
    pub fn record_feed(&mut self, feed: FeedRef) {
        self.feeds.entry(feed).or_default();
    }

    /// Whether no feed gets a new revision.
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
    /// A random id made with the feed. The feed of another database has another epoch.
    pub epoch: Id,
    /// The newest revision.
    pub head: Revision,
    /// The highest pruned revision; -1 before the first pruning.
    pub horizon: Revision,
    /// The running digest, 32 bytes.
    pub digest: Vec<u8>,
    /// The number of present entries.
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

/// The latest entry of one entity in its feed; a tombstone when `present` is false.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = feed_entries)]
pub struct Entry {
    pub entity_id: EntityId,
    pub entity_kind: EntityKind,
    pub feed_id: FeedId,
    pub revision: Revision,
    pub tag: Tag,
    pub slot: i32,
    pub present: bool,
}

impl Entry {
    /// The entity that the entry is about.
    pub fn entity(&self) -> Entity {
        Entity { kind: self.entity_kind.clone(), id: self.entity_id }
    }

    /// The opaque version that a consumer sees.
    pub fn version(&self) -> String {
        entry_version(self.revision, &self.tag)
    }
}

/// The keys of an entity from one revision to another.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = feed_keys)]
pub struct KeyHistoryRow {
    pub id: Id,
    pub entity_id: EntityId,
    pub feed_id: FeedId,
    pub number: String,
    pub parameters: JsonValue,
    pub from_revision: Revision,
    /// The revision at which the keys were given up; `None` for the current keys.
    pub to_revision: Option<Revision>,
}

/// The version of an entry. It includes the tag, so that after a restore equal revision numbers give different digests.
pub fn entry_version(revision: Revision, tag: &[u8]) -> String {
    format!("{revision}-{}", URL_SAFE_NO_PAD.encode(tag))
}
