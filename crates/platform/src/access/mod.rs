//! Who is asking, and what they may do.
//!
//! A writing query takes a [`Permit`], a reading one a [`Scope`]; only this module makes them, so a rule that forgets to ask
//! does not compile. Restrictions are consulted where the permit is made and therefore cover every write.

mod action;
mod permit;
pub mod rates;
mod scope;

pub use action::{Action, ROTATE_KEY, Requirement};
pub use permit::{AccountStatus, AccountStatusSource, Permit, account_status, permit};
pub use scope::{FeedScope, Scope, device_scope, feed_scope, reach, scope};

use std::sync::Arc;

use rates::RateAddress;

use crate::clock::Timestamp;
use crate::error::AuthError;
use crate::ids::{AccountId, ApiKeyId, EventId, ServiceTypeId, SessionId};
use crate::text_enum;

text_enum! {
    /// What a person may do; each role may do all that the one before may.
    pub enum Role { User = "USER", Operator = "OPERATOR", Admin = "ADMIN" }
}

text_enum! {
    /// What an API key may do.
    pub enum ApiKeyScope {
        ReadConfig = "READ_CONFIG",
        ReadDigests = "READ_DIGESTS",
        ReadSecrets = "READ_SECRETS",
        WriteBack = "WRITE_BACK",
        ReadDirectory = "READ_DIRECTORY",
        ManageGroups = "MANAGE_GROUPS",
    }
}

impl ApiKeyScope {
    /// Whether a key that has this has `scope` too: the reading scopes each include READ_CONFIG.
    pub fn includes(self, scope: Self) -> bool {
        self == scope || (scope == Self::ReadConfig && matches!(self, Self::ReadDigests | Self::ReadSecrets))
    }
}

/// How long after giving the password a person may see credentials and change keys: 15 minutes, in seconds.
pub const REAUTHENTICATION_SECONDS: i64 = 15 * 60;

/// Whoever makes a request.
#[derive(Clone, Debug)]
pub enum Actor {
    /// Nobody has signed in.
    Guest,
    /// A signed-in person.
    Person(Arc<Person>),
    /// A telephone system.
    Key(Arc<Key>),
    /// The program itself: a job or a command, by its name.
    System(&'static str),
}

/// A signed-in person, as the session said when the request came.
#[derive(Clone, Debug)]
pub struct Person {
    /// The account.
    pub id: AccountId,
    /// Its name, public and unchanging.
    pub username: String,
    /// Its role.
    pub role: Role,
    /// The session that signs the request.
    pub session: SessionId,
    /// When the password was last given in this session.
    pub reauthenticated_at: Timestamp,
    /// Whether the e-mail address is verified: before that, nothing may be registered.
    pub email_verified: bool,
}

/// An API key, as it was when the request came.
#[derive(Clone, Debug)]
pub struct Key {
    /// The key.
    pub id: ApiKeyId,
    /// Its public start, by which the audit names it.
    pub prefix: String,
    /// What it may do.
    pub scopes: Vec<ApiKeyScope>,
    /// The service types it is limited to; none when empty.
    pub service_types: Vec<ServiceTypeId>,
    /// The events it is limited to, unless `all_events`.
    pub events: Vec<EventId>,
    /// Whether it holds for every event.
    pub all_events: bool,
}

impl Key {
    /// Whether the key has `scope`; the reading scopes each include READ_CONFIG.
    pub fn has(&self, scope: ApiKeyScope) -> bool {
        self.scopes.iter().any(|held| held.includes(scope))
    }

    /// Whether the key holds for this event.
    pub fn covers_event(&self, event: EventId) -> bool {
        self.all_events || self.events.contains(&event)
    }

    /// Whether the key holds for this event and service type.
    pub fn covers(&self, event: EventId, service_type: ServiceTypeId) -> bool {
        self.covers_event(event) && self.service_types.contains(&service_type)
    }
}

impl Actor {
    /// The signed-in person, if it is one.
    pub fn person(&self) -> Option<&Person> {
        match self {
            Self::Person(person) => Some(person),
            _ => None,
        }
    }

    /// The signed-in person's account, if it is one.
    pub fn account(&self) -> Option<AccountId> {
        self.person().map(|person| person.id)
    }

    /// The API key, if it is one.
    pub fn key(&self) -> Option<&Key> {
        match self {
            Self::Key(key) => Some(key),
            _ => None,
        }
    }

    /// Whether it is a person of at least this role, or the program itself.
    pub fn is_at_least(&self, role: Role) -> bool {
        match self {
            Self::Person(person) => person.role >= role,
            Self::System(_) => true,
            Self::Guest | Self::Key(_) => false,
        }
    }

    /// How the audit names it: a username, `key:<prefix>`, `guest` or `system`.
    pub fn label(&self) -> String {
        match self {
            Self::Guest => "guest".to_owned(),
            Self::Person(person) => person.username.clone(),
            Self::Key(key) => format!("key:{}", key.prefix),
            Self::System(_) => "system".to_owned(),
        }
    }

    /// Demands a person.
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

    /// Demands at least this role.
    ///
    /// # Errors
    /// [`AuthError::Unauthenticated`] for a guest, [`AuthError::Forbidden`] for anybody else who has less.
    pub fn demand(&self, role: Role) -> Result<(), AuthError> {
        match self {
            Self::Guest => Err(AuthError::Unauthenticated),
            actor if actor.is_at_least(role) => Ok(()),
            _ => Err(AuthError::Forbidden),
        }
    }

    /// Demands that the password was given within the last 15 minutes.
    ///
    /// # Errors
    /// [`AuthError::ReauthenticationRequired`] where it was not.
    pub fn demand_recent_sign_in(&self, now: Timestamp) -> Result<(), AuthError> {
        match self {
            Self::Person(person) if now <= person.reauthenticated_at.plus_seconds(REAUTHENTICATION_SECONDS) => Ok(()),
            Self::System(_) => Ok(()),
            Self::Guest => Err(AuthError::Unauthenticated),
            _ => Err(AuthError::ReauthenticationRequired),
        }
    }
}

/// One request: who makes it, and what a transaction has to know of it.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Whoever asks.
    pub actor: Actor,
    /// The request's id, for the log, the audit and the client. `None` for jobs and commands.
    pub request_id: Option<String>,
    /// What makes a repeated request harmless, when the client asked for it.
    pub idempotency: Option<IdempotencyKey>,
    /// Where the client is, for rates; never logged. `None` for jobs and commands.
    pub address: Option<RateAddress>,
    /// Whether rates hold for the address: not for this machine itself.
    pub is_rated: bool,
    /// What the client says it is, for the list of sessions.
    pub user_agent: Option<String>,
}

impl Caller {
    /// The program itself, in a job or a command.
    pub fn system(name: &'static str) -> Arc<Self> {
        Arc::new(Self {
            actor: Actor::System(name),
            request_id: None,
            idempotency: None,
            address: None,
            is_rated: false,
            user_agent: None,
        })
    }
}

/// The client's `Idempotency-Key` with a hash of the request that it stands for.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    /// As the client sent it: up to 64 visible ASCII characters.
    pub key: String,
    /// SHA-256 over operation, its name and its variables.
    pub request_hash: [u8; 32],
}
