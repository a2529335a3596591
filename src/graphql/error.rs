//! The conversion of errors to those of the API.
//!
//! An [`error::UserError`] becomes a typed [`UserError`] in the payload. Every other [`Error`] becomes an [`ApiError`]
//! at the top of the response: a code and a sentence without internals. The log keeps the cause.

use async_graphql::{Enum, ErrorExtensions as _, Interface, SimpleObject};

use super::error_code::ErrorCode;
use super::scalars::PhoneNumber;
use numbering::NumberState;
use platform::error::{self, AuthError, Error, InternalError, Rule, UserErrorKind};

/// What a client can act on.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(name = "ErrorCode")]
pub enum UserErrorCode {
    Invalid,
    Required,
    NotFound,
    Conflict,
    StaleVersion,
    NumberUnavailable,
    NumberOutOfRange,
    QuotaExceeded,
    InvalidTransition,
    SchemaViolation,
    ServiceTypePrivileged,
    Restricted,
    FeatureDenied,
    CredentialsRejected,
    TokenExpired,
    RateLimited,
    ReauthenticationRequired,
    CarrierFault,
    EmailUnverified,
    AlreadyExists,
    GroupLoop,
    LastAdmin,
    EventClosed,
    WeakPassword,
}

/// The values that a message names, in its order.
pub type Values = Vec<String>;

/// An expected failure. Every payload lists them; the mutation then changed nothing, unless it says otherwise.
#[derive(Interface, Clone, Debug)]
#[graphql(
    field(name = "code", ty = "&UserErrorCode", desc = "What a client can act on."),
    field(name = "message", ty = "&String", desc = "One sentence for a person, without internals."),
    field(
        name = "path",
        ty = "&Vec<String>",
        desc = "Where in `input`, e.g. [\"parameters\", \"mac\"]; empty where it concerns the whole input."
    ),
    field(
        name = "rule",
        ty = "&Option<String>",
        desc = "Which of several sentences `message` is, e.g. `password.short`, for programs that say it in another language; null where code and path say all. More rules may come."
    ),
    field(
        name = "values",
        ty = "&Values",
        desc = "What the sentence names, in its order, e.g. the least length; empty where it names nothing."
    )
)]
pub enum UserError {
    InvalidInput(InvalidInput),
    OperationFailed(OperationFailed),
    RateLimited(RateLimited),
    GroupLoop(GroupLoop),
    SchemaViolation(SchemaViolation),
    NumberUnavailable(NumberUnavailable),
    InvalidTransition(InvalidTransition),
    StaleVersion(StaleVersion),
    QuotaExceeded(QuotaExceeded),
}

impl UserError {
    /// What a client can act on.
    pub const fn error_code(&self) -> UserErrorCode {
        match self {
            Self::InvalidInput(error) => error.code,
            Self::OperationFailed(error) => error.code,
            Self::RateLimited(error) => error.code,
            Self::GroupLoop(error) => error.code,
            Self::SchemaViolation(error) => error.code,
            Self::NumberUnavailable(error) => error.code,
            Self::InvalidTransition(error) => error.code,
            Self::StaleVersion(error) => error.code,
            Self::QuotaExceeded(error) => error.code,
        }
    }
}

/// The fields that every error has.
struct CommonFields {
    message: String,
    path: Vec<String>,
    rule: Option<String>,
    values: Values,
}

macro_rules! user_errors {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $ty:ty),* $(,)? })+) => {
        $(
            $(#[$meta])*
            #[derive(SimpleObject, Clone, Debug)]
            pub struct $name {
                /// What a client can act on.
                pub code: UserErrorCode,
                /// One sentence for a person, without internals.
                pub message: String,
                /// Where in `input`; empty where it concerns the whole input.
                pub path: Vec<String>,
                /// Which of several sentences `message` is, e.g. `password.short`; null where code and path say all.
                pub rule: Option<String>,
                /// What the sentence names, in its order; empty where it names nothing.
                pub values: Values,
                $($(#[$field_meta])* pub $field: $ty,)*
            }

            impl $name {
                fn of(code: UserErrorCode, common: CommonFields, $($field: $ty),*) -> Self {
                    let CommonFields { message, path, rule, values } = common;
                    Self { code, message, path, rule, values, $($field),* }
                }
            }
        )+
    };
}

user_errors! {
    /// An input that cannot be accepted as it is.
    InvalidInput {}
    /// A rule or a state that does not allow the operation; the code says all that the caller may know.
    OperationFailed {}
    /// Too many attempts: try again later.
    RateLimited {
        /// When it may be tried again, in seconds from now.
        retry_after_seconds: i32,
    }
    /// Groups or fallbacks that would lead back to where they began.
    GroupLoop {
        /// The numbers of the loop, first = last.
        cycle: Vec<PhoneNumber>,
    }
    /// Parameters that do not fit the service type's schema.
    SchemaViolation {
        /// JSON Pointer into `parameters`.
        pointer: String,
        /// The JSON Schema keyword that failed.
        keyword: String,
    }
    /// A number that is not available.
    NumberUnavailable {
        /// The number asked for.
        number: PhoneNumber,
        /// Up to five free numbers near the one asked for.
        suggestions: Vec<PhoneNumber>,
    }
    /// A number whose state does not allow the move.
    InvalidTransition {
        /// The number.
        number: PhoneNumber,
        /// The state that it has.
        from: crate::graphql::enums::NumberState,
        /// The state that was asked for.
        to: crate::graphql::enums::NumberState,
    }
    /// The caller's copy is old.
    StaleVersion {
        /// The version now.
        current_version: i32,
    }
    /// As many as one user may hold.
    QuotaExceeded {
        /// How many that is.
        limit: i32,
    }
}

impl From<error::UserError> for UserError {
    fn from(problem: error::UserError) -> Self {
        use UserErrorCode as C;
        let error::UserError { kind, message, path, rule } = problem;
        let Rule { name, values } = rule.map(|rule| *rule).unwrap_or_default();
        let common = CommonFields { message, path, rule: (!name.is_empty()).then(|| name.to_owned()), values };
        let invalid = |code, common| Self::InvalidInput(InvalidInput::of(code, common));
        let failed = |code, common| Self::OperationFailed(OperationFailed::of(code, common));
        match kind {
            UserErrorKind::Invalid => invalid(C::Invalid, common),
            UserErrorKind::Required => invalid(C::Required, common),
            UserErrorKind::WeakPassword => invalid(C::WeakPassword, common),
            UserErrorKind::NotFound => failed(C::NotFound, common),
            UserErrorKind::Conflict => failed(C::Conflict, common),
            UserErrorKind::NumberOutOfRange => failed(C::NumberOutOfRange, common),
            UserErrorKind::ServiceTypePrivileged => failed(C::ServiceTypePrivileged, common),
            UserErrorKind::Restricted => failed(C::Restricted, common),
            UserErrorKind::FeatureDenied => failed(C::FeatureDenied, common),
            UserErrorKind::CredentialsRejected => failed(C::CredentialsRejected, common),
            UserErrorKind::TokenExpired => failed(C::TokenExpired, common),
            UserErrorKind::ReauthenticationRequired => failed(C::ReauthenticationRequired, common),
            UserErrorKind::EmailUnverified => failed(C::EmailUnverified, common),
            UserErrorKind::AlreadyExists => failed(C::AlreadyExists, common),
            UserErrorKind::LastAdmin => failed(C::LastAdmin, common),
            UserErrorKind::EventClosed => failed(C::EventClosed, common),
            UserErrorKind::StaleVersion { current } => {
                Self::StaleVersion(StaleVersion::of(C::StaleVersion, common, current))
            }
            UserErrorKind::NumberUnavailable { number, suggestions } => {
                let suggestions = suggestions.into_iter().map(Into::into).collect();
                Self::NumberUnavailable(NumberUnavailable::of(C::NumberUnavailable, common, number.into(), suggestions))
            }
            UserErrorKind::QuotaExceeded { limit } => {
                Self::QuotaExceeded(QuotaExceeded::of(C::QuotaExceeded, common, limit))
            }
            UserErrorKind::InvalidTransition { number, from, to } => {
                let state = |name: Box<str>| name.parse::<NumberState>().unwrap_or(NumberState::Available).into();
                let (number, from, to) = (number.into(), state(from), state(to));
                Self::InvalidTransition(InvalidTransition::of(C::InvalidTransition, common, number, from, to))
            }
            UserErrorKind::SchemaViolation { pointer, keyword } => {
                Self::SchemaViolation(SchemaViolation::of(C::SchemaViolation, common, pointer, keyword))
            }
            UserErrorKind::RateLimited { retry_after_seconds } => {
                Self::RateLimited(RateLimited::of(C::RateLimited, common, retry_after_seconds))
            }
            UserErrorKind::GroupLoop { cycle } => {
                let cycle = cycle.into_iter().map(Into::into).collect();
                Self::GroupLoop(GroupLoop::of(C::GroupLoop, common, cycle))
            }
        }
    }
}

/// An error at the top of the response. It does not implement `Display`, because async-graphql would convert it without
/// a code.
#[derive(Clone, Debug)]
pub struct ApiError {
    code: ErrorCode,
    message: String,
}

impl ApiError {
    /// An error with this code and one sentence for the client.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The code for programs.
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// One sentence for the client, without internals.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// An argument that cannot be accepted as it is.
    pub fn bad_input(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::BadUserInput, message)
    }
}

impl From<ApiError> for async_graphql::Error {
    fn from(error: ApiError) -> Self {
        let code = error.code.as_str();
        Self::new(error.message).extend_with(|_, extensions| extensions.set("code", code))
    }
}

impl From<AuthError> for ApiError {
    fn from(denied: AuthError) -> Self {
        match denied {
            AuthError::Unauthenticated => Self::new(ErrorCode::Unauthenticated, "Sign in first."),
            AuthError::Forbidden => Self::new(ErrorCode::Forbidden, "You are not allowed to do this."),
            AuthError::ReauthenticationRequired => {
                Self::new(ErrorCode::ReauthenticationRequired, "Give your password again first (`reauthenticate`).")
            }
        }
    }
}

impl From<diesel::result::Error> for ApiError {
    fn from(error: diesel::result::Error) -> Self {
        InternalError::from(error).into()
    }
}

impl From<InternalError> for ApiError {
    fn from(fault: InternalError) -> Self {
        if fault.is_temporary() {
            tracing::warn!(error = %fault, "a request failed; the cause is temporary");
            Self::new(ErrorCode::Unavailable, "The server cannot do this now. Try again in a moment.")
        } else {
            tracing::error!(error = %fault, "a request failed");
            Self::new(ErrorCode::Internal, INTERNAL_MESSAGE)
        }
    }
}

/// The message of an internal error. The log has the cause under the same request id.
pub const INTERNAL_MESSAGE: &str = "The server failed. The request id helps its operator to find out why.";

impl From<Error> for ApiError {
    fn from(stop: Error) -> Self {
        match stop {
            Error::Auth(denied) => denied.into(),
            Error::Internal(fault) => fault.into(),
            Error::BadRequest(message) => Self::bad_input(message),
            Error::IdempotencyMismatch => {
                Self::new(ErrorCode::IdempotencyMismatch, "This Idempotency-Key was used for another request.")
            }
            // A query has no payload, so its first error stands at the top.
            Error::User(problems) => {
                let message = problems.into_iter().next().map_or_else(String::new, |problem| problem.message);
                Self::bad_input(message)
            }
        }
    }
}

/// Splits the result of a mutation into what its payload carries, the outcome or the list of user errors, and what
/// belongs to the top of the response.
///
/// A missing re-authentication is a user error here: the contract puts it into the payload of a mutation.
///
/// # Errors
/// An [`ApiError`] for every error that is no user error.
pub fn into_payload<T>(result: Result<T, Error>) -> Result<Result<T, Vec<UserError>>, ApiError> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Error::User(problems)) => Ok(Err(problems.into_iter().map(Into::into).collect())),
        Err(Error::Auth(AuthError::ReauthenticationRequired)) => {
            let message = "Give your password again first (`reauthenticate`).";
            Ok(Err(vec![error::UserError::new(UserErrorKind::ReauthenticationRequired, "", message).into()]))
        }
        Err(stop) => Err(stop.into()),
    }
}
