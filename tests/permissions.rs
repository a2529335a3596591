//! Who may do and see what: every field of Query, Mutation and Subscription, and every field of an object that not
//! everybody may read, really asked over HTTP as everybody.
//!
//! The rows come from the printed schema: a new field without a row, or a new type that nobody has put into its place,
//! fails. The table is committed; `UPDATE_SNAPSHOTS=1 cargo test --test suite -- permissions` writes it anew.

mod arguments;
mod asking;
mod objects;
mod people;
mod props;

use std::fmt::Write as _;

use async_graphql::parser::types::{FieldDefinition, TypeKind};

use crate::support::TestApp;
use arguments::Schema;
use asking::Cell;
use people::{Cast, Column};
use props::Props;

/// Where the table is kept.
const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots/permissions.txt");

/// The whole table, asked and compared with the committed one.
pub async fn everybody_is_asked_for_everything(app: TestApp) {
    let schema = Schema::printed();
    let cast = Cast::assemble(&app).await;
    let props = Props::set(&cast).await;
    let mut rows: Vec<(String, Vec<Cell>)> = Vec::new();
    for (root, fields) in [("Query", schema.fields("Query")), ("Mutation", schema.fields("Mutation"))] {
        for field in fields {
            let name = format!("{root}.{}", field.name.node);
            let mut cells = Vec::new();
            for column in Column::ALL {
                cells.push(asking::ask_root(&schema, &cast, &props, root, field, column).await);
            }
            rows.push((name, cells));
        }
    }
    for field in schema.fields("Subscription") {
        let mut cells = Vec::new();
        for column in Column::ALL {
            cells.push(asking::ask_subscription(&schema, &cast, &props, field, column).await);
        }
        rows.push((format!("Subscription.{}", field.name.node), cells));
    }
    for (object, path) in objects::PATHS {
        for field in schema.fields(object) {
            rows.push((objects::row_name(object, path, field), object_row(&schema, &cast, &props, path, field).await));
        }
    }
    let asked = table(&rows);
    objects::demand_every_type(&schema);
    demand_somebody(&rows);
    compare(&asked);
}

async fn object_row(schema: &Schema, cast: &Cast, props: &Props, path: &[&str], field: &FieldDefinition) -> Vec<Cell> {
    let mut cells = Vec::new();
    for column in Column::ALL {
        cells.push(asking::ask_object(schema, cast, props, path, field, column).await);
    }
    cells
}

/// A row in which nobody sees anything shows that the stage is bare, not that the field is guarded.
fn demand_somebody(rows: &[(String, Vec<Cell>)]) {
    let seen = |cells: &[Cell]| cells.iter().any(|cell| matches!(cell, Cell::Allowed));
    let bare: Vec<&str> = rows
        .iter()
        .filter(|(name, cells)| !seen(cells) && !objects::NOTHING_TO_SHOW.iter().any(|(row, _)| row == name))
        .map(|(name, _)| name.as_str())
        .collect();
    assert!(bare.is_empty(), "nobody is allowed in these rows; give the stage something to show: {bare:#?}");
    for (row, reason) in objects::NOTHING_TO_SHOW {
        let known = rows.iter().find(|(name, _)| name == row).is_some_and(|(_, cells)| !seen(cells));
        assert!(known, "{row} is said to show nothing ({reason}), but is not there or shows something");
    }
}

fn table(rows: &[(String, Vec<Cell>)]) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0) + 2;
    let mut text = String::from(
        "# Who may do and see what. allowed: done or shown. empty: shown, with nothing in it. absent: as if it were not there.\n\
         # denied: UNAUTHENTICATED for a guest, FORBIDDEN for others. Anything else is the error's code.\n\
         # user owns what is asked for; other is another user; the last six columns are keys of one scope each.\n\n",
    );
    let line = |name: &str, cells: &[String]| {
        let mut line = format!("{name:<width$}");
        for (cell, column) in cells.iter().zip(Column::ALL) {
            let _ = write!(line, "{cell:<wide$}", wide = column.width());
        }
        format!("{}\n", line.trim_end())
    };
    text += &line("", &Column::ALL.map(|column| column.title().to_owned()));
    let mut last = "";
    for (name, cells) in rows {
        let object = name.split('.').next().unwrap_or_default();
        if object != last {
            text.push('\n');
        }
        last = object;
        text += &line(name, &cells.iter().map(Cell::to_string).collect::<Vec<_>>());
    }
    text
}

fn compare(asked: &str) {
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(SNAPSHOT, asked).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(SNAPSHOT).unwrap_or_default();
    let changed: Vec<String> = asked
        .lines()
        .filter(|line| !committed.lines().any(|other| other == *line))
        .map(|line| format!("+ {line}"))
        .chain(
            committed.lines().filter(|line| !asked.lines().any(|other| other == *line)).map(|line| format!("- {line}")),
        )
        .collect();
    assert!(asked == committed, "the permissions are not the committed ones:\n{}", changed.join("\n"));
}

/// Whether a type is an object whose fields the schema lists.
fn is_object(kind: &TypeKind) -> bool {
    matches!(kind, TypeKind::Object(_))
}
