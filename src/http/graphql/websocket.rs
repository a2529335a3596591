//! WebSockets: graphql-transport-ws (github.com/enisdenjo/graphql-ws, PROTOCOL.md).
//!
//! Each operation runs in its own task; one task reads from the socket and writes to it. The caller is authenticated
//! again for each operation, so an open socket does not outlive its session.
//!
//! `async_graphql_axum::GraphQLWebSocket` is not used: it fails 5 of the 11 probes for close codes, and also accepts
//! the messages of the older subprotocol `graphql-ws`.

mod connection;
mod message;
mod operation;

use async_graphql::Executor;
use axum::extract::FromRequestParts as _;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;

use super::endpoint::Endpoint;
use super::error::RequestError;
use super::open_sockets::Holder;
use super::origin;
use crate::graphql::error_code::ErrorCode;
use connection::Connection;
use message::CloseReason;

const SUBPROTOCOL: &str = "graphql-transport-ws";
/// When a client with too many sockets should try again.
const RETRY_SECONDS: u32 = 10;

/// Whether a request asks for a WebSocket (RFC 6455, section 4.1).
pub(super) fn is_upgrade(headers: &HeaderMap) -> bool {
    headers.get(header::UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Accepts an upgrade and serves the socket.
///
/// # Errors
/// 400 for a malformed handshake, `FORBIDDEN` for a cookie from another site, `UNAUTHENTICATED` for a malformed
/// authorization, `RATE_LIMITED` when the address has too many sockets.
pub(super) async fn upgrade<E: Executor>(endpoint: Endpoint<E>, parts: &mut Parts) -> Result<Response, RequestError> {
    let upgrade = WebSocketUpgrade::from_request_parts(parts, &())
        .await
        .map_err(|rejection| RequestError::malformed(StatusCode::BAD_REQUEST, rejection.body_text()))?;
    let credentials = super::credentials(&endpoint, parts);
    if let Some(message) = credentials.malformed {
        return Err(RequestError::new(ErrorCode::Unauthenticated, message));
    }
    origin::require_same_origin(&endpoint.state.0, &credentials)?;
    // The connection closes with a code of its own at the smaller limit of a body; this limit protects memory.
    let max_bytes = endpoint.settings.body_bytes.saturating_mul(4);
    let upgrade = upgrade.protocols([SUBPROTOCOL]).max_message_size(max_bytes).max_frame_size(max_bytes);
    let is_acceptable = upgrade.selected_protocol().is_some();
    let holder = Holder::of(&endpoint.state.guest(&credentials).caller);
    let open = endpoint.state.0.sockets.open(holder).ok_or_else(|| RequestError::rate_limited(RETRY_SECONDS))?;
    Ok(upgrade.on_upgrade(async move |socket| {
        if is_acceptable {
            Connection::new(endpoint, credentials, socket, open).serve().await;
        } else {
            refuse(socket).await;
            drop(open);
        }
    }))
}

async fn refuse(mut socket: WebSocket) {
    let _ = socket.send(Message::Close(Some(CloseReason::SubprotocolNotAcceptable.frame()))).await;
}
