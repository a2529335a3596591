//! Input types of service types.

use async_graphql::{InputObject, MaybeUndefined};
use serde_json::Value;

use crate::graphql::enums;

/// A new service type.
#[derive(InputObject)]
pub struct CreateServiceTypeInput {
    /// `[a-z][a-z0-9-]{0,31}`.
    pub slug: String,
    /// 1 to 64 characters.
    pub name: String,
    /// Markdown for users who choose a service type.
    #[graphql(default)]
    pub description: String,
    /// Markdown for owners of extensions; a template, which is tried: an undefined variable is refused with its line.
    #[graphql(default)]
    pub instructions: String,
    /// JSON Schema 2020-12 of an object.
    pub parameter_schema: Value,
    /// Whether its extensions are devices or call groups.
    #[graphql(default_with = "enums::ServiceBehaviour::Endpoint")]
    pub behaviour: enums::ServiceBehaviour,
    /// Whether only operators register extensions of it.
    #[graphql(default)]
    pub privileged: bool,
    /// Whether its extensions may join call groups.
    #[graphql(default)]
    pub group_capable: bool,
    /// The maximum number of extensions of one user in one event.
    pub quota: Option<i32>,
    /// The maximum number of members of a group.
    pub member_limit: Option<i32>,
    /// Settings for templates.
    pub settings: Option<Value>,
}

/// Changes to a service type. A field that is left out keeps its value.
///
/// A new schema is checked against every extension. If an extension is incompatible and `defaults` contains no value
/// for it, the payload lists it and nothing is changed.
#[derive(InputObject)]
pub struct UpdateServiceTypeInput {
    /// The slug of the service type.
    pub slug: String,
    /// 1 to 64 characters.
    pub name: MaybeUndefined<String>,
    /// Markdown for users who choose a service type.
    pub description: MaybeUndefined<String>,
    /// Markdown for owners of extensions; a template, which is tried: an undefined variable is refused with its line.
    pub instructions: MaybeUndefined<String>,
    /// JSON Schema 2020-12 of an object.
    pub parameter_schema: MaybeUndefined<Value>,
    /// Values for parameters that are missing or invalid under the new schema; null removes such a parameter.
    pub defaults: Option<Value>,
    /// Whether only operators register extensions of it.
    pub privileged: MaybeUndefined<bool>,
    /// Whether its extensions may join call groups.
    pub group_capable: MaybeUndefined<bool>,
    /// The maximum number of extensions of one user in one event; null: no limit.
    pub quota: MaybeUndefined<i32>,
    /// The maximum number of members of a group; null: no limit.
    pub member_limit: MaybeUndefined<i32>,
    /// Replaces the settings for templates.
    pub settings: MaybeUndefined<Value>,
    /// Disables new registrations. Existing extensions stay in service.
    pub retired: MaybeUndefined<bool>,
    /// The schema version that the change is based on.
    pub expected_schema_version: Option<i32>,
    /// Only report the result, without a change.
    #[graphql(default)]
    pub dry_run: bool,
}
