//! What a feed tells, and the systems that read it.

use std::collections::BTreeMap;
use std::sync::Arc;

use diesel::prelude::{Insertable, Queryable, Selectable};
use serde_json::Value;

use super::cursor::Cursor;
use platform::clock::Timestamp;
use extensions::visibility::Visibility;
use platform::feed_log::{Keys, Revision};
use platform::ids::{ApiKeyId, ConsumerId, EventId, ExtensionId, FeedId, ServiceTypeId};
use restrictions::{RestrictionEffect, RestrictionSource};
use service_types::schema::{DigestSet, ParameterSchema, Parameters};
use platform::store::schema::{feed_consumers, feed_errors};
use platform::store::types::Id;
use platform::text_enum;

text_enum! {
    /// What a telephone system has made of an extension.
    pub enum ProvisioningState { Pending = "PENDING", Applied = "APPLIED", Failed = "FAILED" }
}

text_enum! {
    /// Why changes cannot be told from a cursor.
    pub enum ResetReason {
        /// The cursor is older than the retention.
        Expired = "EXPIRED",
        /// The database was restored, or the cursor is another feed's.
        Epoch = "EPOCH",
        /// One transaction changed more than a page holds.
        Bulk = "BULK",
        /// The event is archived.
        Closed = "CLOSED",
    }
}

/// The event and the service type of a feed, as far as reading needs them.
#[derive(Clone, Debug)]
pub struct Place {
    pub event: EventId,
    pub event_slug: String,
    pub archived: bool,
    pub service_type: ServiceTypeId,
    pub service_type_slug: String,
    pub service_type_name: String,
    /// Whether its extensions ring members.
    pub is_group: bool,
    pub schema: Arc<ParameterSchema>,
    pub schema_version: i32,
    pub settings: Value,
}

/// One extension as its feed shows it.
#[derive(Clone, Debug)]
pub struct Content {
    pub id: ExtensionId,
    pub slot: i32,
    pub number: String,
    pub label: String,
    pub ascii_label: String,
    /// JSON text of an object.
    pub parameters: String,
    /// Empty out of scope.
    pub secrets: Parameters,
    /// Empty out of scope.
    pub digests: BTreeMap<String, DigestSet>,
    pub permissions: Vec<String>,
    pub fallback_number: Option<String>,
    pub restrictions: Vec<RestrictionSource>,
    pub effects: Vec<RestrictionEffect>,
    /// `None` unless it is a call group.
    pub members: Option<Vec<Member>>,
    pub owner_username: String,
    pub visibility: Visibility,
    pub version: String,
    pub updated_at: Timestamp,
}

impl Content {
    /// Whether calls are let through.
    pub fn active(&self) -> bool {
        !self.effects.contains(&RestrictionEffect::NoCalls)
    }
}

/// Whom a call group rings.
#[derive(Clone, Debug)]
pub struct Member {
    pub number: String,
    pub delay_seconds: i32,
    pub paused: bool,
    pub active: bool,
}

/// One page of a snapshot.
#[derive(Clone, Debug)]
pub struct SnapshotPage {
    pub entries: Vec<Content>,
    /// The head of the first page.
    pub head: Cursor,
    pub has_next: bool,
    /// How many entries the feed has.
    pub total: i64,
}

/// What has happened to one extension.
#[derive(Clone, Debug)]
pub enum Change {
    /// It is there, in this state.
    Upsert { content: Box<Content>, previous: Vec<Keys> },
    /// It is gone.
    Removal { id: ExtensionId, slot: i32, keys: Vec<Keys> },
}

/// One page of changes.
#[derive(Clone, Debug)]
pub struct ChangesPage {
    pub changes: Vec<Change>,
    pub cursor: Cursor,
    pub has_more: bool,
}

/// The answer to "what has changed since".
#[derive(Clone, Debug)]
pub enum FeedAnswer {
    /// These changes: those who follow in step share them.
    Page(Arc<ChangesPage>),
    /// It cannot be told from there.
    Reset(ResetReason),
}

/// A telephone system that an admin has named.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = feed_consumers)]
pub struct Consumer {
    pub id: ConsumerId,
    pub name: String,
    pub feed_id: FeedId,
    pub api_key_id: ApiKeyId,
    /// The feed's head when it was named.
    pub created_revision: Revision,
    /// The text of the acknowledged cursor.
    pub acknowledged: Option<String>,
    pub acknowledged_base: Option<Revision>,
    pub acknowledged_position: Option<Revision>,
    pub acknowledged_at: Option<Timestamp>,
    pub last_seen_at: Option<Timestamp>,
    pub paused: bool,
    pub created_at: Timestamp,
    /// Where its digest was compared with the feed's last.
    pub verified_position: Option<Revision>,
    pub verified_at: Option<Timestamp>,
    /// Whether the two agreed.
    pub verified: Option<bool>,
}

/// What a consumer could not apply.
///
/// A copy whose digest differs is an error of the consumer itself: the id is then the consumer's own.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = feed_errors)]
pub struct FeedError {
    pub consumer_id: ConsumerId,
    pub extension_id: Id,
    pub code: String,
    pub message: String,
    pub revision: Revision,
    pub at: Timestamp,
}

/// How an event's consumers stand: a difference means that something may be told about them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Standing {
    /// By id: the name, whether it is paused, the text of the acknowledged cursor, its feed's head.
    pub consumers: Vec<(ConsumerId, String, bool, Option<String>, Revision)>,
    /// What each could not apply, and since when.
    pub errors: Vec<(ConsumerId, Id, Timestamp)>,
}

/// How far a consumer is behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Lag {
    /// Entries that it has not acknowledged.
    pub records: i64,
    /// Age of the oldest change that it has not acknowledged.
    pub seconds: i64,
}

/// What one telephone system has made of an extension.
#[derive(Clone, Debug)]
pub struct Status {
    pub consumer: String,
    pub state: ProvisioningState,
    pub at: Option<Timestamp>,
    pub message: Option<String>,
}
