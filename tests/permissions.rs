//! The permissions: every field of Query, Mutation and Subscription, and every field of an object that not every caller
//! may read, requested over HTTP by every kind of caller.
//!
//! The rows come from the printed schema: a new field without a row, or a new type without an entry in `objects.rs`,
//! fails. The table is committed; `UPDATE_SNAPSHOTS=1 cargo test --test suite -- permissions` writes it.

mod arguments;
mod callers;
mod fixtures;
pub mod hostile_texts;
mod objects;
mod requests;

use std::fmt::Write as _;

use async_graphql::parser::types::FieldDefinition;

use crate::support::TestApp;
use arguments::Schema;
use callers::{Caller, Callers};
use fixtures::Fixtures;
use requests::{Cell, Requests};

/// The committed table.
const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots/permissions.txt");

/// The head of the table.
const LEGEND: &str = "\
# What each caller gets.
# allowed: the operation succeeds, or the value is shown. empty: an empty list or object.
# absent: the response of an object that does not exist. denied: UNAUTHENTICATED for a guest, FORBIDDEN for others.
# Anything else is an error code.
# user owns the objects; other is another account; the last six callers are keys of one scope each.

";

/// A row of the table: a field, and what each caller gets.
struct Row {
    name: String,
    cells: Vec<Cell>,
}

impl Row {
    fn is_shown_to_a_caller(&self) -> bool {
        self.cells.contains(&Cell::Allowed)
    }
}

pub async fn every_field_has_the_committed_permissions(app: TestApp) {
    let schema = Schema::printed();
    let callers = Callers::sign_in(&app).await;
    let fixtures = Fixtures::create(&callers).await;
    let requests = Requests { schema: &schema, callers: &callers, fixtures: &fixtures };
    let mut rows = Vec::new();
    for root in ["Query", "Mutation"] {
        for field in schema.fields(root) {
            rows.push(root_row(&requests, root, field).await);
        }
    }
    for field in schema.fields("Subscription") {
        rows.push(subscription_row(&requests, field).await);
    }
    for (object, path) in objects::PATHS {
        for field in schema.fields(object) {
            rows.push(object_row(&requests, object, path, field).await);
        }
    }
    let table = table(&rows);
    objects::assert_every_type_is_listed(&schema);
    assert_each_row_is_shown(&rows);
    assert_committed(&table);
}

async fn root_row(requests: &Requests<'_>, root: &str, field: &FieldDefinition) -> Row {
    let mut cells = Vec::new();
    for caller in Caller::ALL {
        cells.push(requests.root_field(root, field, caller).await);
    }
    Row { name: format!("{root}.{}", field.name.node), cells }
}

async fn subscription_row(requests: &Requests<'_>, field: &FieldDefinition) -> Row {
    let mut cells = Vec::new();
    for caller in Caller::ALL {
        cells.push(requests.subscription(field, caller).await);
    }
    Row { name: format!("Subscription.{}", field.name.node), cells }
}

async fn object_row(requests: &Requests<'_>, object: &str, path: &[&str], field: &FieldDefinition) -> Row {
    let mut cells = Vec::new();
    for caller in Caller::ALL {
        cells.push(requests.object_field(path, field, caller).await);
    }
    Row { name: objects::row_name(object, path, field), cells }
}

/// Asserts that each row shows a value to a caller. A row without one lacks a fixture and proves nothing.
fn assert_each_row_is_shown(rows: &[Row]) {
    let empty: Vec<&str> = rows
        .iter()
        .filter(|row| !row.is_shown_to_a_caller() && !objects::EMPTY_ROWS.iter().any(|(name, _)| *name == row.name))
        .map(|row| row.name.as_str())
        .collect();
    assert!(empty.is_empty(), "no caller is allowed in these rows; add a fixture with a value to show: {empty:#?}");
    for (name, reason) in objects::EMPTY_ROWS {
        let row = rows.iter().find(|row| row.name == *name);
        let is_empty = row.is_some_and(|row| !row.is_shown_to_a_caller());
        assert!(is_empty, "{name} is listed as empty ({reason}), but is missing or shows a value");
    }
}

fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0) + 2;
    let mut text = LEGEND.to_owned();
    let line = |name: &str, cells: &[String]| {
        let mut line = format!("{name:<width$}");
        for (cell, caller) in cells.iter().zip(Caller::ALL) {
            let _ = write!(line, "{cell:<wide$}", wide = caller.width());
        }
        format!("{}\n", line.trim_end())
    };
    text += &line("", &Caller::ALL.map(|caller| caller.title().to_owned()));
    let mut previous_object = "";
    for Row { name, cells } in rows {
        let object = name.split('.').next().unwrap_or_default();
        if object != previous_object {
            text.push('\n');
        }
        previous_object = object;
        text += &line(name, &cells.iter().map(Cell::to_string).collect::<Vec<_>>());
    }
    text
}

fn assert_committed(table: &str) {
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(SNAPSHOT, table).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(SNAPSHOT).unwrap_or_default();
    let changed: Vec<String> = table
        .lines()
        .filter(|line| !committed.lines().any(|other| other == *line))
        .map(|line| format!("+ {line}"))
        .chain(
            committed.lines().filter(|line| !table.lines().any(|other| other == *line)).map(|line| format!("- {line}")),
        )
        .collect();
    assert!(table == committed, "the permissions differ from {SNAPSHOT}:\n{}", changed.join("\n"));
}
