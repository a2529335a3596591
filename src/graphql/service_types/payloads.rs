//! Payloads of the mutations of service types.

use async_graphql::{Context, SimpleObject};

use super::objects::ServiceType;
use crate::graphql::extensions::Extension;
use crate::graphql::error::{ApiError, UserError, settle};
use service_types::rules;

/// A service type, or why not.
#[derive(SimpleObject)]
pub struct ServiceTypePayload {
    /// The service type as it is now.
    pub service_type: Option<ServiceType>,
    /// Extensions that the new schema would break, the first 100.
    pub violations: Vec<ExtensionViolation>,
    /// How many extensions the new schema would break.
    pub violation_count: i32,
    /// Why not.
    pub errors: Vec<UserError>,
}

impl ServiceTypePayload {
    pub async fn of(ctx: &Context<'_>, update: rules::Update) -> Result<Self, ApiError> {
        let rules::Update { result, incompatibilities } = update;
        let (service_type, errors) = match settle(result)? {
            Ok(changed) => (ServiceType::load(ctx, changed.id).await?, Vec::new()),
            Err(errors) => (None, errors),
        };
        let violations = named(ctx, incompatibilities.named).await?;
        Ok(Self { service_type, violations, violation_count: incompatibilities.count, errors })
    }
}

/// An extension that a new schema would break.
#[derive(SimpleObject)]
pub struct ExtensionViolation {
    /// The extension.
    pub extension: Extension,
    /// JSON Pointer into the extension's parameters.
    pub pointer: String,
    /// The JSON Schema keyword that failed; `x-unique` for a value that another extension has, `x-secret` for a stored secret
    /// that everybody could read.
    pub keyword: String,
    /// One sentence for a person.
    pub message: String,
}

/// Reads the extensions that are named; one that has gone meanwhile is left out.
async fn named(
    ctx: &Context<'_>,
    violations: Vec<rules::Incompatibility>,
) -> Result<Vec<ExtensionViolation>, ApiError> {
    let mut named = Vec::with_capacity(violations.len());
    for rules::Incompatibility { extension, pointer, keyword, message } in violations {
        if let Some(extension) = Extension::load(ctx, extension).await? {
            named.push(ExtensionViolation { extension, pointer, keyword, message });
        }
    }
    Ok(named)
}
