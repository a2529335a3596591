//! Subschemas of a schema, local references and JSON Pointers.

use serde_json::Value;

/// Keywords whose value is a schema.
const SCHEMA_KEYWORDS: [&str; 10] = [
    "additionalProperties",
    "items",
    "contains",
    "not",
    "if",
    "then",
    "else",
    "propertyNames",
    "unevaluatedProperties",
    "unevaluatedItems",
];
/// Keywords whose value is a list of schemas.
const LIST_KEYWORDS: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords whose value is a map of schemas.
const MAP_KEYWORDS: [&str; 4] = ["properties", "patternProperties", "dependentSchemas", "$defs"];

/// The path from one schema to a subschema: a keyword, and the index or name under it.
pub(super) type Step = Vec<String>;

/// The subschemas directly below `schema`, `$defs` among them.
pub(super) fn subschemas(schema: &Value) -> Vec<(Step, &Value)> {
    let Value::Object(keywords) = schema else { return Vec::new() };
    let mut found = Vec::new();
    for (keyword, value) in keywords {
        let name = keyword.as_str();
        match value {
            Value::Array(list) if LIST_KEYWORDS.contains(&name) => {
                found.extend(
                    list.iter().enumerate().map(|(index, child)| (vec![keyword.clone(), index.to_string()], child)),
                );
            }
            Value::Object(map) if MAP_KEYWORDS.contains(&name) => {
                found.extend(map.iter().map(|(key, child)| (vec![keyword.clone(), key.clone()], child)));
            }
            Value::Object(_) | Value::Bool(_) if SCHEMA_KEYWORDS.contains(&name) => {
                found.push((vec![keyword.clone()], value))
            }
            _ => {}
        }
    }
    found
}

/// The name of the definition that a reference of the form `#/$defs/NAME` points to. Other forms are not allowed.
pub(super) fn definition_name(reference: &str) -> Option<String> {
    let name = reference.strip_prefix("#/$defs/")?;
    if name.is_empty() || name.contains(['/', '%']) {
        return None;
    }
    Some(name.replace("~1", "/").replace("~0", "~"))
}

/// Resolves the `$ref` of a subschema. Keywords beside the reference override those of its target.
///
/// `root` must have been compiled, so that its references are local and without cycles.
pub fn resolve(root: &Value, schema: &Value) -> Value {
    let mut merged = schema.clone();
    for _ in 0..super::MAX_DEPTH {
        let Some(object) = merged.as_object_mut() else { break };
        let Some(Value::String(reference)) = object.remove("$ref") else { break };
        let Some(Value::Object(target)) = definition_name(&reference).and_then(|name| root.get("$defs")?.get(&name))
        else {
            break;
        };
        for (keyword, value) in target {
            object.entry(keyword.clone()).or_insert_with(|| value.clone());
        }
    }
    merged
}

/// The JSON Pointer (RFC 6901) of these segments; empty for the whole document.
pub(super) fn pointer(segments: &[String]) -> String {
    segments.iter().map(|segment| format!("/{}", segment.replace('~', "~0").replace('/', "~1"))).collect()
}

/// The segments of a JSON Pointer (RFC 6901).
pub(super) fn segments(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect()
}
