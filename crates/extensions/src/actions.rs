//! Actions on extensions, call groups and imports: the names that the audit and the API use, and what each requires.

use platform::access::{Action, ApiKeyScope, Requirement, Role};

pub const READ_CREDENTIALS: Action = Action::new("readCredentials", Requirement::Person(Role::User));
pub const REGISTER_EXTENSION: Action = Action::new("registerExtension", Requirement::Person(Role::User));
pub const UPDATE_EXTENSION: Action = Action::new("updateExtension", Requirement::Person(Role::User));
pub const RENUMBER_EXTENSION: Action = Action::new("renumberExtension", Requirement::Person(Role::User));
pub const ROTATE_SECRET: Action = Action::new("rotateSecret", Requirement::Person(Role::User));
pub const DELETE_EXTENSION: Action = Action::new("deleteExtension", Requirement::Person(Role::User));
pub const ASSIGN_EXTENSION: Action = Action::new("assignExtension", Requirement::Person(Role::Operator));
pub const TRANSFER_EXTENSION: Action = Action::new("transferExtension", Requirement::Person(Role::Operator));
pub const SWAP_NUMBERS: Action = Action::new("swapNumbers", Requirement::Person(Role::Operator));
pub const SET_CALL_PERMISSIONS: Action = Action::new("setCallPermissions", Requirement::Person(Role::Operator));
pub const BAR_NUMBER: Action = Action::new("barNumber", Requirement::Person(Role::Operator));
pub const UNBAR_NUMBER: Action = Action::new("unbarNumber", Requirement::Person(Role::Operator));
pub const WRITE_BACK_PARAMETERS: Action = Action::new("writeBackParameters", Requirement::Key(ApiKeyScope::WriteBack));
pub const IMPORT_EXTENSIONS: Action = Action::new("importExtensions", Requirement::Person(Role::Operator));
pub const INVITE_TO_GROUP: Action = Action::new("inviteToGroup", Requirement::Person(Role::User));
pub const ACCEPT_GROUP_INVITATION: Action = Action::new("acceptGroupInvitation", Requirement::Person(Role::User));
pub const UPDATE_GROUP_MEMBER: Action = Action::new("updateGroupMember", Requirement::Person(Role::User));
pub const DECLINE_GROUP_INVITATION: Action = Action::new("declineGroupInvitation", Requirement::Person(Role::User));
pub const LEAVE_GROUP: Action = Action::new("leaveGroup", Requirement::PersonOrKey(Role::User, ApiKeyScope::ManageGroups));
pub const REMOVE_GROUP_MEMBER: Action = Action::new("removeGroupMember", Requirement::Person(Role::User));
pub const JOIN_GROUP: Action = Action::new("joinGroup", Requirement::Key(ApiKeyScope::ManageGroups));
