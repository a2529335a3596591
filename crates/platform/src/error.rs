//! What can go wrong, and who is told.
//!
//! * [`UserError`]: an expected failure. The client gets it in the payload, with a code and the place in its input.
//! * [`AuthError`]: the caller may not do this at all. It becomes a top-level `FORBIDDEN` or `UNAUTHENTICATED`.
//! * [`InternalError`]: the machinery failed. The client gets a constant sentence and a request id; the log gets the cause.
//!
//! An operation returns `Result<T, Error>`, and `?` lifts each of the three into a [`Error`].

use std::fmt;

/// An expected failure of a mutation: it changed nothing, and this says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserError {
    /// What happened, with what a client can act on.
    pub kind: UserErrorKind,
    /// One sentence for a person, without internals.
    pub message: String,
    /// Where in `input`, for example `["parameters", "mac"]`; empty where it concerns the whole input.
    pub path: Vec<String>,
    /// Which sentence `message` is, where `kind` and `path` do not say all. Boxed, since most have none.
    pub rule: Option<Box<Rule>>,
}

/// A sentence by its name: a program that speaks another language says its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// For example `password.short`; empty where the failure names it otherwise.
    pub name: &'static str,
    /// What the sentence names, in its order: the least length, for example.
    pub values: Vec<String>,
}

/// The expected failures, each with the data that a client can act on.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum UserErrorKind {
    Invalid,
    Required,
    NotFound,
    Conflict,
    /// The caller's copy is old; the number is the version now.
    StaleVersion {
        current: i32,
    },
    /// Somebody else has the number; up to five free ones are suggested.
    NumberUnavailable {
        number: String,
        suggestions: Vec<String>,
    },
    NumberOutOfRange,
    QuotaExceeded {
        limit: i32,
    },
    /// The number's state does not allow the move; and the states.
    InvalidTransition {
        number: String,
        /// The number's state, as the API spells it.
        from: String,
        /// The state asked for, as the API spells it.
        to: String,
    },
    /// The parameters do not fit the schema: JSON Pointer into `parameters`, and the keyword that failed.
    SchemaViolation {
        pointer: String,
        keyword: String,
    },
    ServiceTypePrivileged,
    Restricted,
    FeatureDenied,
    CredentialsRejected,
    TokenExpired,
    RateLimited {
        retry_after_seconds: i32,
    },
    ReauthenticationRequired,
    EmailUnverified,
    AlreadyExists,
    /// The numbers of the loop, first = last.
    GroupLoop {
        cycle: Vec<String>,
    },
    LastAdmin,
    EventClosed,
    WeakPassword,
}

impl UserError {
    /// A failure of `kind` at the top-level input field `field` (empty: the whole input).
    pub fn new(kind: UserErrorKind, field: &str, message: impl Into<String>) -> Self {
        let path = if field.is_empty() { Vec::new() } else { vec![field.to_owned()] };
        Self { kind, message: message.into(), path, rule: None }
    }

    /// An input that cannot be accepted as it is.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::new(UserErrorKind::Invalid, field, message)
    }

    /// What `field` names does not exist, as far as the caller may know.
    pub fn not_found(field: &str, message: impl Into<String>) -> Self {
        Self::new(UserErrorKind::NotFound, field, message)
    }

    /// The same failure, with the name of its sentence.
    #[must_use]
    pub fn rule(mut self, name: &'static str) -> Self {
        self.rule.get_or_insert_default().name = name;
        self
    }

    /// The same failure, with one more of the things that its sentence names.
    #[must_use]
    pub fn naming(mut self, value: impl fmt::Display) -> Self {
        self.rule.get_or_insert_default().values.push(value.to_string());
        self
    }

    /// The same failure, at this path.
    #[must_use]
    pub fn at<S: Into<String>>(mut self, path: impl IntoIterator<Item = S>) -> Self {
        self.path = path.into_iter().map(Into::into).collect();
        self
    }
}

/// The caller may not do this, whatever the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthError {
    /// Nobody is signed in, and somebody would have to be.
    Unauthenticated,
    /// Signed in, and not allowed.
    Forbidden,
    /// Allowed after the password has been given again.
    ReauthenticationRequired,
}

/// The machinery failed: database, disk, mail server. The cause is for the log alone.
#[derive(Debug, thiserror::Error)]
pub enum InternalError {
    /// The database refused or broke; temporary when it is locked, full, read-only or away.
    #[error("database: {0}")]
    Database(#[from] diesel::result::Error),
    /// No connection was to be had.
    #[error("database connection: {0}")]
    Connection(String),
    /// The disk, the network or a file.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The server has more to do than it can: try again later.
    #[error("overloaded: {0}")]
    Overloaded(&'static str),
    /// Stored data or code is not as it must be.
    #[error("{0}")]
    Invariant(String),
}

impl InternalError {
    /// A fault that only a change of code or data mends.
    pub fn new(cause: impl fmt::Display) -> Self {
        Self::Invariant(cause.to_string())
    }

    /// Whether trying again later may help: then the client is told UNAVAILABLE, not INTERNAL.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Connection(_) | Self::Overloaded(_) | Self::Io(_) => true,
            Self::Invariant(_) => false,
            Self::Database(error) => is_temporary_database_error(error),
        }
    }
}

/// SQLite says these in words only; PostgreSQL has classes 53 (resources), 57 (operator) and 08 (connection).
fn is_temporary_database_error(error: &diesel::result::Error) -> bool {
    use diesel::result::{DatabaseErrorKind as Kind, Error};
    match error {
        Error::DatabaseError(Kind::ReadOnlyTransaction | Kind::ClosedConnection | Kind::SerializationFailure, _) => {
            true
        }
        Error::BrokenTransactionManager => true,
        Error::DatabaseError(_, information) => {
            let text = information.message();
            [
                "disk is full",
                "disk I/O",
                "readonly",
                "read-only",
                "locked",
                "No space left",
                "terminating connection",
                "shutting down",
                "connection closed",
            ]
            .iter()
            .any(|sign| text.contains(sign))
        }
        _ => false,
    }
}

/// Why an operation did not do what was asked.
#[derive(Debug)]
pub enum Error {
    /// Expected failures, for the payload.
    User(Vec<UserError>),
    /// Not allowed, for the top of the response.
    Auth(AuthError),
    /// The idempotency key stands for another request.
    IdempotencyMismatch,
    /// A request that cannot be answered as it is put, for the top of the response: one sentence for the client.
    BadRequest(String),
    /// Broken, for the log.
    Internal(InternalError),
}

impl From<UserError> for Error {
    fn from(problem: UserError) -> Self {
        Self::User(vec![problem])
    }
}

impl From<Vec<UserError>> for Error {
    fn from(problems: Vec<UserError>) -> Self {
        Self::User(problems)
    }
}

impl From<AuthError> for Error {
    fn from(denied: AuthError) -> Self {
        Self::Auth(denied)
    }
}

impl<E: Into<InternalError>> From<E> for Error {
    fn from(error: E) -> Self {
        Self::Internal(error.into())
    }
}
