//! The rows of touched numbers.

use diesel::prelude::{Insertable, Queryable, Selectable};

use super::state::NumberState;
use crate::clock::Timestamp;
use crate::ids::{AccountId, EventId, ExtensionId, NumberHistoryId, NumberId};
use crate::store::schema::{number_history, numbers};

/// A number that was touched. An untouched number of a range is available without a row.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, diesel::AsChangeset)]
#[diesel(table_name = numbers, treat_none_as_null = true)]
pub struct NumberRow {
    pub id: NumberId,
    /// None for an E.164 number.
    pub event_id: Option<EventId>,
    pub number: String,
    pub state: NumberState,
    pub account_id: Option<AccountId>,
    pub until: Option<Timestamp>,
    pub extension_id: Option<ExtensionId>,
    pub version: i32,
}

/// One step of a number's life.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = number_history)]
pub struct HistoryRow {
    pub id: NumberHistoryId,
    pub number_id: NumberId,
    pub at: Timestamp,
    pub from_state: NumberState,
    pub to_state: NumberState,
    pub account_id: Option<AccountId>,
    pub actor: String,
}
