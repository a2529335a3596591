//! Rows of events, number ranges and call permissions.

use diesel::prelude::{Insertable, Queryable, Selectable};
use numbering::number::Number;
use numbering::plan;
use platform::clock::Timestamp;
use platform::error::{InternalError, UserError};
use platform::ids::{CallPermissionId, EventId, NumberRangeId};
use platform::store::schema::{call_permissions, events, number_ranges};
use platform::store::types::JsonValue;
use platform::text_enum;

text_enum! {
    /// The phase of an event, which decides the roles that may change its extensions.
    pub enum EventPhase {
        /// Visible to admins only.
        Draft = "DRAFT",
        /// Operators register.
        Staff = "STAFF",
        /// All users register.
        Open = "OPEN",
        /// Users change labels, visibility and secrets only; operators change everything.
        Frozen = "FROZEN",
        /// Read-only, with closed feeds.
        Archived = "ARCHIVED",
    }
}

/// An event with its own numbering plan.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = events)]
pub struct Event {
    pub id: EventId,
    pub slug: String,
    pub name: String,
    pub phase: EventPhase,
    pub starts_at: Option<Timestamp>,
    pub ends_at: Option<Timestamp>,
    /// The name of an IANA time zone.
    pub time_zone: String,
    /// The time for which a released number is held for its last owner, in seconds.
    pub hold_seconds: i32,
    /// A JSON array of prefixes of numbers that are never allocated.
    pub reserved_prefixes: JsonValue,
    /// The slot of the next extension.
    pub next_slot: i32,
    pub created_at: Timestamp,
}

impl Event {
    /// The prefixes of numbers that are never allocated.
    pub fn reserved(&self) -> Vec<String> {
        serde_json::from_value(self.reserved_prefixes.0.clone()).unwrap_or_default()
    }

    /// The reserved prefixes in the form that checks numbers.
    ///
    /// # Errors
    /// When the row contains an invalid prefix, which the rules exclude.
    pub fn reserved_prefixes(&self) -> Result<plan::ReservedPrefixes, UserError> {
        plan::ReservedPrefixes::new(&self.reserved())
    }
}

/// A range of numbers that can be registered.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = number_ranges)]
pub struct NumberRange {
    pub id: NumberRangeId,
    pub event_id: EventId,
    pub first: String,
    pub last: String,
    pub label: String,
    /// Only operators allocate numbers of it.
    pub privileged: bool,
}

impl NumberRange {
    /// The range in the form of the numbering plan.
    ///
    /// # Errors
    /// When the row contains an invalid range, which the rules exclude.
    pub fn plan(&self) -> Result<plan::NumberRange, InternalError> {
        let (first, last) = (Number::stored(self.first.clone())?, Number::stored(self.last.clone())?);
        plan::NumberRange::new(&first, &last).map_err(|problem| InternalError::new(problem.message))
    }
}

/// A permission that telephone systems enforce, such as calls to external numbers.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = call_permissions)]
pub struct CallPermission {
    pub id: CallPermissionId,
    pub slug: String,
    pub name: String,
    pub description: String,
    pub highlights_in_directory: bool,
}
