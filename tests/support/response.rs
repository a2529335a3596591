//! The response to an operation.

use std::fmt;
use std::ops::Deref;

use serde_json::Value;

/// The response to a GraphQL operation with one field. Dereferences to the value of that field: a mutation's payload.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    body: Value,
}

impl Response {
    pub const fn new(body: Value) -> Self {
        Self { body }
    }

    /// The value of the field, of an operation that must succeed.
    ///
    /// # Panics
    ///
    /// When the request or its payload has errors.
    pub fn ok(self) -> Value {
        assert_eq!(self.code(), "none", "{self}");
        Value::clone(&self)
    }

    /// The code of the payload's first error, or `none`.
    ///
    /// # Panics
    ///
    /// When the whole request was rejected; see [`Self::rejection`].
    pub fn code(&self) -> &str {
        assert!(self.body["errors"].is_null(), "the request was rejected: {self}");
        self["errors"][0]["code"].as_str().unwrap_or("none")
    }

    /// The payload's first error as `CODE at path`, of an operation that must be refused.
    ///
    /// # Panics
    ///
    /// When the payload has no error, or the whole request was rejected.
    pub fn refusal(&self) -> String {
        assert_ne!(self.code(), "none", "the operation was not refused: {self}");
        let path = self["errors"][0]["path"].as_array().cloned().unwrap_or_default();
        let path: Vec<_> = path.iter().filter_map(Value::as_str).collect();
        format!("{} at {}", self.code(), path.join("."))
    }

    /// The message of the payload's first error; empty without one.
    pub fn message(&self) -> &str {
        self["errors"][0]["message"].as_str().unwrap_or_default()
    }

    /// The code of the error that rejected the whole request, such as `UNAUTHENTICATED`, or `none`.
    pub fn rejection(&self) -> &str {
        self.body["errors"][0]["extensions"]["code"].as_str().unwrap_or("none")
    }

    /// The id of the object that a mutation returns: the payload's first field with an `id`.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn id(&self) -> String {
        assert_eq!(self.code(), "none", "{self}");
        let id = self.as_object().and_then(|payload| payload.values().find_map(|field| field["id"].as_str()));
        id.unwrap_or_else(|| panic!("no id: {self}")).to_owned()
    }
}

impl Deref for Response {
    type Target = Value;

    fn deref(&self) -> &Value {
        self.body["data"].as_object().and_then(|data| data.values().next()).unwrap_or(&Value::Null)
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.body.fmt(f)
    }
}

/// The code of the first error in a payload, or `none`.
///
/// # Panics
///
/// When there is no payload: the whole request was rejected.
pub fn error_code(payload: &Value) -> &str {
    assert!(payload.is_object(), "no payload: {payload}");
    payload["errors"][0]["code"].as_str().unwrap_or("none")
}

/// The text of a JSON string.
///
/// # Panics
///
/// When the value is not a string.
pub fn string(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a string: {value}"))
}
