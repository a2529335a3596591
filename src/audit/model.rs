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
