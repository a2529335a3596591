//! Subscriptions of provisioning.

use std::sync::Arc;

use async_graphql::{Context, Subscription};
use futures_util::{Stream, StreamExt as _};

use super::queries::parse_cursor;
use super::types::FeedEvent;
use crate::graphql::context::{actor, services};
use crate::graphql::error::ApiError;
use crate::graphql::error_code::ErrorCode;
use crate::graphql::events::Event;
use crate::graphql::scalars::FeedCursor;
use platform::access::Role;
use platform::error::InternalError;
use provisioning::consumer_changes::watch_consumers;
use provisioning::feed;
use provisioning::subscribers::Subscribers;
use provisioning::subscription::subscribe;

/// The subscriptions of provisioning.
#[derive(Default)]
pub struct ProvisioningSubscription;

#[Subscription]
impl ProvisioningSubscription {
    /// Pages as of `changes`, without gaps: the first event has the changes after `since`; without `since` it is an
    /// empty page with the head. Completes after a FeedReset.
    async fn provisioning_changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event's slug.")] event: String,
        #[graphql(desc = "The service type's slug.")] service_type: String,
        #[graphql(desc = "A cursor of this feed: the changes after it are sent first.")] since: Option<FeedCursor>,
    ) -> Result<impl Stream<Item = Result<FeedEvent, ApiError>> + use<>, ApiError> {
        let since = since.as_ref().map(parse_cursor).transpose()?;
        let reader = feed::open(services(ctx)?, actor(ctx)?, &event, &service_type).await?;
        let reader =
            reader.ok_or_else(|| ApiError::new(ErrorCode::NotFound, "There is no such event or service type."))?;
        let subscribers = ctx
            .data_opt::<Arc<Subscribers>>()
            .ok_or_else(|| InternalError::new("the schema was built without its subscribers"))?;
        Ok(subscribe(reader, since, Arc::clone(subscribers))
            .await?
            .map(|response| response.map(FeedEvent::from).map_err(ApiError::from)))
    }

    /// Sends the event when a telephone system of it has advanced, has fallen behind, or could not apply an extension:
    /// `Extension.provisioning` and `FeedConsumer` may then have other values. Changes in quick succession are sent
    /// once.
    async fn consumers_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event's slug.")] event: String,
    ) -> Result<impl Stream<Item = Result<Event, ApiError>> + use<>, ApiError> {
        actor(ctx)?.demand(Role::User)?;
        let event = Event::find_visible(ctx, &event).await?;
        let event = event.ok_or_else(|| ApiError::new(ErrorCode::NotFound, "There is no such event."))?;
        let changes = watch_consumers(services(ctx)?.clone(), event.0.id).await?;
        Ok(changes.map(move |change| change.map(|()| event.clone()).map_err(ApiError::from)))
    }
}
