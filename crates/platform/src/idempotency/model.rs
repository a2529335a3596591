//! Rows of idempotency records.

use diesel::prelude::{Insertable, Queryable, Selectable};

use crate::clock::Timestamp;
use crate::store::schema::idempotency_records;
use crate::store::types::JsonValue;

/// The outcome of a request under the client's key.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = idempotency_records)]
pub struct Record {
    /// The namespace of the key.
    pub actor: String,
    pub key: String,
    /// SHA-256 of operation, name and variables.
    pub request_hash: Vec<u8>,
    /// The name of the action, and the ids of created and changed objects.
    pub outcome: JsonValue,
    pub created_at: Timestamp,
}
