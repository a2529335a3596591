//! Reading the configuration.

use std::sync::Arc;

use async_graphql::{Context, Object};

use super::objects::{CallPermission, Event, is_known_to};
use super::type_objects::ServiceType;
use crate::graphql::context::{self, actor};
use crate::graphql::error::ApiError;
use service_types::queries;

/// Queries of the configuration.
#[derive(Default)]
pub struct ConfigQuery;

#[Object]
impl ConfigQuery {
    /// All events that the caller may know of, oldest first. A draft is known to admins alone.
    async fn events(&self, ctx: &Context<'_>) -> Result<Vec<Event>, ApiError> {
        let rows = queries::all_events(&mut *context::read(ctx).await?).await?;
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

    /// Every service type, retired ones too, by slug.
    async fn service_types(&self, ctx: &Context<'_>) -> Result<Vec<ServiceType>, ApiError> {
        let rows = queries::all_service_types(&mut *context::read(ctx).await?).await?;
        Ok(rows.into_iter().map(|row| ServiceType(Arc::new(row))).collect())
    }

    /// The service type of this slug.
    async fn service_type(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The service type's slug.")] slug: String,
    ) -> Result<Option<ServiceType>, ApiError> {
        let row = queries::service_type_by_slug(&mut *context::read(ctx).await?, &slug).await?;
        Ok(row.map(|row| ServiceType(Arc::new(row))))
    }

    /// All call permissions, by slug.
    async fn call_permissions(&self, ctx: &Context<'_>) -> Result<Vec<CallPermission>, ApiError> {
        let rows = queries::all_permissions(&mut *context::read(ctx).await?).await?;
        Ok(rows.into_iter().map(|row| CallPermission(Arc::new(row))).collect())
    }
}
