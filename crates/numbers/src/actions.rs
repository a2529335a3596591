//! Actions on numbers: the names that the audit and the API use, and what each requires.

use platform::access::{Action, Requirement, Role};

pub const RESERVE_NUMBER: Action = Action::new("reserveNumber", Requirement::Person(Role::Operator));
pub const RELEASE_RESERVATION: Action = Action::new("releaseReservation", Requirement::Person(Role::Operator));
pub const RELEASE_HOLD: Action = Action::new("releaseHold", Requirement::Person(Role::User));
pub const EXPIRE_NUMBERS: Action = Action::new("system.settleNumbers", Requirement::System);
