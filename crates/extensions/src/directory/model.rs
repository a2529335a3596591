//! What is listed, and for whom.

use diesel::Queryable;

use platform::access::{Actor, ApiKeyScope, Role};
use crate::visibility::Visibility;
use platform::ids::{EventId, ExtensionId, ServiceTypeId};
use events::EventPhase;

/// One line of the directory.
#[derive(Clone, PartialEq, Eq, Debug, Queryable)]
pub struct Entry {
    pub id: ExtensionId,
    pub number: String,
    pub label: String,
    pub service_type_id: ServiceTypeId,
    /// A call permission of the extension marks it.
    pub highlighted: bool,
}

/// Whether an event in this phase has a directory.
pub const fn is_listed(phase: EventPhase) -> bool {
    !matches!(phase, EventPhase::Draft | EventPhase::Archived)
}

/// Who reads; each sees what those before see.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Audience {
    /// Everybody.
    Guests,
    /// People who are signed in.
    Members,
    /// Operators, and keys with READ_DIRECTORY for the event.
    Staff,
}

impl Audience {
    /// Which audience `actor` belongs to in `event`. A key without the right reads what a guest reads.
    pub fn of(actor: &Actor, event: EventId) -> Self {
        match actor {
            actor if actor.is_at_least(Role::Operator) => Self::Staff,
            Actor::Person(_) => Self::Members,
            Actor::Key(key) if key.has(ApiKeyScope::ReadDirectory) && key.covers_event(event) => Self::Staff,
            _ => Self::Guests,
        }
    }

    /// What it finds.
    pub const fn visibilities(self) -> &'static [Visibility] {
        match self {
            Self::Guests => &[Visibility::Public],
            Self::Members => &[Visibility::Public, Visibility::Members],
            Self::Staff => &[Visibility::Public, Visibility::Members, Visibility::Staff],
        }
    }
}
