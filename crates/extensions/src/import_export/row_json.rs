//! The JSON format of extensions: an array of objects, whose keys are the columns of the CSV format.
//!
//! `permissions` is an array, `parameters` an object, `members` an array or null, `fallback_number` a string or null.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::import_export::row::{COLUMNS, ExtensionRow, RawRow, RowFile, RowLimits, count_newlines, members_json};

/// Serializes rows as JSON, one object per line, so that a line-based diff of two exports works. [`read`] returns equal
/// rows.
pub fn write<'a>(rows: impl IntoIterator<Item = &'a ExtensionRow>) -> String {
    let mut text = String::from("[");
    for (index, row) in rows.into_iter().enumerate() {
        text.push_str(if index == 0 { "\n" } else { ",\n" });
        text.push_str(&object(row).to_string());
    }
    text.push_str("\n]\n");
    text
}

/// Converts a row to a JSON object.
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

/// Parses rows from JSON. A failure has the first line of its row, and the key as its column.
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
    let (mut line, mut position) = (1, 0);
    for (count, element) in elements.into_iter().enumerate() {
        let begin = element.get().as_ptr().addr() - text.as_ptr().addr();
        line += count_newlines(&text.as_bytes()[position..begin]);
        position = begin;
        if count >= limits.rows {
            file.fail(line, None, format!("The file holds more than {} rows.", limits.rows));
            break;
        }
        push_element(&mut file, line, element.get());
    }
    file.reject_duplicates();
    file
}

/// Keys of an array element. All are optional, so that every missing key is reported.
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

fn push_element(file: &mut RowFile, line: u64, text: &str) {
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
    file.push(line, &raw);
}
