//! GraphQL objects of events, number ranges and call permissions.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use crate::graphql::context::{self, actor};
use crate::graphql::enums;
use crate::graphql::error::ApiError;
use crate::graphql::scalars::{DateTime, PhoneNumber};
use crate::graphql::service_types::ServiceType;
use events::EventPhase;
use platform::access::{Actor, Role};
use platform::ids::{CallPermissionId, EventId, NumberRangeId, ServiceTypeId};
use service_types::RangeLimit;

/// An event with its own numbering plan: a camp, a congress or a campus. Numbers are unique within an event.
#[derive(Clone)]
pub struct Event(pub Arc<events::Event>);

impl Event {
    /// The event with this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn load(ctx: &Context<'_>, id: EventId) -> Result<Option<Self>, ApiError> {
        let row = events::event_by_id(&mut *context::read(ctx).await?, id).await?;
        Ok(row.map(|row| Self(Arc::new(row))))
    }

    /// The event with this id, if it is visible to the caller.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn load_visible(ctx: &Context<'_>, id: EventId) -> Result<Option<Self>, ApiError> {
        let actor = actor(ctx)?;
        Ok(Self::load(ctx, id).await?.filter(|event| is_visible_to(&event.0, actor)))
    }

    /// The event with this slug, if it is visible to the caller.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn find_visible(ctx: &Context<'_>, slug: &str) -> Result<Option<Self>, ApiError> {
        let row = events::event_by_slug(&mut *context::read(ctx).await?, slug).await?;
        let actor = actor(ctx)?;
        Ok(row.filter(|row| is_visible_to(row, actor)).map(|row| Self(Arc::new(row))))
    }
}

/// Whether the event is visible to the actor. A draft is visible to admins only.
pub(super) fn is_visible_to(event: &events::Event, actor: &Actor) -> bool {
    event.phase != EventPhase::Draft || actor.is_at_least(Role::Admin)
}

#[Object]
impl Event {
    /// The event's id.
    pub async fn id(&self) -> ID {
        ID(self.0.id.global())
    }

    /// Its short name in URLs and commands.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// Its display name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The phase that it is in.
    async fn phase(&self) -> enums::EventPhase {
        self.0.phase.into()
    }

    /// When it starts. Null for a permanent installation.
    async fn starts_at(&self) -> Option<DateTime> {
        self.0.starts_at.map(Into::into)
    }

    /// When it ends. Null for a permanent installation.
    async fn ends_at(&self) -> Option<DateTime> {
        self.0.ends_at.map(Into::into)
    }

    /// The IANA name of its time zone, such as `Europe/London`.
    async fn time_zone(&self) -> &str {
        &self.0.time_zone
    }

    /// For how many seconds a deleted or released number is held for its last owner.
    async fn hold_seconds(&self) -> i32 {
        self.0.hold_seconds
    }

    /// Numbers that begin with these prefixes are never allocated, such as emergency and service codes.
    async fn reserved_prefixes(&self) -> Vec<String> {
        self.0.reserved()
    }

    /// The ranges of numbers that can be registered, by first number.
    async fn ranges(&self, ctx: &Context<'_>) -> Result<Vec<NumberRange>, ApiError> {
        let rows = events::ranges_of_event(&mut *context::read(ctx).await?, self.0.id).await?;
        Ok(rows.into_iter().map(|row| NumberRange(Arc::new(row))).collect())
    }

    /// The service types that can be registered in the event.
    async fn service_types(&self, ctx: &Context<'_>) -> Result<Vec<ServiceType>, ApiError> {
        let rows = service_types::service_types_of_event(&mut *context::read(ctx).await?, self.0.id).await?;
        Ok(rows.into_iter().map(|row| ServiceType(Arc::new(row))).collect())
    }
}

/// A range of numbers that can be registered.
#[derive(Clone)]
pub struct NumberRange(pub Arc<events::NumberRange>);

impl NumberRange {
    /// The range with this id, if its event is visible to the caller.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn load(ctx: &Context<'_>, id: NumberRangeId) -> Result<Option<Self>, ApiError> {
        let mut conn = context::read(ctx).await?;
        let Some(row) = events::range_by_id(&mut conn, id).await? else { return Ok(None) };
        let event = events::event_by_id(&mut conn, row.event_id).await?;
        let actor = actor(ctx)?;
        Ok(event.filter(|event| is_visible_to(event, actor)).map(|_| Self(Arc::new(row))))
    }
}

#[Object]
impl NumberRange {
    /// The range's id.
    pub async fn id(&self) -> ID {
        ID(self.0.id.global())
    }

    /// The event that the range belongs to.
    async fn event(&self, ctx: &Context<'_>) -> Result<Event, ApiError> {
        Event::load(ctx, self.0.event_id).await?.ok_or_else(|| missing_row("event"))
    }

    /// The first number. Both ends are part of the range and have the same number of digits.
    async fn first(&self) -> PhoneNumber {
        self.0.first.clone().into()
    }

    /// The last number.
    async fn last(&self) -> PhoneNumber {
        self.0.last.clone().into()
    }

    /// Its display name.
    async fn label(&self) -> &str {
        &self.0.label
    }

    /// Whether only operators allocate numbers of it.
    async fn privileged(&self) -> bool {
        self.0.privileged
    }

    /// The service types that may use it; empty: all.
    async fn service_types(&self, ctx: &Context<'_>) -> Result<Vec<ServiceType>, ApiError> {
        let mut conn = context::read(ctx).await?;
        let limits = service_types::range_limits(&mut conn, self.0.event_id).await?;
        let all = service_types::all_service_types(&mut conn).await?;
        let is_allowed = |id: ServiceTypeId| limits.contains(&RangeLimit { range_id: self.0.id, service_type_id: id });
        Ok(all.into_iter().filter(|row| is_allowed(row.id)).map(|row| ServiceType(Arc::new(row))).collect())
    }

    /// The number of numbers in the range (at most 10,000,000).
    async fn size(&self) -> Result<i32, ApiError> {
        Ok(i32::try_from(self.0.plan()?.size()).unwrap_or(i32::MAX))
    }

    /// How many of them are available now.
    async fn available(&self, ctx: &Context<'_>) -> Result<i32, ApiError> {
        let mut conn = context::read(ctx).await?;
        let Some(event) = events::event_by_id(&mut conn, self.0.event_id).await? else {
            return Err(missing_row("event"));
        };
        let free = numbers::count_free(&mut conn, &event, &self.0).await?;
        Ok(i32::try_from(free).unwrap_or(i32::MAX))
    }
}

/// A permission that telephone systems enforce, such as `external` or `international`.
#[derive(Clone)]
pub struct CallPermission(pub Arc<events::CallPermission>);

impl CallPermission {
    /// The permission with this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn load(ctx: &Context<'_>, id: CallPermissionId) -> Result<Option<Self>, ApiError> {
        let row = events::permission_by_id(&mut *context::read(ctx).await?, id).await?;
        Ok(row.map(|row| Self(Arc::new(row))))
    }
}

#[Object]
impl CallPermission {
    /// The permission's id.
    pub async fn id(&self) -> ID {
        ID(self.0.id.global())
    }

    /// Its short name in feeds.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// Its display name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it allows.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// Whether the directory highlights the entries of extensions that have it.
    async fn highlights_in_directory(&self) -> bool {
        self.0.highlights_in_directory
    }
}

/// The internal error of a reference to a missing row.
pub fn missing_row(what: &str) -> ApiError {
    platform::error::InternalError::new(format!("a row refers to a missing {what}")).into()
}
