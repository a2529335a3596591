//! Actions on API keys: their names in the audit and the API, and the requirement of each.

use platform::access::{Action, Requirement, Role};

pub const CREATE_API_KEY: Action = Action::new("createApiKey", Requirement::Person(Role::Admin));
pub const REVOKE_API_KEY: Action = Action::new("revokeApiKey", Requirement::Person(Role::Admin));
