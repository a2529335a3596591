//! Entries of the directory, and the audiences that can see them.

use diesel::Queryable;
use events::EventPhase;
use platform::access::{Actor, ApiKeyScope, Role};
use platform::ids::{EventId, ExtensionId, ServiceTypeId};

use crate::visibility::Visibility;

/// Entry of the directory: an extension as a phonebook shows it.
#[derive(Clone, PartialEq, Eq, Debug, Queryable)]
pub struct Entry {
    pub id: ExtensionId,
    pub number: String,
    pub label: String,
    pub service_type_id: ServiceTypeId,
    /// Whether a call permission of the extension highlights it.
    pub highlighted: bool,
}

/// Returns whether an event in `phase` has a directory.
pub const fn is_listed(phase: EventPhase) -> bool {
    !matches!(phase, EventPhase::Draft | EventPhase::Archived)
}

/// Class of callers by what they can see; each class sees all entries of the classes before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Audience {
    /// Callers without an account, and API keys without READ_DIRECTORY.
    Guests,
    /// Signed-in accounts.
    Members,
    /// Operators, and API keys with READ_DIRECTORY for the event.
    Staff,
}

impl Audience {
    /// Returns the audience of `actor` in `event`.
    pub fn of(actor: &Actor, event: EventId) -> Self {
        match actor {
            actor if actor.is_at_least(Role::Operator) => Self::Staff,
            Actor::Person(_) => Self::Members,
            Actor::Key(key) if key.has(ApiKeyScope::ReadDirectory) && key.covers_event(event) => Self::Staff,
            _ => Self::Guests,
        }
    }

    /// Returns the visibilities of the entries that the audience can see.
    pub const fn visibilities(self) -> &'static [Visibility] {
        match self {
            Self::Guests => &[Visibility::Public],
            Self::Members => &[Visibility::Public, Visibility::Members],
            Self::Staff => &[Visibility::Public, Visibility::Members, Visibility::Staff],
        }
    }
}
