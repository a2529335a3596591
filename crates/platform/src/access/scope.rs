//! How far somebody sees: every reading query is narrowed by one of these.

use super::{Actor, ApiKeyScope, Key, Permit, Role};
use crate::error::AuthError;
use crate::ids::{AccountId, EventId, ServiceTypeId};

/// Which rows of people, numbers and extensions a query may find.
#[derive(Clone, Debug)]
pub struct Scope(Reach);

#[derive(Clone, Debug)]
enum Reach {
    Nothing,
    Own(AccountId),
    Keyed { events: Option<Vec<EventId>>, service_types: Vec<ServiceTypeId> },
    Everything,
}

impl Scope {
    /// The account whose rows alone are in reach; `None` when it is not limited to one.
    pub const fn own(&self) -> Option<AccountId> {
        match self.0 {
            Reach::Own(account) => Some(account),
            _ => None,
        }
    }

    /// What a key is limited to, when it is one: the events (`None`: all) and the service types.
    pub fn keyed(&self) -> Option<(Option<&[EventId]>, &[ServiceTypeId])> {
        match &self.0 {
            Reach::Keyed { events, service_types } => Some((events.as_deref(), service_types)),
            _ => None,
        }
    }

    /// Whether everything is in reach.
    pub const fn is_everything(&self) -> bool {
        matches!(self.0, Reach::Everything)
    }

    /// Whether nothing is in reach.
    pub const fn is_nothing(&self) -> bool {
        matches!(self.0, Reach::Nothing)
    }

    /// Whether an extension of this owner, event and service type is in reach.
    pub fn covers(&self, owner: AccountId, event: EventId, service_type: ServiceTypeId) -> bool {
        match &self.0 {
            Reach::Nothing => false,
            Reach::Own(account) => *account == owner,
            Reach::Keyed { events, service_types } => {
                events.as_ref().is_none_or(|events| events.contains(&event)) && service_types.contains(&service_type)
            }
            Reach::Everything => true,
        }
    }
}

/// How far `actor` sees among extensions: operators all, people their own, keys what they are limited to.
pub fn scope(actor: &Actor) -> Scope {
    Scope(match actor {
        Actor::Guest => Reach::Nothing,
        Actor::Person(person) if person.role >= Role::Operator => Reach::Everything,
        Actor::Person(person) => Reach::Own(person.id),
        Actor::Key(key) if key.has(ApiKeyScope::ReadConfig) => keyed(key),
        Actor::Key(_) => Reach::Nothing,
        Actor::System(_) => Reach::Everything,
    })
}

/// How far the holder of a permit reaches among extensions that it is about to write: as [`scope`], but a key as far as it is
/// limited to, whether or not it may read.
pub fn reach(permit: &Permit) -> Scope {
    match permit.actor() {
        Actor::Key(key) => Scope(keyed(key)),
        actor => scope(actor),
    }
}

fn keyed(key: &Key) -> Reach {
    Reach::Keyed { events: (!key.all_events).then(|| key.events.clone()), service_types: key.service_types.clone() }
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
    /// The feed's event.
    pub const fn event(&self) -> EventId {
        self.event
    }

    /// The feed's service type.
    pub const fn service_type(&self) -> ServiceTypeId {
        self.service_type
    }

    /// Whether clear secrets are in scope.
    pub const fn secrets(&self) -> bool {
        self.secrets
    }

    /// Whether digests are in scope.
    pub const fn digests(&self) -> bool {
        self.digests
    }

    /// Whether the reader is a telephone system, which also sees what is visible to CONSUMER.
    pub const fn is_key(&self) -> bool {
        self.key
    }
}

/// The right of a device to the document of its own extension. Which of its secrets are in it the link says.
pub const fn device_scope(event: EventId, service_type: ServiceTypeId) -> FeedScope {
    FeedScope { event, service_type, secrets: true, digests: true, key: true }
}

/// Whether `actor` may read the feed of `event` and `service_type`: a key within its limits, or staff without secrets.
///
/// # Errors
/// [`AuthError`] for anybody else; a key outside its limits is [`AuthError::Forbidden`] too.
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
