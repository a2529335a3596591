//! Actions on service types: the names that the audit and the API use, and what each requires.

use platform::access::{Action, Requirement, Role};

pub const CREATE_SERVICE_TYPE: Action = Action::new("createServiceType", Requirement::Person(Role::Admin));
pub const UPDATE_SERVICE_TYPE: Action = Action::new("updateServiceType", Requirement::Person(Role::Admin));
