//! Queries of events and call permissions.

use std::sync::Arc;

use async_graphql::{Context, Object};

use super::objects::{CallPermission, Event, is_known_to};
use crate::graphql::context::{self, actor};
use crate::graphql::error::ApiError;

/// Queries of events and call permissions.
#[derive(Default)]
pub struct EventsQuery;

#[Object]
impl EventsQuery {
    /// All events that the caller may know of, oldest first. A draft is known to admins alone.
    async fn events(&self, ctx: &Context<'_>) -> Result<Vec<Event>, ApiError> {
        let rows = events::all_events(&mut *context::read(ctx).await?).await?;
        let actor = actor(ctx)?;
        Ok(rows.into_iter().filter(|row| is_known_to(row, actor)).map(|row| Event(Arc::new(row))).collect())
    }

    /// The event of this slug.
    async fn event(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event's slug.")] slug: String,
    ) -> Result<Option<Event>, ApiError> {
        Event::find(ctx, &slug).await
    }

    /// All call permissions, by slug.
    async fn call_permissions(&self, ctx: &Context<'_>) -> Result<Vec<CallPermission>, ApiError> {
        let rows = events::all_permissions(&mut *context::read(ctx).await?).await?;
        Ok(rows.into_iter().map(|row| CallPermission(Arc::new(row))).collect())
    }
}
