//! Request data for resolvers.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

/// The id of a request (UUIDv7), returned in the header `X-Request-Id` and in `extensions.requestId` of errors, and
/// logged.
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
    /// SHA-256 of the document, the name of the operation and the variables as JSON with sorted keys. Distinguishes a
    /// repeated request from a different one with the same key.
    pub digest: [u8; 32],
}

/// Collector of the `Set-Cookie` headers of a response.
///
/// Over a WebSocket and in an event stream cookies cannot be set: see [`Self::can_set_cookies`].
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

    /// Creates a collector whose cookies are discarded, for a WebSocket or an event stream whose headers have been
    /// sent.
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
