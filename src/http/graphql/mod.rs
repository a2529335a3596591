//! GraphQL over HTTP, event streams and WebSockets: the outermost layer.
//!
//! A request is decoded, its origin checked, its caller found, its document measured, its charge admitted; then the schema runs it
//! and the answer is written. See [`gateway::Gateway`] for what the rest of the program must provide.
//!
//! Sources: the GraphQL over HTTP working draft (statuses as the `graphql-http` audits want them), graphql-sse "distinct
//! connections mode", graphql-transport-ws.

pub mod error;
pub mod gateway;
mod idempotency;
mod negotiation;
mod open_sockets;
mod operation;
mod origin;
mod payload;
mod respond;
mod sse;
#[cfg(test)]
mod tests;
mod websocket;

use std::net::SocketAddr;
use std::sync::Arc;

use async_graphql::Variables;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::response::Response;
use axum::routing::any;

pub use error::EdgeError;
pub use gateway::{Credentials, Gateway, Observation, PublishedSchema, Settings};
pub use open_sockets::OpenSockets;

use crate::graphql::request::{RequestId, ResponseHeaders};
use negotiation::Media;
use operation::{Arrival, Carrier};
use payload::Payload;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The route `/graphql`: POST, GET, event streams and WebSockets. The server must be served with
/// `into_make_service_with_connect_info::<SocketAddr>()`, or callers have no address.
pub fn routes<G: Gateway>(gateway: G) -> Router {
    Router::new().route("/graphql", any(serve::<G>)).with_state(gateway)
}

async fn serve<G: Gateway>(State(gateway): State<G>, request: axum::extract::Request) -> Response {
    let request_id = RequestId(gateway.rng().uuid(gateway.clock().now()));
    let (mut parts, body) = request.into_parts();
    let (media, outcome) = if websocket::is_upgrade(&parts.headers) {
        (Media::Json, websocket::upgrade(gateway, &mut parts).await)
    } else {
        match negotiation::accepted(&parts.headers) {
            Ok(media) => (media, respond(&gateway, &parts, body, media, request_id).await),
            Err(error) => (Media::Json, Err(error)),
        }
    };
    let mut response = outcome.unwrap_or_else(|error| respond::failure(&error, media, request_id));
    respond::seal(response.headers_mut(), request_id);
    response
}

async fn respond<G: Gateway>(
    gateway: &G,
    parts: &Parts,
    body: Body,
    media: Media,
    request_id: RequestId,
) -> Result<Response, EdgeError> {
    let (payload, carrier) = match (&parts.method, media) {
        (&Method::POST, _) => {
            negotiation::require_json(&parts.headers)?;
            let body = payload::read_body(&parts.headers, body, gateway.settings()).await?;
            let carrier = if media == Media::EventStream { Carrier::Stream } else { Carrier::Post };
            (Payload::from_json(&body)?, carrier)
        }
        (&Method::GET, Media::EventStream) => (Payload::from_query_string(&parts.uri)?, Carrier::GetStream),
        (&Method::GET, _) => (Payload::from_query_string(&parts.uri)?, Carrier::Get),
        _ => return Err(EdgeError::method("GET, POST", "Requests are sent by GET or POST.")),
    };
    let credentials = credentials(gateway, parts)?;
    if carrier != Carrier::Get {
        origin::require_same_origin(gateway, &credentials)?;
    }
    let caller = gateway.authenticate(&credentials).await?;
    let headers =
        Arc::new(if media == Media::EventStream { ResponseHeaders::detached() } else { ResponseHeaders::attached() });
    let idempotency_key = origin::joined(&parts.headers, &IDEMPOTENCY_KEY, ", ")?;
    let arrival = Arrival {
        gateway,
        caller: &caller,
        payload,
        idempotency_key,
        carrier,
        request_id,
        headers: Arc::clone(&headers),
    };
    let ready = arrival.admit().await;
    if media == Media::EventStream {
        return sse::open(gateway, &caller, ready, request_id);
    }
    let mut response = match ready?.execute().await {
        Ok(answer) => respond::success(answer, media),
        Err(error) => respond::failure(&error, media, request_id),
    };
    // A cookie that was set before the time was up is as real as the session it belongs to.
    for cookie in headers.take_cookies() {
        if let Ok(value) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
    Ok(response)
}

/// Runs one query or mutation for a caller who is known already, as if it had been posted, and gives the response's body: the whole
/// edge but HTTP itself, which is what the benches compare with bare statements.
///
/// # Errors
/// With the code that says why the operation did not run.
pub async fn execute<G: Gateway>(
    gateway: &G,
    caller: &G::Caller,
    query: &str,
    variables: Variables,
) -> Result<Vec<u8>, EdgeError> {
    let arrival = Arrival {
        gateway,
        caller,
        payload: Payload { query: query.to_owned(), variables, ..Payload::default() },
        idempotency_key: None,
        carrier: Carrier::Post,
        request_id: RequestId(gateway.rng().uuid(gateway.clock().now())),
        headers: Arc::new(ResponseHeaders::detached()),
    };
    Ok(arrival.admit().await?.execute().await?.body)
}

/// How the sender of this request says who they are.
fn credentials<G: Gateway>(gateway: &G, parts: &Parts) -> Result<Credentials, EdgeError> {
    let headers = &parts.headers;
    let bearer = match headers.get(header::AUTHORIZATION) {
        Some(value) => Some(origin::bearer(value.to_str().unwrap_or_default())?),
        None => None,
    };
    let cookie = if bearer.is_some() { None } else { origin::joined(headers, &header::COOKIE, "; ")? };
    Ok(Credentials {
        bearer,
        cookie,
        peer: parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0),
        forwarded_for: origin::joined(headers, &X_FORWARDED_FOR, ", ")?,
        user_agent: headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned),
        same_origin: origin::is_same_origin(gateway, headers, &parts.uri),
    })
}
