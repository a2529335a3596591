//! Entries and change pages of a feed, as the agent reads them.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::AgentError;

/// One extension with every field that the feed contains.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// `Extension.id`.
    pub id: String,
    /// Changes with every change of the extension.
    pub version: String,
    pub number: String,
    /// Whether calls are permitted.
    pub active: bool,
    /// Every field under its template name (`ascii_label`), for SQL parameters and templates.
    pub values: Value,
}

/// The keys under which a telephone system stores an extension.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Keys {
    pub number: String,
    /// Parameters that are unique within the service type.
    #[serde(default)]
    pub parameters: Value,
}

impl Keys {
    /// Returns the stored form.
    pub fn to_json(&self) -> Value {
        serde_json::json!({ "number": self.number, "parameters": self.parameters })
    }
}

/// Deletion of an extension under each of its keys.
#[derive(Clone, PartialEq, Debug)]
pub struct Deletion {
    /// `Extension.id`.
    pub id: String,
    /// Position in the feed, if it is known.
    pub slot: Option<i64>,
    pub keys: Vec<Keys>,
    /// The extension's current fields; null when the extension was removed.
    pub now: Value,
}

impl Deletion {
    /// Returns the values of SQL parameters and templates for each of the keys.
    pub fn values(&self) -> impl Iterator<Item = Value> {
        self.keys.iter().map(|keys| {
            serde_json::json!({ "id": self.id, "slot": self.slot, "number": keys.number, "parameters": keys.parameters,
                "now": self.now })
        })
    }
}

/// Changes that are applied together: first all deletions, then all upserts.
#[derive(Clone, Default, Debug)]
pub struct Batch {
    /// Extensions that were removed.
    pub removals: Vec<Deletion>,
    /// Previous keys of extensions that still exist.
    pub previous: Vec<Deletion>,
    /// Current state of new and changed extensions.
    pub upserts: Vec<Entry>,
    /// Cursor of the replica after this batch.
    pub cursor: String,
    /// Whether `upserts` contains every extension of the feed.
    pub is_snapshot: bool,
}

impl Batch {
    /// Returns every deletion, in the order of application.
    pub fn deletions(&self) -> impl Iterator<Item = &Deletion> {
        self.removals.iter().chain(&self.previous)
    }

    /// Returns whether the batch contains no change.
    pub const fn is_empty(&self) -> bool {
        self.removals.is_empty() && self.previous.is_empty() && self.upserts.is_empty()
    }
}

/// Response to a request for the changes since a cursor.
#[derive(Clone, Debug)]
pub enum Changes {
    /// A page of changes.
    Page { batch: Batch, has_more: bool },
    /// The changes since the cursor are unknown, for this reason: a snapshot is required.
    Reset(String),
    /// The event is archived.
    Closed,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPage {
    #[serde(default)]
    changes: Vec<RawChange>,
    cursor: Option<String>,
    #[serde(default)]
    has_more: bool,
    reset: Option<String>,
}

#[derive(Deserialize)]
struct RawChange {
    upsert: Option<Map<String, Value>>,
    #[serde(default)]
    previous: Vec<Keys>,
    removal: Option<RawRemoval>,
}

#[derive(Deserialize)]
struct RawRemoval {
    id: String,
    slot: Option<i64>,
    #[serde(default)]
    keys: Vec<Keys>,
}

impl Changes {
    /// Parses the JSON of a page of changes.
    ///
    /// # Errors
    /// [`AgentError::Transient`] for invalid JSON, as from a truncated response or a proxy's error page.
    pub fn parse(text: &[u8]) -> Result<Self, AgentError> {
        let page: RawPage = serde_json::from_slice(text).map_err(|error| invalid(&error.to_string()))?;
        match page.reset.as_deref() {
            Some("CLOSED") => return Ok(Self::Closed),
            Some(reason) => return Ok(Self::Reset(reason.to_owned())),
            None => {}
        }
        let cursor = page.cursor.ok_or_else(|| invalid("it has no cursor"))?;
        let mut batch = Batch { cursor, ..Batch::default() };
        for change in page.changes {
            if let Some(fields) = change.upsert {
                let entry = Entry::parse(fields)?;
                if !change.previous.is_empty() {
                    let slot = entry.values["slot"].as_i64();
                    let (id, now) = (entry.id.clone(), entry.values.clone());
                    batch.previous.push(Deletion { id, slot, keys: change.previous, now });
                }
                batch.upserts.push(entry);
            } else if let Some(removal) = change.removal {
                batch.removals.push(Deletion {
                    id: removal.id,
                    slot: removal.slot,
                    keys: removal.keys,
                    now: Value::Null,
                });
            }
        }
        Ok(Self::Page { batch, has_more: page.has_more })
    }
}

fn invalid(reason: &str) -> AgentError {
    AgentError::transient(format!("the server's response is invalid: {reason}"))
}

impl Entry {
    /// Parses an entry object.
    ///
    /// # Errors
    /// [`AgentError::Transient`] for an object without id, version or number.
    pub fn parse(fields: Map<String, Value>) -> Result<Self, AgentError> {
        let values: Map<String, Value> =
            fields.into_iter().map(|(name, value)| (to_snake_case(&name), with_template_names(&name, value))).collect();
        let text = |name: &str| values.get(name).and_then(Value::as_str).map(str::to_owned);
        let (Some(id), Some(version), Some(number)) = (text("id"), text("version"), text("number")) else {
            return Err(invalid("an entry has no id, version or number"));
        };
        let active = values.get("active").and_then(Value::as_bool).unwrap_or(true);
        Ok(Self { id, version, number, active, values: Value::Object(values) })
    }

    /// Returns the keys under which the telephone system stores this entry.
    pub fn keys(&self) -> Keys {
        Keys { number: self.number.clone(), parameters: self.values["parameters"].clone() }
    }

    /// Returns the position in the feed.
    pub fn slot(&self) -> Option<i64> {
        self.values["slot"].as_i64()
    }
}

/// Renames the fields of members, too. The names inside `parameters` come from the service type's schema and stay.
fn with_template_names(field: &str, value: Value) -> Value {
    match (field, value) {
        ("members", Value::Array(members)) => {
            let member = |member: Value| match member {
                Value::Object(fields) => {
                    Value::Object(fields.into_iter().map(|(name, value)| (to_snake_case(&name), value)).collect())
                }
                other => other,
            };
            Value::Array(members.into_iter().map(member).collect())
        }
        (_, value) => value,
    }
}

/// Converts `asciiLabel` to `ascii_label`.
fn to_snake_case(name: &str) -> String {
    name.chars().fold(String::with_capacity(name.len() + 2), |mut text, letter| {
        if letter.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
        text
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parses_a_page() {
        let page = json!({
            "changes": [
                { "upsert": { "id": "Extension:1", "version": "a", "number": "2342", "slot": 3, "asciiLabel": "X",
                    "active": false, "parameters": { "maxContacts": 2 }, "members": [{ "delaySeconds": 5 }] },
                  "previous": [{ "number": "2000", "parameters": { "mac": "00" } }] },
                { "removal": { "id": "Extension:2", "slot": 4, "keys": [{ "number": "2343", "parameters": {} }] } },
            ],
            "cursor": "c", "hasMore": true,
        });
        let Changes::Page { batch, has_more } = Changes::parse(page.to_string().as_bytes()).unwrap() else { panic!() };
        assert!(has_more && batch.cursor == "c" && !batch.upserts[0].active);
        assert_eq!(batch.upserts[0].values["ascii_label"], "X");
        assert_eq!(batch.upserts[0].values["parameters"]["maxContacts"], 2);
        assert_eq!(batch.upserts[0].values["members"][0]["delay_seconds"], 5);
        let deleted: Vec<Value> = batch.deletions().flat_map(Deletion::values).collect();
        let now = &batch.upserts[0].values;
        let expected = json!([
            { "id": "Extension:2", "slot": 4, "number": "2343", "parameters": {}, "now": null },
            { "id": "Extension:1", "slot": 3, "number": "2000", "parameters": { "mac": "00" }, "now": now },
        ]);
        assert_eq!(Value::Array(deleted), expected);
    }

    #[test]
    fn distinguishes_resets_and_treats_invalid_json_as_transient() {
        assert!(matches!(Changes::parse(br#"{"reset":"CLOSED"}"#), Ok(Changes::Closed)));
        assert!(matches!(Changes::parse(br#"{"reset":"BULK"}"#), Ok(Changes::Reset(reason)) if reason == "BULK"));
        for text in ["", "<html>", "{}", r#"{"cursor":"c","changes":[{"upsert":{"id":"x"}}]}"#] {
            assert!(matches!(Changes::parse(text.as_bytes()), Err(AgentError::Transient(_))), "{text}");
        }
    }
}
