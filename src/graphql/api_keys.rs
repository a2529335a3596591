//! GraphQL types and operations of API keys, for admins.

use std::sync::Arc;

use api_keys::rules;
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use platform::access::Role;
use platform::ids::ApiKeyId;

use crate::graphql::accounts::AcceptedPayload;
use crate::graphql::context::{self, actor, caller, services};
use crate::graphql::enums::ApiKeyScope;
use crate::graphql::error::{ApiError, UserError, into_payload};
use crate::graphql::events::{Event, missing_row};
use crate::graphql::scalars::DateTime;
use crate::graphql::service_types::ServiceType;

/// A key with which a telephone system authenticates.
#[derive(Clone)]
pub struct ApiKey(pub Arc<api_keys::ApiKey>);

impl ApiKey {
    /// Loads the key with this id, for admins.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn load(ctx: &Context<'_>, id: ApiKeyId) -> Result<Option<Self>, ApiError> {
        if !actor(ctx)?.is_at_least(Role::Admin) {
            return Ok(None);
        }
        let row = api_keys::api_key_by_id(&mut *context::read(ctx).await?, id).await?;
        Ok(row.map(|row| Self(Arc::new(row))))
    }
}

#[Object]
impl ApiKey {
    /// The key's id.
    pub async fn id(&self) -> ID {
        ID(self.0.id.global())
    }

    /// A label for admins.
    async fn label(&self) -> &str {
        &self.0.label
    }

    /// The public part of the key, which identifies it.
    async fn prefix(&self) -> &str {
        &self.0.prefix
    }

    /// The scopes of the key.
    async fn scopes(&self) -> Vec<ApiKeyScope> {
        self.0.scopes().into_iter().map(Into::into).collect()
    }

    /// Service types it is limited to; empty: none.
    async fn service_types(&self, ctx: &Context<'_>) -> Result<Vec<ServiceType>, ApiError> {
        let ids = api_keys::service_types_of_api_key(&mut *context::read(ctx).await?, self.0.id).await?;
        let mut types = Vec::with_capacity(ids.len());
        for id in ids {
            types.push(ServiceType::load(ctx, id).await?.ok_or_else(|| missing_row("service type"))?);
        }
        Ok(types)
    }

    /// Events it is limited to; empty with `allEvents` false: none.
    async fn events(&self, ctx: &Context<'_>) -> Result<Vec<Event>, ApiError> {
        let ids = api_keys::events_of_api_key(&mut *context::read(ctx).await?, self.0.id).await?;
        let mut events = Vec::with_capacity(ids.len());
        for id in ids {
            events.push(Event::load(ctx, id).await?.ok_or_else(|| missing_row("event"))?);
        }
        Ok(events)
    }

    /// Whether it is valid for every event.
    async fn all_events(&self) -> bool {
        self.0.all_events
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it expires.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(Into::into)
    }

    /// When it was last used, accurate to five minutes.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.0.last_used_at.map(Into::into)
    }

    /// When it was revoked.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.0.revoked_at.map(Into::into)
    }
}

/// The properties of a new key.
#[derive(InputObject)]
struct CreateApiKeyInput {
    /// 1 to 64 characters.
    label: String,
    /// The scopes of the key.
    scopes: Vec<ApiKeyScope>,
    /// Slugs of the service types it is limited to.
    service_types: Vec<String>,
    /// Slugs of the events it is limited to.
    #[graphql(default)]
    events: Vec<String>,
    /// Whether it is valid for every event.
    #[graphql(default)]
    all_events: bool,
    /// When it expires.
    expires_at: Option<DateTime>,
}

/// The key to revoke.
#[derive(InputObject)]
struct RevokeApiKeyInput {
    /// The key's id.
    id: ID,
}

/// A key, or errors.
#[derive(SimpleObject)]
struct CreateApiKeyPayload {
    /// The key.
    api_key: Option<ApiKey>,
    /// The text of the key, which is returned only once.
    secret: Option<String>,
    /// The errors of the input.
    errors: Vec<UserError>,
}

/// Queries of keys.
#[derive(Default)]
pub struct ApiKeysQuery;

#[Object]
impl ApiKeysQuery {
    /// All keys, newest first. For admins.
    async fn api_keys(&self, ctx: &Context<'_>) -> Result<Vec<ApiKey>, ApiError> {
        actor(ctx)?.demand(Role::Admin)?;
        let rows = api_keys::all_api_keys(&mut *context::read(ctx).await?).await?;
        Ok(rows.into_iter().map(|row| ApiKey(Arc::new(row))).collect())
    }
}

/// Mutations of keys.
#[derive(Default)]
pub struct ApiKeysMutation;

#[Object]
impl ApiKeysMutation {
    /// Creates a key. Its secret is returned only once. Needs a sign-in within 15 minutes.
    async fn create_api_key(
        &self,
        ctx: &Context<'_>,
        input: CreateApiKeyInput,
    ) -> Result<CreateApiKeyPayload, ApiError> {
        let input = rules::CreateApiKey {
            label: input.label,
            scopes: input.scopes.into_iter().map(Into::into).collect(),
            service_types: input.service_types,
            events: input.events,
            all_events: input.all_events,
            expires_at: input.expires_at.map(|at| at.0),
        };
        Ok(match into_payload(rules::create(services(ctx)?, &caller(ctx)?, input).await)? {
            Ok(created) => CreateApiKeyPayload {
                api_key: ApiKey::load(ctx, created.id).await?,
                secret: created.secret.map(|secret| secret.expose().to_owned()),
                errors: Vec::new(),
            },
            Err(errors) => CreateApiKeyPayload { api_key: None, secret: None, errors },
        })
    }

    /// Revokes a key at once. Needs a sign-in within 15 minutes.
    async fn revoke_api_key(&self, ctx: &Context<'_>, input: RevokeApiKeyInput) -> Result<AcceptedPayload, ApiError> {
        AcceptedPayload::of(rules::revoke(services(ctx)?, &caller(ctx)?, &input.id).await)
    }
}
