//! The rows of touched numbers.

use diesel::prelude::{Insertable, Queryable, Selectable};

use super::state::NumberState;
use numbering::number::Number;
use platform::clock::Timestamp;
use platform::ids::{AccountId, EventId, ExtensionId, NumberHistoryId, NumberId};
use platform::store::schema::{number_history, numbers};

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

/// A number on its plan: an event's, or the world's. It names a number that was never touched, too.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct PlanNumber {
    /// None for an E.164 number.
    pub event: Option<EventId>,
    pub number: String,
}

impl PlanNumber {
    /// The kind that its global id begins with: the name of the GraphQL type.
    pub const KIND: &'static str = "Number";

    /// The id as clients know it: made of plan and digits.
    pub fn global(&self) -> String {
        match self.event {
            Some(event) => format!("{}:{}:{}", Self::KIND, event.0.simple(), self.number),
            None => format!("{}:{}", Self::KIND, self.number),
        }
    }

    /// Reads a global id; nothing for another kind's, and for what is not a number's own form.
    pub fn from_global(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(Self::KIND)?.strip_prefix(':')?;
        let (event, number) = match rest.split_once(':') {
            Some((event, number)) => (Some(EventId(uuid::Uuid::try_parse(event).ok()?)), number),
            None => (None, rest),
        };
        let clean = Number::clean(number).ok()?;
        let is_whole = clean.as_str() == number && clean.is_e164() == event.is_none();
        is_whole.then(|| Self { event, number: clean.into_string() })
    }
}

impl NumberRow {
    /// The number on its plan.
    pub fn place(&self) -> PlanNumber {
        PlanNumber { event: self.event_id, number: self.number.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_of_plan_and_digits() {
        let event = EventId(uuid::Uuid::from_u128(7));
        let own = PlanNumber { event: Some(event), number: "0042".to_owned() };
        let world = PlanNumber { event: None, number: "+441144960123".to_owned() };
        for number in [&own, &world] {
            assert_eq!(PlanNumber::from_global(&number.global()).as_ref(), Some(number));
        }
        let plan = event.0.simple();
        for odd in [
            "Number:2342".to_owned(),
            format!("Number:{plan}:+441144960123"),
            format!("Number:{plan}:23-42"),
            format!("Number:{plan}:"),
            format!("Extension:{plan}"),
            "Number:+1234567".to_owned(),
            "Number:".to_owned(),
        ] {
            assert_eq!(PlanNumber::from_global(&odd), None, "{odd}");
        }
    }
}
