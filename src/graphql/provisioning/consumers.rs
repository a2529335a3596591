//! Feed consumers in GraphQL.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use tokio::sync::OnceCell;

use super::queries::{event, service_type};
use super::web_hooks::WebHook;
use crate::graphql::api_keys::ApiKey;
use crate::graphql::context::{actor, services};
use crate::graphql::enums::ProvisioningState;
use crate::graphql::error::ApiError;
use crate::graphql::events::Event;
use crate::graphql::scalars::{DateTime, FeedCursor, PhoneNumber};
use crate::graphql::service_types::ServiceType;
use platform::access::Role;
use platform::ids::ConsumerId;
use provisioning::consumers::{self, NumberedError};
use provisioning::model::{Consumer, ConsumerStatus, Lag};
use provisioning::web_hooks;

/// A telephone system as a consumer of a feed: bound to one key and one feed.
#[derive(Clone)]
pub struct FeedConsumer {
    pub(super) row: Arc<Consumer>,
    lag: Arc<OnceCell<Lag>>,
}

impl From<Consumer> for FeedConsumer {
    fn from(row: Consumer) -> Self {
        Self { row: Arc::new(row), lag: Arc::default() }
    }
}

/// An extension that a telephone system could not apply.
#[derive(SimpleObject, Clone, Debug)]
pub struct FeedError {
    /// `Extension.id`; with the code DIGEST_MISMATCH, which concerns the whole copy, the consumer's own id.
    pub extension_id: ID,
    /// The extension's newest number; `0` when it has none.
    pub number: PhoneNumber,
    /// The system's own code, or DIGEST_MISMATCH: its copy differs from the feed although it has read everything.
    pub code: String,
    /// The system's own message.
    pub message: String,
    /// When it was reported.
    pub at: DateTime,
}

/// A comparison of the digests of a telephone system's copy and its feed.
#[derive(SimpleObject, Clone, Debug)]
pub struct FeedVerification {
    /// Whether the digests were equal.
    pub agrees: bool,
    /// When they were compared.
    pub at: DateTime,
    /// Whether the feed's head is still the one that was compared.
    pub is_current: bool,
}

/// The state of an extension in one telephone system.
#[derive(SimpleObject, Clone, Debug)]
pub struct ProvisioningStatus {
    /// The telephone system's name.
    pub consumer: String,
    /// PENDING until it has acknowledged the extension's latest state.
    pub state: ProvisioningState,
    /// When the state was acknowledged or reported. Null while PENDING.
    pub at: Option<DateTime>,
    /// The telephone system's message for FAILED.
    pub message: Option<String>,
}

impl From<ConsumerStatus> for ProvisioningStatus {
    fn from(status: ConsumerStatus) -> Self {
        Self {
            consumer: status.consumer,
            state: status.state.into(),
            at: status.at.map(DateTime),
            message: status.message,
        }
    }
}

impl FeedConsumer {
    /// The consumer with this id, for operators and for the API key that it is bound to; `None` for other actors.
    ///
    /// # Errors
    /// A database error.
    pub async fn load(ctx: &Context<'_>, id: ConsumerId) -> Result<Option<Self>, ApiError> {
        let actor = actor(ctx)?;
        let is_visible = |row: &Consumer| {
            actor.is_at_least(Role::Operator) || actor.key().is_some_and(|key| key.id == row.api_key_id)
        };
        Ok(consumers::by_id(services(ctx)?, id).await?.filter(is_visible).map(Into::into))
    }

    async fn lag(&self, ctx: &Context<'_>) -> Result<Lag, ApiError> {
        let services = services(ctx)?;
        Ok(*self.lag.get_or_try_init(|| async { consumers::lag(services, &self.row).await }).await?)
    }
}

#[Object]
impl FeedConsumer {
    /// The id.
    pub async fn id(&self) -> ID {
        ID(self.row.id.global())
    }

    /// Its name, unique in its feed.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// The event of its feed.
    async fn event(&self, ctx: &Context<'_>) -> Result<Event, ApiError> {
        let feed = consumers::feed_of(services(ctx)?, &self.row).await?;
        event(ctx, feed.event_id).await
    }

    /// The service type of its feed.
    async fn service_type(&self, ctx: &Context<'_>) -> Result<ServiceType, ApiError> {
        let feed = consumers::feed_of(services(ctx)?, &self.row).await?;
        service_type(ctx, feed.service_type_id).await
    }

    /// Admins only.
    async fn api_key(&self, ctx: &Context<'_>) -> Result<Option<ApiKey>, ApiError> {
        if !actor(ctx)?.is_at_least(Role::Admin) {
            return Ok(None);
        }
        ApiKey::load(ctx, self.row.api_key_id).await
    }

    /// The cursor that it has acknowledged last; null before its first acknowledgement.
    async fn acknowledged(&self) -> Option<FeedCursor> {
        self.row.acknowledged.clone().map(Into::into)
    }

    /// The number of entries of the feed that it has not acknowledged.
    async fn lag_records(&self, ctx: &Context<'_>) -> Result<i32, ApiError> {
        Ok(i32::try_from(self.lag(ctx).await?.records).unwrap_or(i32::MAX))
    }

    /// The age of the oldest change that it has not acknowledged, in seconds.
    async fn lag_seconds(&self, ctx: &Context<'_>) -> Result<i32, ApiError> {
        Ok(i32::try_from(self.lag(ctx).await?.seconds).unwrap_or(i32::MAX))
    }

    /// When its key last read the feed or acknowledged, accurate to a few seconds.
    async fn last_seen_at(&self) -> Option<DateTime> {
        self.row.last_seen_at.map(DateTime)
    }

    /// The extensions that it could not apply, oldest error first.
    async fn errors(&self, ctx: &Context<'_>) -> Result<Vec<FeedError>, ApiError> {
        let error = |NumberedError { error, number }: NumberedError| FeedError {
            extension_id: ID(error.entity().global()),
            number: number.unwrap_or_else(|| "0".to_owned()).into(),
            code: error.code,
            message: error.message,
            at: error.at.into(),
        };
        Ok(consumers::errors(services(ctx)?, &self.row).await?.into_iter().map(error).collect())
    }

    /// The last comparison of its copy with the feed. An acknowledgement with a digest at the head compares them; null
    /// before the first.
    async fn verified(&self, ctx: &Context<'_>) -> Result<Option<FeedVerification>, ApiError> {
        let (Some(at), Some(agrees)) = (self.row.verified_at, self.row.verified) else { return Ok(None) };
        let is_current = consumers::is_verified_at_head(services(ctx)?, &self.row).await?;
        Ok(Some(FeedVerification { agrees, at: at.into(), is_current }))
    }

    /// Its web hook; null when it reads the feed by itself.
    async fn web_hook(&self, ctx: &Context<'_>) -> Result<Option<WebHook>, ApiError> {
        Ok(web_hooks::of_consumer(services(ctx)?, self.row.id).await?.map(WebHook))
    }

    /// Whether it is paused. Nothing waits for the acknowledgements of a paused telephone system.
    async fn paused(&self) -> bool {
        self.row.paused
    }
}
