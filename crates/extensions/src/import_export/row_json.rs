//! The JSON of extensions: the rows of the CSV as an array of objects, the keys named as its columns.
//!
//! `permissions` is an array, `parameters` an object, `members` an array or null, `fallback_number` may be null.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::import_export::row::{COLUMNS, ExtensionRow, RawRow, RowFile, RowLimits, members_json, newlines};

/// The rows as JSON, one object a line, so that two exports can be compared line by line. [`read`] gives the same rows.
pub fn write<'a>(rows: impl IntoIterator<Item = &'a ExtensionRow>) -> String {
    let mut text = String::from("[");
    for (place, row) in rows.into_iter().enumerate() {
        text.push_str(if place == 0 { "\n" } else { ",\n" });
        text.push_str(&object(row).to_string());
    }
    text.push_str("\n]\n");
    text
}

/// One row as a JSON object.
pub fn object(row: &ExtensionRow) -> Value {
    json!({
        "number": row.number.as_str(),
        "service_type": row.service_type,
        "owner": row.owner,
        "label": row.label.as_str(),
        "visibility": row.visibility.as_str(),
        "permissions": row.permissions,
        "fallback_number": row.fallback_number.as_ref().map(AsRef::<str>::as_ref),
        "parameters": row.parameters,
        "members": row.members.as_deref().map(members_json),
    })
}

/// Reads rows from JSON. What is wrong is told with the line on which the row begins, and the key as its column.
pub fn read(bytes: &[u8], limits: RowLimits) -> RowFile {
    let mut file = RowFile::default();
    let Some(text) = file.text(bytes, limits) else { return file };
    let elements: Vec<&RawValue> = match serde_json::from_str(text) {
        Ok(elements) => elements,
        Err(error) => {
            file.fail(error.line().try_into().unwrap_or(1), None, "The file is not a JSON array of objects.");
            return file;
        }
    };
    let (mut line, mut place) = (1, 0);
    for (count, element) in elements.into_iter().enumerate() {
        let begin = element.get().as_ptr().addr() - text.as_ptr().addr();
        line += newlines(&text.as_bytes()[place..begin]);
        place = begin;
        if count >= limits.rows {
            file.fail(line, None, format!("The file holds more than {} rows.", limits.rows));
            break;
        }
        take_element(&mut file, line, element.get());
    }
    file.refuse_duplicates();
    file
}

/// The keys of an element, all of them optional, so that each that is missing can be told.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Element<'a> {
    number: Option<String>,
    service_type: Option<String>,
    owner: Option<String>,
    label: Option<String>,
    visibility: Option<String>,
    permissions: Option<Vec<String>>,
    fallback_number: Option<String>,
    #[serde(borrow)]
    parameters: Option<&'a RawValue>,
    #[serde(borrow)]
    members: Option<&'a RawValue>,
}

fn take_element(file: &mut RowFile, line: u64, text: &str) {
    let Ok(element) = serde_json::from_str::<Element<'_>>(text) else {
        file.fail(line, None, format!("A row is an object with the keys {}.", COLUMNS.join(", ")));
        return;
    };
    let present = [&element.number, &element.service_type, &element.owner, &element.label];
    for (column, value) in COLUMNS.iter().zip(present) {
        if value.is_none() {
            file.fail(line, Some(column), "This key is missing.");
        }
    }
    if present.iter().any(|value| value.is_none()) {
        return;
    }
    let raw = RawRow {
        number: element.number.unwrap_or_default(),
        service_type: element.service_type.unwrap_or_default(),
        owner: element.owner.unwrap_or_default(),
        label: element.label.unwrap_or_default(),
        visibility: element.visibility.unwrap_or_default(),
        permissions: element.permissions.unwrap_or_default(),
        fallback_number: element.fallback_number,
        parameters: element.parameters.map(|raw| raw.get().to_owned()).unwrap_or_default(),
        members: element.members.map(|raw| raw.get().to_owned()),
    };
    file.take(line, &raw);
}
