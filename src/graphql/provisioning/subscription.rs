//! `Subscription.provisioningChanges`.

use std::sync::Arc;

use async_graphql::{Context, Subscription};
use futures_util::{Stream, StreamExt as _};

use super::queries::position;
use super::shapes::FeedEvent;
use platform::access::Role;
use platform::error::InternalError;
use crate::graphql::context::{actor, services};
use crate::graphql::error::ApiError;
use crate::graphql::error_code::ErrorCode;
use crate::graphql::scalars::FeedCursor;
use provisioning::follow::follow;
use provisioning::followers::Followers;
use provisioning::{feed, watch};
use crate::graphql::events::Event;

/// Following a feed.
#[derive(Default)]
pub struct ProvisioningSubscription;

#[Subscription]
impl ProvisioningSubscription {
    /// Pages as of `changes`, none lost: the first event replays what came after `since`; without it, an empty page with the head comes at once.
    /// Completes after a FeedReset.
    async fn provisioning_changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event's slug.")] event: String,
        #[graphql(desc = "The service type's slug.")] service_type: String,
        #[graphql(desc = "Where to begin: a cursor of this feed.")] since: Option<FeedCursor>,
    ) -> Result<impl Stream<Item = Result<FeedEvent, ApiError>> + use<>, ApiError> {
        let since = since.as_ref().map(position).transpose()?;
        let reader = feed::open(services(ctx)?, actor(ctx)?, &event, &service_type).await?;
        let reader =
            reader.ok_or_else(|| ApiError::new(ErrorCode::NotFound, "There is no such event or service type."))?;
        let followers =
            ctx.data_opt::<Arc<Followers>>().ok_or_else(|| InternalError::new("the schema has no followers"))?;
        Ok(follow(reader, since, Arc::clone(followers))
            .await?
            .map(|answer| answer.map(FeedEvent::from).map_err(ApiError::from)))
    }

    /// Fires when a telephone system of the event has come further, has fallen behind, or could not apply something: what
    /// `Extension.provisioning` and `FeedConsumer` say may then be different. Changes that come close together are told once.
    async fn consumers_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event's slug.")] event: String,
    ) -> Result<impl Stream<Item = Result<Event, ApiError>> + use<>, ApiError> {
        actor(ctx)?.demand(Role::User)?;
        let event = Event::find(ctx, &event).await?;
        let event = event.ok_or_else(|| ApiError::new(ErrorCode::NotFound, "There is no such event."))?;
        let changes = watch::consumers(services(ctx)?.clone(), event.0.id).await?;
        Ok(changes.map(move |change| change.map(|()| event.clone()).map_err(ApiError::from)))
    }
}
