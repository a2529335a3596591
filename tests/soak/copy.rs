//! A telephone system's copy, with unique numbers, as the plainest such system keeps it.

use std::collections::BTreeMap;

use platform::feed_log::digest::FeedDigest;
use serde_json::Value;

/// Number → id and version.
pub type Shown = BTreeMap<String, (String, String)>;

/// What a consumer has on its disk: rows and cursor change together.
#[derive(Clone, Default)]
pub struct Copy {
    pub cursor: Option<String>,
    pub rows: Shown,
}

/// A change, whichever way it was read.
pub enum Change {
    Upsert { number: String, id: String, version: String, previous: Vec<String> },
    Removal { keys: Vec<String> },
}

fn numbers(keys: &Value) -> Vec<String> {
    keys.as_array().unwrap().iter().map(|keys| text(&keys["number"])).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

impl Change {
    /// Reads a change of `GET …/changes` or a web hook.
    pub fn of_http(change: &Value) -> Self {
        match change.get("upsert") {
            Some(entry) => Self::upsert(entry, &change["previous"]),
            None => Self::Removal { keys: numbers(&change["removal"]["keys"]) },
        }
    }

    /// Reads a change of GraphQL.
    pub fn of_graphql(change: &Value) -> Self {
        match change.get("extension") {
            Some(entry) => Self::upsert(entry, &change["previous"]),
            None => Self::Removal { keys: numbers(&change["keys"]) },
        }
    }

    fn upsert(entry: &Value, previous: &Value) -> Self {
        Self::Upsert {
            number: text(&entry["number"]),
            id: text(&entry["id"]),
            version: text(&entry["version"]),
            previous: numbers(previous),
        }
    }
}

impl Copy {
    /// Applies a page in two phases and moves the cursor: all that has to go first, then all that is there.
    pub fn apply(&mut self, changes: &[Change], cursor: &str) {
        for change in changes {
            let (Change::Upsert { previous: gone, .. } | Change::Removal { keys: gone }) = change;
            for number in gone {
                self.rows.remove(number);
            }
        }
        for change in changes {
            if let Change::Upsert { number, id, version, .. } = change {
                self.rows.insert(number.clone(), (id.clone(), version.clone()));
            }
        }
        self.cursor = Some(cursor.to_owned());
    }

    /// Takes a snapshot's place.
    pub fn replace(&mut self, entries: &[Value], head: &str) {
        self.rows = shown(entries);
        self.cursor = Some(head.to_owned());
    }

    /// The sum to compare with the feed's.
    pub fn digest(&self) -> String {
        let mut sum = FeedDigest::default();
        for (id, version) in self.rows.values() {
            sum.add(id, version);
        }
        sum.to_hex()
    }
}

/// The rows of a snapshot's entries.
pub fn shown(entries: &[Value]) -> Shown {
    entries.iter().map(|entry| (text(&entry["number"]), (text(&entry["id"]), text(&entry["version"])))).collect()
}

/// The entries and the head of a whole feed; `None` when it was cut off.
pub fn whole(body: &str) -> Option<(Vec<Value>, String)> {
    let mut lines: Vec<Value> = body.lines().map(serde_json::from_str).collect::<Result<_, _>>().ok()?;
    let head = lines.first()?["head"].as_str()?.to_owned();
    let is_whole = lines.pop()?["end"] == head.as_str();
    is_whole.then(|| (lines.split_off(1), head))
}
