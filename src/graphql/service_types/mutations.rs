//! Mutations of service types, for admins.

use async_graphql::{Context, Object};

use super::inputs::{CreateServiceTypeInput, UpdateServiceTypeInput};
use super::payloads::ServiceTypePayload;
use crate::graphql::context::{CoreTypeNames, caller, services};
use crate::graphql::error::ApiError;
use crate::graphql::patch::patch;
use service_types::rules;

/// Mutations of service types, for admins.
#[derive(Default)]
pub struct ServiceTypesMutation;

#[Object]
impl ServiceTypesMutation {
    /// Creates a service type. Its GraphQL types exist from the next request on.
    async fn create_service_type(
        &self,
        ctx: &Context<'_>,
        input: CreateServiceTypeInput,
    ) -> Result<ServiceTypePayload, ApiError> {
        let input = rules::CreateServiceType {
            slug: input.slug,
            name: input.name,
            description: input.description,
            instructions: input.instructions,
            parameter_schema: input.parameter_schema,
            behaviour: input.behaviour.into(),
            privileged: input.privileged,
            group_capable: input.group_capable,
            quota: input.quota,
            member_limit: input.member_limit,
            settings: input.settings,
        };
        let result = rules::create_service_type(services(ctx)?, &caller(ctx)?, input, reserved_type_names(ctx)).await;
        ServiceTypePayload::of(
            ctx,
            rules::UpdateOutcome { result, incompatibilities: rules::Incompatibilities::default() },
        )
        .await
    }

    /// Changes a service type. A new schema is checked against all of its extensions. If one is incompatible, nothing
    /// changes.
    async fn update_service_type(
        &self,
        ctx: &Context<'_>,
        input: UpdateServiceTypeInput,
    ) -> Result<ServiceTypePayload, ApiError> {
        let input = rules::UpdateServiceType {
            slug: input.slug,
            name: patch(input.name),
            description: patch(input.description),
            instructions: patch(input.instructions),
            parameter_schema: patch(input.parameter_schema),
            defaults: input.defaults,
            privileged: patch(input.privileged),
            group_capable: patch(input.group_capable),
            quota: patch(input.quota),
            member_limit: patch(input.member_limit),
            settings: patch(input.settings),
            retired: patch(input.retired),
            expected_schema_version: input.expected_schema_version,
            dry_run: input.dry_run,
        };
        ServiceTypePayload::of(
            ctx,
            rules::update_service_type(services(ctx)?, &caller(ctx)?, input, reserved_type_names(ctx)).await,
        )
        .await
    }
}

/// The type names of the core API, which generated GraphQL types must not have.
fn reserved_type_names(ctx: &Context<'_>) -> Vec<String> {
    ctx.data_opt::<CoreTypeNames>().map(|names| names.0.to_vec()).unwrap_or_default()
}
