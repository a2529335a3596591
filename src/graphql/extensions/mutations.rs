//! Mutations of extensions.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use extensions::rules;
use platform::error;
use serde_json::Value;
use service_types::typing::TypeCatalogue;

use super::inputs::*;
use crate::graphql::context::{caller, services};
use crate::graphql::error::{ApiError, UserError, into_payload};
use crate::graphql::numbers::NumberPayload;
use crate::graphql::patch::patch;
use crate::graphql::typed::ServiceParametersInput;

/// Mutations of numbers and extensions.
#[derive(Default)]
pub struct ExtensionsMutation;

/// Decodes the parameters of an input, either JSON or typed.
fn decode_parameters(
    ctx: &Context<'_>,
    service_type: Option<&str>,
    parameters: Option<Value>,
    typed: Option<ServiceParametersInput>,
) -> Result<Option<Value>, error::UserError> {
    let Some(typed) = typed else { return Ok(parameters) };
    if parameters.is_some() {
        return Err(error::UserError::invalid("typed", "Give `parameters` or `typed`, not both."));
    }
    let none = Arc::default();
    let catalogue = ctx.data_opt::<Arc<TypeCatalogue>>().unwrap_or(&none);
    let (slug, value) = typed.decode(catalogue)?;
    match (slug, service_type) {
        (Some(slug), Some(expected)) if slug != expected => {
            Err(error::UserError::invalid("typed", format!("These are parameters of {slug}, not of {expected}.")))
        }
        _ => Ok(Some(value)),
    }
}

/// The payload of an input with an error.
fn failed(error: error::UserError) -> ExtensionPayload {
    ExtensionPayload::failed(vec![UserError::from(error)])
}

#[Object]
impl ExtensionsMutation {
    /// Registers an extension of the caller's own, on a service type that the event offers.
    async fn register_extension(
        &self,
        ctx: &Context<'_>,
        input: RegisterExtensionInput,
    ) -> Result<ExtensionPayload, ApiError> {
        let parameters = match decode_parameters(ctx, Some(&input.service_type), input.parameters, input.typed) {
            Ok(parameters) => parameters,
            Err(problem) => return Ok(failed(problem)),
        };
        let input = rules::RegisterExtension {
            event: input.event,
            service_type: input.service_type,
            number: input.number.map(|number| number.0),
            label: input.label,
            visibility: input.visibility.into(),
            parameters,
            fallback_number: input.fallback_number.map(|number| number.0),
            dry_run: input.dry_run,
        };
        ExtensionPayload::of(ctx, rules::register(services(ctx)?, &caller(ctx)?, input).await).await
    }

    /// Changes label, visibility, parameters and fallback. A secret parameter changes within 15 minutes of a sign-in only: otherwise
    /// REAUTHENTICATION_REQUIRED.
    async fn update_extension(
        &self,
        ctx: &Context<'_>,
        input: UpdateExtensionInput,
    ) -> Result<ExtensionPayload, ApiError> {
        let parameters = match decode_parameters(ctx, None, input.parameters, input.typed) {
            Ok(parameters) => parameters,
            Err(problem) => return Ok(failed(problem)),
        };
        let input = rules::UpdateExtension {
            id: input.id.0,
            expected_version: input.expected_version,
            label: patch(input.label),
            visibility: patch(input.visibility).map(Into::into),
            parameters,
            fallback_number: patch(input.fallback_number).map(|number| number.0),
            dry_run: input.dry_run,
        };
        ExtensionPayload::of(ctx, rules::update(services(ctx)?, &caller(ctx)?, input).await).await
    }

    /// Gives an extension another number; the one that it leaves is held for its owner, who may take it back.
    async fn renumber_extension(
        &self,
        ctx: &Context<'_>,
        input: RenumberExtensionInput,
    ) -> Result<ExtensionPayload, ApiError> {
        let input = rules::RenumberExtension {
            id: input.id.0,
            number: input.number.0,
            expected_version: input.expected_version,
            dry_run: input.dry_run,
        };
        ExtensionPayload::of(ctx, rules::renumber(services(ctx)?, &caller(ctx)?, input).await).await
    }

    /// Makes a generated secret anew. Needs a sign-in within 15 minutes.
    async fn rotate_secret(&self, ctx: &Context<'_>, input: RotateSecretInput) -> Result<ExtensionPayload, ApiError> {
        ExtensionPayload::of(
            ctx,
            rules::rotate_secret(services(ctx)?, &caller(ctx)?, &input.id, &input.parameter).await,
        )
        .await
    }

    /// Deletes an extension; its number is held for its last owner.
    async fn delete_extension(
        &self,
        ctx: &Context<'_>,
        input: DeleteExtensionInput,
    ) -> Result<DeleteExtensionPayload, ApiError> {
        let deleted =
            into_payload(rules::delete(services(ctx)?, &caller(ctx)?, &input.id, input.expected_version).await)?;
        Ok(match deleted {
            Ok(deleted) => DeleteExtensionPayload {
                deleted_id: Some(ID(deleted.extension.global())),
                held_until: Some(deleted.held_until.into()),
                errors: Vec::new(),
            },
            Err(errors) => DeleteExtensionPayload { deleted_id: None, held_until: None, errors },
        })
    }

    /// Assigns a number to anybody, from any range, in any phase but ARCHIVED. For operators.
    async fn assign_extension(
        &self,
        ctx: &Context<'_>,
        input: AssignExtensionInput,
    ) -> Result<ExtensionPayload, ApiError> {
        let parameters = match decode_parameters(ctx, Some(&input.service_type), input.parameters, input.typed) {
            Ok(parameters) => parameters,
            Err(problem) => return Ok(failed(problem)),
        };
        let input = rules::AssignExtension {
            event: input.event,
            service_type: input.service_type,
            number: input.number.0,
            owner: input.owner,
            label: input.label,
            visibility: input.visibility.into(),
            parameters,
            permissions: input.permissions,
            override_reservation: input.override_reservation,
        };
        ExtensionPayload::of(ctx, rules::assign(services(ctx)?, &caller(ctx)?, input).await).await
    }

    /// Gives an extension to another account. Every generated secret is made anew, a fallback outside the event is cleared, and
    /// memberships in others' groups become invitations: the old owner knows them or agreed to them. For operators,
    /// within 15 minutes of a sign-in.
    async fn transfer_extension(
        &self,
        ctx: &Context<'_>,
        input: TransferExtensionInput,
    ) -> Result<ExtensionPayload, ApiError> {
        let TransferExtensionInput { id, owner, expected_version } = input;
        let input = rules::TransferExtension { id: id.0, owner, expected_version };
        ExtensionPayload::of(ctx, rules::transfer(services(ctx)?, &caller(ctx)?, input).await).await
    }

    /// Two extensions of one event exchange their numbers, in one change of every feed. For operators.
    async fn swap_numbers(&self, ctx: &Context<'_>, input: SwapNumbersInput) -> Result<SwapNumbersPayload, ApiError> {
        let result = rules::swap(services(ctx)?, &caller(ctx)?, &input.first, &input.second).await;
        SwapNumbersPayload::of(ctx, result).await
    }

    /// Replaces the call permissions of an extension. For operators.
    async fn set_call_permissions(
        &self,
        ctx: &Context<'_>,
        input: SetCallPermissionsInput,
    ) -> Result<ExtensionPayload, ApiError> {
        let result = rules::set_call_permissions(
            services(ctx)?,
            &caller(ctx)?,
            &input.id,
            input.permissions,
            input.expected_version,
        )
        .await;
        ExtensionPayload::of(ctx, result).await
    }

    /// Bars a number: it cannot be registered, and makes no calls. For operators.
    async fn bar_number(&self, ctx: &Context<'_>, input: BarNumberInput) -> Result<NumberPayload, ApiError> {
        let result =
            rules::bar_number(services(ctx)?, &caller(ctx)?, input.event, &input.number.0, &input.reason).await;
        NumberPayload::of(ctx, result).await
    }

    /// Lifts the bar of a number. For operators.
    async fn unbar_number(&self, ctx: &Context<'_>, input: UnbarNumberInput) -> Result<NumberPayload, ApiError> {
        let result = rules::unbar_number(services(ctx)?, &caller(ctx)?, input.event, &input.number.0).await;
        NumberPayload::of(ctx, result).await
    }
}
