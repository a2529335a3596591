//! Payloads of the mutations of events, number ranges and call permissions.

use std::sync::Arc;

use async_graphql::{Context, SimpleObject};

use super::objects::{CallPermission, Event, NumberRange};
use crate::graphql::context;
use crate::graphql::error::{ApiError, UserError, into_payload};
use events::rules::Changed;
use platform::error::Error;
use platform::ids::{CallPermissionId, EventId, NumberRangeId};

/// The event, or errors.
#[derive(SimpleObject)]
pub struct EventPayload {
    /// The event after the change.
    pub event: Option<Event>,
    /// The errors; nothing changed if there are any.
    pub errors: Vec<UserError>,
}

impl EventPayload {
    pub async fn of(ctx: &Context<'_>, result: Result<Changed<EventId>, Error>) -> Result<Self, ApiError> {
        Ok(match into_payload(result)? {
            Ok(changed) => Self { event: Event::load(ctx, changed.id).await?, errors: Vec::new() },
            Err(errors) => Self { event: None, errors },
        })
    }
}

/// The range, or errors.
#[derive(SimpleObject)]
pub struct NumberRangePayload {
    /// The range after the change.
    pub range: Option<NumberRange>,
    /// The errors; nothing changed if there are any.
    pub errors: Vec<UserError>,
}

impl NumberRangePayload {
    pub async fn of(ctx: &Context<'_>, result: Result<Changed<NumberRangeId>, Error>) -> Result<Self, ApiError> {
        Ok(match into_payload(result)? {
            Ok(changed) => {
                let row = events::range_by_id(&mut *context::read(ctx).await?, changed.id).await?;
                Self { range: row.map(|row| NumberRange(Arc::new(row))), errors: Vec::new() }
            }
            Err(errors) => Self { range: None, errors },
        })
    }
}

/// The permission, or errors.
#[derive(SimpleObject)]
pub struct CallPermissionPayload {
    /// The permission after the change.
    pub permission: Option<CallPermission>,
    /// The errors; nothing changed if there are any.
    pub errors: Vec<UserError>,
}

impl CallPermissionPayload {
    pub async fn of(ctx: &Context<'_>, result: Result<Changed<CallPermissionId>, Error>) -> Result<Self, ApiError> {
        Ok(match into_payload(result)? {
            Ok(changed) => {
                let row = events::permission_by_id(&mut *context::read(ctx).await?, changed.id).await?;
                Self { permission: row.map(|row| CallPermission(Arc::new(row))), errors: Vec::new() }
            }
            Err(errors) => Self { permission: None, errors },
        })
    }
}
