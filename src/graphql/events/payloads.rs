//! Payloads of the mutations of events, number ranges and call permissions.

use std::sync::Arc;

use async_graphql::{Context, SimpleObject};

use super::objects::{CallPermission, Event, NumberRange};
use platform::error::Error;
use events::rules::Changed;
use crate::graphql::context;
use crate::graphql::error::{ApiError, UserError, settle};
use platform::ids::{CallPermissionId, EventId, NumberRangeId};

/// An event, or why not.
#[derive(SimpleObject)]
pub struct EventPayload {
    /// The event as it is now.
    pub event: Option<Event>,
    /// Why not.
    pub errors: Vec<UserError>,
}

impl EventPayload {
    pub async fn of(ctx: &Context<'_>, result: Result<Changed<EventId>, Error>) -> Result<Self, ApiError> {
        Ok(match settle(result)? {
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
    pub async fn of(ctx: &Context<'_>, result: Result<Changed<NumberRangeId>, Error>) -> Result<Self, ApiError> {
        Ok(match settle(result)? {
            Ok(changed) => {
                let row = events::range_by_id(&mut *context::read(ctx).await?, changed.id).await?;
                Self { range: row.map(|row| NumberRange(Arc::new(row))), errors: Vec::new() }
            }
            Err(errors) => Self { range: None, errors },
        })
    }
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
    pub async fn of(ctx: &Context<'_>, result: Result<Changed<CallPermissionId>, Error>) -> Result<Self, ApiError> {
        Ok(match settle(result)? {
            Ok(changed) => {
                let row = events::permission_by_id(&mut *context::read(ctx).await?, changed.id).await?;
                Self { permission: row.map(|row| CallPermission(Arc::new(row))), errors: Vec::new() }
            }
            Err(errors) => Self { permission: None, errors },
        })
    }
}
