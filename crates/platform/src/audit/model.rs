//! The rows of the audit.

use diesel::prelude::{Insertable, Queryable, Selectable};

use crate::clock::Timestamp;
use crate::store::schema::audit_events;

/// One thing that somebody did.
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
    /// The global id of what was acted on.
    pub entity: Option<String>,
    /// One sentence without secrets.
    pub summary: String,
    pub request_id: Option<String>,
}

/// A row to be appended.
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
}

/// One link of the chain.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = crate::store::schema::audit_seals)]
pub struct Seal {
    /// Its place in the chain, from 1.
    pub position: i64,
    /// The row that it seals.
    pub seq: i64,
    /// SHA-256 over the link before and the row.
    pub hash: Vec<u8>,
}
