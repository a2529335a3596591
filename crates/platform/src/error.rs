//! Errors of operations.
//!
//! * [`UserError`]: an expected failure. The payload contains it, with a code and the path of the input field.
//! * [`AuthError`]: a missing privilege. The response contains a top-level `FORBIDDEN` or `UNAUTHENTICATED`.
//! * [`InternalError`]: a failure of the server or its environment. The response contains a constant sentence and the
//!   request id; the log contains the cause.
//!
//! An operation returns `Result<T, Error>`; `?` converts each of the three into an [`Error`].

use std::fmt;

/// An expected failure of a mutation, which then changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserError {
    /// The kind of failure, with the data that a client can act on.
    pub kind: UserErrorKind,
    /// One sentence for people, without internals.
    pub message: String,
    /// Path in `input`, for example `["parameters", "mac"]`; empty for the whole input.
    pub path: Vec<String>,
    /// The name of the sentence in `message`, where `kind` and `path` do not determine it. Boxed, as it is rare.
    pub rule: Option<Box<Rule>>,
}

/// The name and the values of a message, from which a client renders it in another language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// For example `password.short`; empty where `kind` determines the sentence.
    pub name: &'static str,
    /// The values in the sentence, in order, for example the minimum length.
    pub values: Vec<String>,
}

/// Kinds of expected failures, with the data that a client can act on.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum UserErrorKind {
    Invalid,
    Required,
    NotFound,
    Conflict,
    /// The caller's version is not the current one.
    StaleVersion {
        current: i32,
    },
    /// The number is not available to the caller; up to five available ones are suggested.
    NumberUnavailable {
        number: String,
        suggestions: Vec<String>,
    },
    NumberOutOfRange,
    QuotaExceeded {
        limit: i32,
    },
    /// The state of the number does not allow the transition.
    InvalidTransition {
        number: String,
        /// The current state, in the API's spelling.
        from: Box<str>,
        /// The requested state, in the API's spelling.
        to: Box<str>,
    },
    /// The parameters do not match the schema: JSON Pointer (RFC 6901) into `parameters`, and the failed keyword.
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
    /// The numbers of the cycle; the first equals the last.
    GroupLoop {
        cycle: Vec<String>,
    },
    LastAdmin,
    EventClosed,
    WeakPassword,
}

impl UserError {
    /// Creates a failure of `kind` at the top-level input field `field` (empty: the whole input).
    pub fn new(kind: UserErrorKind, field: &str, message: impl Into<String>) -> Self {
        let path = if field.is_empty() { Vec::new() } else { vec![field.to_owned()] };
        Self { kind, message: message.into(), path, rule: None }
    }

    /// Creates a failure of an invalid input field.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::new(UserErrorKind::Invalid, field, message)
    }

    /// Creates a failure of an object that does not exist or that the caller may not see.
    pub fn not_found(field: &str, message: impl Into<String>) -> Self {
        Self::new(UserErrorKind::NotFound, field, message)
    }

    /// Sets the name of the sentence.
    #[must_use]
    pub fn rule(mut self, name: &'static str) -> Self {
        self.rule.get_or_insert_default().name = name;
        self
    }

    /// Appends a value of the sentence.
    #[must_use]
    pub fn with_value(mut self, value: impl fmt::Display) -> Self {
        self.rule.get_or_insert_default().values.push(value.to_string());
        self
    }

    /// Sets the path in the input.
    #[must_use]
    pub fn at<S: Into<String>>(mut self, path: impl IntoIterator<Item = S>) -> Self {
        self.path = path.into_iter().map(Into::into).collect();
        self
    }
}

/// A missing privilege, independent of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthError {
    /// The caller is not signed in.
    Unauthenticated,
    /// The caller's role or scopes do not allow the operation.
    Forbidden,
    /// The operation requires a recent sign-in.
    ReauthenticationRequired,
}

/// A failure of database, disk, network or code. Only the log contains the cause.
#[derive(Debug, thiserror::Error)]
pub enum InternalError {
    /// A statement failed. Temporary when the database is locked, full, read-only or unreachable.
    #[error("database: {0}")]
    Database(#[from] diesel::result::Error),
    /// A connection could not be established.
    #[error("database connection: {0}")]
    Connection(String),
    /// An operation on a file or the network failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The server is overloaded; a later attempt can succeed.
    #[error("overloaded: {0}")]
    Overloaded(&'static str),
    /// An invariant of data or code does not hold.
    #[error("{0}")]
    Invariant(String),
}

impl InternalError {
    /// Creates an [`Self::Invariant`].
    pub fn new(cause: impl fmt::Display) -> Self {
        Self::Invariant(cause.to_string())
    }

    /// Returns whether a later attempt can succeed. The client then receives UNAVAILABLE instead of INTERNAL.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Connection(_) | Self::Overloaded(_) | Self::Io(_) => true,
            Self::Invariant(_) => false,
            Self::Database(error) => is_temporary_database_error(error),
        }
    }
}

/// Returns whether the error is temporary. It is recognized by its message, as diesel does not expose the SQLSTATE
/// classes 53 (insufficient resources), 57 (operator intervention) and 08 (connection), and SQLite's codes.
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
                // PostgreSQL, for `statement_timeout` and a cancelled statement.
                "canceling statement",
                crate::deadline::PASSED,
            ]
            .iter()
            .any(|fragment| text.contains(fragment))
        }
        _ => false,
    }
}

/// The error of an operation.
#[derive(Debug)]
pub enum Error {
    /// Expected failures, returned in the payload.
    User(Vec<UserError>),
    /// A missing privilege, returned as a top-level error.
    Auth(AuthError),
    /// The idempotency key belongs to a different request.
    IdempotencyMismatch,
    /// A malformed request, returned as a top-level error with this sentence.
    BadRequest(String),
    /// An internal failure, whose cause is logged.
    Internal(InternalError),
}

impl From<UserError> for Error {
    fn from(error: UserError) -> Self {
        Self::User(vec![error])
    }
}

impl From<Vec<UserError>> for Error {
    fn from(errors: Vec<UserError>) -> Self {
        Self::User(errors)
    }
}

impl From<AuthError> for Error {
    fn from(error: AuthError) -> Self {
        Self::Auth(error)
    }
}

impl<E: Into<InternalError>> From<E> for Error {
    fn from(error: E) -> Self {
        Self::Internal(error.into())
    }
}
