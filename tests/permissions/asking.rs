//! Asking, and what an answer means.

use std::fmt;
use std::time::Duration;

use async_graphql::parser::types::FieldDefinition;
use serde_json::{Value, json};

use super::arguments::Schema;
use super::people::{Cast, Column};
use super::props::{self, Props};

/// What somebody got.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cell {
    Allowed,
    Empty,
    Absent,
    AuthError,
    /// Any other error, by its code.
    Refused(String),
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allowed => "allowed",
            Self::Empty => "empty",
            Self::Absent => "absent",
            Self::AuthError => "denied",
            Self::Refused(code) => code,
        })
    }
}

/// Mutations after which whoever asked is not the same: they are asked by somebody made for it.
const SPENT: [&str; 5] = ["signOut", "revokeAllSessions", "changePassword", "changeEmail", "deleteAccount"];

/// Asks for a field of Query or Mutation.
pub async fn ask_root(
    schema: &Schema,
    cast: &Cast,
    props: &Props,
    root: &str,
    field: &FieldDefinition,
    column: Column,
) -> Cell {
    let name = field.name.node.as_str();
    let person = match SPENT.contains(&name) {
        true => cast.understudy(column, &props.get(cast, column, "username").await).await,
        false => cast.person(column),
    };
    let arguments = filled(cast, props, column, schema.arguments(root, field)).await;
    let operation = if root == "Query" { "query" } else { "mutation" };
    let answer =
        person.execute(&format!("{operation} {{ {name}{arguments} {} }}", schema.selection(field)), json!({})).await;
    top(&answer, column).unwrap_or_else(|| shown(&answer["data"][name]))
}

/// Asks for a field of an object that is found along `path`.
pub async fn ask_object(
    schema: &Schema,
    cast: &Cast,
    props: &Props,
    path: &[&str],
    field: &FieldDefinition,
    column: Column,
) -> Cell {
    let object = super::objects::PATHS.iter().find(|(_, known)| *known == path).map(|(object, _)| *object).unwrap();
    let arguments = schema.arguments(object, field);
    let mut query = format!("{}{arguments} {}", field.name.node, schema.selection(field));
    for step in path.iter().rev() {
        query = format!("{step} {{ {query} }}");
    }
    let query = filled(cast, props, column, format!("{{ {query} }}")).await;
    let answer = cast.person(column).execute(&query, json!({})).await;
    if let Some(cell) = top(&answer, column) {
        return cell;
    }
    let names = path.iter().copied().chain([field.name.node.as_str()]).filter(|step| !step.starts_with("..."));
    let names: Vec<&str> = names.map(|step| step.split(['(', ' ']).next().unwrap()).collect();
    most_shown(&answer["data"], &names)
}

/// What is found along the names. Of a list, whatever shows most decides: one thing that leaks is a leak.
fn most_shown(value: &Value, names: &[&str]) -> Cell {
    let [name, rest @ ..] = names else { return shown(value) };
    match (&value[*name], rest) {
        (Value::Null, _) => Cell::Absent,
        (Value::Array(list), [_, ..]) => {
            let cells: Vec<Cell> = list.iter().map(|value| most_shown(value, rest)).collect();
            let best = [Cell::Allowed, Cell::Empty].into_iter().find(|cell| cells.contains(cell));
            best.unwrap_or(Cell::Absent)
        }
        (value, rest) => most_shown(value, rest),
    }
}

/// Follows a subscription until its first event, which a registration brings about where none comes at once.
pub async fn ask_subscription(
    schema: &Schema,
    cast: &Cast,
    props: &Props,
    field: &FieldDefinition,
    column: Column,
) -> Cell {
    let name = field.name.node.as_str();
    let arguments = filled(cast, props, column, schema.arguments("Subscription", field)).await;
    let query = format!("subscription {{ {name}{arguments} {{ __typename }} }}");
    let (person, user) = (cast.person(column), cast.user.clone());
    let number = props.get(cast, column, "number").await;
    let stirring = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        user.registers("sip", &number).await;
    });
    let answer = person.subscribe(&query).await.next().await;
    stirring.await.unwrap();
    top(&answer, column).unwrap_or_else(|| shown(&answer["data"][name]))
}

/// Puts things from the stage in the place of their names.
async fn filled(cast: &Cast, props: &Props, column: Column, template: String) -> String {
    let mut parts = template.split('$');
    let mut text = parts.next().unwrap_or_default().to_owned();
    // The digits of one question are the same wherever they stand in it.
    let digits = props.get(cast, column, "nnn").await;
    for part in parts {
        let end = part.find(|character: char| !character.is_ascii_alphabetic()).unwrap_or(part.len());
        let (name, rest) = part.split_at(end);
        text += &match name {
            "shownNumber" => props::SHOWN.to_owned(),
            "heldNumber" => props::HELD.to_owned(),
            "groupNumberShown" => props::GROUP.to_owned(),
            "nnn" => digits.clone(),
            name => props.get(cast, column, name).await,
        };
        text += rest;
    }
    text
}

/// What an error at the top of the answer means.
fn top(answer: &Value, column: Column) -> Option<Cell> {
    let code = answer["errors"].as_array()?.first()?["extensions"]["code"].as_str().unwrap_or("none");
    let denial = if column == Column::Guest { "UNAUTHENTICATED" } else { "FORBIDDEN" };
    assert!(!code.starts_with("GRAPHQL"), "the question itself is wrong: {answer}");
    Some(if code == denial { Cell::AuthError } else { Cell::Refused(code.to_owned()) })
}

/// What a value means: a payload's errors first.
fn shown(value: &Value) -> Cell {
    let error = value["errors"].as_array().and_then(|errors| errors.first()).and_then(|error| error["code"].as_str());
    match (error, value) {
        (Some("NOT_FOUND"), _) | (None, Value::Null) => Cell::Absent,
        (Some(code), _) => Cell::Refused(code.to_owned()),
        (None, Value::Array(list)) if list.is_empty() => Cell::Empty,
        (None, Value::Object(object)) if object.is_empty() => Cell::Empty,
        (None, value) if value["nodes"] == json!([]) => Cell::Empty,
        _ => Cell::Allowed,
    }
}
