//! Queries for the event and the service type of a feed.

use ::events::EventPhase;
use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, QueryResult};
use diesel_async::RunQueryDsl as _;
use platform::access::{Actor, Role};
use platform::error::{Error, InternalError};
use platform::feed_log::FeedRef;
use platform::ids::{EventId, ServiceTypeId};
use platform::query;
use platform::store::schema::{events, service_types as types};
use platform::store::{Conn, sought};
use service_types::ServiceBehaviour;

use crate::model::FeedContext;

/// A feed as its name finds it.
#[derive(Clone, Copy, Debug)]
pub struct NamedFeed {
    pub reference: FeedRef,
    /// Whether the event is a draft.
    pub is_draft: bool,
}

impl NamedFeed {
    /// The feed, if the caller may know of it: admins and keys that cover the feed know of draft events.
    pub fn visible_to(self, actor: &Actor) -> Option<FeedRef> {
        let FeedRef { event, service_type } = self.reference;
        let is_covered = actor.key().is_some_and(|key| key.covers(event, service_type));
        (!self.is_draft || is_covered || actor.is_at_least(Role::Admin)).then_some(self.reference)
    }
}

/// The feed of an event and a service type, named by their slugs; `None` when either does not exist.
pub async fn feed_by_slugs(conn: &mut Conn, event: &str, service_type: &str) -> QueryResult<Option<NamedFeed>> {
    let event: Option<(EventId, EventPhase)> = query!(conn, |c| events::table
        .filter(events::slug.eq(sought(event)))
        .select((events::id, events::phase))
        .get_result(c)
        .await
        .optional())?;
    let Some((event, phase)) = event else { return Ok(None) };
    let service_type: Option<ServiceTypeId> = query!(conn, |c| types::table
        .filter(types::slug.eq(sought(service_type)))
        .select(types::id)
        .get_result(c)
        .await
        .optional())?;
    let is_draft = phase == EventPhase::Draft;
    Ok(service_type.map(|service_type| NamedFeed { reference: FeedRef { event, service_type }, is_draft }))
}

/// Whether an event is archived; `None` when it does not exist.
pub async fn is_archived(conn: &mut Conn, event: EventId) -> QueryResult<Option<bool>> {
    let phase: Option<EventPhase> =
        query!(conn, |c| events::table.find(event).select(events::phase).get_result(c).await.optional())?;
    Ok(phase.map(|phase| phase == EventPhase::Archived))
}

/// The event and the service type of a feed.
///
/// # Errors
/// A database error, also when either does not exist.
pub async fn feed_context(conn: &mut Conn, feed: FeedRef) -> Result<FeedContext, Error> {
    let FeedRef { event, service_type } = feed;
    let (event_slug, phase): (String, EventPhase) =
        query!(conn, |c| events::table.find(event).select((events::slug, events::phase)).get_result(c).await)?;
    let row = service_types::service_type_by_id(conn, service_type).await?;
    let row = row.ok_or_else(|| InternalError::new("the service type of a feed does not exist"))?;
    Ok(FeedContext {
        event,
        event_slug,
        archived: phase == EventPhase::Archived,
        service_type,
        is_group: row.behaviour == ServiceBehaviour::CallGroup,
        schema: service_types::compiled(&row)?,
        schema_version: row.schema_version,
        service_type_slug: row.slug,
        service_type_name: row.name,
        settings: row.settings.0,
    })
}
