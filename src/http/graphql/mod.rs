//! GraphQL over HTTP, event streams and WebSockets.
//!
//! The caller of a request is authenticated, the request is read and its origin checked, its document measured and its
//! charge taken; then the schema executes it and the response is written.
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
use super::credentials::Credentials;
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
    let (mut parts, body) = request.into_parts();
    let request_id = parts.extensions.get().copied().unwrap_or_else(|| endpoint.state.new_request_id());
    let (media, outcome) = if websocket::is_upgrade(&parts.headers) {
        (Media::Json, websocket::upgrade(endpoint, &mut parts).await)
    } else {
        let accepted = negotiation::accepted(&parts.headers);
        let media = accepted.as_ref().copied().unwrap_or(Media::Json);
        (media, respond(&endpoint, &parts, body, accepted, request_id).await)
    };
    let mut response = outcome.unwrap_or_else(|error| response::failure(&error, media, request_id));
    response::set_common_headers(response.headers_mut(), request_id);
    response
}

async fn respond<E: Executor>(
    endpoint: &Endpoint<E>,
    parts: &Parts,
    body: Body,
    media: Result<Media, RequestError>,
    request_id: RequestId,
) -> Result<Response, RequestError> {
    let credentials = credentials(endpoint, parts);
    let context = endpoint.authenticate(&credentials).await?;
    match read(endpoint, parts, body, media, &credentials).await {
        Ok(request) => execute_request(endpoint, &context, request, request_id).await,
        Err(error) => Err(endpoint.state.charge_refused(&context).err().unwrap_or(error)),
    }
}

/// A request that was read, and how it is answered.
struct IncomingRequest {
    request: Request,
    transport: Transport,
    media: Media,
    idempotency_key: Option<String>,
}

/// Reads a request: its media types, its body or query string, and its headers.
async fn read<E: Executor>(
    endpoint: &Endpoint<E>,
    parts: &Parts,
    body: Body,
    media: Result<Media, RequestError>,
    credentials: &Credentials,
) -> Result<IncomingRequest, RequestError> {
    let media = media?;
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
    origin::require_same_origin(&endpoint.state.0, credentials)?;
    let idempotency_key = origin::joined(&parts.headers, &IDEMPOTENCY_KEY, ", ")?;
    Ok(IncomingRequest { request, transport, media, idempotency_key })
}

async fn execute_request<E: Executor>(
    endpoint: &Endpoint<E>,
    context: &RequestContext,
    request: IncomingRequest,
    request_id: RequestId,
) -> Result<Response, RequestError> {
    let IncomingRequest { request, transport, media, idempotency_key } = request;
    let headers =
        Arc::new(if media == Media::EventStream { ResponseHeaders::detached() } else { ResponseHeaders::attached() });
    let incoming = IncomingOperation {
        endpoint,
        context,
        request,
        idempotency_key,
        transport,
        request_id,
        headers: Arc::clone(&headers),
    };
    let admitted = incoming.admit();
    if media == Media::EventStream {
        return sse::open(endpoint, context, admitted, request_id);
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
fn credentials<E: Executor>(endpoint: &Endpoint<E>, parts: &Parts) -> Credentials {
    Credentials {
        same_origin: origin::is_same_origin(&endpoint.state.0, &parts.headers, &parts.uri),
        ..Credentials::of_request(parts, origin::bearer)
    }
}
