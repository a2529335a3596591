//! Idempotency keys: their syntax, the operations that accept one, and the digest that identifies a request.

use async_graphql::parser::types::OperationType;
use async_graphql::{Name, Request, Value};
use axum::http::StatusCode;
use sha2::{Digest as _, Sha256};

use super::error::RequestError;
use super::response::{write_string, write_value};
use crate::graphql::limits::Operation;
use crate::graphql::request::IdempotencyKey;

/// Mutations that make or use a one-time secret before there is an account to which a key could be bound.
const WITHOUT_KEY: [&str; 3] = ["signIn", "requestPasswordReset", "resetPassword"];

/// Binds a key to its request.
///
/// # Errors
/// `BAD_USER_INPUT` unless the key is 1–64 visible ASCII characters and the operation a mutation with exactly one root
/// field that accepts keys.
pub(super) fn bind(key: String, request: &Request, operation: &Operation) -> Result<IdempotencyKey, RequestError> {
    let refuse = |message: &str| Err(RequestError::malformed(StatusCode::BAD_REQUEST, message));
    if key.is_empty() || key.len() > 64 || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return refuse("An idempotency key is 1 to 64 visible ASCII characters.");
    }
    let (OperationType::Mutation, [field]) = (operation.kind, operation.root_fields.as_slice()) else {
        return refuse("An idempotency key needs a mutation with exactly one field.");
    };
    if WITHOUT_KEY.contains(&field.as_str()) {
        return refuse("This mutation takes no idempotency key.");
    }
    Ok(IdempotencyKey { key, digest: digest(request) })
}

/// SHA-256 over the document, the operation's name and the variables as canonical JSON, each after its length.
fn digest(request: &Request) -> [u8; 32] {
    let mut variables = Vec::new();
    write_object(&mut variables, request.variables.iter().collect());
    let mut hash = Sha256::new();
    for part in [request.query.as_bytes(), request.operation_name.as_deref().unwrap_or_default().as_bytes(), &variables]
    {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// JSON with the keys of every object sorted and no white space.
fn write_canonical(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Object(fields) => write_object(out, fields.iter().collect()),
        Value::List(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_canonical(out, item);
            }
            out.push(b']');
        }
        scalar => write_value(out, scalar),
    }
}

fn write_object(out: &mut Vec<u8>, mut fields: Vec<(&Name, &Value)>) {
    fields.sort_unstable_by_key(|(name, _)| name.as_str());
    out.push(b'{');
    for (index, (name, value)) in fields.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(out, name);
        out.push(b':');
        write_canonical(out, value);
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::Variables;
    use serde_json::json;

    fn request(query: &str, name: Option<&str>, variables: serde_json::Value) -> Request {
        let mut request = Request::new(query).variables(Variables::from_json(variables));
        request.operation_name = name.map(str::to_owned);
        request
    }

    #[test]
    fn the_digest_ignores_only_the_order_of_keys() {
        let base = digest(&request("q", None, json!({"a": {"x": 1, "y": [1, 2]}, "b": "é"})));
        assert_eq!(base, digest(&request("q", None, json!({"b": "é", "a": {"y": [1, 2], "x": 1}}))));
        assert_ne!(base, digest(&request("q", None, json!({"a": {"x": 1, "y": [2, 1]}, "b": "é"}))));
        assert_ne!(base, digest(&request("q ", None, json!({"a": {"x": 1, "y": [1, 2]}, "b": "é"}))));
        assert_ne!(digest(&request("ab", Some("c"), json!({}))), digest(&request("a", Some("bc"), json!({}))));
    }
}
