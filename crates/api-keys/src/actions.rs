//! Actions on API keys: the names that the audit and the API use, and what each requires.

use platform::access::{Action, Requirement, Role};

pub const CREATE_API_KEY: Action = Action::new("createApiKey", Requirement::Person(Role::Admin));
pub const REVOKE_API_KEY: Action = Action::new("revokeApiKey", Requirement::Person(Role::Admin));
