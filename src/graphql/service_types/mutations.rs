//! Changing the configuration, for admins.

use async_graphql::{Context, Object};

use super::inputs::*;
use super::payloads::{CallPermissionPayload, EventPayload, NumberRangePayload, ServiceTypePayload, TemplatePayload};
use super::type_objects::Template;
use crate::graphql::patch::patch;
use crate::graphql::accounts::AcceptedPayload;
use crate::graphql::context::{CoreTypeNames, caller, services};
use crate::graphql::error::{ApiError, settle};
use platform::patch::Patch;
use service_types::{rules, templates};

/// Mutations of the configuration, for admins.
#[derive(Default)]
pub struct ConfigMutation;

#[Object]
impl ConfigMutation {
    /// Makes an event.
    async fn create_event(&self, ctx: &Context<'_>, input: CreateEventInput) -> Result<EventPayload, ApiError> {
        let input = rules::CreateEvent {
            slug: input.slug,
            name: input.name,
            starts_at: input.starts_at.map(|at| at.0),
            ends_at: input.ends_at.map(|at| at.0),
            time_zone: input.time_zone,
            phase: input.phase.into(),
            hold_seconds: input.hold_seconds,
            reserved_prefixes: input.reserved_prefixes,
            service_types: input.service_types,
            copy_from: input.copy_from,
        };
        EventPayload::of(ctx, rules::create_event(services(ctx)?, &caller(ctx)?, input).await).await
    }

    /// Changes an event.
    async fn update_event(&self, ctx: &Context<'_>, input: UpdateEventInput) -> Result<EventPayload, ApiError> {
        let input = rules::UpdateEvent {
            slug: input.slug,
            name: patch(input.name),
            starts_at: patch(input.starts_at).map(|at| at.0),
            ends_at: patch(input.ends_at).map(|at| at.0),
            time_zone: patch(input.time_zone),
            phase: patch(input.phase).map(Into::into),
            hold_seconds: patch(input.hold_seconds),
            reserved_prefixes: patch(input.reserved_prefixes),
            service_types: patch(input.service_types),
        };
        EventPayload::of(ctx, rules::update_event(services(ctx)?, &caller(ctx)?, input).await).await
    }

    /// Makes a range of numbers.
    async fn create_number_range(
        &self,
        ctx: &Context<'_>,
        input: CreateNumberRangeInput,
    ) -> Result<NumberRangePayload, ApiError> {
        let CreateNumberRangeInput { event, first, last, label, privileged, service_types } = input;
        let input = rules::CreateNumberRange { event, first: first.0, last: last.0, label, privileged, service_types };
        NumberRangePayload::of(ctx, rules::create_range(services(ctx)?, &caller(ctx)?, input).await).await
    }

    /// Changes who may use a range.
    async fn update_number_range(
        &self,
        ctx: &Context<'_>,
        input: UpdateNumberRangeInput,
    ) -> Result<NumberRangePayload, ApiError> {
        let UpdateNumberRangeInput { id, label, privileged, service_types } = input;
        let input = rules::UpdateNumberRange {
            id: id.0,
            label: patch(label),
            privileged: patch(privileged),
            service_types: patch(service_types),
        };
        NumberRangePayload::of(ctx, rules::update_range(services(ctx)?, &caller(ctx)?, input).await).await
    }

    /// Deletes a range of which no number is taken.
    async fn delete_number_range(
        &self,
        ctx: &Context<'_>,
        input: DeleteNumberRangeInput,
    ) -> Result<AcceptedPayload, ApiError> {
        AcceptedPayload::of(rules::delete_range(services(ctx)?, &caller(ctx)?, input.id.0).await)
    }

    /// Makes a service type. Its GraphQL types are there with the next request.
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
        let result = rules::create_service_type(services(ctx)?, &caller(ctx)?, input, taken(ctx)).await;
        ServiceTypePayload::of(ctx, rules::Update { result, breakage: rules::Breakage::default() }).await
    }

    /// Changes a service type. A new schema is checked against every extension of it: all of them fit, or nothing changes.
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
        ServiceTypePayload::of(ctx, rules::update_service_type(services(ctx)?, &caller(ctx)?, input, taken(ctx)).await)
            .await
    }

    /// Makes a call permission.
    async fn create_call_permission(
        &self,
        ctx: &Context<'_>,
        input: CreateCallPermissionInput,
    ) -> Result<CallPermissionPayload, ApiError> {
        let CreateCallPermissionInput { slug, name, description, highlights_in_directory } = input;
        let input = rules::CreateCallPermission { slug, name, description, highlights_in_directory };
        CallPermissionPayload::of(ctx, rules::create_permission(services(ctx)?, &caller(ctx)?, input).await).await
    }

    /// Changes how a call permission is shown.
    async fn update_call_permission(
        &self,
        ctx: &Context<'_>,
        input: UpdateCallPermissionInput,
    ) -> Result<CallPermissionPayload, ApiError> {
        let UpdateCallPermissionInput { id, name, description, highlights_in_directory } = input;
        let input = rules::UpdateCallPermission {
            id: id.0,
            name: patch(name),
            description: patch(description),
            highlights_in_directory: patch(highlights_in_directory),
        };
        CallPermissionPayload::of(ctx, rules::update_permission(services(ctx)?, &caller(ctx)?, input).await).await
    }
    /// Deletes a call permission. All who have it lose it.
    async fn delete_call_permission(
        &self,
        ctx: &Context<'_>,
        input: DeleteCallPermissionInput,
    ) -> Result<AcceptedPayload, ApiError> {
        AcceptedPayload::of(rules::delete_permission(services(ctx)?, &caller(ctx)?, input.id.0).await)
    }

    /// Makes a template, or replaces the one of this name, once it has rendered sample data.
    async fn save_template(&self, ctx: &Context<'_>, input: SaveTemplateInput) -> Result<TemplatePayload, ApiError> {
        let SaveTemplateInput { service_type, name, content_type, format, source } = input;
        let input = templates::rules::SaveTemplate { service_type, name, content_type, format: format.into(), source };
        Ok(match settle(templates::rules::save_template(services(ctx)?, &caller(ctx)?, input).await)? {
            Ok(saved) => TemplatePayload {
                template: Template::load(ctx, saved.id).await?,
                sample: saved.sample,
                errors: Vec::new(),
            },
            Err(errors) => TemplatePayload { template: None, sample: None, errors },
        })
    }

    /// Deletes a template.
    async fn delete_template(
        &self,
        ctx: &Context<'_>,
        input: DeleteTemplateInput,
    ) -> Result<AcceptedPayload, ApiError> {
        AcceptedPayload::of(templates::rules::delete_template(services(ctx)?, &caller(ctx)?, input.id.0).await)
    }
}

/// The names that a service type's GraphQL types may not have.
fn taken(ctx: &Context<'_>) -> Vec<String> {
    ctx.data_opt::<CoreTypeNames>().map(|names| names.0.to_vec()).unwrap_or_default()
}
