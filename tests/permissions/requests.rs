//! The requests for a cell of the table, and what a response means.

use std::fmt;
use std::time::Duration;

use async_graphql::parser::types::FieldDefinition;
use serde_json::{Value, json};

use super::arguments::Schema;
use super::callers::{Caller, Callers};
use super::fixtures::{self, Fixtures};

/// What a caller gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cell {
    Allowed,
    Empty,
    Absent,
    Denied,
    /// Any other error, by its code.
    Refused(String),
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allowed => "allowed",
            Self::Empty => "empty",
            Self::Absent => "absent",
            Self::Denied => "denied",
            Self::Refused(code) => code,
        })
    }
}

/// Mutations that end the caller's session or account. A substitute of the caller's role runs them.
const SESSION_ENDING: [&str; 5] = ["signOut", "revokeAllSessions", "changePassword", "changeEmail", "deleteAccount"];

/// Requests of the callers for fields of the schema.
pub struct Requests<'a> {
    pub schema: &'a Schema,
    pub callers: &'a Callers,
    pub fixtures: &'a Fixtures,
}

impl Requests<'_> {
    /// Requests a field of `Query` or `Mutation`.
    pub async fn root_field(&self, root: &str, field: &FieldDefinition, caller: Caller) -> Cell {
        let name = field.name.node.as_str();
        let actor = if SESSION_ENDING.contains(&name) {
            let username = self.fixtures.get(self.callers, caller, "username").await;
            self.callers.substitute(caller, &username).await
        } else {
            self.callers.actor(caller)
        };
        let arguments = self.fill(caller, self.schema.arguments(root, field)).await;
        let operation = if root == "Query" { "query" } else { "mutation" };
        let selection = self.schema.selection(field);
        let body = actor.execute(&format!("{operation} {{ {name}{arguments} {selection} }}"), json!({})).await;
        rejection(&body, caller).unwrap_or_else(|| cell(&body["data"][name]))
    }

    /// Requests a field of an object that a path of fields leads to.
    pub async fn object_field(&self, path: &[&str], field: &FieldDefinition, caller: Caller) -> Cell {
        let object = super::objects::PATHS.iter().find(|(_, other)| *other == path).map(|(object, _)| *object).unwrap();
        let arguments = self.schema.arguments(object, field);
        let mut query = format!("{}{arguments} {}", field.name.node, self.schema.selection(field));
        for step in path.iter().rev() {
            query = format!("{step} {{ {query} }}");
        }
        let query = self.fill(caller, format!("{{ {query} }}")).await;
        let body = self.callers.actor(caller).execute(&query, json!({})).await;
        if let Some(cell) = rejection(&body, caller) {
            return cell;
        }
        let names = path.iter().copied().chain([field.name.node.as_str()]).filter(|step| !step.starts_with("..."));
        let names: Vec<&str> = names.map(|step| step.split(['(', ' ']).next().unwrap()).collect();
        most_visible(&body["data"], &names)
    }

    /// Opens a subscription and reads its first event. A registration causes one where the subscription does not start
    /// with an event.
    pub async fn subscription(&self, field: &FieldDefinition, caller: Caller) -> Cell {
        let name = field.name.node.as_str();
        let arguments = self.fill(caller, self.schema.arguments("Subscription", field)).await;
        let subscription = format!("subscription {{ {name}{arguments} {{ __typename }} }}");
        let user = self.callers.user.clone();
        let number = self.fixtures.get(self.callers, caller, "number").await;
        let registration = tokio::spawn(async move {
            // The response's head can arrive before the subscription reads its first state; nothing shows when it has.
            tokio::time::sleep(Duration::from_millis(300)).await;
            user.registers("sip", &number).await.ok();
        });
        let event = self.callers.actor(caller).subscribe(&subscription).await.next().await;
        registration.await.unwrap();
        rejection(&event, caller).unwrap_or_else(|| cell(&event["data"][name]))
    }

    /// Replaces the placeholders, such as `$extension`, by objects.
    async fn fill(&self, caller: Caller, template: String) -> String {
        let mut parts = template.split('$');
        let mut text = parts.next().unwrap_or_default().to_owned();
        // The unique digits are the same in all of one request.
        let digits = self.fixtures.get(self.callers, caller, "nnn").await;
        for part in parts {
            let end = part.find(|character: char| !character.is_ascii_alphabetic()).unwrap_or(part.len());
            let (placeholder, rest) = part.split_at(end);
            text += &match placeholder {
                "shownNumber" => fixtures::SHOWN.to_owned(),
                "heldNumber" => fixtures::HELD.to_owned(),
                "groupNumberShown" => fixtures::GROUP.to_owned(),
                "nnn" => digits.clone(),
                other => self.fixtures.get(self.callers, caller, other).await,
            };
            text += rest;
        }
        text
    }
}

/// The cell of the value at the end of a path. Of a list, the most visible element counts: one exposed element is a
/// leak.
fn most_visible(value: &Value, names: &[&str]) -> Cell {
    let [name, rest @ ..] = names else { return cell(value) };
    match (&value[*name], rest) {
        (Value::Null, _) => Cell::Absent,
        (Value::Array(list), [_, ..]) => {
            let cells: Vec<Cell> = list.iter().map(|value| most_visible(value, rest)).collect();
            let best = [Cell::Allowed, Cell::Empty].into_iter().find(|cell| cells.contains(cell));
            best.unwrap_or(Cell::Absent)
        }
        (value, rest) => most_visible(value, rest),
    }
}

/// The cell of an error that rejected the whole request.
fn rejection(body: &Value, caller: Caller) -> Option<Cell> {
    let code = body["errors"].as_array()?.first()?["extensions"]["code"].as_str().unwrap_or("none");
    let denial = if caller == Caller::Guest { "UNAUTHENTICATED" } else { "FORBIDDEN" };
    assert!(!code.starts_with("GRAPHQL"), "the request itself is invalid: {body}");
    Some(if code == denial { Cell::Denied } else { Cell::Refused(code.to_owned()) })
}

/// The cell of a field's value. The errors of a payload come first.
fn cell(value: &Value) -> Cell {
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
