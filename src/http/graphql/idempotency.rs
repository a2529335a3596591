//! Idempotency keys: which are well formed, which operations take one, and what makes two requests the same.

use async_graphql::parser::types::OperationType;
use async_graphql::{Name, Value};
use axum::http::StatusCode;
use sha2::{Digest as _, Sha256};

use super::error::EdgeError;
use super::payload::Payload;
use crate::graphql::limits::Operation;
use crate::graphql::request::IdempotencyKey;

/// Mutations that make or use a one-time secret without an account to bind the key to.
const REFUSED: [&str; 3] = ["signIn", "requestPasswordReset", "resetPassword"];

/// Binds a key to the request that carries it.
///
/// # Errors
/// `BAD_USER_INPUT` unless the key is 1–64 visible ASCII characters and the operation a mutation with exactly one root field that
/// takes keys.
pub(super) fn bind(key: String, payload: &Payload, operation: &Operation) -> Result<IdempotencyKey, EdgeError> {
    let refuse = |message: &str| Err(EdgeError::malformed(StatusCode::BAD_REQUEST, message));
    if key.is_empty() || key.len() > 64 || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return refuse("An idempotency key is 1 to 64 visible ASCII characters.");
    }
    let (OperationType::Mutation, [field]) = (operation.kind, operation.root_fields.as_slice()) else {
        return refuse("An idempotency key needs a mutation with exactly one field.");
    };
    if REFUSED.contains(&field.as_str()) {
        return refuse("This mutation takes no idempotency key.");
    }
    Ok(IdempotencyKey { key, digest: digest(payload) })
}

/// SHA-256 over the document, the operation's name and the variables, each with its length before it.
fn digest(payload: &Payload) -> [u8; 32] {
    let mut variables = Vec::new();
    write_object(&mut variables, payload.variables.iter().collect());
    let mut hash = Sha256::new();
    for part in [payload.query.as_bytes(), payload.operation_name.as_deref().unwrap_or_default().as_bytes(), &variables]
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
        scalar => super::respond::write_value(out, scalar),
    }
}

fn write_object(out: &mut Vec<u8>, mut fields: Vec<(&Name, &Value)>) {
    fields.sort_unstable_by_key(|(name, _)| name.as_str());
    out.push(b'{');
    for (index, (name, value)) in fields.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        super::respond::write_string(out, name);
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

    fn payload(query: &str, name: Option<&str>, variables: serde_json::Value) -> Payload {
        Payload {
            query: query.to_owned(),
            operation_name: name.map(str::to_owned),
            variables: Variables::from_json(variables),
            ..Payload::default()
        }
    }

    #[test]
    fn the_order_of_keys_does_not_matter_and_all_else_does() {
        let base = digest(&payload("q", None, json!({"a": {"x": 1, "y": [1, 2]}, "b": "é"})));
        assert_eq!(base, digest(&payload("q", None, json!({"b": "é", "a": {"y": [1, 2], "x": 1}}))));
        assert_ne!(base, digest(&payload("q", None, json!({"a": {"x": 1, "y": [2, 1]}, "b": "é"}))));
        assert_ne!(base, digest(&payload("q ", None, json!({"a": {"x": 1, "y": [1, 2]}, "b": "é"}))));
        assert_ne!(digest(&payload("ab", Some("c"), json!({}))), digest(&payload("a", Some("bc"), json!({}))));
    }
}
