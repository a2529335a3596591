//! Rows of the audit log.

use diesel::prelude::{Insertable, Queryable, Selectable};

use crate::clock::Timestamp;
use crate::store::schema::audit_events;

/// A recorded action.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = audit_events)]
pub struct AuditEvent {
    pub seq: i64,
    pub at: Timestamp,
    /// A username, `key:<prefix>`, `guest` or `system`.
    pub actor: String,
    /// The interface: `graphql`, `command` or `job`.
    pub via: String,
    /// The mutation's name, or `system.…`.
    pub action: String,
    /// Global id of the entity.
    pub entity: Option<String>,
    /// One sentence without secrets.
    pub summary: String,
    pub request_id: Option<String>,
    /// A random value and the row's MAC; `None` for rows of versions without an audit key.
    pub mac: Option<Vec<u8>>,
}

/// A row to append.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = audit_events)]
pub struct NewAuditEvent {
    pub at: Timestamp,
    pub actor: String,
    pub via: &'static str,
    pub action: &'static str,
    pub entity: Option<String>,
    pub summary: String,
    pub request_id: Option<String>,
    /// Set by [`AuditLog::sign`](super::AuditLog::sign).
    pub mac: Option<Vec<u8>>,
}

/// One link of the chain.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = crate::store::schema::audit_seals)]
pub struct Seal {
    /// Position in the chain, from 1.
    pub position: i64,
    /// Sequence number of the sealed row.
    pub seq: i64,
    /// The hash over the previous link and the row.
    pub hash: Vec<u8>,
}
