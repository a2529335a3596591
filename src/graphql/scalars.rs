//! Scalars of the API. `JSON` is async-graphql's scalar for `serde_json::Value`.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

use platform::clock::Timestamp;

/// The description of `JSON`, in place of async-graphql's.
pub const JSON_DESCRIPTION: &str = "Any JSON value.";

/// An instant, RFC 3339 in UTC: `2026-08-20T09:30:00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DateTime(pub Timestamp);

/// An instant, RFC 3339 in UTC: `2026-08-20T09:30:00Z`. Input may have any offset; the last instant is
/// `9999-12-30T22:00:00Z`, and the hours after it are taken as it.
#[Scalar]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        match Timestamp::parse(text.trim()) {
            Ok(at) => Ok(Self(at)),
            Err(_) => Err(InputValueError::custom("it must be an RFC 3339 instant, such as 2026-08-20T09:30:00Z")),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl From<Timestamp> for DateTime {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

/// A number as the client sent it, trimmed. The domain normalises and validates it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PhoneNumber(pub String);

/// A number as it is dialled: 1 to 15 ASCII digits on the event's own plan (leading zeros count),
/// or E.164: `+` and 7 to 15 digits. Input may hold spaces, hyphens and vanity letters; output never does.
#[Scalar]
impl ScalarType for PhoneNumber {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(text.trim().to_owned())),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(_))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

impl From<String> for PhoneNumber {
    fn from(number: String) -> Self {
        Self(number)
    }
}

/// A position in a feed, as the client sent it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FeedCursor(pub String);

/// A position in one provisioning feed. Opaque; it carries the feed's epoch.
#[Scalar]
impl ScalarType for FeedCursor {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(text)),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(_))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

impl From<String> for FeedCursor {
    fn from(cursor: String) -> Self {
        Self(cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_any_offset_and_formats_utc() {
        let at = DateTime::parse(Value::from("2026-08-20T11:30:00+02:00")).unwrap();
        assert_eq!(at.to_value(), Value::from("2026-08-20T09:30:00Z"));
        assert!(DateTime::parse(Value::from("yesterday")).is_err());
        assert!(DateTime::parse(Value::from(5)).is_err());
    }

    #[test]
    fn trims_numbers_and_rejects_integers() {
        assert_eq!(PhoneNumber::parse(Value::from(" 0 42 ")).unwrap().0, "0 42");
        assert!(PhoneNumber::parse(Value::from(42)).is_err());
    }
}
