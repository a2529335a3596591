//! GraphQL over HTTP, event streams and WebSockets.
//!
//! A request is read, its origin checked, its caller authenticated, its document measured and its charge taken; then
//! the schema executes it and the response is written.
//!
//! Sources: the working draft of GraphQL over HTTP (statuses as the audits of `graphql-http` want them), graphql-sse in
//! "distinct connections mode", graphql-transport-ws.

pub mod endpoint;
pub mod error;
mod idempotency;
mod negotiation;
mod open_sockets;
mod operation;
mod origin;
mod published_schema;
mod request_body;
mod response;
mod sse;
#[cfg(test)]
mod tests;
mod websocket;

use std::sync::Arc;

use async_graphql::{Executor, Request};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::response::Response;
use axum::routing::any;

pub use endpoint::{Endpoint, Settings};
pub use error::RequestError;
pub use open_sockets::OpenSockets;
pub use published_schema::PublishedSchema;

use super::app_state::RequestContext;
use super::credentials::{Credentials, X_FORWARDED_FOR};
use crate::graphql::request::{RequestId, ResponseHeaders};
use negotiation::Media;
use operation::{IncomingOperation, Transport};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The route `/graphql`: POST, GET, event streams and WebSockets. Serve it with
/// `into_make_service_with_connect_info::<SocketAddr>()`: rates need the address of the connection.
pub fn routes<E: Executor>(endpoint: Endpoint<E>) -> Router {
    Router::new().route("/graphql", any(serve::<E>)).with_state(endpoint)
}

async fn serve<E: Executor>(State(endpoint): State<Endpoint<E>>, request: axum::extract::Request) -> Response {
    let request_id = endpoint.state.new_request_id();
    let (mut parts, body) = request.into_parts();
    let (media, outcome) = if websocket::is_upgrade(&parts.headers) {
        (Media::Json, websocket::upgrade(endpoint, &mut parts).await)
    } else {
        match negotiation::accepted(&parts.headers) {
            Ok(media) => (media, respond(&endpoint, &parts, body, media, request_id).await),
            Err(error) => (Media::Json, Err(error)),
        }
    };
    let mut response = outcome.unwrap_or_else(|error| response::failure(&error, media, request_id));
    response::set_common_headers(response.headers_mut(), request_id);
    response
}

async fn respond<E: Executor>(
    endpoint: &Endpoint<E>,
    parts: &Parts,
    body: Body,
    media: Media,
    request_id: RequestId,
) -> Result<Response, RequestError> {
    let (request, transport) = match (&parts.method, media) {
        (&Method::POST, _) => {
            negotiation::require_json(&parts.headers)?;
            let body = request_body::read_body(&parts.headers, body, &endpoint.settings).await?;
            let transport = if media == Media::EventStream { Transport::Stream } else { Transport::Post };
            (request_body::from_json(&body)?, transport)
        }
        (&Method::GET, Media::EventStream) => (request_body::from_query_string(&parts.uri)?, Transport::GetStream),
        (&Method::GET, _) => (request_body::from_query_string(&parts.uri)?, Transport::Get),
        _ => return Err(RequestError::method_not_allowed("GET, POST", "Requests are sent by GET or POST.")),
    };
    let credentials = credentials(endpoint, parts)?;
    if transport != Transport::Get {
        origin::require_same_origin(&endpoint.state.0, &credentials)?;
    }
    let context = endpoint.authenticate(&credentials).await?;
    let headers =
        Arc::new(if media == Media::EventStream { ResponseHeaders::detached() } else { ResponseHeaders::attached() });
    let idempotency_key = origin::joined(&parts.headers, &IDEMPOTENCY_KEY, ", ")?;
    let incoming = IncomingOperation {
        endpoint,
        context: &context,
        request,
        idempotency_key,
        transport,
        request_id,
        headers: Arc::clone(&headers),
    };
    let admitted = incoming.admit();
    if media == Media::EventStream {
        return sse::open(endpoint, &context, admitted, request_id);
    }
    let mut response = match admitted?.execute().await {
        Ok(encoded) => response::success(encoded, media),
        Err(error) => response::failure(&error, media, request_id),
    };
    // Also after a timeout: the session of a cookie that was set before it exists.
    for cookie in headers.take_cookies() {
        if let Ok(value) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
    Ok(response)
}

/// Executes one query or mutation as if it had been posted, and returns the body of the response. Benches compare it
/// with bare statements: it is the endpoint without HTTP.
///
/// # Errors
/// As the HTTP response of a refused request.
pub async fn execute<E: Executor>(
    endpoint: &Endpoint<E>,
    context: &RequestContext,
    request: Request,
) -> Result<Vec<u8>, RequestError> {
    let incoming = IncomingOperation {
        endpoint,
        context,
        request,
        idempotency_key: None,
        transport: Transport::Post,
        request_id: endpoint.state.new_request_id(),
        headers: Arc::new(ResponseHeaders::detached()),
    };
    Ok(incoming.admit()?.execute().await?.body)
}

/// Reads the credentials of a request: a bearer token, else cookies.
fn credentials<E: Executor>(endpoint: &Endpoint<E>, parts: &Parts) -> Result<Credentials, RequestError> {
    let headers = &parts.headers;
    let bearer = match headers.get(header::AUTHORIZATION) {
        Some(value) => Some(origin::bearer(value.to_str().unwrap_or_default())?),
        None => None,
    };
    let cookie = if bearer.is_some() { None } else { origin::joined(headers, &header::COOKIE, "; ")? };
    Ok(Credentials {
        bearer,
        cookie,
        forwarded_for: origin::joined(headers, &X_FORWARDED_FOR, ", ")?,
        same_origin: origin::is_same_origin(&endpoint.state.0, headers, &parts.uri),
        ..Credentials::of_connection(parts)
    })
}
