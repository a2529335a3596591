//! Input types of events, number ranges and call permissions.

use async_graphql::{ID, InputObject, MaybeUndefined};

use crate::graphql::enums;
use crate::graphql::scalars::{DateTime, PhoneNumber};

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
    #[graphql(default_with = "events::rules::DEFAULT_TIME_ZONE.to_owned()")]
    pub time_zone: String,
    /// How far it has come.
    #[graphql(default_with = "enums::EventPhase::Draft")]
    pub phase: enums::EventPhase,
    /// How long a left number is kept for its last owner, 0 to 604,800.
    #[graphql(default_with = "events::rules::DEFAULT_HOLD_SECONDS")]
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
