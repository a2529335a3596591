//! Merges changes of parameters and adds generated values and defaults.

use serde_json::Value;

use super::generate::{GenerationContext, generate_value};
use super::subschemas::resolve;
use super::{ParameterSchema, Parameters};

/// Applies a JSON merge patch (RFC 7396): null removes a member, an object is merged, any other value replaces.
pub fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Parameters::new());
    }
    let Value::Object(members) = target else { return };
    for (name, change) in changes {
        if change.is_null() {
            members.remove(name);
        } else {
            merge_patch(members.entry(name.clone()).or_insert(Value::Null), change);
        }
    }
}

/// The values that the server added to parameters.
#[derive(Debug, Default, PartialEq)]
pub struct Completed {
    /// Secrets that were generated, by name. The API returns them once.
    pub secrets: Parameters,
    /// The names of the parameters that were generated or set to their default.
    pub filled: Vec<String>,
}

impl ParameterSchema {
    /// Adds generated values and defaults for missing parameters, also inside objects. Null counts as missing.
    pub fn complete(&self, values: &mut Parameters, context: &GenerationContext<'_>) -> Completed {
        let mut completed = Completed::default();
        for parameter in &self.parameters {
            if values.get(&parameter.name).is_some_and(|value| !value.is_null()) {
                if let Some(value) = values.get_mut(&parameter.name) {
                    fill_defaults(&self.source, &parameter.schema, value, super::MAX_DEPTH);
                }
                continue;
            }
            values.remove(&parameter.name);
            let value = match (&parameter.generate, &parameter.default) {
                (Some(kind), _) => generate_value(kind, context),
                (None, Some(default)) => default.clone(),
                (None, None) => continue,
            };
            if parameter.secret {
                completed.secrets.insert(parameter.name.clone(), value.clone());
            }
            completed.filled.push(parameter.name.clone());
            values.insert(parameter.name.clone(), value);
            if let Some(value) = values.get_mut(&parameter.name) {
                fill_defaults(&self.source, &parameter.schema, value, super::MAX_DEPTH);
            }
        }
        completed
    }

    /// Updates the parameters that are derived from the number or the owner's username after a renumbering or a
    /// transfer.
    ///
    /// A parameter with another value than the derived one was set by hand and stays. Returns the names of the changed
    /// parameters.
    pub fn update_derived_parameters(
        &self,
        values: &mut Parameters,
        old: &GenerationContext<'_>,
        new: &GenerationContext<'_>,
    ) -> Vec<String> {
        use super::Generate::{Number, Username};
        let mut changed = Vec::new();
        for parameter in &self.parameters {
            let Some(kind @ (Number | Username)) = &parameter.generate else { continue };
            let (before, after) = (generate_value(kind, old), generate_value(kind, new));
            if before != after && values.get(&parameter.name) == Some(&before) {
                values.insert(parameter.name.clone(), after);
                changed.push(parameter.name.clone());
            }
        }
        changed
    }

    /// Sample parameters for rendering a template: defaults, examples, first enum values and generated values.
    ///
    /// An optional parameter without any of these is left out. The parameters need not be valid.
    pub fn sample(&self, context: &GenerationContext<'_>) -> Parameters {
        let mut values = Parameters::new();
        for parameter in self.parameters.iter().filter(|parameter| parameter.generate.is_none()) {
            let schema = resolve(&self.source, &parameter.schema);
            let first =
                |keyword: &str| schema.get(keyword).and_then(Value::as_array).and_then(|list| list.first()).cloned();
            let example = schema
                .get("default")
                .cloned()
                .or_else(|| first("examples"))
                .or_else(|| schema.get("const").cloned())
                .or_else(|| first("enum"));
            if let Some(value) = example.or_else(|| parameter.required.then(|| placeholder(&schema))) {
                values.insert(parameter.name.clone(), value);
            }
        }
        self.complete(&mut values, context);
        values
    }
}

impl ParameterSchema {
    /// As [`Self::sample`], with a value for every parameter.
    pub fn full_sample(&self, context: &GenerationContext<'_>) -> Parameters {
        let mut values = self.sample(context);
        for parameter in &self.parameters {
            if !values.contains_key(&parameter.name) {
                values.insert(parameter.name.clone(), placeholder(&resolve(&self.source, &parameter.schema)));
            }
        }
        values
    }
}

/// Adds the defaults of missing properties inside an object.
fn fill_defaults(root: &Value, schema: &Value, value: &mut Value, depth: usize) {
    let Value::Object(members) = value else { return };
    let schema = resolve(root, schema);
    let Some(properties) = schema.get("properties").and_then(Value::as_object).filter(|_| depth > 0) else { return };
    for (name, property) in properties {
        if !members.contains_key(name)
            && let Some(default) = resolve(root, property).get("default").filter(|default| !default.is_null())
        {
            members.insert(name.clone(), default.clone());
        }
        if let Some(member) = members.get_mut(name) {
            fill_defaults(root, property, member, depth - 1);
        }
    }
}

/// A minimal value of a schema's type.
fn placeholder(schema: &Value) -> Value {
    let kind = schema.get("type").and_then(|kind| kind.as_str().or_else(|| kind.as_array()?.first()?.as_str()));
    let length = |keyword: &str| {
        schema
            .get(keyword)
            .and_then(Value::as_u64)
            .and_then(|length| usize::try_from(length).ok())
            .unwrap_or(0)
            .min(256)
    };
    match kind {
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| Value::from(0)),
        Some("boolean") => Value::Bool(false),
        Some("array") => Value::Array(Vec::new()),
        Some("object") => Value::Object(Parameters::new()),
        _ => Value::String("x".repeat(length("minLength").max(1))),
    }
}
