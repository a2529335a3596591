//! WebSockets: graphql-transport-ws (github.com/enisdenjo/graphql-ws, PROTOCOL.md).
//!
//! Each operation runs in a task of its own; one task reads the socket and writes to it. Who asks is found again for every operation,
//! so that a session that has ended is not believed because its socket is open.

mod connection;
mod message;

use axum::extract::FromRequestParts as _;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;

use super::error::EdgeError;
use super::gateway::Gateway;
use super::origin;
use connection::Connection;
use message::Close;

const SUBPROTOCOL: &str = "graphql-transport-ws";

/// Whether a request asks for a WebSocket (RFC 6455, section 4.1).
pub(super) fn is_upgrade(headers: &HeaderMap) -> bool {
    headers.get(header::UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Answers an upgrade and serves the socket.
///
/// # Errors
/// 400 for a broken handshake, `FORBIDDEN` for a cookie from another site, `UNAUTHENTICATED` for a broken authorization.
pub(super) async fn upgrade<G: Gateway>(gateway: G, parts: &mut Parts) -> Result<Response, EdgeError> {
    let upgrade = WebSocketUpgrade::from_request_parts(parts, &())
        .await
        .map_err(|rejection| EdgeError::malformed(StatusCode::BAD_REQUEST, rejection.body_text()))?;
    let credentials = super::credentials(&gateway, parts)?;
    origin::require_same_origin(&gateway, &credentials)?;
    // Above the limit that the connection enforces with a close code of its own, below what would hurt.
    let most = gateway.settings().body_bytes.saturating_mul(4);
    let upgrade = upgrade.protocols([SUBPROTOCOL]).max_message_size(most).max_frame_size(most);
    let acceptable = upgrade.selected_protocol().is_some();
    let open = gateway.sockets().open();
    Ok(upgrade.on_upgrade(async move |socket| {
        if acceptable {
            Connection::new(gateway, credentials, socket).serve().await;
        } else {
            refuse(socket).await;
        }
        drop(open);
    }))
}

async fn refuse(mut socket: WebSocket) {
    let _ = socket.send(Message::Close(Some(Close::SubprotocolNotAcceptable.frame("")))).await;
}
