//! Queries of service types.

use std::sync::Arc;

use async_graphql::{Context, Object};

use super::objects::ServiceType;
use crate::graphql::context;
use crate::graphql::error::ApiError;

/// Queries of service types.
#[derive(Default)]
pub struct ServiceTypesQuery;

#[Object]
impl ServiceTypesQuery {
    /// Every service type, retired ones too, by slug.
    async fn service_types(&self, ctx: &Context<'_>) -> Result<Vec<ServiceType>, ApiError> {
        let rows = service_types::all_service_types(&mut *context::read(ctx).await?).await?;
        Ok(rows.into_iter().map(|row| ServiceType(Arc::new(row))).collect())
    }

    /// The service type of this slug.
    async fn service_type(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The service type's slug.")] slug: String,
    ) -> Result<Option<ServiceType>, ApiError> {
        let row = service_types::service_type_by_slug(&mut *context::read(ctx).await?, &slug).await?;
        Ok(row.map(|row| ServiceType(Arc::new(row))))
    }
}
