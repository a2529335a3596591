//! Mutations of events, number ranges and call permissions, for admins.

use async_graphql::{Context, Object};

use super::inputs::{
    CreateCallPermissionInput, CreateEventInput, CreateNumberRangeInput, DeleteCallPermissionInput,
    DeleteNumberRangeInput, UpdateCallPermissionInput, UpdateEventInput, UpdateNumberRangeInput,
};
use super::payloads::{CallPermissionPayload, EventPayload, NumberRangePayload};
use crate::graphql::accounts::AcceptedPayload;
use crate::graphql::context::{caller, services};
use crate::graphql::error::ApiError;
use crate::graphql::patch::patch;
use events::rules as events;
use service_types::rules as service_types;

/// Mutations of events, number ranges and call permissions, for admins.
#[derive(Default)]
pub struct EventsMutation;

#[Object]
impl EventsMutation {
    /// Creates an event.
    async fn create_event(&self, ctx: &Context<'_>, input: CreateEventInput) -> Result<EventPayload, ApiError> {
        let offered = input.service_types;
        let input = events::CreateEvent {
            slug: input.slug,
            name: input.name,
            starts_at: input.starts_at.map(|at| at.0),
            ends_at: input.ends_at.map(|at| at.0),
            time_zone: input.time_zone,
            phase: input.phase.into(),
            hold_seconds: input.hold_seconds,
            reserved_prefixes: input.reserved_prefixes,
            copy_from: input.copy_from,
        };
        EventPayload::of(ctx, service_types::create_event(services(ctx)?, &caller(ctx)?, input, offered).await).await
    }

    /// Changes an event.
    async fn update_event(&self, ctx: &Context<'_>, input: UpdateEventInput) -> Result<EventPayload, ApiError> {
        let offered = patch(input.service_types);
        let input = events::UpdateEvent {
            slug: input.slug,
            name: patch(input.name),
            starts_at: patch(input.starts_at).map(|at| at.0),
            ends_at: patch(input.ends_at).map(|at| at.0),
            time_zone: patch(input.time_zone),
            phase: patch(input.phase).map(Into::into),
            hold_seconds: patch(input.hold_seconds),
            reserved_prefixes: patch(input.reserved_prefixes),
        };
        EventPayload::of(ctx, service_types::update_event(services(ctx)?, &caller(ctx)?, input, offered).await).await
    }

    /// Creates a range of numbers.
    async fn create_number_range(
        &self,
        ctx: &Context<'_>,
        input: CreateNumberRangeInput,
    ) -> Result<NumberRangePayload, ApiError> {
        let CreateNumberRangeInput { event, first, last, label, privileged, service_types: slugs } = input;
        let input = events::CreateNumberRange { event, first: first.0, last: last.0, label, privileged };
        NumberRangePayload::of(ctx, service_types::create_range(services(ctx)?, &caller(ctx)?, input, slugs).await)
            .await
    }

    /// Changes the label of a range and who may use it.
    async fn update_number_range(
        &self,
        ctx: &Context<'_>,
        input: UpdateNumberRangeInput,
    ) -> Result<NumberRangePayload, ApiError> {
        let UpdateNumberRangeInput { id, label, privileged, service_types: slugs } = input;
        let input = events::UpdateNumberRange { id: id.0, label: patch(label), privileged: patch(privileged) };
        NumberRangePayload::of(
            ctx,
            service_types::update_range(services(ctx)?, &caller(ctx)?, input, patch(slugs)).await,
        )
        .await
    }

    /// Deletes a range all of whose numbers are available.
    async fn delete_number_range(
        &self,
        ctx: &Context<'_>,
        input: DeleteNumberRangeInput,
    ) -> Result<AcceptedPayload, ApiError> {
        AcceptedPayload::of(events::delete_range(services(ctx)?, &caller(ctx)?, input.id.0).await)
    }

    /// Creates a call permission.
    async fn create_call_permission(
        &self,
        ctx: &Context<'_>,
        input: CreateCallPermissionInput,
    ) -> Result<CallPermissionPayload, ApiError> {
        let CreateCallPermissionInput { slug, name, description, highlights_in_directory } = input;
        let input = events::CreateCallPermission { slug, name, description, highlights_in_directory };
        CallPermissionPayload::of(ctx, events::create_permission(services(ctx)?, &caller(ctx)?, input).await).await
    }

    /// Changes the name, the description and the highlighting of a call permission.
    async fn update_call_permission(
        &self,
        ctx: &Context<'_>,
        input: UpdateCallPermissionInput,
    ) -> Result<CallPermissionPayload, ApiError> {
        let UpdateCallPermissionInput { id, name, description, highlights_in_directory } = input;
        let input = events::UpdateCallPermission {
            id: id.0,
            name: patch(name),
            description: patch(description),
            highlights_in_directory: patch(highlights_in_directory),
        };
        CallPermissionPayload::of(ctx, events::update_permission(services(ctx)?, &caller(ctx)?, input).await).await
    }

    /// Deletes a call permission and revokes it from all extensions.
    async fn delete_call_permission(
        &self,
        ctx: &Context<'_>,
        input: DeleteCallPermissionInput,
    ) -> Result<AcceptedPayload, ApiError> {
        AcceptedPayload::of(events::delete_permission(services(ctx)?, &caller(ctx)?, input.id.0).await)
    }
}
