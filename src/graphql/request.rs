//! The data of a request that the endpoint passes to resolvers beside the caller.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

/// The id of a request (UUIDv7): in the log, in the header `X-Request-Id` and in every error's `extensions.requestId`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(pub Uuid);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The idempotency key of a request with one root mutation, from the header `Idempotency-Key` or, over a WebSocket,
/// `extensions.idempotencyKey`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The key: 1 to 64 visible ASCII characters, chosen by the client.
    pub key: String,
    /// SHA-256 of the document, the operation's name and the variables as JSON with sorted keys: it distinguishes a
    /// repetition from another request with the same key.
    pub digest: [u8; 32],
}

/// Collects the `Set-Cookie` headers of resolvers for the response.
///
/// A WebSocket has no response with headers; see [`Self::can_set_cookies`].
#[derive(Debug, Default)]
pub struct ResponseHeaders {
    cookies: Mutex<Vec<String>>,
    detached: bool,
}

impl ResponseHeaders {
    /// Creates a collector for a response with headers.
    pub fn attached() -> Self {
        Self::default()
    }

    /// A collector whose cookies are dropped: for a WebSocket, or an event stream whose headers have been sent.
    pub fn detached() -> Self {
        Self { cookies: Mutex::default(), detached: true }
    }

    /// Returns whether cookies are sent to the client.
    pub const fn can_set_cookies(&self) -> bool {
        !self.detached
    }

    /// Adds a `Set-Cookie` header with this value (RFC 6265, section 4.1).
    pub fn set_cookie(&self, value: impl Into<String>) {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner).push(value.into());
    }

    /// Removes and returns the collected values, in the order in which they were set.
    pub fn take_cookies(&self) -> Vec<String> {
        std::mem::take(&mut *self.cookies.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
