//! Changing the configuration, for admins.

use async_graphql::{Context, Object};

use super::inputs::*;
use super::payloads::{CallPermissionPayload, EventPayload, NumberRangePayload, ServiceTypePayload, TemplatePayload};
use super::type_objects::Template;
use crate::accounts::graphql::AcceptedPayload;
use crate::graphql::context::{CoreTypeNames, caller, services};
use crate::graphql::error::{ApiError, into_payload};
use crate::patch::Patch;
use crate::service_types::{rules, templates};

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
            name: input.name.into(),
            starts_at: Patch::from(input.starts_at).map(|at| at.0),
            ends_at: Patch::from(input.ends_at).map(|at| at.0),
            time_zone: input.time_zone.into(),
            phase: Patch::from(input.phase).map(Into::into),
            hold_seconds: input.hold_seconds.into(),
            reserved_prefixes: input.reserved_prefixes.into(),
            service_types: input.service_types.into(),
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
            label: label.into(),
            privileged: privileged.into(),
            service_types: service_types.into(),
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
            name: input.name.into(),
            description: input.description.into(),
            instructions: input.instructions.into(),
            parameter_schema: input.parameter_schema.into(),
            defaults: input.defaults,
            privileged: input.privileged.into(),
            group_capable: input.group_capable.into(),
            quota: input.quota.into(),
            member_limit: input.member_limit.into(),
            settings: input.settings.into(),
            retired: input.retired.into(),
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
            name: name.into(),
            description: description.into(),
            highlights_in_directory: highlights_in_directory.into(),
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
        Ok(match into_payload(templates::rules::save_template(services(ctx)?, &caller(ctx)?, input).await)? {
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
