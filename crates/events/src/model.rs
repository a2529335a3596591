//! Rows of events, number ranges and call permissions.

use diesel::prelude::{Insertable, Queryable, Selectable};

use platform::clock::Timestamp;
use platform::error::{InternalError, UserError};
use platform::ids::{CallPermissionId, EventId, NumberRangeId};
use numbering::number::Number;
use numbering::plan;
use platform::store::schema::{call_permissions, events, number_ranges};
use platform::store::types::JsonValue;
use platform::text_enum;

text_enum! {
    /// How far an event has come.
    pub enum EventPhase {
        /// Admins see it.
        Draft = "DRAFT",
        /// Operators register.
        Staff = "STAFF",
        /// Everyone registers.
        Open = "OPEN",
        /// Users still change labels, visibility and secrets; the rest is for operators.
        Frozen = "FROZEN",
        /// Read only; its feeds are closed.
        Archived = "ARCHIVED",
    }
}

/// A numbering plan with its people.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = events)]
pub struct Event {
    pub id: EventId,
    pub slug: String,
    pub name: String,
    pub phase: EventPhase,
    pub starts_at: Option<Timestamp>,
    pub ends_at: Option<Timestamp>,
    /// IANA name.
    pub time_zone: String,
    /// How long a left number is kept for its last owner, in seconds.
    pub hold_seconds: i32,
    /// A JSON array of prefixes that are never given out.
    pub reserved_prefixes: JsonValue,
    /// The slot of the next extension.
    pub next_slot: i32,
    pub created_at: Timestamp,
}

impl Event {
    /// The prefixes that are never given out.
    pub fn reserved(&self) -> Vec<String> {
        serde_json::from_value(self.reserved_prefixes.0.clone()).unwrap_or_default()
    }

    /// The same, ready to be asked.
    ///
    /// # Errors
    /// Never for a row that the rules wrote.
    pub fn reserved_prefixes(&self) -> Result<plan::ReservedPrefixes, UserError> {
        plan::ReservedPrefixes::new(&self.reserved())
    }
}

/// Numbers that may be registered.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = number_ranges)]
pub struct NumberRange {
    pub id: NumberRangeId,
    pub event_id: EventId,
    pub first: String,
    pub last: String,
    pub label: String,
    /// Only operators allocate from it.
    pub privileged: bool,
}

impl NumberRange {
    /// The range as the plan computes with it.
    ///
    /// # Errors
    /// Never for a row that the rules wrote.
    pub fn plan(&self) -> Result<plan::NumberRange, InternalError> {
        let (first, last) = (Number::stored(self.first.clone())?, Number::stored(self.last.clone())?);
        plan::NumberRange::new(&first, &last).map_err(|problem| InternalError::new(problem.message))
    }
}

/// A flag that telephone systems honour.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = call_permissions)]
pub struct CallPermission {
    pub id: CallPermissionId,
    pub slug: String,
    pub name: String,
    pub description: String,
    pub highlights_in_directory: bool,
}
