//! What a feed tells, as the agent reads it.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::trouble::Trouble;

/// One extension, with everything that the feed shows.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// `Extension.id`.
    pub id: String,
    /// Differs after every change.
    pub version: String,
    /// Its number now.
    pub number: String,
    /// Whether calls are let through.
    pub active: bool,
    /// Every field under its template name (`ascii_label`), for parameters and templates.
    pub values: Value,
}

/// Under what a telephone system may know an extension.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Keys {
    /// A number.
    pub number: String,
    /// Parameters that are unique.
    #[serde(default)]
    pub parameters: Value,
}

impl Keys {
    /// As it is stored.
    pub fn to_json(&self) -> Value {
        serde_json::json!({ "number": self.number, "parameters": self.parameters })
    }
}

/// Something that has to be deleted under each of its keys.
#[derive(Clone, PartialEq, Debug)]
pub struct Deletion {
    /// `Extension.id`.
    pub id: String,
    /// Where it is known.
    pub slot: Option<i64>,
    pub keys: Vec<Keys>,
    /// What it is now; null when it is gone.
    pub now: Value,
}

impl Deletion {
    /// The values for each of the keys.
    pub fn values(&self) -> impl Iterator<Item = Value> {
        self.keys.iter().map(|keys| {
            serde_json::json!({ "id": self.id, "slot": self.slot, "number": keys.number, "parameters": keys.parameters,
                "now": self.now })
        })
    }
}

/// What has to be done in one go: first all deletions, then all upserts.
#[derive(Clone, Default, Debug)]
pub struct Batch {
    /// Extensions that are gone.
    pub removals: Vec<Deletion>,
    /// Keys that extensions bear no longer.
    pub previous: Vec<Deletion>,
    /// Extensions as they are now.
    pub upserts: Vec<Entry>,
    /// Where the copy stands afterwards.
    pub cursor: String,
    /// Whether `upserts` is all that there is.
    pub is_whole: bool,
}

impl Batch {
    /// Everything to delete before anything is written.
    pub fn deletions(&self) -> impl Iterator<Item = &Deletion> {
        self.removals.iter().chain(&self.previous)
    }

    /// Whether there is nothing to do.
    pub const fn is_empty(&self) -> bool {
        self.removals.is_empty() && self.previous.is_empty() && self.upserts.is_empty()
    }
}

/// The answer to "what has changed since".
#[derive(Clone, Debug)]
pub enum Answer {
    /// These changes; and whether there are more.
    Page { batch: Batch, has_more: bool },
    /// It cannot be told from there: a snapshot is needed.
    Reset(String),
    /// The event is archived.
    Closed,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageText {
    #[serde(default)]
    changes: Vec<ChangeText>,
    cursor: Option<String>,
    #[serde(default)]
    has_more: bool,
    reset: Option<String>,
}

#[derive(Deserialize)]
struct ChangeText {
    upsert: Option<Map<String, Value>>,
    #[serde(default)]
    previous: Vec<Keys>,
    removal: Option<RemovalText>,
}

#[derive(Deserialize)]
struct RemovalText {
    id: String,
    slot: Option<i64>,
    #[serde(default)]
    keys: Vec<Keys>,
}

impl Answer {
    /// Reads the JSON of a page of changes.
    ///
    /// # Errors
    /// [`Trouble::Passing`] for a text that is none: perhaps it was cut off, or a proxy answered.
    pub fn read(text: &[u8]) -> Result<Self, Trouble> {
        let page: PageText = serde_json::from_slice(text).map_err(|error| unreadable(&error.to_string()))?;
        match page.reset.as_deref() {
            Some("CLOSED") => return Ok(Self::Closed),
            Some(reason) => return Ok(Self::Reset(reason.to_owned())),
            None => {}
        }
        let cursor = page.cursor.ok_or_else(|| unreadable("it has no cursor"))?;
        let mut batch = Batch { cursor, ..Batch::default() };
        for change in page.changes {
            if let Some(fields) = change.upsert {
                let entry = Entry::read(fields)?;
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

fn unreadable(why: &str) -> Trouble {
    Trouble::passing(format!("the server's answer cannot be read: {why}"))
}

impl Entry {
    /// Reads an entry object.
    ///
    /// # Errors
    /// [`Trouble::Passing`] for an object without id, version or number.
    pub fn read(fields: Map<String, Value>) -> Result<Self, Trouble> {
        let values: Map<String, Value> =
            fields.into_iter().map(|(name, value)| (snake(&name), renamed(&name, value))).collect();
        let text = |name: &str| values.get(name).and_then(Value::as_str).map(str::to_owned);
        let (Some(id), Some(version), Some(number)) = (text("id"), text("version"), text("number")) else {
            return Err(unreadable("an entry has no id, version or number"));
        };
        let active = values.get("active").and_then(Value::as_bool).unwrap_or(true);
        Ok(Self { id, version, number, active, values: Value::Object(values) })
    }

    /// Under what the telephone system may know it once it is written.
    pub fn keys(&self) -> Keys {
        Keys { number: self.number.clone(), parameters: self.values["parameters"].clone() }
    }

    /// Where it stands in the feed.
    pub fn slot(&self) -> Option<i64> {
        self.values["slot"].as_i64()
    }
}

/// The fields of members have template names too; what is inside parameters is the schema's own.
fn renamed(field: &str, value: Value) -> Value {
    match (field, value) {
        ("members", Value::Array(members)) => {
            let member = |member: Value| match member {
                Value::Object(fields) => {
                    Value::Object(fields.into_iter().map(|(name, value)| (snake(&name), value)).collect())
                }
                other => other,
            };
            Value::Array(members.into_iter().map(member).collect())
        }
        (_, value) => value,
    }
}

/// `asciiLabel` → `ascii_label`.
fn snake(name: &str) -> String {
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
    fn a_page_is_read() {
        let page = json!({
            "changes": [
                { "upsert": { "id": "Extension:1", "version": "a", "number": "2342", "slot": 3, "asciiLabel": "X", "active": false,
                    "parameters": { "maxContacts": 2 }, "members": [{ "delaySeconds": 5 }] },
                  "previous": [{ "number": "2000", "parameters": { "mac": "00" } }] },
                { "removal": { "id": "Extension:2", "slot": 4, "keys": [{ "number": "2343", "parameters": {} }] } },
            ],
            "cursor": "c", "hasMore": true,
        });
        let Answer::Page { batch, has_more } = Answer::read(page.to_string().as_bytes()).unwrap() else { panic!() };
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
    fn resets_are_told_apart_and_garbage_passes() {
        assert!(matches!(Answer::read(br#"{"reset":"CLOSED"}"#), Ok(Answer::Closed)));
        assert!(matches!(Answer::read(br#"{"reset":"BULK"}"#), Ok(Answer::Reset(reason)) if reason == "BULK"));
        for text in ["", "<html>", "{}", r#"{"cursor":"c","changes":[{"upsert":{"id":"x"}}]}"#] {
            assert!(matches!(Answer::read(text.as_bytes()), Err(Trouble::Passing(_))), "{text}");
        }
    }
}
