//! What admins give to change the configuration.

use async_graphql::{ID, InputObject, MaybeUndefined};
use serde_json::Value;

use crate::graphql::enums;
use crate::graphql::scalars::{DateTime, PhoneNumber};
use service_types::rules;

/// An event to be made.
#[derive(InputObject)]
pub struct CreateEventInput {
    /// `[a-z][a-z0-9-]{0,31}`.
    pub slug: String,
    /// 1 to 64 characters.
    pub name: String,
    /// When it starts.
    pub starts_at: Option<DateTime>,
    /// When it ends.
    pub ends_at: Option<DateTime>,
    /// IANA name.
    #[graphql(default_with = "rules::DEFAULT_TIME_ZONE.to_owned()")]
    pub time_zone: String,
    /// How far it has come.
    #[graphql(default_with = "enums::EventPhase::Draft")]
    pub phase: enums::EventPhase,
    /// How long a left number is kept for its last owner, 0 to 604,800.
    #[graphql(default_with = "rules::DEFAULT_HOLD_SECONDS")]
    pub hold_seconds: i32,
    /// Prefixes that are never given out.
    #[graphql(default)]
    pub reserved_prefixes: Vec<String>,
    /// Slugs of what may be registered.
    #[graphql(default)]
    pub service_types: Vec<String>,
    /// Copy ranges, service types, settings and reservations of this event.
    pub copy_from: Option<String>,
}

/// A field left out stays as it is.
#[derive(InputObject)]
pub struct UpdateEventInput {
    /// Which event.
    pub slug: String,
    /// 1 to 64 characters.
    pub name: MaybeUndefined<String>,
    /// Null: a permanent installation.
    pub starts_at: MaybeUndefined<DateTime>,
    /// Null: a permanent installation.
    pub ends_at: MaybeUndefined<DateTime>,
    /// IANA name.
    pub time_zone: MaybeUndefined<String>,
    /// How far it has come.
    pub phase: MaybeUndefined<enums::EventPhase>,
    /// 0 to 604,800.
    pub hold_seconds: MaybeUndefined<i32>,
    /// Replaces the prefixes.
    pub reserved_prefixes: MaybeUndefined<Vec<String>>,
    /// Replaces what may be registered.
    pub service_types: MaybeUndefined<Vec<String>>,
}

/// A range to be made.
#[derive(InputObject)]
pub struct CreateNumberRangeInput {
    /// The event's slug.
    pub event: String,
    /// The first number.
    pub first: PhoneNumber,
    /// The last number, with as many digits.
    pub last: PhoneNumber,
    /// 1 to 64 characters.
    pub label: String,
    /// Only operators allocate from it.
    #[graphql(default)]
    pub privileged: bool,
    /// Slugs of the service types that may use it; empty: all.
    #[graphql(default)]
    pub service_types: Vec<String>,
}

/// A field left out stays as it is.
#[derive(InputObject)]
pub struct UpdateNumberRangeInput {
    /// Which range.
    pub id: ID,
    /// 1 to 64 characters.
    pub label: MaybeUndefined<String>,
    /// Only operators allocate from it.
    pub privileged: MaybeUndefined<bool>,
    /// Replaces the service types that may use it.
    pub service_types: MaybeUndefined<Vec<String>>,
}

/// Which range.
#[derive(InputObject)]
pub struct DeleteNumberRangeInput {
    /// The range's id.
    pub id: ID,
}

/// A service type to be made.
#[derive(InputObject)]
pub struct CreateServiceTypeInput {
    /// `[a-z][a-z0-9-]{0,31}`.
    pub slug: String,
    /// 1 to 64 characters.
    pub name: String,
    /// Markdown for the people who choose it.
    #[graphql(default)]
    pub description: String,
    /// Markdown for owners, a template.
    #[graphql(default)]
    pub instructions: String,
    /// JSON Schema 2020-12 of an object.
    pub parameter_schema: Value,
    /// What its extensions do.
    #[graphql(default_with = "enums::ServiceBehaviour::Endpoint")]
    pub behaviour: enums::ServiceBehaviour,
    /// Only operators register it.
    #[graphql(default)]
    pub privileged: bool,
    /// Its extensions may join call groups.
    #[graphql(default)]
    pub group_capable: bool,
    /// How many one user may hold in one event.
    pub quota: Option<i32>,
    /// How many members a group may have.
    pub member_limit: Option<i32>,
    /// Settings for templates.
    pub settings: Option<Value>,
}

/// A permission to be made.
#[derive(InputObject)]
pub struct CreateCallPermissionInput {
    /// `[a-z][a-z0-9-]{0,31}`.
    pub slug: String,
    /// 1 to 64 characters.
    pub name: String,
    /// What it allows.
    #[graphql(default)]
    pub description: String,
    /// Marks the entry in the directory.
    #[graphql(default)]
    pub highlights_in_directory: bool,
}

/// A field left out stays as it is.
#[derive(InputObject)]
pub struct UpdateCallPermissionInput {
    /// Which permission.
    pub id: ID,
    /// 1 to 64 characters.
    pub name: MaybeUndefined<String>,
    /// What it allows.
    pub description: MaybeUndefined<String>,
    /// Marks the entry in the directory.
    pub highlights_in_directory: MaybeUndefined<bool>,
}

/// Which permission.
#[derive(InputObject)]
pub struct DeleteCallPermissionInput {
    /// The permission's id.
    pub id: ID,
}

/// A field left out stays as it is. A new schema is checked against every extension; those it would break are listed and nothing is
/// changed, unless each gets a value from `defaults`.
#[derive(InputObject)]
pub struct UpdateServiceTypeInput {
    /// Which service type.
    pub slug: String,
    /// 1 to 64 characters.
    pub name: MaybeUndefined<String>,
    /// Markdown for the people who choose it.
    pub description: MaybeUndefined<String>,
    /// Markdown for owners, a template.
    pub instructions: MaybeUndefined<String>,
    /// JSON Schema 2020-12 of an object.
    pub parameter_schema: MaybeUndefined<Value>,
    /// Values for parameters that extensions lack or that the new schema refuses; null leaves such a parameter out.
    pub defaults: Option<Value>,
    /// Only operators register it.
    pub privileged: MaybeUndefined<bool>,
    /// Its extensions may join call groups.
    pub group_capable: MaybeUndefined<bool>,
    /// How many one user may hold in one event; null: no limit.
    pub quota: MaybeUndefined<i32>,
    /// How many members a group may have; null: no limit.
    pub member_limit: MaybeUndefined<i32>,
    /// Replaces the settings for templates.
    pub settings: MaybeUndefined<Value>,
    /// Stops registrations; what exists goes on.
    pub retired: MaybeUndefined<bool>,
    /// The schema version that the change was made from.
    pub expected_schema_version: Option<i32>,
    /// Report what would happen; change nothing.
    #[graphql(default)]
    pub dry_run: bool,
}

/// A template to be made, or to be replaced under its name.
#[derive(InputObject)]
pub struct SaveTemplateInput {
    /// The service type's slug.
    pub service_type: String,
    /// 1 to 64 letters, digits, dots, hyphens and underscores.
    pub name: String,
    /// The media type of what it yields, such as `text/plain; charset=utf-8`.
    pub content_type: String,
    /// The kind of text that it yields.
    pub format: enums::TemplateFormat,
    /// The template itself, MiniJinja.
    pub source: String,
}

/// Which template.
#[derive(InputObject)]
pub struct DeleteTemplateInput {
    /// The template's id.
    pub id: ID,
}
