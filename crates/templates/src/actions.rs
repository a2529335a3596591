//! Actions on templates: the names that the audit and the API use, and what each requires.

use platform::access::{Action, Requirement, Role};

pub const SAVE_TEMPLATE: Action = Action::new("saveTemplate", Requirement::Person(Role::Admin));
pub const DELETE_TEMPLATE: Action = Action::new("deleteTemplate", Requirement::Person(Role::Admin));
