//! Merging what was given and adding what was left out.

use serde_json::Value;

use super::generate::{Source, draw};
use super::nodes::resolve;
use super::{ParameterSchema, Parameters};

/// Applies a JSON merge patch (RFC 7396): null removes, an object merges, everything else replaces.
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

/// What the server added to parameters.
#[derive(Debug, Default, PartialEq)]
pub struct Completed {
    /// Secrets that were generated, by name: to be shown once.
    pub secrets: Parameters,
    /// The names of all that was generated or defaulted.
    pub filled: Vec<String>,
}

impl ParameterSchema {
    /// Adds what was left out: generated values, then defaults, also inside objects that were given.
    /// A null counts as left out.
    pub fn complete(&self, values: &mut Parameters, source: &Source<'_>) -> Completed {
        let mut completed = Completed::default();
        for parameter in &self.parameters {
            if values.get(&parameter.name).is_some_and(|value| !value.is_null()) {
                if let Some(value) = values.get_mut(&parameter.name) {
                    fill_inside(&self.source, &parameter.schema, value, super::MAX_DEPTH);
                }
                continue;
            }
            values.remove(&parameter.name);
            let value = match (&parameter.generate, &parameter.default) {
                (Some(kind), _) => draw(kind, source),
                (None, Some(default)) => default.clone(),
                (None, None) => continue,
            };
            if parameter.secret {
                completed.secrets.insert(parameter.name.clone(), value.clone());
            }
            completed.filled.push(parameter.name.clone());
            values.insert(parameter.name.clone(), value);
            if let Some(value) = values.get_mut(&parameter.name) {
                fill_inside(&self.source, &parameter.schema, value, super::MAX_DEPTH);
            }
        }
        completed
    }

    /// Lets copies of number and username follow a renumbering or a transfer: those that still hold the old value.
    /// Returns the names of those that changed.
    pub fn follow(&self, values: &mut Parameters, old: &Source<'_>, new: &Source<'_>) -> Vec<String> {
        use super::Generate::{Number, Username};
        let mut changed = Vec::new();
        for parameter in &self.parameters {
            let Some(kind @ (Number | Username)) = &parameter.generate else { continue };
            let (before, after) = (draw(kind, old), draw(kind, new));
            if before != after && values.get(&parameter.name) == Some(&before) {
                values.insert(parameter.name.clone(), after);
                changed.push(parameter.name.clone());
            }
        }
        changed
    }

    /// Parameters that look like an extension's, for trying a template: defaults, examples, generated values, first
    /// choices; what only a person knows is left out unless it is required. They need not be valid.
    pub fn sample(&self, source: &Source<'_>) -> Parameters {
        let mut values = Parameters::new();
        for parameter in self.parameters.iter().filter(|parameter| parameter.generate.is_none()) {
            let schema = resolve(&self.source, &parameter.schema);
            let first =
                |keyword: &str| schema.get(keyword).and_then(Value::as_array).and_then(|list| list.first()).cloned();
            let known = schema
                .get("default")
                .cloned()
                .or_else(|| first("examples"))
                .or_else(|| schema.get("const").cloned())
                .or_else(|| first("enum"));
            if let Some(value) = known.or_else(|| parameter.required.then(|| plain(&schema))) {
                values.insert(parameter.name.clone(), value);
            }
        }
        self.complete(&mut values, source);
        values
    }
}

/// Fills defaults of properties inside an object; null inside it counts as left out.
fn fill_inside(root: &Value, schema: &Value, value: &mut Value, depth: usize) {
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
            fill_inside(root, property, member, depth - 1);
        }
    }
}

/// The plainest value of a schema's type.
fn plain(schema: &Value) -> Value {
    let kind = schema.get("type").and_then(|kind| kind.as_str().or_else(|| kind.as_array()?.first()?.as_str()));
    let length = |keyword: &str| {
        schema.get(keyword).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()).unwrap_or(0).min(256)
    };
    match kind {
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| Value::from(0)),
        Some("boolean") => Value::Bool(false),
        Some("array") => Value::Array(Vec::new()),
        Some("object") => Value::Object(Parameters::new()),
        _ => Value::String("x".repeat(length("minLength").max(1))),
    }
}
