//! The rows of API keys.

use diesel::prelude::{Insertable, Queryable, Selectable};

use platform::access::ApiKeyScope;
use platform::clock::Timestamp;
use platform::ids::{AccountId, ApiKeyId};
use platform::store::schema::api_keys;

/// A key; its secret is stored as a hash.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = api_keys)]
pub struct ApiKey {
    pub id: ApiKeyId,
    /// The public start of the key.
    pub prefix: String,
    pub secret_hash: Vec<u8>,
    pub label: String,
    pub(super) scopes: String,
    pub all_events: bool,
    pub created_by: Option<AccountId>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    /// What the key may do.
    pub fn scopes(&self) -> Vec<ApiKeyScope> {
        self.scopes.split(' ').filter_map(|name| name.parse().ok()).collect()
    }

    /// Whether it has been neither revoked nor outlived.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| at > now)
    }
}
