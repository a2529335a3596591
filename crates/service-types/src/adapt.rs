//! What a new schema makes of the parameters that an extension has.

use std::collections::BTreeSet;

use serde_json::Value;

use super::schema::{ParameterSchema, Parameters, Parts, Source};
use platform::error::{UserError, UserErrorKind};

/// The parameters of an extension under a new schema: what is missing is taken from `defaults`, then generated or defaulted by the
/// schema; what the schema refuses is replaced from `defaults`, where null stands for leaving the parameter out. A stored secret
/// whose parameter is no secret any more is treated as refused: whoever typed it trusted that it would not be shown.
///
/// # Errors
/// The first thing that is wrong and that `defaults` does not mend.
pub fn adapt(
    schema: &ParameterSchema,
    before: &Parts,
    defaults: &Parameters,
    source: &Source<'_>,
) -> Result<Parts, UserError> {
    let mut values = before.join();
    for (name, value) in defaults.iter().filter(|(_, value)| !value.is_null()) {
        values.entry(name.clone()).or_insert_with(|| value.clone());
    }
    let mut mended = BTreeSet::new();
    loop {
        schema.complete(&mut values, source);
        let mut problems = schema.validate(&Value::Object(values.clone()));
        problems.extend(published(schema, &before.secrets, &values));
        let Some(first) = problems.first() else { return Ok(schema.split(values)) };
        let broken: BTreeSet<String> = problems
            .iter()
            .filter_map(|problem| problem.path.get(1))
            .filter(|name| defaults.contains_key(*name))
            .cloned()
            .collect();
        // Each turn mends at least one parameter that was not mended before, so there are no more turns than defaults.
        if broken.is_subset(&mended) {
            return Err(first.clone());
        }
        for name in broken {
            match defaults.get(&name) {
                None | Some(Value::Null) => drop(values.remove(&name)),
                Some(value) => drop(values.insert(name.clone(), value.clone())),
            }
            mended.insert(name);
        }
    }
}

/// The stored secrets that the new schema would show, each as SCHEMA_VIOLATION of `x-secret`.
fn published(schema: &ParameterSchema, secrets: &Parameters, values: &Parameters) -> Vec<UserError> {
    let is_kept = |name: &str| schema.parameter(name).is_some_and(|parameter| parameter.secret);
    let shown = secrets.iter().filter(|(name, secret)| !is_kept(name) && values.get(*name) == Some(secret));
    shown
        .map(|(name, _)| {
            let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            let kind = UserErrorKind::SchemaViolation { pointer, keyword: "x-secret".to_owned() };
            let message =
                "It was stored as a secret, which the new schema would show. Give another value or null in defaults.";
            UserError::new(kind, "", message).at(["parameters", name.as_str()])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use platform::clock::SeededRng;

    fn object(value: Value) -> Parameters {
        value.as_object().cloned().unwrap()
    }

    fn adapted(schema: Value, public: Value, defaults: Value) -> Result<Parts, UserError> {
        let rng = SeededRng::new(1);
        let source = Source { number: "2342", username: "alice", rng: &rng };
        let before = Parts { public: object(public), ..Parts::default() };
        adapt(&ParameterSchema::compile(&schema).unwrap(), &before, &object(defaults), &source)
    }

    fn codec(required: bool) -> Value {
        let required = if required { json!(["codec"]) } else { json!([]) };
        json!({ "type": "object", "additionalProperties": false, "required": required, "properties": { "codec": { "enum": ["opus", "G722"] } } })
    }

    #[test]
    fn what_fits_stays() {
        let parts = adapted(codec(true), json!({ "codec": "opus" }), json!({ "codec": "G722" })).unwrap();
        assert_eq!(parts.public, object(json!({ "codec": "opus" })));
    }

    #[test]
    fn what_is_missing_or_broken_is_mended_by_a_default() {
        for before in [json!({}), json!({ "codec": "PCMA" })] {
            let parts = adapted(codec(true), before, json!({ "codec": "G722" })).unwrap();
            assert_eq!(parts.public, object(json!({ "codec": "G722" })));
        }
    }

    #[test]
    fn null_leaves_out_what_the_schema_no_longer_knows() {
        let parts = adapted(codec(false), json!({ "ipei": "00000 0000000 0" }), json!({ "ipei": null })).unwrap();
        assert_eq!(parts.public, Parameters::new());
    }

    #[test]
    fn what_nothing_mends_is_told() {
        for (before, defaults, pointer) in [
            (json!({}), json!({}), "/codec"),
            (json!({ "codec": "PCMA" }), json!({ "codec": "PCMU" }), "/codec"),
            (json!({ "codec": "opus", "ipei": "1" }), json!({}), "/ipei"),
        ] {
            let problem = adapted(codec(true), before, defaults).unwrap_err();
            assert!(matches!(problem.kind, UserErrorKind::SchemaViolation { pointer: found, .. } if found == pointer));
        }
    }

    #[test]
    fn a_new_generated_secret_is_made_and_kept_apart() {
        let schema = json!({
            "type": "object",
            "required": ["pin"],
            "properties": { "pin": { "type": "string", "x-secret": true, "x-generate": { "kind": "digits", "length": 6 } } },
        });
        let parts = adapted(schema, json!({}), json!({})).unwrap();
        assert!(parts.public.is_empty());
        assert_eq!(parts.secrets.get("pin").and_then(Value::as_str).map(str::len), Some(6));
    }

    #[test]
    fn a_stored_secret_is_never_shown_by_a_new_schema() {
        let rng = SeededRng::new(1);
        let source = Source { number: "2342", username: "alice", rng: &rng };
        let before = Parts { secrets: object(json!({ "pin": "314159" })), ..Parts::default() };
        let open = json!({ "type": "object", "properties": { "pin": { "type": "string" } } });
        let gone = json!({ "type": "object" });
        let status = json!({ "type": "object", "properties": { "pin": { "type": "string", "x-status": true } } });
        let kept = json!({ "type": "object", "properties": { "pin": { "type": "string", "x-secret": true } } });
        let adapted = |schema: &Value, defaults: Value| {
            adapt(&ParameterSchema::compile(schema).unwrap(), &before, &object(defaults), &source)
        };
        for schema in [&open, &gone, &status] {
            let refused = adapted(schema, json!({})).unwrap_err();
            let expected =
                UserErrorKind::SchemaViolation { pointer: "/pin".to_owned(), keyword: "x-secret".to_owned() };
            assert_eq!((refused.kind, refused.path), (expected, vec!["parameters".to_owned(), "pin".to_owned()]));
            assert!(!refused.message.contains("314159"));
            assert_eq!(adapted(schema, json!({ "pin": null })).unwrap(), Parts::default());
        }
        assert_eq!(adapted(&open, json!({ "pin": "0" })).unwrap().public, object(json!({ "pin": "0" })));
        assert!(adapted(&open, json!({ "pin": "314159" })).is_err(), "the secret itself as its default shows it too");
        assert_eq!(adapted(&kept, json!({})).unwrap(), before);
    }
}
