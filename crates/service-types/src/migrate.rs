//! The change of a service type's schema, and the migration of stored parameters to it.

use std::collections::BTreeSet;
use std::sync::Arc;

use platform::error::{UserError, UserErrorKind};
use platform::ids::ServiceTypeId;
use serde_json::Value;

use crate::schema::{GenerationContext, ParameterSchema, Parameters, StoredParameters, are_equal};

/// A change of a service type's schema.
pub struct SchemaChange {
    pub service_type: ServiceTypeId,
    pub old: Arc<ParameterSchema>,
    pub new: Arc<ParameterSchema>,
    /// Values for parameters that are missing or invalid under the new schema.
    pub(crate) defaults: Parameters,
    /// Whether the settings of the type change together with its schema.
    pub(crate) settings_changed: bool,
}

impl SchemaChange {
    /// Whether the schemas differ.
    pub(crate) fn is_new_schema(&self) -> bool {
        !Arc::ptr_eq(&self.old, &self.new)
    }

    /// Migrates the parameters of one extension.
    ///
    /// # Errors
    /// The first violation that the defaults do not repair.
    pub fn migrate(
        &self,
        before: &StoredParameters,
        context: &GenerationContext<'_>,
    ) -> Result<StoredParameters, UserError> {
        migrate_parameters(&self.new, before, &self.defaults, context)
    }

    /// Whether either schema has unique parameters.
    pub fn has_unique_parameters(&self) -> bool {
        let has_unique =
            |schema: &ParameterSchema| schema.parameters().iter().any(|parameter| parameter.unique.is_some());
        has_unique(&self.old) || has_unique(&self.new)
    }

    /// Whether the feed entry of every extension may differ although its parameters do not. Digests depend on the
    /// settings.
    pub fn affects_all_entries(&self) -> bool {
        let digests = |schema: &ParameterSchema| -> Vec<_> {
            let templates = schema
                .parameters()
                .iter()
                .filter_map(|parameter| Some((parameter.name.clone(), parameter.digest.clone()?)));
            templates.collect()
        };
        self.settings_changed || digests(&self.old) != digests(&self.new)
    }
}

/// Migrates the parameters of an extension to a new schema.
///
/// A missing parameter takes its value from `defaults`, then the generated value or the default of the schema. An
/// invalid value is replaced from `defaults`, where null removes the parameter. A stored secret whose parameter is no
/// longer secret counts as invalid, because it was entered on the promise that it is never shown.
///
/// # Errors
/// The first violation that `defaults` does not repair.
fn migrate_parameters(
    schema: &ParameterSchema,
    before: &StoredParameters,
    defaults: &Parameters,
    context: &GenerationContext<'_>,
) -> Result<StoredParameters, UserError> {
    let mut values = before.merged();
    for (name, value) in defaults.iter().filter(|(_, value)| !value.is_null()) {
        values.entry(name.clone()).or_insert_with(|| value.clone());
    }
    let mut replaced = BTreeSet::new();
    loop {
        schema.complete(&mut values, context);
        let mut problems = schema.validate(&Value::Object(values.clone()));
        problems.extend(exposed_secrets(schema, &before.secrets, &values));
        let Some(first) = problems.first() else { return Ok(schema.split(values)) };
        let invalid: BTreeSet<String> = problems
            .iter()
            .filter_map(|problem| problem.path.get(1))
            .filter(|name| defaults.contains_key(*name))
            .cloned()
            .collect();
        // Each iteration replaces at least one more parameter, so there are at most as many iterations as defaults.
        if invalid.is_subset(&replaced) {
            return Err(first.clone());
        }
        for name in invalid {
            match defaults.get(&name) {
                None | Some(Value::Null) => drop(values.remove(&name)),
                Some(value) => drop(values.insert(name.clone(), value.clone())),
            }
            replaced.insert(name);
        }
    }
}

/// Returns SCHEMA_VIOLATION of `x-secret` for each stored secret that the new schema would expose.
fn exposed_secrets(schema: &ParameterSchema, secrets: &Parameters, values: &Parameters) -> Vec<UserError> {
    let is_secret = |name: &str| schema.parameter(name).is_some_and(|parameter| parameter.secret);
    let exposed = secrets
        .iter()
        .filter(|(name, secret)| !is_secret(name) && values.get(*name).is_some_and(|value| are_equal(value, secret)));
    exposed
        .map(|(name, _)| {
            let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            let kind = UserErrorKind::SchemaViolation { pointer, keyword: "x-secret".to_owned() };
            let message =
                "It is stored as a secret, which the new schema would expose. Set another value or null in defaults.";
            UserError::new(kind, "", message).at(["parameters", name.as_str()])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use platform::clock::SeededRng;
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Parameters {
        value.as_object().cloned().unwrap()
    }

    fn migrate(schema: Value, public: Value, defaults: Value) -> Result<StoredParameters, UserError> {
        let rng = SeededRng::new(1);
        let context = GenerationContext { number: "2342", username: "alice", rng: &rng };
        let before = StoredParameters { public: object(public), ..StoredParameters::default() };
        migrate_parameters(&ParameterSchema::compile(&schema).unwrap(), &before, &object(defaults), &context)
    }

    fn codec(required: bool) -> Value {
        let required = if required { json!(["codec"]) } else { json!([]) };
        json!({ "type": "object", "additionalProperties": false, "required": required,
            "properties": { "codec": { "enum": ["opus", "G722"] } } })
    }

    #[test]
    fn valid_parameters_stay() {
        let stored = migrate(codec(true), json!({ "codec": "opus" }), json!({ "codec": "G722" })).unwrap();
        assert_eq!(stored.public, object(json!({ "codec": "opus" })));
    }

    #[test]
    fn missing_and_invalid_parameters_take_the_default() {
        for before in [json!({}), json!({ "codec": "PCMA" })] {
            let stored = migrate(codec(true), before, json!({ "codec": "G722" })).unwrap();
            assert_eq!(stored.public, object(json!({ "codec": "G722" })));
        }
    }

    #[test]
    fn null_removes_a_parameter_that_the_schema_no_longer_defines() {
        let stored = migrate(codec(false), json!({ "ipei": "00000 0000000 0" }), json!({ "ipei": null })).unwrap();
        assert_eq!(stored.public, Parameters::new());
    }

    #[test]
    fn a_violation_without_default_is_returned() {
        for (before, defaults, pointer) in [
            (json!({}), json!({}), "/codec"),
            (json!({ "codec": "PCMA" }), json!({ "codec": "PCMU" }), "/codec"),
            (json!({ "codec": "opus", "ipei": "1" }), json!({}), "/ipei"),
        ] {
            let problem = migrate(codec(true), before, defaults).unwrap_err();
            assert!(matches!(problem.kind, UserErrorKind::SchemaViolation { pointer: found, .. } if found == pointer));
        }
    }

    #[test]
    fn a_new_generated_secret_is_stored_as_secret() {
        let schema = json!({
            "type": "object",
            "required": ["pin"],
            "properties": {
                "pin": { "type": "string", "x-secret": true, "x-generate": { "kind": "digits", "length": 6 } },
            },
        });
        let stored = migrate(schema, json!({}), json!({})).unwrap();
        assert!(stored.public.is_empty());
        assert_eq!(stored.secrets.get("pin").and_then(Value::as_str).map(str::len), Some(6));
    }

    #[test]
    fn a_new_schema_never_exposes_a_stored_secret() {
        let rng = SeededRng::new(1);
        let context = GenerationContext { number: "2342", username: "alice", rng: &rng };
        let before = StoredParameters { secrets: object(json!({ "pin": "314159" })), ..StoredParameters::default() };
        let open = json!({ "type": "object", "properties": { "pin": { "type": "string" } } });
        let removed = json!({ "type": "object" });
        let status = json!({ "type": "object", "properties": { "pin": { "type": "string", "x-status": true } } });
        let kept = json!({ "type": "object", "properties": { "pin": { "type": "string", "x-secret": true } } });
        let migrate = |schema: &Value, defaults: Value| {
            migrate_parameters(&ParameterSchema::compile(schema).unwrap(), &before, &object(defaults), &context)
        };
        for schema in [&open, &removed, &status] {
            let error = migrate(schema, json!({})).unwrap_err();
            let expected =
                UserErrorKind::SchemaViolation { pointer: "/pin".to_owned(), keyword: "x-secret".to_owned() };
            assert_eq!((error.kind, error.path), (expected, vec!["parameters".to_owned(), "pin".to_owned()]));
            assert!(!error.message.contains("314159"));
            assert_eq!(migrate(schema, json!({ "pin": null })).unwrap(), StoredParameters::default());
        }
        assert_eq!(migrate(&open, json!({ "pin": "0" })).unwrap().public, object(json!({ "pin": "0" })));
        assert!(migrate(&open, json!({ "pin": "314159" })).is_err(), "the default exposes the secret too");
        assert_eq!(migrate(&kept, json!({})).unwrap(), before);
    }
}
