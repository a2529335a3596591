//! Consumers as objects.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use tokio::sync::OnceCell;

use super::queries::{event, service_type};
use super::web_hooks::WebHook;
use platform::access::Role;
use crate::graphql::api_keys::ApiKey;
use crate::graphql::context::{actor, services};
use crate::graphql::enums::ProvisioningState;
use crate::graphql::error::ApiError;
use crate::graphql::scalars::{DateTime, FeedCursor, PhoneNumber};
use platform::ids::ConsumerId;
use provisioning::acknowledge::DIGEST_MISMATCH;
use provisioning::consumers;
use provisioning::model::{Consumer, Lag, Status};
use provisioning::web_hooks;
use crate::graphql::events::{Event};
use crate::graphql::service_types::{ServiceType};

/// A telephone system that an admin has named: it belongs to one key and one feed.
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

/// Something that a telephone system could not apply.
#[derive(SimpleObject, Clone, Debug)]
pub struct FeedError {
    /// `Extension.id`; with the code DIGEST_MISMATCH, which concerns the whole copy, the consumer's own id.
    pub extension_id: ID,
    /// The extension's newest number; `0` where there is none.
    pub number: PhoneNumber,
    /// The system's own code, or DIGEST_MISMATCH: its copy differs from the feed although it has read everything.
    pub code: String,
    /// The system's own words.
    pub message: String,
    /// When it was reported.
    pub at: DateTime,
}

/// A comparison of a telephone system's copy with its feed.
#[derive(SimpleObject, Clone, Debug)]
pub struct FeedVerification {
    /// Whether the copy's digest was the feed's.
    pub agrees: bool,
    /// When it was compared.
    pub at: DateTime,
    /// Whether the feed is still where it was then.
    pub is_current: bool,
}

/// What one telephone system has made of an extension.
#[derive(SimpleObject, Clone, Debug)]
pub struct ProvisioningStatus {
    /// The telephone system's name.
    pub consumer: String,
    /// PENDING until it has acknowledged the extension's latest state.
    pub state: ProvisioningState,
    /// When it was told. Null while PENDING.
    pub at: Option<DateTime>,
    /// Why it failed.
    pub message: Option<String>,
}

impl From<Status> for ProvisioningStatus {
    fn from(status: Status) -> Self {
        Self {
            consumer: status.consumer,
            state: status.state.into(),
            at: status.at.map(DateTime),
            message: status.message,
        }
    }
}

impl FeedConsumer {
    /// A consumer by its id, as it is now: for operators, and for the key that it belongs to.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn load(ctx: &Context<'_>, id: ConsumerId) -> Result<Option<Self>, ApiError> {
        let actor = actor(ctx)?;
        let is_open = |row: &Consumer| {
            actor.is_at_least(Role::Operator) || actor.key().is_some_and(|key| key.id == row.api_key_id)
        };
        Ok(consumers::by_id(services(ctx)?, id).await?.filter(is_open).map(Into::into))
    }

    async fn lag(&self, ctx: &Context<'_>) -> Result<Lag, ApiError> {
        let services = services(ctx)?;
        Ok(*self.lag.get_or_try_init(|| async { consumers::lag(services, &self.row).await }).await?)
    }
}

#[Object]
impl FeedConsumer {
    /// Its id.
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

    /// How far it has come; null before it acknowledged anything.
    async fn acknowledged(&self) -> Option<FeedCursor> {
        self.row.acknowledged.clone().map(Into::into)
    }

    /// How many entries of the feed it has not acknowledged.
    async fn lag_records(&self, ctx: &Context<'_>) -> Result<i32, ApiError> {
        Ok(i32::try_from(self.lag(ctx).await?.records).unwrap_or(i32::MAX))
    }

    /// How old the oldest change is that it has not acknowledged, in seconds.
    async fn lag_seconds(&self, ctx: &Context<'_>) -> Result<i32, ApiError> {
        Ok(i32::try_from(self.lag(ctx).await?.seconds).unwrap_or(i32::MAX))
    }

    /// When its key read the feed or acknowledged last, to a few seconds.
    async fn last_seen_at(&self) -> Option<DateTime> {
        self.row.last_seen_at.map(DateTime)
    }

    /// What it could not apply, oldest first.
    async fn errors(&self, ctx: &Context<'_>) -> Result<Vec<FeedError>, ApiError> {
        let error = |(error, number): (provisioning::model::FeedError, Option<String>)| FeedError {
            extension_id: ID(match error.code.as_str() {
                DIGEST_MISMATCH if error.extension_id.0 == error.consumer_id.0 => error.consumer_id.global(),
                _ => platform::ids::ExtensionId(error.extension_id.0).global(),
            }),
            number: number.unwrap_or_else(|| "0".to_owned()).into(),
            code: error.code,
            message: error.message,
            at: error.at.into(),
        };
        Ok(consumers::errors(services(ctx)?, &self.row).await?.into_iter().map(error).collect())
    }

    /// When its copy was last compared with the feed, which an acknowledgement at the head with a digest does; null before that.
    async fn verified(&self, ctx: &Context<'_>) -> Result<Option<FeedVerification>, ApiError> {
        let (Some(at), Some(agrees)) = (self.row.verified_at, self.row.verified) else { return Ok(None) };
        let is_current = consumers::is_verified_at_head(services(ctx)?, &self.row).await?;
        Ok(Some(FeedVerification { agrees, at: at.into(), is_current }))
    }

    /// Where it wants to be called; null where it reads by itself.
    async fn web_hook(&self, ctx: &Context<'_>) -> Result<Option<WebHook>, ApiError> {
        Ok(web_hooks::of_consumer(services(ctx)?, self.row.id).await?.map(WebHook))
    }

    /// While paused, nothing waits for it.
    async fn paused(&self) -> bool {
        self.row.paused
    }
}
