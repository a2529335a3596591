//! Request errors (GraphQL, October 2021, section 7.1.2): a request that fails before, or instead of, its execution.

use async_graphql::{Pos, Value};
use axum::http::StatusCode;
use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

use crate::graphql::error_code::ErrorCode;
use crate::graphql::limits::{DocumentError, ExceededLimit};
use crate::graphql::request::RequestId;
use platform::access::rates::RetryAfter;

/// The message of an internal error. The log has the cause under the same request id.
pub const INTERNAL_MESSAGE: &str = "The server failed. The request id helps its operator to find out why.";
/// The message of an operation that exceeded its timeout.
pub const TIMEOUT_MESSAGE: &str =
    "The operation took too long and was stopped. Whether a mutation took effect is not known.";

/// A request error with the HTTP status that belongs to it.
#[derive(Clone, Debug)]
pub struct RequestError {
    /// For `extensions.code`.
    pub code: ErrorCode,
    /// One sentence for the client, without internals.
    pub message: String,
    /// For the header `Retry-After`, in seconds.
    pub retry_after_seconds: Option<u32>,
    status: Status,
    allow: Option<&'static str>,
    locations: Vec<Pos>,
    limit: Option<ExceededLimit>,
}

#[derive(Clone, Copy, Debug)]
enum Status {
    /// The document or its variables are refused: 400, and 200 for `application/json`, as the audits of GraphQL over
    /// HTTP want it. (The draft of 2026 says 422.)
    Document,
    Fixed(StatusCode),
}

impl RequestError {
    /// An error whose HTTP status follows from its code.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let status = match code {
            ErrorCode::Unauthenticated => Status::Fixed(StatusCode::UNAUTHORIZED),
            ErrorCode::Forbidden => Status::Fixed(StatusCode::FORBIDDEN),
            ErrorCode::RateLimited => Status::Fixed(StatusCode::TOO_MANY_REQUESTS),
            ErrorCode::PayloadTooLarge => Status::Fixed(StatusCode::PAYLOAD_TOO_LARGE),
            ErrorCode::Unavailable => Status::Fixed(StatusCode::SERVICE_UNAVAILABLE),
            ErrorCode::Internal => Status::Fixed(StatusCode::INTERNAL_SERVER_ERROR),
            _ => Status::Document,
        };
        let retry_after_seconds = (code == ErrorCode::Unavailable).then_some(1);
        Self {
            code,
            message: message.into(),
            retry_after_seconds,
            status,
            allow: None,
            locations: Vec::new(),
            limit: None,
        }
    }

    /// A breach of HTTP or of the protocol: `BAD_USER_INPUT` with this status.
    pub fn malformed(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status: Status::Fixed(status), ..Self::new(ErrorCode::BadUserInput, message) }
    }

    /// 405, with the methods that are allowed.
    pub fn method_not_allowed(allow: &'static str, message: impl Into<String>) -> Self {
        Self { allow: Some(allow), ..Self::malformed(StatusCode::METHOD_NOT_ALLOWED, message) }
    }

    /// The answer to a hash instead of a document, in the words of Apollo's protocol for persisted queries (status 200):
    /// its clients then send the document.
    pub fn persisted_query_not_supported() -> Self {
        let code = ErrorCode::PersistedQueryNotSupported;
        Self { status: Status::Fixed(StatusCode::OK), ..Self::new(code, "PersistedQueryNotSupported") }
    }

    /// `INTERNAL` with the constant message. The cause belongs to the log.
    pub fn internal() -> Self {
        Self::new(ErrorCode::Internal, INTERNAL_MESSAGE)
    }

    /// 429 with `Retry-After`, in seconds.
    pub fn rate_limited(retry_after_seconds: u32) -> Self {
        Self {
            retry_after_seconds: Some(retry_after_seconds),
            ..Self::new(ErrorCode::RateLimited, "Too many requests: try again later.")
        }
    }

    /// The HTTP status, which for a failed document depends on the media type of the response.
    pub(super) const fn status(&self, plain_json: bool) -> StatusCode {
        match self.status {
            Status::Document if plain_json => StatusCode::OK,
            Status::Document => StatusCode::BAD_REQUEST,
            Status::Fixed(status) => status,
        }
    }

    /// Whether the document or its variables are refused, not the HTTP request.
    pub(super) const fn concerns_document(&self) -> bool {
        matches!(self.status, Status::Document)
    }

    /// For the header `Allow`.
    pub(super) const fn allow(&self) -> Option<&'static str> {
        self.allow
    }

    /// The error as it stands in `errors`.
    pub(super) const fn body(&self, request_id: RequestId) -> ErrorBody<'_> {
        ErrorBody { error: self, request_id }
    }
}

impl From<RetryAfter> for RequestError {
    fn from(retry: RetryAfter) -> Self {
        Self::rate_limited(retry.seconds)
    }
}

impl From<DocumentError> for RequestError {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::Parse { message, locations } => {
                Self { locations, ..Self::new(ErrorCode::GraphqlParseFailed, message) }
            }
            DocumentError::Invalid { message, locations } => {
                Self { locations, ..Self::new(ErrorCode::GraphqlValidationFailed, message) }
            }
            DocumentError::Input { message } => Self::new(ErrorCode::BadUserInput, message),
            DocumentError::TooComplex(limit) => {
                let ExceededLimit { name, allowed, measured } = limit;
                let message = format!("The request exceeds the limit `{name}`: {measured} of at most {allowed}.");
                Self { limit: Some(limit), ..Self::new(ErrorCode::QueryTooComplex, message) }
            }
        }
    }
}

/// A request error with its request id, as JSON.
pub(super) struct ErrorBody<'a> {
    error: &'a RequestError,
    request_id: RequestId,
}

impl Serialize for ErrorBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("message", &self.error.message)?;
        if !self.error.locations.is_empty() {
            map.serialize_entry("locations", &self.error.locations)?;
        }
        let mut extensions = async_graphql::indexmap::IndexMap::new();
        extensions.insert("code", Value::from(self.error.code.as_str()));
        extensions.insert("requestId", Value::from(self.request_id.to_string()));
        if let Some(ExceededLimit { name, allowed, measured }) = self.error.limit {
            extensions.insert("limit", Value::from(name));
            extensions.insert("allowed", Value::from(allowed));
            extensions.insert("measured", Value::from(measured));
        }
        if let Some(seconds) = self.error.retry_after_seconds {
            extensions.insert("retryAfterSeconds", Value::from(seconds));
        }
        map.serialize_entry("extensions", &extensions)?;
        map.end()
    }
}
