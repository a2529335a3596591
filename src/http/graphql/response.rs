//! Encodes responses: the JSON of GraphQL, the HTTP status and the common headers.

use std::io::Write as _;

use async_graphql::{ErrorExtensionValues, Response as ExecutedResponse, ServerError, Value};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::json;

use super::error::{INTERNAL_MESSAGE, RequestError};
use super::negotiation::Media;
use crate::graphql::error_code::ErrorCode;
use crate::graphql::limits::Charge;
use crate::graphql::request::RequestId;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Writes a value as JSON. [`Value::Binary`] holds JSON text that a resolver for many rows has written, and is copied
/// unchanged. The schema has no other binary values.
pub(super) fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Boolean(true) => out.extend_from_slice(b"true"),
        Value::Boolean(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => {
            let _ = write!(out, "{number}");
        }
        Value::String(text) => write_string(out, text),
        Value::Enum(name) => write_string(out, name),
        Value::Binary(json) => out.extend_from_slice(json),
        Value::List(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(out, item);
            }
            out.push(b']');
        }
        Value::Object(fields) => {
            out.push(b'{');
            for (index, (name, value)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_string(out, name);
                out.push(b':');
                write_value(out, value);
            }
            out.push(b'}');
        }
    }
}

/// Writes a JSON string.
pub(super) fn write_string(out: &mut Vec<u8>, text: &str) {
    // Neither a string nor a write to memory can fail.
    let _ = serde_json::to_writer(out, text);
}

/// The response of one execution.
pub(super) struct EncodedResponse {
    /// The complete response, as JSON.
    pub body: Vec<u8>,
    /// The errors as a JSON array, where the schema refused the document or its variables; then nothing was executed.
    pub request_errors: Option<Vec<u8>>,
    /// The code of the first error.
    pub code: Option<ErrorCode>,
    /// Whether `data` is null.
    pub is_empty: bool,
}

/// Encodes a response. Every error gets a code and the request id; the message of an internal error goes to the log
/// only.
///
/// The library's own errors have no code. Where all errors of a response without data have neither a code nor a path,
/// the validation raised them; other errors come from a resolver or from reading an argument.
pub(super) fn encode(
    executed: ExecutedResponse,
    request_id: RequestId,
    charge: Charge,
    is_validated: bool,
) -> EncodedResponse {
    let ExecutedResponse { mut errors, data, extensions, .. } = executed;
    let is_empty = matches!(data, Value::Null);
    let is_refused =
        is_empty && !errors.is_empty() && errors.iter().all(|error| error.path.is_empty() && code_of(error).is_none());
    for error in &mut errors {
        let code = match (is_refused, is_validated) {
            (true, false) => ErrorCode::GraphqlValidationFailed,
            // The document is valid, so its variables are wrong.
            (true, true) => ErrorCode::BadUserInput,
            (false, _) => classify(error, request_id),
        };
        let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
        extensions.set("code", code.as_str());
        extensions.set("requestId", request_id.to_string());
    }
    let mut body = Vec::with_capacity(512);
    body.push(b'{');
    if !errors.is_empty() {
        body.extend_from_slice(b"\"errors\":");
        let _ = serde_json::to_writer(&mut body, &errors);
        body.push(b',');
    }
    if !is_refused {
        body.extend_from_slice(b"\"data\":");
        write_value(&mut body, &data);
        body.push(b',');
    }
    let _ = write!(body, "\"extensions\":{{\"cost\":{}", charge.cost);
    if charge.feed_rows > 0 {
        let _ = write!(body, ",\"feedRows\":{}", charge.feed_rows);
    }
    for (name, value) in &extensions {
        body.push(b',');
        write_string(&mut body, name);
        body.push(b':');
        write_value(&mut body, value);
    }
    body.extend_from_slice(b"}}");
    let code = errors.first().and_then(code_of);
    let request_errors = is_refused.then(|| serde_json::to_vec(&errors).unwrap_or_default());
    EncodedResponse { body, request_errors, code, is_empty }
}

fn code_of(error: &ServerError) -> Option<ErrorCode> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => ErrorCode::from_name(code),
        Value::Enum(code) => ErrorCode::from_name(code),
        _ => None,
    }
}

/// The code of an execution error. An error without a code is internal: its message is logged and replaced. The
/// exception is the library's error about an argument that it could not read.
fn classify(error: &mut ServerError, request_id: RequestId) -> ErrorCode {
    if let Some(code) = code_of(error) {
        return code;
    }
    let concerns_argument =
        ["Failed to parse \"", "Expected input type \""].iter().any(|prefix| error.message.starts_with(prefix));
    if error.source.is_none() && concerns_argument {
        return ErrorCode::BadUserInput;
    }
    tracing::error!(
        request.id = %request_id,
        graphql.path = ?error.path,
        cause = %error.message,
        "a resolver failed without a code"
    );
    INTERNAL_MESSAGE.clone_into(&mut error.message);
    error.source = None;
    error.extensions = None;
    ErrorCode::Internal
}

/// The `errors` of a refused request, as a JSON array.
pub(super) fn errors_json(error: &RequestError, request_id: RequestId) -> Vec<u8> {
    serde_json::to_vec(&[error.body(request_id)]).unwrap_or_default()
}

/// The response to a refused request, as JSON.
pub(super) fn failure_json(error: &RequestError, request_id: RequestId) -> Vec<u8> {
    serde_json::to_vec(&json!({ "errors": [error.body(request_id)] })).unwrap_or_default()
}

/// The HTTP response to a refused request.
pub(super) fn failure(error: &RequestError, media: Media, request_id: RequestId) -> Response {
    let media = if media == Media::GraphqlResponse { media } else { Media::Json };
    let mut response = body(failure_json(error, request_id), media, error.status(media == Media::Json));
    let headers = response.headers_mut();
    if let Some(allow) = error.allow() {
        headers.insert(header::ALLOW, HeaderValue::from_static(allow));
    }
    if let Some(seconds) = error.retry_after_seconds {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    if error.code == ErrorCode::Unauthenticated {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// The HTTP response of an execution. Without any data, UNAVAILABLE and RATE_LIMITED are also the status, so that
/// proxies and clients try again.
pub(super) fn success(encoded: EncodedResponse, media: Media) -> Response {
    let status = match encoded.code {
        _ if encoded.request_errors.is_some() && media != Media::Json => StatusCode::BAD_REQUEST,
        Some(ErrorCode::Unavailable) if encoded.is_empty => StatusCode::SERVICE_UNAVAILABLE,
        Some(ErrorCode::RateLimited) if encoded.is_empty => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::OK,
    };
    let mut response = body(encoded.body, media, status);
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// A response with this body, media type and status.
pub(super) fn body(content: impl Into<Body>, media: Media, status: StatusCode) -> Response {
    let mut response = Response::new(content.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
    response
}

/// Sets the headers of every response.
pub(super) fn set_common_headers(headers: &mut HeaderMap, request_id: RequestId) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let mut id = [0; uuid::fmt::Hyphenated::LENGTH];
    if let Ok(value) = HeaderValue::from_str(request_id.0.hyphenated().encode_lower(&mut id)) {
        headers.insert(X_REQUEST_ID, value);
    }
}
