//! The rows of numbers and of their history.

use diesel::prelude::{Insertable, Queryable, Selectable};

use numbering::NumberState;
use numbering::number::Number;
use platform::clock::Timestamp;
use platform::ids::{AccountId, EventId, ExtensionId, NumberHistoryId, NumberId};
use platform::store::schema::{number_history, numbers};

/// A number that has a row: its state was changed, or it was barred. A number of a range without a row is available.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, diesel::AsChangeset)]
#[diesel(table_name = numbers, treat_none_as_null = true)]
pub struct NumberRow {
    pub id: NumberId,
    /// `None` for an E.164 number.
    pub event_id: Option<EventId>,
    pub number: String,
    pub state: NumberState,
    /// The account that the number belongs to: in service, held or reserved.
    pub account_id: Option<AccountId>,
    /// The end of a hold, of a reservation or of ageing.
    pub until: Option<Timestamp>,
    pub extension_id: Option<ExtensionId>,
    pub version: i32,
}

/// One transition of a number.
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

/// A number and its plan, that of an event or that of E.164. Identifies numbers without a row, too.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct PlanNumber {
    /// `None` for an E.164 number.
    pub event: Option<EventId>,
    pub number: String,
}

impl PlanNumber {
    /// The prefix of the global id: the name of the GraphQL type.
    pub const KIND: &'static str = "Number";

    /// The global id in the API, made of plan and digits.
    pub fn global(&self) -> String {
        match self.event {
            Some(event) => format!("{}:{}:{}", Self::KIND, event.0.simple(), self.number),
            None => format!("{}:{}", Self::KIND, self.number),
        }
    }

    /// Parses a global id; `None` for another kind of id and for a number that is not in its normal form.
    pub fn from_global(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(Self::KIND)?.strip_prefix(':')?;
        let (event, number) = match rest.split_once(':') {
            Some((event, number)) => (Some(EventId(uuid::Uuid::try_parse(event).ok()?)), number),
            None => (None, rest),
        };
        let clean = Number::clean(number).ok()?;
        let is_normal = clean.as_str() == number && clean.is_e164() == event.is_none();
        is_normal.then(|| Self { event, number: clean.into_string() })
    }
}

/// The numbering plans on which an account has numbers that its deletion changes.
#[derive(Clone, Debug)]
pub struct AccountPlans {
    pub events: Vec<EventId>,
    pub e164_numbers: Vec<String>,
}

/// A transition with the number that made it.
#[derive(Clone, Debug, Queryable)]
pub struct NumberTransition {
    pub transition: HistoryRow,
    pub number: NumberRow,
}

impl NumberRow {
    /// The number with its plan.
    pub fn plan_number(&self) -> PlanNumber {
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
        let e164 = PlanNumber { event: None, number: "+441144960123".to_owned() };
        for number in [&own, &e164] {
            assert_eq!(PlanNumber::from_global(&number.global()).as_ref(), Some(number));
        }
        let plan = event.0.simple();
        for invalid in [
            "Number:2342".to_owned(),
            format!("Number:{plan}:+441144960123"),
            format!("Number:{plan}:23-42"),
            format!("Number:{plan}:"),
            format!("Extension:{plan}"),
            "Number:+1234567".to_owned(),
            "Number:".to_owned(),
        ] {
            assert_eq!(PlanNumber::from_global(&invalid), None, "{invalid}");
        }
    }
}
