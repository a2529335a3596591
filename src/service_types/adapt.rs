//! What a new schema makes of the parameters that an extension has.

use std::collections::BTreeSet;

use serde_json::Value;

use super::schema::{ParameterSchema, Parameters, Parts, Source};
use crate::problem::Problem;

/// The parameters of an extension under a new schema: what is missing is taken from `defaults`, then generated or defaulted by the
/// schema; what the schema refuses is replaced from `defaults`, where null stands for leaving the parameter out.
///
/// # Errors
/// The first thing that is wrong and that `defaults` does not mend.
pub fn adapt(
    schema: &ParameterSchema,
    before: &Parts,
    defaults: &Parameters,
    source: &Source<'_>,
) -> Result<Parts, Problem> {
    let mut values = before.join();
    for (name, value) in defaults.iter().filter(|(_, value)| !value.is_null()) {
        values.entry(name.clone()).or_insert_with(|| value.clone());
    }
    let mut mended = BTreeSet::new();
    loop {
        schema.complete(&mut values, source);
        let problems = schema.validate(&Value::Object(values.clone()));
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::SeededRng;
    use crate::problem::ProblemKind;

    fn object(value: Value) -> Parameters {
        value.as_object().cloned().unwrap()
    }

    fn adapted(schema: Value, public: Value, defaults: Value) -> Result<Parts, Problem> {
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
            assert!(matches!(problem.kind, ProblemKind::SchemaViolation { pointer: found, .. } if found == pointer));
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
}
