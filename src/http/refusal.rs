//! Why a plain HTTP request is not answered: `{"error": {"code", "message"}}` with the status that says the same.

use std::borrow::Cow;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::graphql::EdgeError;
use platform::error::Error;
use crate::graphql::error::ApiError;
use crate::graphql::error_code::ErrorCode;

/// A request that was refused.
#[derive(Clone, Debug)]
pub struct Refusal {
    status: StatusCode,
    /// Of GraphQL's error codes, or CLOSED.
    pub code: &'static str,
    message: Cow<'static, str>,
    retry_after_seconds: Option<u32>,
}

impl Refusal {
    /// A refusal by its code.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        let status = match code {
            ErrorCode::Unauthenticated => StatusCode::UNAUTHORIZED,
            ErrorCode::Forbidden | ErrorCode::ReauthenticationRequired => StatusCode::FORBIDDEN,
            ErrorCode::NotFound => StatusCode::NOT_FOUND,
            ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        let retry_after_seconds = (code == ErrorCode::Unavailable).then_some(1);
        Self { status, code: code.as_str(), message: message.into(), retry_after_seconds }
    }

    /// What is not there, as far as the caller may know.
    pub fn not_found(message: &'static str) -> Self {
        Self::new(ErrorCode::NotFound, message)
    }

    /// The feed of an archived event.
    pub const fn closed() -> Self {
        Self {
            status: StatusCode::GONE,
            code: "CLOSED",
            message: Cow::Borrowed("This event is archived: keep your copy and stop following."),
            retry_after_seconds: None,
        }
    }
}

impl From<Error> for Refusal {
    fn from(stop: Error) -> Self {
        let error = ApiError::from(stop);
        let message = match error.code() {
            ErrorCode::Internal => Cow::Borrowed("The server failed. Its log says why."),
            _ => Cow::Owned(error.message().to_owned()),
        };
        Self::new(error.code(), message)
    }
}

impl From<EdgeError> for Refusal {
    fn from(error: EdgeError) -> Self {
        let retry_after_seconds = error.retry_after_seconds;
        Self { retry_after_seconds, ..Self::new(error.code, error.message) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "error": { "code": self.code, "message": self.message } }).to_string();
        let mut response = (self.status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Switchboard\""));
        }
        response
    }
}
