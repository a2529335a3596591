//! `Query.provisioning`.

use async_graphql::{Context, Object};

use super::consumers::FeedConsumer;
use super::shapes::{FeedEvent, FeedSnapshot, RenderedDocument};
use platform::access::Role;
use platform::error::InternalError;
use crate::graphql::context::{actor, services};
use crate::graphql::error::ApiError;
use crate::graphql::paging::DEFAULT_FIRST;
use crate::graphql::scalars::FeedCursor;
use platform::ids::{EventId, ServiceTypeId};
use provisioning::consumers;
use provisioning::cursor::{Cursor, SnapshotCursor};
use provisioning::feed::{self, Reader};
use provisioning::render;
use crate::graphql::events::{Event};
use crate::graphql::service_types::{ServiceType};

/// What telephone systems read.
#[derive(Default)]
pub struct ProvisioningQuery;

#[Object]
impl ProvisioningQuery {
    /// Keys within their scope; operators and admins as READ_CONFIG; users FORBIDDEN. Null for an event or a service type that is not there.
    async fn provisioning(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event's slug.")] event: String,
        #[graphql(desc = "The service type's slug.")] service_type: String,
    ) -> Result<Option<ProvisioningFeed>, ApiError> {
        Ok(feed::open(services(ctx)?, actor(ctx)?, &event, &service_type).await?.map(ProvisioningFeed))
    }

    /// Every telephone system of every feed, by name. For operators.
    async fn feed_consumers(&self, ctx: &Context<'_>) -> Result<Vec<FeedConsumer>, ApiError> {
        actor(ctx)?.demand(Role::Operator)?;
        Ok(consumers::all(services(ctx)?).await?.into_iter().map(Into::into).collect())
    }
}

/// The feed of one service type at one event.
pub struct ProvisioningFeed(pub Reader);

#[Object]
impl ProvisioningFeed {
    /// The event.
    async fn event(&self, ctx: &Context<'_>) -> Result<Event, ApiError> {
        event(ctx, self.0.scope().event()).await
    }

    /// The service type.
    async fn service_type(&self, ctx: &Context<'_>) -> Result<ServiceType, ApiError> {
        service_type(ctx, self.0.scope().service_type()).await
    }

    /// All extensions, paged by id over live rows; null when the event is archived. Every page returns the first page's `head`: from it `changes`
    /// brings any copy made of the pages into step, whatever changed meanwhile. A copy of one instant is `GET /feed/…`.
    async fn snapshot(
        &self,
        #[graphql(desc = "How many; 50 when it is left out.")] first: Option<i32>,
        #[graphql(desc = "`pageInfo.endCursor` of the page before.")] after: Option<String>,
    ) -> Result<Option<FeedSnapshot>, ApiError> {
        let first = page_size(first)?;
        let after = after.as_deref().map(SnapshotCursor::decode).transpose();
        let after = after.map_err(|_| ApiError::bad_input("`after` is not a cursor of this feed's snapshot."))?;
        Ok(self.0.snapshot(first, after).await?.map(|page| FeedSnapshot::new(page, after.is_some())))
    }

    /// Net changes after `since`: each extension once, at its latest state. Pages follow in revision order; a page is applied in two phases: first
    /// delete whatever stands under all `keys` and `previous`, then write all upserts. A page holds whole transactions, so it may exceed `first`.
    async fn changes(
        &self,
        #[graphql(desc = "Where to begin: a cursor of this feed.")] since: FeedCursor,
        #[graphql(desc = "How many at least; 50 when it is left out.")] first: Option<i32>,
    ) -> Result<FeedEvent, ApiError> {
        Ok(self.0.changes(position(&since)?, page_size(first)?).await?.into())
    }

    /// Sum modulo 2^256 of SHA-256(id ':' version) over all entries, 64 hex digits in lower case: to compare with a consumer's own copy at the head.
    async fn digest(&self) -> Result<String, ApiError> {
        Ok(self.0.digest().await?)
    }

    /// The telephone systems that read this feed, by name.
    async fn consumers(&self, ctx: &Context<'_>) -> Result<Vec<FeedConsumer>, ApiError> {
        let feed = self.0.feed().await?.id;
        Ok(consumers::of_feed(services(ctx)?, feed).await?.into_iter().map(Into::into).collect())
    }

    /// The service type's template applied to the whole feed. Null for a template that is not there, and when the event is archived.
    async fn rendered(
        &self,
        #[graphql(desc = "The template's name.")] template: String,
    ) -> Result<Option<RenderedDocument>, ApiError> {
        let document = render::feed(&self.0, &template).await?;
        Ok(document.map(|document| RenderedDocument {
            content_type: document.content_type,
            body: document.body,
            head: document.head.encode().into(),
        }))
    }
}

/// A feed's event, which cannot be deleted.
pub(super) async fn event(ctx: &Context<'_>, id: EventId) -> Result<Event, ApiError> {
    Event::load(ctx, id).await?.ok_or_else(|| InternalError::new("a feed of an event that is not there").into())
}

/// A feed's service type, which cannot be deleted.
pub(super) async fn service_type(ctx: &Context<'_>, id: ServiceTypeId) -> Result<ServiceType, ApiError> {
    ServiceType::load(ctx, id)
        .await?
        .ok_or_else(|| InternalError::new("a feed of a service type that is not there").into())
}

/// Reads a cursor that a client has sent.
pub(super) fn position(since: &FeedCursor) -> Result<Cursor, ApiError> {
    Cursor::decode(&since.0).map_err(|_| ApiError::bad_input("`since` is not a cursor of a feed."))
}

fn page_size(first: Option<i32>) -> Result<usize, ApiError> {
    usize::try_from(first.unwrap_or(DEFAULT_FIRST)).map_err(|_| ApiError::bad_input("`first` may not be negative."))
}
