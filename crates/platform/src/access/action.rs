//! Actions and the privileges that they require.

use super::{ApiKeyScope, Role};

/// A mutation or a command. Each domain declares its actions as constants. The audit and idempotency records contain
/// the name.
#[derive(Clone, Copy, Debug)]
pub struct Action {
    name: &'static str,
    requirement: Requirement,
    while_restricted: bool,
}

/// The least privilege that an action requires.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Requirement {
    /// Any caller, signed in or not.
    Guest,
    /// A signed-in person with at least this role.
    Person(Role),
    /// An API key with this scope.
    Key(ApiKeyScope),
    /// A signed-in person with at least this role, or an API key with this scope.
    PersonOrKey(Role, ApiKeyScope),
    /// The program itself: a job or a command.
    System,
}

impl Action {
    /// Creates an action with the name of the mutation (`registerExtension`), or `system.…` for an action outside the
    /// API.
    pub const fn new(name: &'static str, requirement: Requirement) -> Self {
        Self { name, requirement, while_restricted: false }
    }

    /// Allows the action to a person with a NO_WRITE restriction, for securing or deleting the own account.
    #[must_use]
    pub const fn allowed_while_restricted(self) -> Self {
        Self { while_restricted: true, ..self }
    }

    /// Returns the name in the audit and in idempotency records.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Returns the least privilege that the action requires. The operation checks privileges on its target.
    pub const fn requirement(self) -> Requirement {
        self.requirement
    }

    /// Returns whether a person with a NO_WRITE restriction may perform the action.
    pub const fn is_allowed_while_restricted(self) -> bool {
        self.while_restricted
    }
}

impl PartialEq for Action {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Action {}

/// Replaces the sealing key and seals all stored secrets again (`switchboard rotate-key`), in every domain with sealed
/// values.
pub const ROTATE_KEY: Action = Action::new("system.rotateKey", Requirement::System);

/// Puts a backup in place of the embedded database (`switchboard restore`).
pub const RESTORE: Action = Action::new("system.restore", Requirement::System);
