//! Walking a schema: which keywords hold subschemas, and where a local reference leads.

use serde_json::Value;

/// Keywords whose value is a schema.
const ONE: [&str; 10] = [
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
const LIST: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords whose value is a map of schemas.
const MAP: [&str; 4] = ["properties", "patternProperties", "dependentSchemas", "$defs"];

/// The path from one schema to a subschema: a keyword, and the index or name under it.
pub(super) type Step = Vec<String>;

/// The subschemas directly below `schema`, `$defs` among them.
pub(super) fn children(schema: &Value) -> Vec<(Step, &Value)> {
    let Value::Object(keywords) = schema else { return Vec::new() };
    let mut found = Vec::new();
    for (keyword, value) in keywords {
        let name = keyword.as_str();
        match value {
            Value::Array(list) if LIST.contains(&name) => {
                found.extend(
                    list.iter().enumerate().map(|(index, child)| (vec![keyword.clone(), index.to_string()], child)),
                );
            }
            Value::Object(map) if MAP.contains(&name) => {
                found.extend(map.iter().map(|(key, child)| (vec![keyword.clone(), key.clone()], child)));
            }
            Value::Object(_) | Value::Bool(_) if ONE.contains(&name) => found.push((vec![keyword.clone()], value)),
            _ => {}
        }
    }
    found
}

/// The name of the definition that a local reference means: `#/$defs/NAME` is the only form allowed.
pub(super) fn definition_name(reference: &str) -> Option<String> {
    let name = reference.strip_prefix("#/$defs/")?;
    if name.is_empty() || name.contains(['/', '%']) {
        return None;
    }
    Some(name.replace("~1", "/").replace("~0", "~"))
}

/// The schema that `schema` means once its `$ref` is followed, keywords beside the reference winning.
/// For readers of a compiled schema: there references are local and have no cycles.
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

/// RFC 6901: the pointer made of these segments; empty for the whole document.
pub(super) fn pointer(segments: &[String]) -> String {
    segments.iter().map(|segment| format!("/{}", segment.replace('~', "~0").replace('/', "~1"))).collect()
}

/// RFC 6901: the segments of a pointer.
pub(super) fn segments(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect()
}
