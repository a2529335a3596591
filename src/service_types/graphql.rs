//! The configuration in the API.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use serde_json::Value;

use super::model;
use super::{EventPhase, queries, rules};
use crate::access::{Actor, Role};
use crate::accounts::graphql::AcceptedPayload;
use crate::graphql::context::{self, CoreTypeNames, actor, caller, services};
use crate::graphql::enums;
use crate::graphql::error::{ApiError, UserError, settle};
use crate::graphql::scalars::{DateTime, PhoneNumber};
use crate::ids::{CallPermissionId, EventId, NumberRangeId, ServiceTypeId};

/// A numbering plan with its people: one camp, congress or campus. Numbers are unique within it.
#[derive(Clone)]
pub struct Event(pub Arc<model::Event>);

impl Event {
    /// The event of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn load(ctx: &Context<'_>, id: EventId) -> Result<Option<Self>, ApiError> {
        let row = queries::event_by_id(&mut *context::read(ctx).await?, id).await?;
        Ok(row.map(|row| Self(Arc::new(row))))
    }

    /// The event of this slug, if the caller may know of it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn find(ctx: &Context<'_>, slug: &str) -> Result<Option<Self>, ApiError> {
        let row = queries::event_by_slug(&mut *context::read(ctx).await?, slug).await?;
        let actor = actor(ctx)?;
        Ok(row.filter(|row| is_known_to(row, actor)).map(|row| Self(Arc::new(row))))
    }
}

/// A draft is known to admins alone.
fn is_known_to(event: &model::Event, actor: &Actor) -> bool {
    event.phase != EventPhase::Draft || actor.is_at_least(Role::Admin)
}

#[Object]
impl Event {
    /// The event's id.
    pub async fn id(&self) -> ID {
        ID(self.0.id.global())
    }

    /// Its short name in addresses and commands.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// Its name for people.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// How far it has come.
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

    /// IANA name, for the people's clocks: `Europe/London`.
    async fn time_zone(&self) -> &str {
        &self.0.time_zone
    }

    /// How long a deleted or left number is kept for its last owner.
    async fn hold_seconds(&self) -> i32 {
        self.0.hold_seconds
    }

    /// Numbers that begin with these are never given out: emergency and service codes.
    async fn reserved_prefixes(&self) -> Vec<String> {
        self.0.reserved()
    }

    /// The numbers that may be registered, by first number.
    async fn ranges(&self, ctx: &Context<'_>) -> Result<Vec<NumberRange>, ApiError> {
        let rows = queries::ranges_of_event(&mut *context::read(ctx).await?, self.0.id).await?;
        Ok(rows.into_iter().map(|row| NumberRange(Arc::new(row))).collect())
    }

    /// What may be registered here.
    async fn service_types(&self, ctx: &Context<'_>) -> Result<Vec<ServiceType>, ApiError> {
        let rows = queries::service_types_of_event(&mut *context::read(ctx).await?, self.0.id).await?;
        Ok(rows.into_iter().map(|row| ServiceType(Arc::new(row))).collect())
    }
}

/// Numbers that may be registered.
#[derive(Clone)]
pub struct NumberRange(pub Arc<model::NumberRange>);

#[Object]
impl NumberRange {
    /// The range's id.
    pub async fn id(&self) -> ID {
        ID(self.0.id.global())
    }

    /// Whose numbers they are.
    async fn event(&self, ctx: &Context<'_>) -> Result<Event, ApiError> {
        Event::load(ctx, self.0.event_id).await?.ok_or_else(|| gone("event"))
    }

    /// The first number. Both ends belong to the range and have the same number of digits.
    async fn first(&self) -> PhoneNumber {
        self.0.first.clone().into()
    }

    /// The last number.
    async fn last(&self) -> PhoneNumber {
        self.0.last.clone().into()
    }

    /// Its name for people.
    async fn label(&self) -> &str {
        &self.0.label
    }

    /// Only operators allocate from it.
    async fn privileged(&self) -> bool {
        self.0.privileged
    }

    /// Empty: every service type may use it.
    async fn service_types(&self, ctx: &Context<'_>) -> Result<Vec<ServiceType>, ApiError> {
        let mut conn = context::read(ctx).await?;
        let limits = queries::range_limits(&mut conn, self.0.event_id).await?;
        let all = queries::all_service_types(&mut conn).await?;
        let is_named = |id: ServiceTypeId| limits.contains(&(self.0.id, id));
        Ok(all.into_iter().filter(|row| is_named(row.id)).map(|row| ServiceType(Arc::new(row))).collect())
    }

    /// How many numbers the range holds (at most 10,000,000).
    async fn size(&self) -> Result<i32, ApiError> {
        Ok(i32::try_from(self.0.plan()?.size()).unwrap_or(i32::MAX))
    }

    /// How many of them are free now.
    async fn available(&self, ctx: &Context<'_>) -> Result<i32, ApiError> {
        let taken = queries::count_taken(&mut *context::read(ctx).await?, &self.0).await?;
        let size = i64::try_from(self.0.plan()?.size()).unwrap_or(i64::MAX);
        Ok(i32::try_from(size.saturating_sub(taken).max(0)).unwrap_or(i32::MAX))
    }
}

/// A kind of service, made of data alone: adding one needs no change of code and no restart.
#[derive(Clone)]
pub struct ServiceType(pub Arc<model::ServiceType>);

impl ServiceType {
    /// The service type of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn load(ctx: &Context<'_>, id: ServiceTypeId) -> Result<Option<Self>, ApiError> {
        let row = queries::service_type_by_id(&mut *context::read(ctx).await?, id).await?;
        Ok(row.map(|row| Self(Arc::new(row))))
    }
}

#[Object]
impl ServiceType {
    /// The service type's id.
    pub async fn id(&self) -> ID {
        ID(self.0.id.global())
    }

    /// Its short name in addresses and commands.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// Its name for people.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Markdown for the people who choose it.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// Markdown for the owner of an extension, a template over its public fields: how to set the device up.
    async fn instructions(&self) -> &str {
        &self.0.instructions
    }

    /// JSON Schema 2020-12 of an extension's parameters, with annotations that begin with `x-`.
    async fn parameter_schema(&self) -> &Value {
        &self.0.parameter_schema.0
    }

    /// Rises with every change of the schema.
    async fn schema_version(&self) -> i32 {
        self.0.schema_version
    }

    /// What its extensions do.
    async fn behaviour(&self) -> enums::ServiceBehaviour {
        self.0.behaviour.into()
    }

    /// Only operators register it.
    async fn privileged(&self) -> bool {
        self.0.privileged
    }

    /// Its extensions may join call groups.
    async fn group_capable(&self) -> bool {
        self.0.group_capable
    }

    /// How many extensions one user may hold in one event; null: no limit.
    async fn quota(&self) -> Option<i32> {
        self.0.quota
    }

    /// How many members a group of this type may have; null: no limit.
    async fn member_limit(&self) -> Option<i32> {
        self.0.member_limit
    }

    /// Whether registrations have stopped; what exists goes on.
    async fn retired(&self) -> bool {
        self.0.retired
    }

    /// Settings for templates: registrar, realm, codecs… never secrets.
    async fn settings(&self) -> &Value {
        &self.0.settings.0
    }
}

/// A flag that telephone systems honour, e.g. `external`, `international`.
#[derive(Clone)]
pub struct CallPermission(pub Arc<model::CallPermission>);

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

    /// Its name for people.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it allows.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// Marks the entry in the directory.
    async fn highlights_in_directory(&self) -> bool {
        self.0.highlights_in_directory
    }
}

/// A row that another row refers to and that is not there.
pub fn gone(what: &str) -> ApiError {
    crate::problem::Fault::internal(format!("a row refers to a missing {what}")).into()
}

/// An event to be made.
#[derive(InputObject)]
struct CreateEventInput {
    /// `[a-z][a-z0-9-]{0,31}`.
    slug: String,
    /// 1 to 64 characters.
    name: String,
    /// When it starts.
    starts_at: Option<DateTime>,
    /// When it ends.
    ends_at: Option<DateTime>,
    /// IANA name.
    #[graphql(default_with = "\"UTC\".to_owned()")]
    time_zone: String,
    /// How far it has come.
    #[graphql(default_with = "enums::EventPhase::Draft")]
    phase: enums::EventPhase,
    /// How long a left number is kept for its last owner, 0 to 604,800.
    #[graphql(default = 1800)]
    hold_seconds: i32,
    /// Prefixes that are never given out.
    #[graphql(default)]
    reserved_prefixes: Vec<String>,
    /// Slugs of what may be registered.
    #[graphql(default)]
    service_types: Vec<String>,
    /// Copy ranges, service types, settings and reservations of this event.
    copy_from: Option<String>,
}

/// A field left out stays as it is.
#[derive(InputObject)]
struct UpdateEventInput {
    /// Which event.
    slug: String,
    /// 1 to 64 characters.
    name: Option<String>,
    /// Null: a permanent installation.
    starts_at: MaybeUndefined<DateTime>,
    /// Null: a permanent installation.
    ends_at: MaybeUndefined<DateTime>,
    /// IANA name.
    time_zone: Option<String>,
    /// How far it has come.
    phase: Option<enums::EventPhase>,
    /// 0 to 604,800.
    hold_seconds: Option<i32>,
    /// Replaces the prefixes.
    reserved_prefixes: Option<Vec<String>>,
    /// Replaces what may be registered.
    service_types: Option<Vec<String>>,
}

/// A range to be made.
#[derive(InputObject)]
struct CreateNumberRangeInput {
    /// The event's slug.
    event: String,
    /// The first number.
    first: PhoneNumber,
    /// The last number, with as many digits.
    last: PhoneNumber,
    /// 1 to 64 characters.
    label: String,
    /// Only operators allocate from it.
    #[graphql(default)]
    privileged: bool,
    /// Slugs of the service types that may use it; empty: all.
    #[graphql(default)]
    service_types: Vec<String>,
}

/// A field left out stays as it is.
#[derive(InputObject)]
struct UpdateNumberRangeInput {
    /// Which range.
    id: ID,
    /// 1 to 64 characters.
    label: Option<String>,
    /// Only operators allocate from it.
    privileged: Option<bool>,
    /// Replaces the service types that may use it.
    service_types: Option<Vec<String>>,
}

/// Which range.
#[derive(InputObject)]
struct DeleteNumberRangeInput {
    /// The range's id.
    id: ID,
}

/// A service type to be made.
#[derive(InputObject)]
struct CreateServiceTypeInput {
    /// `[a-z][a-z0-9-]{0,31}`.
    slug: String,
    /// 1 to 64 characters.
    name: String,
    /// Markdown for the people who choose it.
    #[graphql(default)]
    description: String,
    /// Markdown for owners, a template.
    #[graphql(default)]
    instructions: String,
    /// JSON Schema 2020-12 of an object.
    parameter_schema: Value,
    /// What its extensions do.
    #[graphql(default_with = "enums::ServiceBehaviour::Endpoint")]
    behaviour: enums::ServiceBehaviour,
    /// Only operators register it.
    #[graphql(default)]
    privileged: bool,
    /// Its extensions may join call groups.
    #[graphql(default)]
    group_capable: bool,
    /// How many one user may hold in one event.
    quota: Option<i32>,
    /// How many members a group may have.
    member_limit: Option<i32>,
    /// Settings for templates.
    settings: Option<Value>,
}

/// A permission to be made.
#[derive(InputObject)]
struct CreateCallPermissionInput {
    /// `[a-z][a-z0-9-]{0,31}`.
    slug: String,
    /// 1 to 64 characters.
    name: String,
    /// What it allows.
    #[graphql(default)]
    description: String,
    /// Marks the entry in the directory.
    #[graphql(default)]
    highlights_in_directory: bool,
}

/// A field left out stays as it is.
#[derive(InputObject)]
struct UpdateCallPermissionInput {
    /// Which permission.
    id: ID,
    /// 1 to 64 characters.
    name: Option<String>,
    /// What it allows.
    description: Option<String>,
    /// Marks the entry in the directory.
    highlights_in_directory: Option<bool>,
}

/// An event, or why not.
#[derive(SimpleObject)]
struct EventPayload {
    /// The event as it is now.
    event: Option<Event>,
    /// Why not.
    errors: Vec<UserError>,
}

impl EventPayload {
    async fn of(ctx: &Context<'_>, result: Result<rules::Changed<EventId>, crate::problem::Stop>) -> Result<Self, ApiError> {
        Ok(match settle(result)? {
            Ok(changed) => Self { event: Event::load(ctx, changed.id).await?, errors: Vec::new() },
            Err(errors) => Self { event: None, errors },
        })
    }
}

/// A range, or why not.
#[derive(SimpleObject)]
struct NumberRangePayload {
    /// The range as it is now.
    range: Option<NumberRange>,
    /// Why not.
    errors: Vec<UserError>,
}

impl NumberRangePayload {
    async fn of(ctx: &Context<'_>, result: Result<rules::Changed<NumberRangeId>, crate::problem::Stop>) -> Result<Self, ApiError> {
        Ok(match settle(result)? {
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
struct ServiceTypePayload {
    /// The service type as it is now.
    service_type: Option<ServiceType>,
    /// Why not.
    errors: Vec<UserError>,
}

/// A permission, or why not.
#[derive(SimpleObject)]
struct CallPermissionPayload {
    /// The permission as it is now.
    permission: Option<CallPermission>,
    /// Why not.
    errors: Vec<UserError>,
}

impl CallPermissionPayload {
    async fn of(ctx: &Context<'_>, result: Result<rules::Changed<CallPermissionId>, crate::problem::Stop>) -> Result<Self, ApiError> {
        Ok(match settle(result)? {
            Ok(changed) => {
                let row = queries::permission_by_id(&mut *context::read(ctx).await?, changed.id).await?;
                Self { permission: row.map(|row| CallPermission(Arc::new(row))), errors: Vec::new() }
            }
            Err(errors) => Self { permission: None, errors },
        })
    }
}

/// Queries of the configuration.
#[derive(Default)]
pub struct ConfigQuery;

#[Object]
impl ConfigQuery {
    /// All events that the caller may know of, oldest first. A draft is known to admins alone.
    async fn events(&self, ctx: &Context<'_>) -> Result<Vec<Event>, ApiError> {
        let rows = queries::all_events(&mut *context::read(ctx).await?).await?;
        let actor = actor(ctx)?;
        Ok(rows.into_iter().filter(|row| is_known_to(row, actor)).map(|row| Event(Arc::new(row))).collect())
    }

    /// The event of this slug.
    async fn event(&self, ctx: &Context<'_>, #[graphql(desc = "The event's slug.")] slug: String) -> Result<Option<Event>, ApiError> {
        Event::find(ctx, &slug).await
    }

    /// Every service type, retired ones too, by slug.
    async fn service_types(&self, ctx: &Context<'_>) -> Result<Vec<ServiceType>, ApiError> {
        let rows = queries::all_service_types(&mut *context::read(ctx).await?).await?;
        Ok(rows.into_iter().map(|row| ServiceType(Arc::new(row))).collect())
    }

    /// The service type of this slug.
    async fn service_type(&self, ctx: &Context<'_>, #[graphql(desc = "The service type's slug.")] slug: String) -> Result<Option<ServiceType>, ApiError> {
        let row = queries::service_type_by_slug(&mut *context::read(ctx).await?, &slug).await?;
        Ok(row.map(|row| ServiceType(Arc::new(row))))
    }

    /// All call permissions, by slug.
    async fn call_permissions(&self, ctx: &Context<'_>) -> Result<Vec<CallPermission>, ApiError> {
        let rows = queries::all_permissions(&mut *context::read(ctx).await?).await?;
        Ok(rows.into_iter().map(|row| CallPermission(Arc::new(row))).collect())
    }
}

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
        let clearable = |field: MaybeUndefined<DateTime>| match field {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(at) => Some(Some(at.0)),
        };
        let input = rules::UpdateEvent {
            slug: input.slug,
            name: input.name,
            starts_at: clearable(input.starts_at),
            ends_at: clearable(input.ends_at),
            time_zone: input.time_zone,
            phase: input.phase.map(Into::into),
            hold_seconds: input.hold_seconds,
            reserved_prefixes: input.reserved_prefixes,
            service_types: input.service_types,
        };
        EventPayload::of(ctx, rules::update_event(services(ctx)?, &caller(ctx)?, input).await).await
    }

    /// Makes a range of numbers.
    async fn create_number_range(&self, ctx: &Context<'_>, input: CreateNumberRangeInput) -> Result<NumberRangePayload, ApiError> {
        let CreateNumberRangeInput { event, first, last, label, privileged, service_types } = input;
        let input = rules::CreateNumberRange { event, first: first.0, last: last.0, label, privileged, service_types };
        NumberRangePayload::of(ctx, rules::create_range(services(ctx)?, &caller(ctx)?, input).await).await
    }

    /// Changes who may use a range.
    async fn update_number_range(&self, ctx: &Context<'_>, input: UpdateNumberRangeInput) -> Result<NumberRangePayload, ApiError> {
        let UpdateNumberRangeInput { id, label, privileged, service_types } = input;
        let input = rules::UpdateNumberRange { id: id.0, label, privileged, service_types };
        NumberRangePayload::of(ctx, rules::update_range(services(ctx)?, &caller(ctx)?, input).await).await
    }

    /// Deletes a range of which no number is taken.
    async fn delete_number_range(&self, ctx: &Context<'_>, input: DeleteNumberRangeInput) -> Result<AcceptedPayload, ApiError> {
        AcceptedPayload::of(rules::delete_range(services(ctx)?, &caller(ctx)?, &input.id).await)
    }

    /// Makes a service type. Its GraphQL types are there with the next request.
    async fn create_service_type(&self, ctx: &Context<'_>, input: CreateServiceTypeInput) -> Result<ServiceTypePayload, ApiError> {
        let taken = ctx.data_opt::<CoreTypeNames>().map(|names| names.0.to_vec()).unwrap_or_default();
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
        Ok(match settle(rules::create_service_type(services(ctx)?, &caller(ctx)?, input, taken).await)? {
            Ok(changed) => ServiceTypePayload { service_type: ServiceType::load(ctx, changed.id).await?, errors: Vec::new() },
            Err(errors) => ServiceTypePayload { service_type: None, errors },
        })
    }

    /// Makes a call permission.
    async fn create_call_permission(&self, ctx: &Context<'_>, input: CreateCallPermissionInput) -> Result<CallPermissionPayload, ApiError> {
        let CreateCallPermissionInput { slug, name, description, highlights_in_directory } = input;
        let input = rules::CreateCallPermission { slug, name, description, highlights_in_directory };
        CallPermissionPayload::of(ctx, rules::create_permission(services(ctx)?, &caller(ctx)?, input).await).await
    }

    /// Changes how a call permission is shown.
    async fn update_call_permission(&self, ctx: &Context<'_>, input: UpdateCallPermissionInput) -> Result<CallPermissionPayload, ApiError> {
        let UpdateCallPermissionInput { id, name, description, highlights_in_directory } = input;
        let input = rules::UpdateCallPermission { id: id.0, name, description, highlights_in_directory };
        CallPermissionPayload::of(ctx, rules::update_permission(services(ctx)?, &caller(ctx)?, input).await).await
    }
}
