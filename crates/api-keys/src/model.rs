//! Rows of API keys.

use diesel::prelude::{Insertable, Queryable, Selectable};
use platform::access::ApiKeyScope;
use platform::clock::Timestamp;
use platform::ids::{AccountId, ApiKeyId};
use platform::store::schema::api_keys;

/// An API key, with the hash of its secret.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = api_keys)]
pub struct ApiKey {
    pub id: ApiKeyId,
    /// The public part of the key.
    pub prefix: String,
    pub secret_hash: Vec<u8>,
    pub label: String,
    pub(crate) scopes: String,
    pub all_events: bool,
    pub created_by: Option<AccountId>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    /// The scopes of the key.
    pub fn scopes(&self) -> Vec<ApiKeyScope> {
        self.scopes.split(' ').filter_map(|name| name.parse().ok()).collect()
    }

    /// Whether the key is neither revoked nor expired.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| at > now)
    }
}
