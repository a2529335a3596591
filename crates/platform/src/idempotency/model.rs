//! The rows of requests that may be repeated.

use diesel::prelude::{Insertable, Queryable, Selectable};

use crate::clock::Timestamp;
use crate::store::schema::idempotency_records;
use crate::store::types::JsonValue;

/// What a request did, under the key that its client gave it.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = idempotency_records)]
pub struct Record {
    /// Whose key it is.
    pub actor: String,
    pub key: String,
    /// SHA-256 of operation, name and variables.
    pub request_hash: Vec<u8>,
    /// The action, and the ids of what it made or changed.
    pub outcome: JsonValue,
    pub created_at: Timestamp,
}
