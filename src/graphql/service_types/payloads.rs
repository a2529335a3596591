//! Payloads of the mutations of service types.

use async_graphql::{Context, SimpleObject};

use super::objects::ServiceType;
use crate::graphql::error::{ApiError, UserError, into_payload};
use crate::graphql::extensions::Extension;
use service_types::rules;

/// The service type, or errors.
#[derive(SimpleObject)]
pub struct ServiceTypePayload {
    /// The service type after the change.
    pub service_type: Option<ServiceType>,
    /// Extensions that are incompatible with the new schema, at most the first 100.
    pub violations: Vec<ExtensionViolation>,
    /// The number of extensions that are incompatible with the new schema.
    pub violation_count: i32,
    /// The errors; nothing changed if there are any.
    pub errors: Vec<UserError>,
}

impl ServiceTypePayload {
    pub async fn of(ctx: &Context<'_>, outcome: rules::UpdateOutcome) -> Result<Self, ApiError> {
        let rules::UpdateOutcome { result, incompatibilities } = outcome;
        let (service_type, errors) = match into_payload(result)? {
            Ok(changed) => (ServiceType::load(ctx, changed.id).await?, Vec::new()),
            Err(errors) => (None, errors),
        };
        let violations = load_violations(ctx, incompatibilities.listed).await?;
        Ok(Self { service_type, violations, violation_count: incompatibilities.count, errors })
    }
}

/// An extension that is incompatible with a new schema.
#[derive(SimpleObject)]
pub struct ExtensionViolation {
    /// The extension.
    pub extension: Extension,
    /// JSON Pointer into the extension's parameters.
    pub pointer: String,
    /// The violated keyword of JSON Schema; `x-unique` for a value of another extension, `x-secret` for a stored secret
    /// that would be exposed.
    pub keyword: String,
    /// A message for users.
    pub message: String,
}

/// Loads the incompatible extensions. An extension that was deleted in the meantime is left out.
async fn load_violations(
    ctx: &Context<'_>,
    violations: Vec<rules::Incompatibility>,
) -> Result<Vec<ExtensionViolation>, ApiError> {
    let mut loaded = Vec::with_capacity(violations.len());
    for rules::Incompatibility { extension, pointer, keyword, message } in violations {
        if let Some(extension) = Extension::load(ctx, extension).await? {
            loaded.push(ExtensionViolation { extension, pointer, keyword, message });
        }
    }
    Ok(loaded)
}
