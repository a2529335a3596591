//! Scopes: the rows that a reading query may return.

use super::{Actor, ApiKeyScope, Key, Permit, Role};
use crate::error::AuthError;
use crate::ids::{AccountId, EventId, ServiceTypeId};

/// The extensions that a query may return.
#[derive(Clone, Debug)]
pub struct Scope(ScopeKind);

#[derive(Clone, Debug)]
enum ScopeKind {
    Nothing,
    Owner(AccountId),
    Key { events: Option<Vec<EventId>>, service_types: Vec<ServiceTypeId> },
    Everything,
}

/// The limits of an API key.
#[derive(Clone, Copy, Debug)]
pub struct KeyLimits<'a> {
    /// The events that the key covers; `None` for all events.
    pub events: Option<&'a [EventId]>,
    /// The service types that the key covers.
    pub service_types: &'a [ServiceTypeId],
}

impl Scope {
    /// Returns the account whose extensions alone are in scope; `None` for a scope that is not limited to one owner.
    pub const fn owner(&self) -> Option<AccountId> {
        match self.0 {
            ScopeKind::Owner(account) => Some(account),
            _ => None,
        }
    }

    /// Returns the limits of the key; `None` for the scope of another actor.
    pub fn key_limits(&self) -> Option<KeyLimits<'_>> {
        match &self.0 {
            ScopeKind::Key { events, service_types } => Some(KeyLimits { events: events.as_deref(), service_types }),
            _ => None,
        }
    }

    /// Returns whether no extension is in scope.
    pub const fn is_empty(&self) -> bool {
        matches!(self.0, ScopeKind::Nothing)
    }

    /// Returns whether an extension of this owner, event and service type is in scope.
    pub fn covers(&self, owner: AccountId, event: EventId, service_type: ServiceTypeId) -> bool {
        match &self.0 {
            ScopeKind::Nothing => false,
            ScopeKind::Owner(account) => *account == owner,
            ScopeKind::Key { events, service_types } => {
                events.as_ref().is_none_or(|events| events.contains(&event)) && service_types.contains(&service_type)
            }
            ScopeKind::Everything => true,
        }
    }
}

/// Returns the read scope of an actor: all extensions for staff, their own for people, the covered ones for keys.
pub fn scope(actor: &Actor) -> Scope {
    Scope(match actor {
        Actor::Guest => ScopeKind::Nothing,
        Actor::Person(person) if person.role >= Role::Operator => ScopeKind::Everything,
        Actor::Person(person) => ScopeKind::Owner(person.id),
        Actor::Key(key) if key.has(ApiKeyScope::ReadConfig) => key_scope(key),
        Actor::Key(_) => ScopeKind::Nothing,
        Actor::System(_) => ScopeKind::Everything,
    })
}

/// Returns the write scope of a permit: as [`scope`], but a key needs no reading scope.
pub fn write_scope(permit: &Permit) -> Scope {
    match permit.actor() {
        Actor::Key(key) => Scope(key_scope(key)),
        actor => scope(actor),
    }
}

fn key_scope(key: &Key) -> ScopeKind {
    ScopeKind::Key { events: (!key.all_events).then(|| key.events.clone()), service_types: key.service_types.clone() }
}

/// The right to read one feed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FeedScope {
    event: EventId,
    service_type: ServiceTypeId,
    secrets: bool,
    digests: bool,
    key: bool,
}

impl FeedScope {
    /// Returns the event of the feed.
    pub const fn event(&self) -> EventId {
        self.event
    }

    /// Returns the service type of the feed.
    pub const fn service_type(&self) -> ServiceTypeId {
        self.service_type
    }

    /// Returns whether clear secrets are in scope.
    pub const fn secrets(&self) -> bool {
        self.secrets
    }

    /// Returns whether digests are in scope.
    pub const fn digests(&self) -> bool {
        self.digests
    }

    /// Returns whether the reader is an API key, which also reads parameters that are visible to CONSUMER.
    pub const fn is_key(&self) -> bool {
        self.key
    }
}

/// Returns the scope of a device that reads the document of its own extension. The device link determines its secrets.
pub const fn device_scope(event: EventId, service_type: ServiceTypeId) -> FeedScope {
    FeedScope { event, service_type, secrets: true, digests: true, key: true }
}

/// Returns the scope of `actor` in the feed of `event` and `service_type`: a key within its limits, or staff without
/// secrets.
///
/// # Errors
/// [`AuthError::Unauthenticated`] for a guest, [`AuthError::Forbidden`] for every other actor and for a key outside its
/// limits.
pub fn feed_scope(actor: &Actor, event: EventId, service_type: ServiceTypeId) -> Result<FeedScope, AuthError> {
    match actor {
        Actor::Guest => Err(AuthError::Unauthenticated),
        Actor::Key(key) if key.has(ApiKeyScope::ReadConfig) && key.covers(event, service_type) => Ok(FeedScope {
            event,
            service_type,
            secrets: key.has(ApiKeyScope::ReadSecrets),
            digests: key.has(ApiKeyScope::ReadDigests),
            key: true,
        }),
        actor if actor.is_at_least(Role::Operator) => {
            Ok(FeedScope { event, service_type, secrets: false, digests: false, key: false })
        }
        _ => Err(AuthError::Forbidden),
    }
}
