//! Queries of provisioning.

use async_graphql::{Context, Object};

use super::consumers::FeedConsumer;
use super::types::{FeedEvent, FeedSnapshot, RenderedDocument};
use crate::graphql::context::{actor, services};
use crate::graphql::error::ApiError;
use crate::graphql::events::Event;
use crate::graphql::paging::DEFAULT_FIRST;
use crate::graphql::scalars::FeedCursor;
use crate::graphql::service_types::ServiceType;
use platform::access::Role;
use platform::error::InternalError;
use platform::ids::{EventId, ServiceTypeId};
use provisioning::consumers;
use provisioning::cursor::{Cursor, SnapshotCursor};
use provisioning::feed::{self, FeedReader};
use provisioning::render;

/// The queries of provisioning.
#[derive(Default)]
pub struct ProvisioningQuery;

#[Object]
impl ProvisioningQuery {
    /// The feed of a service type at an event. For keys within their scope; for operators and admins as with
    /// READ_CONFIG; FORBIDDEN for users. Null when the event or the service type does not exist.
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
pub struct ProvisioningFeed(pub FeedReader);

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

    /// All extensions, paged by id over live rows; null when the event is archived. Every page returns the first page's
    /// `head`: `changes` from it bring a copy made of the pages up to date, whatever changed meanwhile. A copy of one
    /// instant is `GET /feed/…`.
    async fn snapshot(
        &self,
        #[graphql(desc = "The number of extensions; 50 when it is left out.")] first: Option<i32>,
        #[graphql(desc = "`pageInfo.endCursor` of the preceding page.")] after: Option<String>,
    ) -> Result<Option<FeedSnapshot>, ApiError> {
        let first = page_size(first)?;
        let after = after.as_deref().map(SnapshotCursor::decode).transpose();
        let after = after.map_err(|_| ApiError::bad_input("`after` is not a cursor of this feed's snapshot."))?;
        Ok(self.0.snapshot(first, after).await?.map(|page| FeedSnapshot::new(page, after.is_some())))
    }

    /// Net changes after `since`: each extension once, at its latest state. Pages follow in revision order; a page is
    /// applied in two phases: first delete every record under any of the `keys` and `previous`, then write all upserts.
    /// A page has whole transactions, so it may exceed `first`.
    async fn changes(
        &self,
        #[graphql(desc = "A cursor of this feed: the changes after it are returned.")] since: FeedCursor,
        #[graphql(desc = "The smallest number of changes, if there are as many; 50 when it is left out.")]
        first: Option<i32>,
    ) -> Result<FeedEvent, ApiError> {
        Ok(self.0.changes(parse_cursor(&since)?, page_size(first)?).await?.into())
    }

    /// FeedDigest modulo 2^256 of SHA-256(id ':' version) over all entries, 64 hexadecimal digits in lower case: for
    /// comparison with the digest of a consumer's own copy at the head.
    async fn digest(&self) -> Result<String, ApiError> {
        Ok(self.0.digest().await?)
    }

    /// The telephone systems that read this feed, by name.
    async fn consumers(&self, ctx: &Context<'_>) -> Result<Vec<FeedConsumer>, ApiError> {
        let feed = self.0.feed().await?.id;
        Ok(consumers::of_feed(services(ctx)?, feed).await?.into_iter().map(Into::into).collect())
    }

    /// The whole feed rendered through a template of the service type. Null when the template does not exist or the
    /// event is archived.
    async fn rendered(
        &self,
        #[graphql(desc = "The template's name.")] template: String,
    ) -> Result<Option<RenderedDocument>, ApiError> {
        let document = render::document(&self.0, &template).await?;
        Ok(document.map(|document| RenderedDocument {
            content_type: document.content_type,
            body: document.body,
            head: document.head.encode().into(),
        }))
    }
}

/// The event of a feed. An event with a feed cannot be deleted.
pub(super) async fn event(ctx: &Context<'_>, id: EventId) -> Result<Event, ApiError> {
    Event::load(ctx, id).await?.ok_or_else(|| InternalError::new("the event of a feed does not exist").into())
}

/// The service type of a feed. A service type with a feed cannot be deleted.
pub(super) async fn service_type(ctx: &Context<'_>, id: ServiceTypeId) -> Result<ServiceType, ApiError> {
    ServiceType::load(ctx, id)
        .await?
        .ok_or_else(|| InternalError::new("the service type of a feed does not exist").into())
}

/// Parses a cursor from a client.
///
/// # Errors
/// BAD_USER_INPUT for a text that is no cursor.
pub(super) fn parse_cursor(since: &FeedCursor) -> Result<Cursor, ApiError> {
    Cursor::decode(&since.0).map_err(|_| ApiError::bad_input("`since` is not a cursor of a feed."))
}

fn page_size(first: Option<i32>) -> Result<usize, ApiError> {
    usize::try_from(first.unwrap_or(DEFAULT_FIRST)).map_err(|_| ApiError::bad_input("`first` may not be negative."))
}
