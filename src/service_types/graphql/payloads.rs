//! What mutations of the configuration answer.

use std::sync::Arc;

use async_graphql::{Context, SimpleObject};

use super::objects::{CallPermission, Event, NumberRange};
use super::type_objects::{ServiceType, Template};
use crate::extensions::graphql::Extension;
use crate::graphql::context;
use crate::graphql::error::{ApiError, UserError, into_payload};
use crate::ids::{CallPermissionId, EventId, NumberRangeId};
use crate::service_types::{queries, rules};

/// An event, or why not.
#[derive(SimpleObject)]
pub struct EventPayload {
    /// The event as it is now.
    pub event: Option<Event>,
    /// Why not.
    pub errors: Vec<UserError>,
}

impl EventPayload {
    pub async fn of(
        ctx: &Context<'_>,
        result: Result<rules::Changed<EventId>, crate::error::Error>,
    ) -> Result<Self, ApiError> {
        Ok(match into_payload(result)? {
            Ok(changed) => Self { event: Event::load(ctx, changed.id).await?, errors: Vec::new() },
            Err(errors) => Self { event: None, errors },
        })
    }
}

/// A range, or why not.
#[derive(SimpleObject)]
pub struct NumberRangePayload {
    /// The range as it is now.
    pub range: Option<NumberRange>,
    /// Why not.
    pub errors: Vec<UserError>,
}

impl NumberRangePayload {
    pub async fn of(
        ctx: &Context<'_>,
        result: Result<rules::Changed<NumberRangeId>, crate::error::Error>,
    ) -> Result<Self, ApiError> {
        Ok(match into_payload(result)? {
            Ok(changed) => {
                let row = queries::range_by_id(&mut *context::read(ctx).await?, changed.id).await?;
                Self { range: row.map(|row| NumberRange(Arc::new(row))), errors: Vec::new() }
            }
            Err(errors) => Self { range: None, errors },
        })
    }
}

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
        let rules::Update { result, breakage } = update;
        let (service_type, errors) = match into_payload(result)? {
            Ok(changed) => (ServiceType::load(ctx, changed.id).await?, Vec::new()),
            Err(errors) => (None, errors),
        };
        let violations = named(ctx, breakage.named).await?;
        Ok(Self { service_type, violations, violation_count: breakage.count, errors })
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
async fn named(ctx: &Context<'_>, violations: Vec<rules::Violation>) -> Result<Vec<ExtensionViolation>, ApiError> {
    let mut named = Vec::with_capacity(violations.len());
    for rules::Violation { extension, pointer, keyword, message } in violations {
        if let Some(extension) = Extension::load(ctx, extension).await? {
            named.push(ExtensionViolation { extension, pointer, keyword, message });
        }
    }
    Ok(named)
}

/// A template, or why not.
#[derive(SimpleObject)]
pub struct TemplatePayload {
    /// The template as it is now.
    pub template: Option<Template>,
    /// The template applied to sample data.
    pub sample: Option<String>,
    /// Why not.
    pub errors: Vec<UserError>,
}

/// A permission, or why not.
#[derive(SimpleObject)]
pub struct CallPermissionPayload {
    /// The permission as it is now.
    pub permission: Option<CallPermission>,
    /// Why not.
    pub errors: Vec<UserError>,
}

impl CallPermissionPayload {
    pub async fn of(
        ctx: &Context<'_>,
        result: Result<rules::Changed<CallPermissionId>, crate::error::Error>,
    ) -> Result<Self, ApiError> {
        Ok(match into_payload(result)? {
            Ok(changed) => {
                let row = queries::permission_by_id(&mut *context::read(ctx).await?, changed.id).await?;
                Self { permission: row.map(|row| CallPermission(Arc::new(row))), errors: Vec::new() }
            }
            Err(errors) => Self { permission: None, errors },
        })
    }
}
