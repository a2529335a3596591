//! Input types of events, number ranges and call permissions.

use async_graphql::{ID, InputObject, MaybeUndefined};

use crate::graphql::enums;
use crate::graphql::scalars::{DateTime, PhoneNumber};

/// A new event.
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
    /// The IANA name of its time zone.
    #[graphql(default_with = "events::rules::DEFAULT_TIME_ZONE.to_owned()")]
    pub time_zone: String,
    /// The phase that it is in.
    #[graphql(default_with = "enums::EventPhase::Draft")]
    pub phase: enums::EventPhase,
    /// For how many seconds a released number is held for its last owner, 0 to 604,800.
    #[graphql(default_with = "events::rules::DEFAULT_HOLD_SECONDS")]
    pub hold_seconds: i32,
    /// Prefixes of numbers that are never allocated.
    #[graphql(default)]
    pub reserved_prefixes: Vec<String>,
    /// Slugs of the service types that can be registered.
    #[graphql(default)]
    pub service_types: Vec<String>,
    /// The slug of an event whose ranges, service types, settings and reservations are copied.
    pub copy_from: Option<String>,
}

/// Changes. A field that is left out keeps its value.
#[derive(InputObject)]
pub struct UpdateEventInput {
    /// The slug of the event.
    pub slug: String,
    /// 1 to 64 characters.
    pub name: MaybeUndefined<String>,
    /// Null: a permanent installation.
    pub starts_at: MaybeUndefined<DateTime>,
    /// Null: a permanent installation.
    pub ends_at: MaybeUndefined<DateTime>,
    /// The IANA name of its time zone.
    pub time_zone: MaybeUndefined<String>,
    /// The phase that it is in.
    pub phase: MaybeUndefined<enums::EventPhase>,
    /// 0 to 604,800.
    pub hold_seconds: MaybeUndefined<i32>,
    /// Replaces the prefixes.
    pub reserved_prefixes: MaybeUndefined<Vec<String>>,
    /// Replaces the service types that can be registered.
    pub service_types: MaybeUndefined<Vec<String>>,
}

/// A new range.
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
    /// Whether only operators allocate numbers of it.
    #[graphql(default)]
    pub privileged: bool,
    /// Slugs of the service types that may use it; empty: all.
    #[graphql(default)]
    pub service_types: Vec<String>,
}

/// Changes. A field that is left out keeps its value.
#[derive(InputObject)]
pub struct UpdateNumberRangeInput {
    /// The range's id.
    pub id: ID,
    /// 1 to 64 characters.
    pub label: MaybeUndefined<String>,
    /// Whether only operators allocate numbers of it.
    pub privileged: MaybeUndefined<bool>,
    /// Replaces the service types that may use it.
    pub service_types: MaybeUndefined<Vec<String>>,
}

/// The range to delete.
#[derive(InputObject)]
pub struct DeleteNumberRangeInput {
    /// The range's id.
    pub id: ID,
}

/// A new permission.
#[derive(InputObject)]
pub struct CreateCallPermissionInput {
    /// `[a-z][a-z0-9-]{0,31}`.
    pub slug: String,
    /// 1 to 64 characters.
    pub name: String,
    /// What it allows.
    #[graphql(default)]
    pub description: String,
    /// Whether the directory highlights the entries of extensions that have it.
    #[graphql(default)]
    pub highlights_in_directory: bool,
}

/// Changes. A field that is left out keeps its value.
#[derive(InputObject)]
pub struct UpdateCallPermissionInput {
    /// The permission's id.
    pub id: ID,
    /// 1 to 64 characters.
    pub name: MaybeUndefined<String>,
    /// What it allows.
    pub description: MaybeUndefined<String>,
    /// Whether the directory highlights the entries of extensions that have it.
    pub highlights_in_directory: MaybeUndefined<bool>,
}

/// The permission to delete.
#[derive(InputObject)]
pub struct DeleteCallPermissionInput {
    /// The permission's id.
    pub id: ID,
}
