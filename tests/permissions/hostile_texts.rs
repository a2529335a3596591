//! Every text that the API takes, given hostile texts: no request may fail inside the server.
//!
//! The arguments come from the printed schema. Each text of an argument or of an input field is replaced in turn; the
//! other required arguments are valid.

use std::collections::HashMap;

use async_graphql::parser::types::{BaseType, FieldDefinition, Type, TypeKind};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::arguments::Schema;
use super::callers::{Caller, Callers};
use super::fixtures::Fixtures;
use crate::support::TestApp;

/// Scalars that are texts, and JSON, which may hold one.
const TEXT_SCALARS: [&str; 6] = ["String", "ID", "JSON", "DateTime", "PhoneNumber", "FeedCursor"];
/// Root fields of one request.
const BATCH: usize = 20;
/// Requests at the same time.
const CONCURRENT: usize = 4;
/// Nesting of input objects that is followed.
const MAX_DEPTH: usize = 3;
/// Mutations that end the caller's session or account, and those that may stand only once in a request.
const LEFT_OUT: [&str; 6] =
    ["signOut", "revokeAllSessions", "changePassword", "changeEmail", "deleteAccount", "signIn"];

/// Texts that a column, a parser, a file or a page may not expect. The first is not a text of PostgreSQL.
fn hostile_texts() -> Vec<String> {
    [
        "a\0b",
        "\0",
        "",
        " ",
        "'; DROP TABLE accounts; --",
        "\\'); DROP TABLE accounts; #",
        "%_\\%",
        "../../etc/passwd",
        "{{ 7*7 }}{% for %}",
        "<script>alert(1)</script>",
        "\u{202e}\u{2066}x",
        "\u{2800}\u{115f}\u{301}",
        "\u{fffd}\u{ffff}\u{fdd0}",
        "\u{1f408}\u{200d}\u{10ffff}",
        "a\u{308}\u{301}\u{301}\u{301}",
        "=cmd|'/c calc'!A1",
        "9999-12-31T23:59:59Z",
        "-000001-01-01T00:00:00Z",
        "+4411449601239",
        "Extension:ffffffffffffffffffffffffffffffff",
        "Account:\0",
        "{\"a\":1,\"a\":2}",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain(["x".repeat(3_000), "[".repeat(300)])
    .collect()
}

/// A text in the arguments of a root field, as the steps from the argument to it.
#[derive(Clone)]
struct Leaf {
    path: Vec<String>,
    scalar: String,
    /// For each step, whether its value is a list of one.
    lists: Vec<bool>,
}

/// The name of a type, and whether it is a list.
fn named(ty: &Type) -> (&str, bool) {
    match &ty.base {
        BaseType::Named(name) => (name, false),
        BaseType::List(inner) => (named(inner).0, true),
    }
}

fn leaves(schema: &Schema, field: &FieldDefinition) -> Vec<Leaf> {
    let mut found = Vec::new();
    for argument in &field.arguments {
        let (kind, is_list) = named(&argument.node.ty.node);
        let leaf =
            Leaf { path: vec![argument.node.name.node.to_string()], scalar: kind.to_owned(), lists: vec![is_list] };
        collect(schema, leaf, &mut found);
    }
    found
}

fn collect(schema: &Schema, leaf: Leaf, found: &mut Vec<Leaf>) {
    if TEXT_SCALARS.contains(&leaf.scalar.as_str()) {
        found.push(leaf);
        return;
    }
    let definition = schema.types().find(|(name, _)| **name == leaf.scalar).map(|(_, definition)| &definition.kind);
    let Some(TypeKind::InputObject(input)) = definition else { return };
    if leaf.path.len() > MAX_DEPTH {
        return;
    }
    for field in &input.fields {
        let (kind, is_list) = named(&field.node.ty.node);
        let mut below = leaf.clone();
        below.path.push(field.node.name.node.to_string());
        below.lists.push(is_list);
        below.scalar = kind.to_owned();
        collect(schema, below, found);
    }
}

/// A text as a literal of GraphQL.
fn literal(text: &str) -> String {
    json!(text).to_string()
}

/// The values that replace a leaf: the text, and for JSON an object with the text as value and as key.
fn values(scalar: &str, text: &str) -> Vec<String> {
    let quoted = literal(text);
    match scalar {
        "JSON" => vec![quoted.clone(), format!("{{note: {quoted}, list: [{{deep: {quoted}}}]}}")],
        _ => vec![quoted],
    }
}

/// Arguments as a tree, so that a leaf can be replaced.
fn with_leaf(arguments: &str, leaf: &Leaf, value: &str) -> String {
    let inner = arguments.trim().trim_start_matches('(').trim_end_matches(')');
    let mut value = value.to_owned();
    if leaf.lists.last() == Some(&true) {
        value = format!("[{value}]");
    }
    format!("({})", replaced(inner, &leaf.path, &leaf.lists, &value))
}

/// The members `name: value, …` with the member at a path replaced or added.
fn replaced(members: &str, path: &[String], lists: &[bool], value: &str) -> String {
    let mut kept = Vec::new();
    let mut below = String::new();
    for member in split_members(members) {
        let (name, text) = member.split_once(':').unwrap();
        if name.trim() == path[0] {
            below = text.trim().trim_start_matches(['[', '{']).trim_end_matches([']', '}']).to_owned();
        } else {
            kept.push(member);
        }
    }
    kept.push(match path.len() {
        1 => format!("{}: {value}", path[0]),
        _ => {
            let object = format!("{{{}}}", replaced(&below, &path[1..], &lists[1..], value));
            if lists[0] { format!("{}: [{object}]", path[0]) } else { format!("{}: {object}", path[0]) }
        }
    });
    kept.join(", ")
}

/// Splits members at the commas outside of brackets and texts.
fn split_members(members: &str) -> Vec<String> {
    let (mut found, mut current, mut depth, mut is_text) = (Vec::new(), String::new(), 0, false);
    for character in members.chars() {
        match character {
            '"' => is_text = !is_text,
            '{' | '[' if !is_text => depth += 1,
            '}' | ']' if !is_text => depth -= 1,
            ',' if !is_text && depth == 0 => {
                found.push(std::mem::take(&mut current));
                continue;
            }
            _ => {}
        }
        current.push(character);
    }
    found.push(current);
    found.into_iter().map(|member| member.trim().to_owned()).filter(|member| !member.is_empty()).collect()
}

pub async fn no_text_fails_inside_the_server(app: TestApp) {
    let schema = Schema::printed();
    let callers = Callers::sign_in(&app).await;
    let fixtures = Fixtures::create(&callers).await;
    let texts = hostile_texts();
    let mut placeholders = HashMap::new();
    let mut failures = Vec::new();
    let mut count = 0;
    for root in ["Query", "Mutation"] {
        let mut calls = Vec::new();
        for field in schema.fields(root) {
            let name = field.name.node.as_str();
            let leaves = leaves(&schema, field);
            if LEFT_OUT.contains(&name) || leaves.is_empty() {
                continue;
            }
            let arguments = fill(&schema.arguments(root, field), &fixtures, &callers, &mut placeholders).await;
            let selection = schema.selection(field);
            for leaf in &leaves {
                for text in &texts {
                    for value in values(&leaf.scalar, text) {
                        let described = format!("{name} {} {text:?}", leaf.path.join("."));
                        calls.push((described, format!("{name}{} {selection}", with_leaf(&arguments, leaf, &value))));
                    }
                }
            }
        }
        count += calls.len();
        let operation = if root == "Query" { "query" } else { "mutation" };
        let batches: Vec<&[(String, String)]> = calls.chunks(BATCH).collect();
        for group in batches.chunks(CONCURRENT) {
            let mut pending = Vec::new();
            for batch in group {
                pending.push(failures_of(&callers, operation, batch));
            }
            failures.extend(join_all(pending).await.into_iter().flatten());
        }
    }
    assert!(count > 2_000, "only {count} requests");
    assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
    paths_and_logins(&callers).await;
}

/// Sends calls under aliases, and describes those that failed inside the server. A call that is refused as a whole ends
/// the others, so these calls are sent one by one.
async fn failures_of(callers: &Callers, operation: &str, calls: &[(String, String)]) -> Vec<String> {
    let body = send(callers, operation, calls).await;
    if body["data"].is_object() || calls.len() == 1 {
        return describe(&body, calls);
    }
    let mut failures = Vec::new();
    for call in calls {
        let call = std::slice::from_ref(call);
        failures.extend(describe(&send(callers, operation, call).await, call));
    }
    failures
}

async fn send(callers: &Callers, operation: &str, calls: &[(String, String)]) -> Value {
    let fields: Vec<String> = calls.iter().enumerate().map(|(index, (_, call))| format!("a{index}: {call}")).collect();
    callers.admin.execute(&format!("{operation} {{ {} }}", fields.join("\n")), json!({})).await
}

fn describe(body: &Value, calls: &[(String, String)]) -> Vec<String> {
    let errors = body["errors"].as_array().cloned().unwrap_or_default();
    let internal =
        errors.iter().filter(|error| matches!(error["extensions"]["code"].as_str(), Some("INTERNAL") | None));
    internal
        .map(|error| {
            let alias = error["path"][0].as_str().and_then(|alias| alias.strip_prefix('a')?.parse::<usize>().ok());
            let call = alias.and_then(|index| calls.get(index));
            format!("{}: {error}", call.map_or(calls[0].0.as_str(), |(described, _)| described))
        })
        .collect()
}

/// Replaces placeholders by objects. A placeholder stands for one object in all requests.
async fn fill(
    arguments: &str,
    fixtures: &Fixtures,
    callers: &Callers,
    placeholders: &mut HashMap<String, String>,
) -> String {
    let mut filled = String::new();
    let mut parts = arguments.split('$');
    filled.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let end = part.find(|character: char| !character.is_ascii_alphabetic()).unwrap_or(part.len());
        let name = &part[..end];
        if !placeholders.contains_key(name) {
            let caller = Caller::Admin;
            let value = match name {
                "shownNumber" => super::fixtures::SHOWN.to_owned(),
                name => fixtures.get(callers, caller, name).await,
            };
            placeholders.insert(name.to_owned(), value);
        }
        filled.push_str(&placeholders[name]);
        filled.push_str(&part[end..]);
    }
    filled
}

/// Names in paths and logins of guests.
async fn paths_and_logins(callers: &Callers) {
    let Callers { user, admin, .. } = callers;
    let guest = callers.app.guest();
    for path in ["/directory/demo%00.json", "/directory/demo%00/phonebook.xml", "/device/a%00b", "/device/a/b%00"] {
        let response = guest.get(path).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 404, "{path}: {}", response.text().await.unwrap());
    }
    for path in ["/feed/demo%00/sip", "/feed/demo/sip%00", "/render/demo/sip/x%00", "/feed/demo%00/sip/changes"] {
        let response = admin.get(path).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 404, "{path}: {}", response.text().await.unwrap());
    }
    let directory = guest.query("{ directory(event: \"demo\\u0000\") { totalCount } }").await;
    assert_eq!(directory.ok(), Value::Null);
    let refused = guest.mutate("signIn", json!({ "login": "a\0b", "password": "x" }), "token").await;
    assert_eq!(refused.code(), "CREDENTIALS_REJECTED");
    for (parameters, path) in [
        (json!({ "codec": "a\0b" }), json!(["parameters", "codec"])),
        (json!({ "a\0b": 1 }), json!(["parameters", "a\0b"])),
        (json!({ "x": [{ "y": "\0" }] }), json!(["parameters", "x", "0", "y"])),
    ] {
        let refused = user.registers_with(json!({ "number": "2399", "parameters": parameters })).await;
        assert_eq!((refused.code(), &refused["errors"][0]["path"]), ("INVALID", &path), "{refused}");
    }
    for (mutation, input, path) in [
        ("barNumber", json!({ "event": "demo", "number": "2398", "reason": "a\0b" }), "reason"),
        ("updateServiceType", json!({ "slug": "sip", "description": "a\0b" }), "description"),
        ("updateServiceType", json!({ "slug": "sip", "instructions": "a\0b" }), "instructions"),
        ("updateServiceType", json!({ "slug": "sip", "settings": { "realm": "a\0b" } }), "settings.realm"),
        ("banAccount", json!({ "username": "user\0", "reason": "x" }), "username"),
    ] {
        let refused = admin.mutate(mutation, input.clone(), "").await.refusal();
        assert!(refused.ends_with(&format!(" at {path}")), "{mutation} {input}: {refused}");
    }
}
