//! Input types of service types.

use async_graphql::{InputObject, MaybeUndefined};
use serde_json::Value;

use crate::graphql::enums;

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
