//! The error of a plain HTTP request: `{"error": {"code", "message"}}` with the status that belongs to the code.

use std::borrow::Cow;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::graphql::RequestError;
use crate::graphql::error::ApiError;
use crate::graphql::error_code::ErrorCode;
use platform::error::Error;

/// A refused or failed request.
#[derive(Clone, Debug)]
pub struct HttpError {
    status: StatusCode,
    /// The name of an [`ErrorCode`], or `CLOSED`.
    pub code: &'static str,
    message: Cow<'static, str>,
    retry_after_seconds: Option<u32>,
}

impl HttpError {
    /// An error with the status of its code.
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

    /// 404, also for what the caller may not know of.
    pub fn not_found(message: &'static str) -> Self {
        Self::new(ErrorCode::NotFound, message)
    }

    /// 404 for a path that this server does not have.
    pub fn no_such_path() -> Self {
        Self::not_found("There is nothing at this address.")
    }

    /// 410 for the feed of an archived event.
    pub const fn closed() -> Self {
        Self {
            status: StatusCode::GONE,
            code: "CLOSED",
            message: Cow::Borrowed("This event is archived: keep your copy and stop following."),
            retry_after_seconds: None,
        }
    }
}

impl From<Error> for HttpError {
    fn from(error: Error) -> Self {
        let error = ApiError::from(error);
        let message = match error.code() {
            ErrorCode::Internal => Cow::Borrowed("The server failed. The cause is in its log."),
            _ => Cow::Owned(error.message().to_owned()),
        };
        Self::new(error.code(), message)
    }
}

impl From<RequestError> for HttpError {
    fn from(error: RequestError) -> Self {
        let retry_after_seconds = error.retry_after_seconds;
        Self { retry_after_seconds, ..Self::new(error.code, error.message) }
    }
}

impl IntoResponse for HttpError {
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
