//! Actions on accounts: their names in the audit and the API, and the requirement of each.

use platform::access::{Action, Requirement, Role};

pub const REGISTER_ACCOUNT: Action = Action::new("registerAccount", Requirement::Guest);
pub const VERIFY_EMAIL: Action = Action::new("verifyEmail", Requirement::Guest);
pub const RESEND_VERIFICATION: Action = Action::new("resendVerification", Requirement::Guest);
pub const SIGN_IN: Action = Action::new("signIn", Requirement::Guest);
pub const REQUEST_PASSWORD_RESET: Action = Action::new("requestPasswordReset", Requirement::Guest);
pub const RESET_PASSWORD: Action = Action::new("resetPassword", Requirement::Guest);
pub const COMPLETE_SETUP: Action = Action::new("completeSetup", Requirement::Guest);
pub const SIGN_OUT: Action = Action::new("signOut", Requirement::Person(Role::User)).allowed_while_restricted();
pub const REVOKE_SESSION: Action =
    Action::new("revokeSession", Requirement::Person(Role::User)).allowed_while_restricted();
pub const REVOKE_ALL_SESSIONS: Action =
    Action::new("revokeAllSessions", Requirement::Person(Role::User)).allowed_while_restricted();
pub const REAUTHENTICATE: Action =
    Action::new("reauthenticate", Requirement::Person(Role::User)).allowed_while_restricted();
pub const DELETE_ACCOUNT: Action = Action::new("deleteAccount", Requirement::Person(Role::User));
pub const UPDATE_PROFILE: Action = Action::new("updateProfile", Requirement::Person(Role::User));
pub const CHANGE_EMAIL: Action = Action::new("changeEmail", Requirement::Person(Role::User));
pub const CHANGE_PASSWORD: Action = Action::new("changePassword", Requirement::Person(Role::User));
pub const EXPORT_MY_DATA: Action =
    Action::new("exportMyData", Requirement::Person(Role::User)).allowed_while_restricted();
pub const BAN_ACCOUNT: Action = Action::new("banAccount", Requirement::Person(Role::Operator));
pub const UNBAN_ACCOUNT: Action = Action::new("unbanAccount", Requirement::Person(Role::Operator));
pub const SET_ROLE: Action = Action::new("setRole", Requirement::Person(Role::Admin));
pub const CREATE_ADMIN: Action = Action::new("system.createAdmin", Requirement::System);
pub const DECIDE_ACCOUNT_MAIL: Action = Action::new("system.decideAccountMail", Requirement::System);
pub const RECORD_FAILED_PASSWORDS: Action = Action::new("system.recordFailedPasswords", Requirement::System);
pub const PRUNE_ACCOUNTS: Action = Action::new("system.pruneAccounts", Requirement::System);
