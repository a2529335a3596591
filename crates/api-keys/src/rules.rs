//! Creation and revocation of API keys, for admins that signed in or re-authenticated recently.

use std::sync::Arc;

use accounts::token::ApiKeyToken;
use platform::access::{ApiKeyScope, Caller, Role};
use platform::clock::Timestamp;
use platform::error::{Error, UserError, UserErrorKind};
use platform::ids::ApiKeyId;
use platform::notifications::Notification;
use platform::secrets::Secret;
use platform::services::Services;
use platform::transact;
use platform::transaction::Mode;

use super::model::ApiKey;
use super::queries;
use crate::actions;

/// Input of [`create`].
pub struct CreateApiKey {
    pub label: String,
    pub scopes: Vec<ApiKeyScope>,
    /// Slugs.
    pub service_types: Vec<String>,
    /// Slugs.
    pub events: Vec<String>,
    pub all_events: bool,
    pub expires_at: Option<Timestamp>,
}

/// Result of [`create`].
#[derive(serde::Serialize, serde::Deserialize)]
pub struct CreatedApiKey {
    pub id: ApiKeyId,
    /// The text of the key, which is returned only once.
    #[serde(skip)]
    pub secret: Option<Secret>,
}

/// Creates a key with the given limits.
///
/// # Errors
/// INVALID, REQUIRED or NOT_FOUND at the field concerned; an [`AuthError`](platform::error::AuthError) if the last
/// sign-in is too long ago.
pub async fn create(services: &Services, caller: &Arc<Caller>, input: CreateApiKey) -> Result<CreatedApiKey, Error> {
    caller.actor.demand(Role::Admin)?;
    caller.actor.demand_recent_sign_in(services.now())?;
    transact!(services, caller, actions::CREATE_API_KEY, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let label = platform::text::name(&input.label).map_err(|error| error.for_field("label"))?;
        if input.scopes.is_empty() {
            return Err(UserError::new(UserErrorKind::Required, "scopes", "Say what the key may do.").into());
        }
        if input.expires_at.is_some_and(|at| at <= tx.now) {
            return Err(UserError::invalid("expiresAt", "This instant has passed.").into());
        }
        let mut types = Vec::new();
        for (index, slug) in input.service_types.iter().enumerate() {
            let found = service_types::service_type_by_slug(tx.conn, slug).await?;
            let missing = || {
                UserError::not_found("", format!("There is no service type {slug:?}."))
                    .at(["serviceTypes".to_owned(), index.to_string()])
            };
            types.push(found.ok_or_else(missing)?.id);
        }
        let mut events = Vec::new();
        for (index, slug) in input.events.iter().enumerate() {
            let found = events::event_by_slug(tx.conn, slug).await?;
            let missing = || {
                UserError::not_found("", format!("There is no event {slug:?}."))
                    .at(["events".to_owned(), index.to_string()])
            };
            events.push(found.ok_or_else(missing)?.id);
        }
        types.sort_unstable();
        types.dedup();
        events.sort_unstable();
        events.dedup();
        let secret = ApiKeyToken::generate(tx.rng());
        let mut scopes: Vec<_> = input.scopes.iter().map(|scope| scope.as_str()).collect();
        scopes.sort_unstable();
        scopes.dedup();
        let row = ApiKey {
            id: ApiKeyId::new(tx.rng(), tx.now),
            prefix: secret.prefix().as_str().to_owned(),
            secret_hash: secret.hash().as_bytes().to_vec(),
            label,
            scopes: scopes.join(" "),
            all_events: input.all_events,
            created_by: permit.actor().account(),
            created_at: tx.now,
            expires_at: input.expires_at,
            last_used_at: None,
            revoked_at: None,
        };
        queries::insert(tx.conn, &permit, &row, &types, &events).await?;
        tx.audit(&permit, Some(row.id.global()), format!("key {} was made for {}", row.prefix, row.label)).await?;
        Ok(CreatedApiKey { id: row.id, secret: Some(secret.reveal()) })
    })
    .await
}

/// Revokes a key. Its open subscriptions end at once.
///
/// # Errors
/// NOT_FOUND at `id`; an [`AuthError`](platform::error::AuthError) if the last sign-in is too long ago.
pub async fn revoke(services: &Services, caller: &Arc<Caller>, id: &str) -> Result<ApiKeyId, Error> {
    caller.actor.demand(Role::Admin)?;
    caller.actor.demand_recent_sign_in(services.now())?;
    let id = ApiKeyId::from_global(id).ok_or_else(|| UserError::invalid("id", "This is not the id of a key."))?;
    transact!(services, caller, actions::REVOKE_API_KEY, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let key = queries::api_key_by_id(tx.conn, id)
            .await?
            .ok_or_else(|| UserError::not_found("id", "There is no such key."))?;
        queries::revoke(tx.conn, &permit, id, tx.now).await?;
        tx.notify(Notification::KeyRevoked(id));
        tx.audit(&permit, Some(id.global()), format!("key {} was revoked", key.prefix)).await?;
        Ok(id)
    })
    .await
}
