//! Authorization: actors, roles, permits and scopes.
//!
//! A writing query takes a [`Permit`] and a reading one a [`Scope`]. Only this module creates them, so an operation
//! without an authorization check does not compile. Creating a permit also checks the restrictions, which therefore
//! cover every write.

mod action;
mod permit;
pub mod quotas;
pub mod rates;
mod refusals;
mod scope;

pub use action::{Action, RESTORE, ROTATE_KEY, Requirement};
pub use permit::{AccountStatus, AccountStatusSource, Permit, account_status, permit};
pub use refusals::{RefusalReason, Refusals};
pub use scope::{FeedScope, KeyLimits, Scope, device_scope, feed_scope, scope, write_scope};

use std::sync::Arc;

use rates::RateAddress;

use crate::clock::Timestamp;
use crate::error::AuthError;
use crate::ids::{AccountId, ApiKeyId, EventId, ServiceTypeId, SessionId};
use crate::text_enum;

text_enum! {
    /// The role of a person. Each role includes the privileges of the ones before it.
    pub enum Role { User = "USER", Operator = "OPERATOR", Admin = "ADMIN" }
}

text_enum! {
    /// A privilege of an API key.
    pub enum ApiKeyScope {
        ReadConfig = "READ_CONFIG",
        ReadDigests = "READ_DIGESTS",
        ReadSecrets = "READ_SECRETS",
        WriteBack = "WRITE_BACK",
        ReadDirectory = "READ_DIRECTORY",
        ManageGroups = "MANAGE_GROUPS",
        ReadMetrics = "READ_METRICS",
    }
}

impl ApiKeyScope {
    /// Returns whether this scope includes `scope`: READ_DIGESTS and READ_SECRETS each include READ_CONFIG.
    pub fn includes(self, scope: Self) -> bool {
        self == scope || (scope == Self::ReadConfig && matches!(self, Self::ReadDigests | Self::ReadSecrets))
    }
}

/// The time after a sign-in during which a person may read credentials and change keys, in seconds: 15 minutes.
pub const REAUTHENTICATION_SECONDS: i64 = 15 * 60;

/// The originator of a request.
#[derive(Clone, Debug)]
pub enum Actor {
    /// A caller without credentials.
    Guest,
    /// A signed-in person.
    Person(Arc<Person>),
    /// An API key, used by a telephone system.
    Key(Arc<Key>),
    /// The program itself: the name of a job or a command.
    System(&'static str),
}

/// A signed-in person, as read from the session at the start of the request.
#[derive(Clone, Debug)]
pub struct Person {
    /// The account.
    pub id: AccountId,
    /// The username, which is public and never changes.
    pub username: String,
    /// The role of the account.
    pub role: Role,
    /// The session that authenticates the request.
    pub session: SessionId,
    /// The time of the last sign-in with the password in this session.
    pub reauthenticated_at: Timestamp,
    /// Whether the e-mail address is verified, which registrations require.
    pub email_verified: bool,
}

/// An API key, as read at the start of the request.
#[derive(Clone, Debug)]
pub struct Key {
    /// The id of the key.
    pub id: ApiKeyId,
    /// The public prefix, which identifies the key in the audit.
    pub prefix: String,
    /// The privileges of the key.
    pub scopes: Vec<ApiKeyScope>,
    /// The service types that the key covers.
    pub service_types: Vec<ServiceTypeId>,
    /// The events that the key covers, unless `all_events` is set.
    pub events: Vec<EventId>,
    /// Whether the key covers every event.
    pub all_events: bool,
}

impl Key {
    /// Returns whether the key has `scope`, directly or included in another scope.
    pub fn has(&self, scope: ApiKeyScope) -> bool {
        self.scopes.iter().any(|held| held.includes(scope))
    }

    /// Returns whether the key covers the event.
    pub fn covers_event(&self, event: EventId) -> bool {
        self.all_events || self.events.contains(&event)
    }

    /// Returns whether the key covers the event and the service type.
    pub fn covers(&self, event: EventId, service_type: ServiceTypeId) -> bool {
        self.covers_event(event) && self.service_types.contains(&service_type)
    }
}

impl Actor {
    /// Returns the signed-in person; `None` for other actors.
    pub fn person(&self) -> Option<&Person> {
        match self {
            Self::Person(person) => Some(person),
            _ => None,
        }
    }

    /// Returns the account of the signed-in person; `None` for other actors.
    pub fn account(&self) -> Option<AccountId> {
        self.person().map(|person| person.id)
    }

    /// Returns the API key; `None` for other actors.
    pub fn key(&self) -> Option<&Key> {
        match self {
            Self::Key(key) => Some(key),
            _ => None,
        }
    }

    /// Returns whether the actor is a person with at least this role, or the program itself.
    pub fn is_at_least(&self, role: Role) -> bool {
        match self {
            Self::Person(person) => person.role >= role,
            Self::System(_) => true,
            Self::Guest | Self::Key(_) => false,
        }
    }

    /// Returns the label in the audit: a username, `key:<prefix>`, `guest` or `system`.
    pub fn label(&self) -> String {
        match self {
            Self::Guest => "guest".to_owned(),
            Self::Person(person) => person.username.clone(),
            Self::Key(key) => format!("key:{}", key.prefix),
            Self::System(_) => "system".to_owned(),
        }
    }

    /// Requires a signed-in person.
    ///
    /// # Errors
    /// [`AuthError::Unauthenticated`] for a guest, [`AuthError::Forbidden`] for a key and the program itself.
    pub fn demand_person(&self) -> Result<&Person, AuthError> {
        match self {
            Self::Person(person) => Ok(person),
            Self::Guest => Err(AuthError::Unauthenticated),
            Self::Key(_) | Self::System(_) => Err(AuthError::Forbidden),
        }
    }

    /// Requires at least this role.
    ///
    /// # Errors
    /// [`AuthError::Unauthenticated`] for a guest, [`AuthError::Forbidden`] for every other actor with less.
    pub fn demand(&self, role: Role) -> Result<(), AuthError> {
        match self {
            Self::Guest => Err(AuthError::Unauthenticated),
            actor if actor.is_at_least(role) => Ok(()),
            _ => Err(AuthError::Forbidden),
        }
    }

    /// Requires a sign-in with the password within the last [`REAUTHENTICATION_SECONDS`].
    ///
    /// # Errors
    /// [`AuthError::Unauthenticated`] for a guest, [`AuthError::ReauthenticationRequired`] for a person with an older
    /// sign-in and for a key.
    pub fn demand_recent_sign_in(&self, now: Timestamp) -> Result<(), AuthError> {
        match self {
            Self::Person(person) if now <= person.reauthenticated_at.plus_seconds(REAUTHENTICATION_SECONDS) => Ok(()),
            Self::System(_) => Ok(()),
            Self::Guest => Err(AuthError::Unauthenticated),
            _ => Err(AuthError::ReauthenticationRequired),
        }
    }
}

/// A request: its actor and the metadata that transactions need.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The actor.
    pub actor: Actor,
    /// The id of the request, for the log, the audit and the client. `None` for jobs and commands.
    pub request_id: Option<String>,
    /// The idempotency key, where the client sent one.
    pub idempotency: Option<IdempotencyKey>,
    /// The address of the client for rate limits, never logged. `None` for jobs and commands.
    pub address: Option<RateAddress>,
    /// Whether rate limits apply. Requests from the server's own machine are exempt.
    pub is_rated: bool,
    /// Whether the session came in a browser's cookie, so that a new sign-in replaces it.
    pub has_session_cookie: bool,
    /// The `User-Agent` of the client, for the list of sessions.
    pub user_agent: Option<String>,
}

impl Caller {
    /// Creates the caller of a job or a command.
    pub fn system(name: &'static str) -> Arc<Self> {
        Arc::new(Self {
            actor: Actor::System(name),
            request_id: None,
            idempotency: None,
            address: None,
            is_rated: false,
            has_session_cookie: false,
            user_agent: None,
        })
    }
}

/// An idempotency key with the hash of its request.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    /// The key: 1 to 64 visible ASCII characters, chosen by the client.
    pub key: String,
    /// SHA-256 of the document, the name of the operation and its variables.
    pub request_hash: [u8; 32],
}
