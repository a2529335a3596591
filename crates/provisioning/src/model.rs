//! Types of a feed: its content, its pages, its consumers and their errors.

use std::collections::BTreeMap;
use std::sync::Arc;

use diesel::prelude::{Insertable, Queryable, Selectable};
use serde_json::Value;

use super::cursor::Cursor;
use extensions::visibility::Visibility;
use platform::clock::Timestamp;
use platform::feed_log::{Entity, EntityKind, EntryKeys, Revision};
use platform::ids::{ApiKeyId, ConsumerId, EntityId, EventId, FeedId, ServiceTypeId};
use platform::store::schema::{feed_consumers, feed_errors};
use platform::text_enum;
use restrictions::{RestrictionEffect, RestrictionSource};
use service_types::schema::{DigestSet, ParameterSchema, Parameters};

text_enum! {
    /// The state of an extension in one telephone system.
    pub enum ProvisioningState { Pending = "PENDING", Applied = "APPLIED", Failed = "FAILED" }
}

text_enum! {
    /// The reason why a feed cannot give changes from a cursor.
    pub enum ResetReason {
        /// The cursor is older than the retention.
        Expired = "EXPIRED",
        /// The database was restored, or the cursor belongs to another feed.
        Epoch = "EPOCH",
        /// One transaction changed more entries than a page can hold.
        Bulk = "BULK",
        /// The event is archived.
        Closed = "CLOSED",
    }
}

/// The event and the service type of a feed, reduced to what reading needs.
#[derive(Clone, Debug)]
pub struct FeedContext {
    pub event: EventId,
    pub event_slug: String,
    pub archived: bool,
    pub service_type: ServiceTypeId,
    pub service_type_slug: String,
    pub service_type_name: String,
    /// Whether the extensions are call groups with members.
    pub is_group: bool,
    pub schema: Arc<ParameterSchema>,
    pub schema_version: i32,
    pub settings: Value,
}

/// The content of one present entry: an entity as its feed shows it.
#[derive(Clone, Debug)]
pub struct EntryContent {
    pub entity: Entity,
    pub slot: i32,
    pub number: String,
    pub label: String,
    pub ascii_label: String,
    /// The JSON text of an object.
    pub parameters: String,
    /// Empty when the reader's scope has no secrets.
    pub secrets: Parameters,
    /// Empty when the reader's scope has no digests.
    pub digests: BTreeMap<String, DigestSet>,
    /// Slugs of call permissions, sorted.
    pub permissions: Vec<String>,
    pub fallback_number: Option<String>,
    pub restrictions: Vec<RestrictionSource>,
    pub effects: Vec<RestrictionEffect>,
    /// `None` unless the extension is a call group.
    pub members: Option<Vec<MemberContent>>,
    pub owner_username: String,
    pub visibility: Visibility,
    pub version: String,
    pub updated_at: Timestamp,
}

impl EntryContent {
    /// Whether no restriction blocks its calls.
    pub fn active(&self) -> bool {
        !self.effects.contains(&RestrictionEffect::NoCalls)
    }
}

/// A member of a call group.
#[derive(Clone, Debug)]
pub struct MemberContent {
    pub number: String,
    pub delay_seconds: i32,
    pub paused: bool,
    /// Whether no restriction blocks its calls.
    pub active: bool,
}

/// One page of a snapshot.
#[derive(Clone, Debug)]
pub struct SnapshotPage {
    pub entries: Vec<EntryContent>,
    /// The head at the time of the first page.
    pub head: Cursor,
    pub has_next: bool,
    /// The number of present entries of the whole feed.
    pub total: i64,
}

/// The net change of one entity.
#[derive(Clone, Debug)]
pub enum Change {
    /// The entity is present with this content.
    Upsert { content: Box<EntryContent>, previous: Vec<EntryKeys> },
    /// The entity is deleted.
    Removal { entity: Entity, slot: i32, keys: Vec<EntryKeys> },
}

/// One page of changes.
#[derive(Clone, Debug)]
pub struct ChangesPage {
    pub changes: Vec<Change>,
    pub cursor: Cursor,
    pub has_more: bool,
}

/// The outcome of reading changes from a cursor.
#[derive(Clone, Debug)]
pub enum ChangesResponse {
    /// A page of changes, shared by all readers at the same position.
    Page(Arc<ChangesPage>),
    /// The feed cannot give changes from this cursor.
    Reset(ResetReason),
}

/// A telephone system that reads a feed, as created by an admin.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = feed_consumers)]
pub struct Consumer {
    pub id: ConsumerId,
    pub name: String,
    pub feed_id: FeedId,
    pub api_key_id: ApiKeyId,
    /// The feed's head when the consumer was created.
    pub created_revision: Revision,
    /// The text of the acknowledged cursor.
    pub acknowledged: Option<String>,
    pub acknowledged_base: Option<Revision>,
    pub acknowledged_position: Option<Revision>,
    pub acknowledged_at: Option<Timestamp>,
    pub last_seen_at: Option<Timestamp>,
    pub paused: bool,
    pub created_at: Timestamp,
    /// The position at which its digest was last compared with the feed's.
    pub verified_position: Option<Revision>,
    pub verified_at: Option<Timestamp>,
    /// Whether the two digests were equal.
    pub verified: Option<bool>,
}

/// An entity that a consumer could not apply.
///
/// A digest mismatch concerns the whole copy: the entity is then the consumer itself.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = feed_errors)]
pub struct FeedError {
    pub consumer_id: ConsumerId,
    pub entity_id: EntityId,
    pub entity_kind: EntityKind,
    pub code: String,
    pub message: String,
    pub revision: Revision,
    pub at: Timestamp,
}

impl FeedError {
    /// The entity that the error is about.
    pub fn entity(&self) -> Entity {
        Entity { kind: self.entity_kind.clone(), id: self.entity_id }
    }
}

/// The progress of all consumers of an event. Two values differ when a subscriber must be notified.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ConsumerStatuses {
    pub consumers: Vec<ConsumerProgress>,
    pub errors: Vec<ErrorOccurrence>,
}

/// The progress of one consumer.
#[derive(Clone, PartialEq, Eq, Debug, Queryable)]
pub struct ConsumerProgress {
    pub id: ConsumerId,
    pub name: String,
    pub paused: bool,
    /// The text of the acknowledged cursor.
    pub acknowledged: Option<String>,
    /// The head of its feed.
    pub head: Revision,
}

/// An error of one consumer, without its text.
#[derive(Clone, PartialEq, Eq, Debug, Queryable)]
pub struct ErrorOccurrence {
    pub consumer: ConsumerId,
    pub entity: EntityId,
    pub at: Timestamp,
}

/// The distance of a consumer from the head of its feed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Lag {
    /// The number of entries that it has not acknowledged.
    pub records: i64,
    /// The age of the oldest change that it has not acknowledged, in seconds.
    pub seconds: i64,
}

/// The state of an extension in one telephone system.
#[derive(Clone, Debug)]
pub struct ConsumerStatus {
    /// The name of the consumer.
    pub consumer: String,
    pub state: ProvisioningState,
    /// When the state was acknowledged or reported; `None` while pending.
    pub at: Option<Timestamp>,
    /// The consumer's error message.
    pub message: Option<String>,
}
