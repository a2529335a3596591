//! Limits of a schema's size, depth, references and patterns.
//!
//! Every write of an extension validates against the schema. Constructs that make validation expensive (recursion,
//! references that multiply, patterns that backtrack) are rejected when the schema is saved.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use platform::error::UserError;
use platform::text::characters::storable_json;

use super::subschemas::{definition_name, pointer, subschemas};
use super::{MAX_DEPTH, MAX_SCHEMA_BYTES};

/// The maximum number of subschemas, with the target of a reference counted at each use.
const MAX_NODES: u64 = 4_000;
/// The maximum number of values of one `enum`.
const MAX_ENUM: usize = 1_000;
/// The maximum number of branches of one `allOf`, `anyOf` or `oneOf`.
const MAX_BRANCHES: usize = 64;
/// The maximum number of patterns of one schema.
const MAX_PATTERNS: usize = 64;
/// The maximum length of a pattern, in characters.
const MAX_PATTERN_CHARS: usize = 1_000;
/// The maximum size of a compiled pattern, in bytes.
pub(super) const PATTERN_BYTES: usize = 1 << 20;
/// The maximum nesting of arrays and objects of any kind.
const MAX_JSON_DEPTH: usize = 64;

/// Keywords that are rejected, with the reason: they refer outside the schema or into itself, or belong to older
/// drafts.
const REJECTED_KEYWORDS: [(&str, &str); 9] = [
    ("$anchor", "Anchors are not allowed: refer to a definition as `#/$defs/NAME`."),
    ("$dynamicRef", "Dynamic references are not allowed: refer to a definition as `#/$defs/NAME`."),
    ("$dynamicAnchor", "Dynamic anchors are not allowed: refer to a definition as `#/$defs/NAME`."),
    ("$recursiveRef", "Recursive references are not allowed."),
    ("$recursiveAnchor", "Recursive references are not allowed."),
    ("$vocabulary", "A parameter schema cannot declare vocabularies."),
    ("definitions", "Draft 2020-12 keeps definitions in `$defs`."),
    ("dependencies", "Draft 2020-12 has `dependentRequired` and `dependentSchemas` instead."),
    ("contentSchema", "The content of an encoded string is not validated."),
];

/// INVALID at a path of the schema.
pub(super) fn schema_error(path: &[String], message: impl AsRef<str>) -> UserError {
    let at = if path.is_empty() { "the root".to_owned() } else { pointer(path) };
    let full_path = std::iter::once("parameterSchema".to_owned()).chain(path.iter().cloned());
    UserError::invalid("", format!("At {at}: {}", message.as_ref())).at(full_path)
}

/// Checks size and nesting, which every later step relies on.
pub(super) fn check_size(source: &Value) -> Result<(), UserError> {
    if is_deeper_than(source, MAX_JSON_DEPTH) {
        return Err(schema_error(&[], format!("The schema is nested more than {MAX_JSON_DEPTH} levels deep.")));
    }
    let bytes = serde_json::to_vec(source).map_or(usize::MAX, |text| text.len());
    if bytes > MAX_SCHEMA_BYTES {
        return Err(schema_error(&[], format!("The schema has {bytes} bytes; {MAX_SCHEMA_BYTES} are allowed.")));
    }
    storable_json("parameterSchema", source)?;
    Ok(())
}

/// Whether arrays and objects are nested deeper than `levels`.
pub(super) fn is_deeper_than(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(list) => levels == 0 || list.iter().any(|child| is_deeper_than(child, levels - 1)),
        Value::Object(map) => levels == 0 || map.values().any(|child| is_deeper_than(child, levels - 1)),
        _ => false,
    }
}

/// Checks all other limits of a schema that is valid against the meta-schema.
pub(super) fn check(source: &Value) -> Vec<UserError> {
    let mut problems = Vec::new();
    let mut patterns = 0;
    let mut pending = vec![(Vec::new(), source, 1_usize)];
    while let Some((path, schema, depth)) = pending.pop() {
        if depth > MAX_DEPTH {
            problems.push(schema_error(&path, format!("Subschemas are nested more than {MAX_DEPTH} levels deep.")));
            continue;
        }
        check_keywords(&path, schema, &mut patterns, &mut problems);
        for (step, child) in subschemas(schema) {
            pending.push((path.iter().cloned().chain(step).collect(), child, depth + 1));
        }
        if problems.len() >= super::MAX_VIOLATIONS {
            return problems;
        }
    }
    if patterns > MAX_PATTERNS {
        problems.push(schema_error(&[], format!("The schema has {patterns} patterns; {MAX_PATTERNS} are allowed.")));
    }
    if problems.is_empty() {
        problems.extend(check_cost(source));
    }
    problems
}

fn check_keywords(path: &[String], schema: &Value, patterns: &mut usize, problems: &mut Vec<UserError>) {
    let Value::Object(keywords) = schema else { return };
    let below =
        |steps: &[&str]| path.iter().cloned().chain(steps.iter().map(|step| (*step).to_owned())).collect::<Vec<_>>();
    for (keyword, reason) in REJECTED_KEYWORDS {
        if keywords.contains_key(keyword) {
            problems.push(schema_error(&below(&[keyword]), reason));
        }
    }
    for keyword in ["$id", "$schema"] {
        if !path.is_empty() && keywords.contains_key(keyword) {
            problems.push(schema_error(&below(&[keyword]), format!("`{keyword}` is allowed at the root only.")));
        }
    }
    if let Some(reference) = keywords.get("$ref").and_then(Value::as_str)
        && definition_name(reference).is_none()
    {
        problems
            .push(schema_error(&below(&["$ref"]), "A reference must be local and name a definition: `#/$defs/NAME`."));
    }
    if keywords.get("enum").and_then(Value::as_array).is_some_and(|values| values.len() > MAX_ENUM) {
        problems.push(schema_error(&below(&["enum"]), format!("An enum may have {MAX_ENUM} values.")));
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        if keywords.get(keyword).and_then(Value::as_array).is_some_and(|branches| branches.len() > MAX_BRANCHES) {
            problems.push(schema_error(&below(&[keyword]), format!("`{keyword}` may have {MAX_BRANCHES} branches.")));
        }
    }
    let property_patterns =
        keywords.get("patternProperties").and_then(Value::as_object).into_iter().flat_map(|map| map.keys());
    let pattern = keywords.get("pattern").and_then(Value::as_str).map(|text| (vec!["pattern"], text)).into_iter();
    for (steps, text) in
        pattern.chain(property_patterns.map(|text| (vec!["patternProperties", text.as_str()], text.as_str())))
    {
        *patterns += 1;
        if *patterns <= MAX_PATTERNS
            && let Err(message) = check_pattern(text)
        {
            problems.push(schema_error(&below(&steps), message));
        }
    }
}

/// Checks that the linear-time engine compiles a pattern; it has neither look-around nor back-references.
fn check_pattern(pattern: &str) -> Result<(), String> {
    if pattern.chars().count() > MAX_PATTERN_CHARS {
        return Err(format!("A pattern may have {MAX_PATTERN_CHARS} characters."));
    }
    let schema = serde_json::json!({ "pattern": pattern });
    match super::compile::options().build(&schema) {
        Ok(_) => Ok(()),
        Err(_) => Err("The pattern is not valid, or cannot be matched in linear time: it may be too large, \
                       and look-around and back-references are not allowed."
            .to_owned()),
    }
}

/// The size of a subschema with its references resolved.
#[derive(Clone, Copy)]
struct Cost {
    nodes: u64,
    depth: usize,
}

/// Computes the cost of subschemas and rejects recursion.
struct Costs<'a> {
    definitions: Option<&'a serde_json::Map<String, Value>>,
    computed: BTreeMap<String, Cost>,
    /// The definitions on the current chain of references.
    in_progress: BTreeSet<String>,
}

fn check_cost(source: &Value) -> Option<UserError> {
    let mut costs = Costs {
        definitions: source.get("$defs").and_then(Value::as_object),
        computed: BTreeMap::new(),
        in_progress: BTreeSet::new(),
    };
    // Unused definitions must be valid too.
    let names: Vec<String> = costs.definitions.into_iter().flat_map(|map| map.keys().cloned()).collect();
    for name in names {
        if let Err(problem) = costs.of_definition(&name, &["$defs".to_owned(), name.clone()]) {
            return Some(problem);
        }
    }
    match costs.of_schema(source, &mut Vec::new()) {
        Err(problem) => Some(problem),
        Ok(cost) if cost.depth > MAX_DEPTH => Some(schema_error(
            &[],
            format!("Subschemas are nested more than {MAX_DEPTH} levels deep once references are followed."),
        )),
        Ok(cost) if cost.nodes > MAX_NODES => Some(schema_error(
            &[],
            format!("The schema has {} subschemas once references are followed; {MAX_NODES} are allowed.", cost.nodes),
        )),
        Ok(_) => None,
    }
}

impl Costs<'_> {
    fn of_schema(&mut self, schema: &Value, path: &mut Vec<String>) -> Result<Cost, UserError> {
        let mut cost = Cost { nodes: 1, depth: 1 };
        let add = |cost: &mut Cost, child: Cost| {
            cost.nodes = cost.nodes.saturating_add(child.nodes);
            cost.depth = cost.depth.max(child.depth + 1);
        };
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            path.push("$ref".to_owned());
            let name = definition_name(reference).unwrap_or_default();
            add(&mut cost, self.of_definition(&name, path)?);
            path.pop();
        }
        for (step, child) in subschemas(schema) {
            if step.first().is_some_and(|keyword| keyword == "$defs") {
                continue;
            }
            let length = path.len();
            path.extend(step);
            add(&mut cost, self.of_schema(child, path)?);
            path.truncate(length);
        }
        Ok(cost)
    }

    fn of_definition(&mut self, name: &str, path: &[String]) -> Result<Cost, UserError> {
        if let Some(cost) = self.computed.get(name) {
            return Ok(*cost);
        }
        let Some(schema) = self.definitions.and_then(|map| map.get(name)) else {
            return Err(schema_error(path, format!("There is no definition `{name}` in `$defs`.")));
        };
        if !self.in_progress.insert(name.to_owned()) {
            return Err(schema_error(
                path,
                format!("The definition `{name}` refers to itself; recursion is not allowed."),
            ));
        }
        if self.in_progress.len() > MAX_DEPTH {
            return Err(schema_error(path, format!("References lead through more than {MAX_DEPTH} definitions.")));
        }
        let cost = self.of_schema(schema, &mut vec!["$defs".to_owned(), name.to_owned()])?;
        self.in_progress.remove(name);
        self.computed.insert(name.to_owned(), cost);
        Ok(cost)
    }
}
