//! Actions: what a caller may ask for, and what the caller must be to ask for it.

use super::{ApiKeyScope, Role};

/// A mutation or a command. Each domain declares its own as constants; the name stands in the audit and in idempotency records.
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
    /// An action with the name that the API uses (`registerExtension`), or `system.…` for one that the API does not offer.
    pub const fn new(name: &'static str, requirement: Requirement) -> Self {
        Self { name, requirement, while_restricted: false }
    }

    /// The same action, allowed to a person under a NO_WRITE restriction: securing or leaving the own account.
    #[must_use]
    pub const fn allowed_while_restricted(self) -> Self {
        Self { while_restricted: true, ..self }
    }

    /// The name in the audit and in idempotency records.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The least privilege that it requires. Rules over its target are the operation's own.
    pub const fn requirement(self) -> Requirement {
        self.requirement
    }

    /// Whether a person under a NO_WRITE restriction may do it.
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

/// Replaces the sealing key and seals all stored secrets again (`switchboard rotate-key`). Every domain with sealed values takes part.
pub const ROTATE_KEY: Action = Action::new("system.rotateKey", Requirement::System);
