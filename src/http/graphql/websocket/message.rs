//! The messages of graphql-transport-ws (github.com/enisdenjo/graphql-ws, PROTOCOL.md) and its close codes.

use async_graphql::Request;
use axum::extract::ws::{CloseFrame, Utf8Bytes};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::graphql::error_code::ErrorCode;
use crate::http::graphql::request_body;
use crate::http::graphql::response::write_string;

/// The reason for which the server closes a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CloseReason {
    GoingAway,
    TooBig,
    TryAgainLater,
    InvalidMessage,
    Unauthorized,
    Forbidden,
    SubprotocolNotAcceptable,
    InitialisationTimeout,
    /// An operation with this id is running.
    SubscriberExists(String),
    TooManyInitialisations,
    Internal,
}

impl CloseReason {
    /// The reason for a failed authentication.
    pub const fn of_authentication(code: ErrorCode) -> Self {
        match code {
            ErrorCode::Unavailable | ErrorCode::RateLimited => Self::TryAgainLater,
            ErrorCode::Internal => Self::Internal,
            _ => Self::Forbidden,
        }
    }

    /// The close frame.
    pub fn frame(&self) -> CloseFrame {
        let (code, reason) = match self {
            Self::GoingAway => (1001, "Going away"),
            Self::TooBig => (1009, "Message too big"),
            Self::TryAgainLater => (1013, "Try again later"),
            Self::InvalidMessage => (4400, "Invalid message"),
            Self::Unauthorized => (4401, "Unauthorized"),
            Self::Forbidden => (4403, "Forbidden"),
            Self::SubprotocolNotAcceptable => (4406, "Subprotocol not acceptable"),
            Self::InitialisationTimeout => (4408, "Connection initialisation timeout"),
            // The reason of a close frame has at most 123 bytes (RFC 6455, section 5.5).
            Self::SubscriberExists(id) if id.len() <= 80 => {
                return CloseFrame { code: 4409, reason: format!("Subscriber for {id} already exists").into() };
            }
            Self::SubscriberExists(_) => (4409, "Subscriber already exists"),
            Self::TooManyInitialisations => (4429, "Too many initialisation requests"),
            Self::Internal => (4500, "Internal server error"),
        };
        CloseFrame { code, reason: Utf8Bytes::from_static(reason) }
    }
}

/// A message of the client.
pub(super) enum ClientMessage {
    Init { authorization: Option<String> },
    Ping { payload: Option<Box<RawValue>> },
    Pong,
    Subscribe { id: String, request: Box<Request> },
    Complete { id: String },
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

impl ClientMessage {
    /// Reads a message; `None` for one that the protocol does not have.
    pub fn read(text: &str) -> Option<Self> {
        if !text.trim_start().starts_with('{') {
            return None;
        }
        let Envelope { kind, id, payload } = serde_json::from_str(text).ok()?;
        let id = id.filter(|id| !id.is_empty());
        // Every `payload` of the protocol is an object or null.
        if payload.is_some_and(|payload| !matches!(payload.get().as_bytes().first(), Some(b'{' | b'n'))) {
            return None;
        }
        match kind.as_str() {
            "connection_init" => Some(Self::Init { authorization: authorization(payload) }),
            "ping" => Some(Self::Ping { payload: payload.map(ToOwned::to_owned) }),
            "pong" => Some(Self::Pong),
            "complete" => Some(Self::Complete { id: id? }),
            "subscribe" => {
                let request = request_body::from_json(payload?.get().as_bytes()).ok()?;
                Some(Self::Subscribe { id: id?, request: Box::new(request) })
            }
            _ => None,
        }
    }
}

/// `authorization` in the payload of `connection_init`, in any case.
fn authorization(payload: Option<&RawValue>) -> Option<String> {
    let fields: Option<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(payload?.get()).ok()?;
    let value = fields?.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"))?.1;
    value.as_str().map(str::to_owned)
}

/// A message about one operation. The payload is JSON.
pub(super) fn of_operation(kind: &str, id: &str, payload: Option<&[u8]>) -> Utf8Bytes {
    let mut out = Vec::with_capacity(payload.map_or(0, <[u8]>::len) + id.len() + 48);
    out.extend_from_slice(b"{\"type\":\"");
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\",\"id\":");
    write_string(&mut out, id);
    if let Some(payload) = payload {
        out.extend_from_slice(b",\"payload\":");
        out.extend_from_slice(payload);
    }
    out.push(b'}');
    match String::from_utf8(out) {
        Ok(text) => text.into(),
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned().into(),
    }
}

/// The response to a ping, with the payload of the ping.
pub(super) fn pong(payload: Option<&RawValue>) -> Utf8Bytes {
    match payload {
        Some(payload) => format!("{{\"type\":\"pong\",\"payload\":{}}}", payload.get()).into(),
        None => Utf8Bytes::from_static("{\"type\":\"pong\"}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_messages_of_the_protocol_are_read() {
        assert!(matches!(
            ClientMessage::read("{\"type\":\"connection_init\"}"),
            Some(ClientMessage::Init { authorization: None })
        ));
        let init = "{\"type\":\"connection_init\",\"payload\":{\"Authorization\":\"Bearer x\"}}";
        let Some(ClientMessage::Init { authorization }) = ClientMessage::read(init) else { panic!("{init}") };
        assert_eq!(authorization.as_deref(), Some("Bearer x"));
        for wrong in [
            "",
            "[]",
            "nope",
            "{}",
            "{\"type\":1}",
            "{\"type\":\"next\"}",
            "{\"type\":\"start\",\"id\":\"1\",\"payload\":{\"query\":\"{a}\"}}",
            "{\"type\":\"subscribe\",\"payload\":{\"query\":\"{a}\"}}",
            "{\"type\":\"subscribe\",\"id\":\"\",\"payload\":{\"query\":\"{a}\"}}",
            "{\"type\":\"subscribe\",\"id\":\"1\"}",
            "{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{}}",
            "{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{\"query\":1}}",
            "{\"type\":\"connection_init\",\"payload\":\"x\"}",
            "{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{\"query\":\"{a}\",\"variables\":[]}}",
        ] {
            assert!(ClientMessage::read(wrong).is_none(), "{wrong}");
        }
    }
}
