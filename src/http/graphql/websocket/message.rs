//! The messages of graphql-transport-ws (github.com/enisdenjo/graphql-ws, PROTOCOL.md) and its close codes.

use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, Value, Variables};
use axum::extract::ws::{CloseFrame, Utf8Bytes};
use serde::Deserialize;

use crate::http::graphql::payload::Payload;
use crate::http::graphql::respond::write_string;

/// Why the server closes a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Close {
    GoingAway,
    TooBig,
    TryAgainLater,
    InvalidMessage,
    Unauthorized,
    Forbidden,
    SubprotocolNotAcceptable,
    InitialisationTimeout,
    SubscriberExists,
    TooManyInitialisations,
    Internal,
}

impl Close {
    /// The frame; the reason for a duplicate names the id.
    pub fn frame(self, id: &str) -> CloseFrame {
        let (code, reason) = match self {
            Self::GoingAway => (1001, "Going away"),
            Self::TooBig => (1009, "Message too big"),
            Self::TryAgainLater => (1013, "Try again later"),
            Self::InvalidMessage => (4400, "Invalid message"),
            Self::Unauthorized => (4401, "Unauthorized"),
            Self::Forbidden => (4403, "Forbidden"),
            Self::SubprotocolNotAcceptable => (4406, "Subprotocol not acceptable"),
            Self::InitialisationTimeout => (4408, "Connection initialisation timeout"),
            // A close frame's reason has at most 123 bytes (RFC 6455, section 5.5).
            Self::SubscriberExists if id.len() <= 80 => {
                return CloseFrame { code: 4409, reason: format!("Subscriber for {id} already exists").into() };
            }
            Self::SubscriberExists => (4409, "Subscriber already exists"),
            Self::TooManyInitialisations => (4429, "Too many initialisation requests"),
            Self::Internal => (4500, "Internal server error"),
        };
        CloseFrame { code, reason: Utf8Bytes::from_static(reason) }
    }
}

/// What a client says.
pub(super) enum ClientMessage {
    Init { authorization: Option<String> },
    Ping { payload: Option<Box<serde_json::value::RawValue>> },
    Pong,
    Subscribe { id: String, payload: Box<Payload> },
    Complete { id: String },
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
    #[serde(borrow)]
    payload: Option<&'a serde_json::value::RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SubscribePayload {
    query: String,
    operation_name: Option<String>,
    #[serde(default)]
    variables: Variables,
    extensions: Option<IndexMap<Name, Value>>,
}

impl ClientMessage {
    /// Reads a message; nothing for one that the protocol does not have.
    pub fn read(text: &str) -> Option<Self> {
        if !text.trim_start().starts_with('{') {
            return None;
        }
        let Envelope { kind, id, payload } = serde_json::from_str(text).ok()?;
        let id = id.filter(|id| !id.is_empty());
        // `payload` is an object wherever there is one.
        if payload.is_some_and(|payload| !matches!(payload.get().as_bytes().first(), Some(b'{' | b'n'))) {
            return None;
        }
        match kind.as_str() {
            "connection_init" => Some(Self::Init { authorization: authorization(payload) }),
            "ping" => Some(Self::Ping { payload: payload.map(ToOwned::to_owned) }),
            "pong" => Some(Self::Pong),
            "complete" => Some(Self::Complete { id: id? }),
            "subscribe" => {
                let given: SubscribePayload = serde_json::from_str(payload?.get()).ok()?;
                let payload = Payload {
                    query: given.query,
                    operation_name: given.operation_name,
                    variables: given.variables,
                    extensions: given.extensions.unwrap_or_default(),
                };
                Some(Self::Subscribe { id: id?, payload: Box::new(payload) })
            }
            _ => None,
        }
    }
}

/// `authorization` of `connection_init`, in either usual spelling.
fn authorization(payload: Option<&serde_json::value::RawValue>) -> Option<String> {
    let fields: Option<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(payload?.get()).ok()?;
    let value = fields?.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"))?.1;
    value.as_str().map(str::to_owned)
}

/// A message of one operation; the payload is JSON.
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

/// The answer to a ping, with its payload.
pub(super) fn pong(payload: Option<&serde_json::value::RawValue>) -> Utf8Bytes {
    match payload {
        Some(payload) => format!("{{\"type\":\"pong\",\"payload\":{}}}", payload.get()).into(),
        None => Utf8Bytes::from_static("{\"type\":\"pong\"}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_protocols_messages_are_read() {
        assert!(matches!(
            ClientMessage::read("{\"type\":\"connection_init\"}"),
            Some(ClientMessage::Init { authorization: None })
        ));
        let init = "{\"type\":\"connection_init\",\"payload\":{\"Authorization\":\"Bearer x\"}}";
        assert!(
            matches!(ClientMessage::read(init), Some(ClientMessage::Init { authorization: Some(token) }) if token == "Bearer x")
        );
        for wrong in [
            "",
            "[]",
            "nope",
            "{}",
            "{\"type\":1}",
            "{\"type\":\"next\"}",
            "{\"type\":\"subscribe\",\"payload\":{\"query\":\"{a}\"}}",
            "{\"type\":\"subscribe\",\"id\":\"\",\"payload\":{\"query\":\"{a}\"}}",
            "{\"type\":\"subscribe\",\"id\":\"1\"}",
            "{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{\"query\":1}}",
            "{\"type\":\"connection_init\",\"payload\":\"x\"}",
            "{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{\"query\":\"{a}\",\"variables\":[]}}",
        ] {
            assert!(ClientMessage::read(wrong).is_none(), "{wrong}");
        }
    }
}
