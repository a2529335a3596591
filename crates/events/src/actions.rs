//! Actions on events, number ranges and call permissions: the names that the audit and the API use, and what each
//! requires.

use platform::access::{Action, Requirement, Role};

pub const CREATE_EVENT: Action = Action::new("createEvent", Requirement::Person(Role::Admin));
pub const UPDATE_EVENT: Action = Action::new("updateEvent", Requirement::Person(Role::Admin));
pub const CREATE_NUMBER_RANGE: Action = Action::new("createNumberRange", Requirement::Person(Role::Admin));
pub const UPDATE_NUMBER_RANGE: Action = Action::new("updateNumberRange", Requirement::Person(Role::Admin));
pub const DELETE_NUMBER_RANGE: Action = Action::new("deleteNumberRange", Requirement::Person(Role::Admin));
pub const CREATE_CALL_PERMISSION: Action = Action::new("createCallPermission", Requirement::Person(Role::Admin));
pub const UPDATE_CALL_PERMISSION: Action = Action::new("updateCallPermission", Requirement::Person(Role::Admin));
pub const DELETE_CALL_PERMISSION: Action = Action::new("deleteCallPermission", Requirement::Person(Role::Admin));
