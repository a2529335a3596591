//! What a schema may cost: its size, its depth, its references and its patterns.
//!
//! A schema is data that an admin wrote or copied, and every request of every user runs it. So what could make
//! checking expensive (recursion, references that multiply, patterns that backtrack) is refused when it is saved.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use platform::error::UserError;

use super::nodes::{children, definition_name, pointer};
use super::{MAX_DEPTH, MAX_SCHEMA_BYTES};

/// Subschemas that a check may visit, references followed each time they are used.
const MAX_NODES: u64 = 4_000;
/// Values of one `enum`.
const MAX_ENUM: usize = 1_000;
/// Branches of one `allOf`, `anyOf` or `oneOf`.
const MAX_BRANCHES: usize = 64;
/// Patterns of one schema, and the characters of one.
const MAX_PATTERNS: usize = 64;
const MAX_PATTERN_CHARS: usize = 1_000;
/// How large a compiled pattern may be, in bytes.
pub(super) const PATTERN_BYTES: usize = 1 << 20;
/// How deep arrays and objects of any kind may be nested.
const MAX_JSON_DEPTH: usize = 64;

/// Keywords that would let a schema lead elsewhere or into itself.
const REFUSED: [(&str, &str); 9] = [
    ("$anchor", "Anchors are not allowed: refer to a definition as `#/$defs/NAME`."),
    ("$dynamicRef", "Dynamic references are not allowed: refer to a definition as `#/$defs/NAME`."),
    ("$dynamicAnchor", "Dynamic anchors are not allowed: refer to a definition as `#/$defs/NAME`."),
    ("$recursiveRef", "Recursive references are not allowed."),
    ("$recursiveAnchor", "Recursive references are not allowed."),
    ("$vocabulary", "A parameter schema cannot declare vocabularies."),
    ("definitions", "Draft 2020-12 keeps definitions in `$defs`."),
    ("dependencies", "Draft 2020-12 has `dependentRequired` and `dependentSchemas` instead."),
    ("contentSchema", "Encoded content is not looked into."),
];

/// A failure at this place of the schema.
pub(super) fn refusal(place: &[String], message: impl AsRef<str>) -> UserError {
    let at = if place.is_empty() { "the root".to_owned() } else { pointer(place) };
    let path = std::iter::once("parameterSchema".to_owned()).chain(place.iter().cloned());
    UserError::invalid("", format!("At {at}: {}", message.as_ref())).at(path)
}

/// Checks size and nesting before anything walks the schema.
pub(super) fn check_size(source: &Value) -> Result<(), UserError> {
    if json_depth(source, MAX_JSON_DEPTH) {
        return Err(refusal(&[], format!("The schema is nested more than {MAX_JSON_DEPTH} levels deep.")));
    }
    let bytes = serde_json::to_vec(source).map_or(usize::MAX, |text| text.len());
    if bytes > MAX_SCHEMA_BYTES {
        return Err(refusal(&[], format!("The schema has {bytes} bytes; {MAX_SCHEMA_BYTES} are allowed.")));
    }
    Ok(())
}

/// Whether arrays and objects are nested deeper than `left` levels.
pub(super) fn json_depth(value: &Value, left: usize) -> bool {
    match value {
        Value::Array(list) => left == 0 || list.iter().any(|child| json_depth(child, left - 1)),
        Value::Object(map) => left == 0 || map.values().any(|child| json_depth(child, left - 1)),
        _ => false,
    }
}

/// Checks everything else that bounds the cost. The schema is known to fit the meta-schema.
pub(super) fn check(source: &Value) -> Vec<UserError> {
    let mut problems = Vec::new();
    let mut patterns = 0;
    let mut waiting = vec![(Vec::new(), source, 1_usize)];
    while let Some((place, schema, depth)) = waiting.pop() {
        if depth > MAX_DEPTH {
            problems.push(refusal(&place, format!("Subschemas are nested more than {MAX_DEPTH} levels deep.")));
            continue;
        }
        check_keywords(&place, schema, &mut patterns, &mut problems);
        for (step, child) in children(schema) {
            waiting.push((place.iter().cloned().chain(step).collect(), child, depth + 1));
        }
        if problems.len() >= super::MAX_VIOLATIONS {
            return problems;
        }
    }
    if patterns > MAX_PATTERNS {
        problems.push(refusal(&[], format!("The schema has {patterns} patterns; {MAX_PATTERNS} are allowed.")));
    }
    if problems.is_empty() {
        problems.extend(check_cost(source));
    }
    problems
}

fn check_keywords(place: &[String], schema: &Value, patterns: &mut usize, problems: &mut Vec<UserError>) {
    let Value::Object(keywords) = schema else { return };
    let below =
        |steps: &[&str]| place.iter().cloned().chain(steps.iter().map(|step| (*step).to_owned())).collect::<Vec<_>>();
    for (keyword, sentence) in REFUSED {
        if keywords.contains_key(keyword) {
            problems.push(refusal(&below(&[keyword]), sentence));
        }
    }
    for keyword in ["$id", "$schema"] {
        if !place.is_empty() && keywords.contains_key(keyword) {
            problems.push(refusal(&below(&[keyword]), format!("`{keyword}` is allowed at the root only.")));
        }
    }
    if let Some(reference) = keywords.get("$ref").and_then(Value::as_str)
        && definition_name(reference).is_none()
    {
        problems.push(refusal(&below(&["$ref"]), "A reference must be local and name a definition: `#/$defs/NAME`."));
    }
    if keywords.get("enum").and_then(Value::as_array).is_some_and(|values| values.len() > MAX_ENUM) {
        problems.push(refusal(&below(&["enum"]), format!("An enum may have {MAX_ENUM} values.")));
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        if keywords.get(keyword).and_then(Value::as_array).is_some_and(|branches| branches.len() > MAX_BRANCHES) {
            problems.push(refusal(&below(&[keyword]), format!("`{keyword}` may have {MAX_BRANCHES} branches.")));
        }
    }
    let named = keywords.get("patternProperties").and_then(Value::as_object).into_iter().flat_map(|map| map.keys());
    let all = keywords.get("pattern").and_then(Value::as_str).map(|text| (vec!["pattern"], text)).into_iter();
    for (steps, text) in all.chain(named.map(|text| (vec!["patternProperties", text.as_str()], text.as_str()))) {
        *patterns += 1;
        if *patterns <= MAX_PATTERNS
            && let Err(sentence) = check_pattern(text)
        {
            problems.push(refusal(&below(&steps), sentence));
        }
    }
}

/// Whether a pattern compiles in the engine that runs in linear time, which has no look-around and no back-references.
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

/// What a subschema costs with its references followed.
#[derive(Clone, Copy)]
struct Cost {
    nodes: u64,
    depth: usize,
}

struct Costs<'a> {
    definitions: Option<&'a serde_json::Map<String, Value>>,
    known: BTreeMap<String, Cost>,
    open: BTreeSet<String>,
}

fn check_cost(source: &Value) -> Option<UserError> {
    let mut costs = Costs {
        definitions: source.get("$defs").and_then(Value::as_object),
        known: BTreeMap::new(),
        open: BTreeSet::new(),
    };
    // Definitions first: one that nobody uses must be sound too.
    let names: Vec<String> = costs.definitions.into_iter().flat_map(|map| map.keys().cloned()).collect();
    for name in names {
        if let Err(problem) = costs.of_definition(&name, &["$defs".to_owned(), name.clone()]) {
            return Some(problem);
        }
    }
    match costs.of(source, &mut Vec::new()) {
        Err(problem) => Some(problem),
        Ok(cost) if cost.depth > MAX_DEPTH => Some(refusal(
            &[],
            format!("Subschemas are nested more than {MAX_DEPTH} levels deep once references are followed."),
        )),
        Ok(cost) if cost.nodes > MAX_NODES => Some(refusal(
            &[],
            format!("The schema has {} subschemas once references are followed; {MAX_NODES} are allowed.", cost.nodes),
        )),
        Ok(_) => None,
    }
}

impl Costs<'_> {
    fn of(&mut self, schema: &Value, place: &mut Vec<String>) -> Result<Cost, UserError> {
        let mut cost = Cost { nodes: 1, depth: 1 };
        let add = |cost: &mut Cost, child: Cost| {
            cost.nodes = cost.nodes.saturating_add(child.nodes);
            cost.depth = cost.depth.max(child.depth + 1);
        };
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            place.push("$ref".to_owned());
            let name = definition_name(reference).unwrap_or_default();
            add(&mut cost, self.of_definition(&name, place)?);
            place.pop();
        }
        for (step, child) in children(schema) {
            if step.first().is_some_and(|keyword| keyword == "$defs") {
                continue;
            }
            let length = place.len();
            place.extend(step);
            add(&mut cost, self.of(child, place)?);
            place.truncate(length);
        }
        Ok(cost)
    }

    fn of_definition(&mut self, name: &str, place: &[String]) -> Result<Cost, UserError> {
        if let Some(cost) = self.known.get(name) {
            return Ok(*cost);
        }
        let Some(schema) = self.definitions.and_then(|map| map.get(name)) else {
            return Err(refusal(place, format!("There is no definition `{name}` in `$defs`.")));
        };
        if !self.open.insert(name.to_owned()) {
            return Err(refusal(place, format!("The definition `{name}` refers to itself; recursion is not allowed.")));
        }
        if self.open.len() > MAX_DEPTH {
            return Err(refusal(place, format!("References lead through more than {MAX_DEPTH} definitions.")));
        }
        let cost = self.of(schema, &mut vec!["$defs".to_owned(), name.to_owned()])?;
        self.open.remove(name);
        self.known.insert(name.to_owned(), cost);
        Ok(cost)
    }
}
