//! The replica of a simple telephone system: numbers are unique, and each row stores the entry's id and version.

use std::collections::BTreeMap;

use platform::feed_log::digest::FeedDigest;
use serde_json::Value;

/// The id and the version of an entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntryVersion {
    pub id: String,
    pub version: String,
}

/// The rows of a replica, by number.
pub type Rows = BTreeMap<String, EntryVersion>;

/// The state that a consumer keeps across kills; rows and cursor change together.
#[derive(Clone, Default)]
pub struct Replica {
    pub cursor: Option<String>,
    pub rows: Rows,
}

/// A change of the feed, from any transport.
pub enum Change {
    Upsert { number: String, entry: EntryVersion, previous: Vec<String> },
    Removal { keys: Vec<String> },
}

/// The content of a feed and its head.
pub struct Snapshot {
    pub entries: Vec<Value>,
    pub head: String,
}

fn numbers(keys: &Value) -> Vec<String> {
    keys.as_array().unwrap().iter().map(|keys| text(&keys["number"])).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

fn entry_version(entry: &Value) -> EntryVersion {
    EntryVersion { id: text(&entry["id"]), version: text(&entry["version"]) }
}

impl Change {
    /// Parses a change of `GET …/changes` or of a web hook.
    pub fn from_http(change: &Value) -> Self {
        match change.get("upsert") {
            Some(entry) => Self::upsert(entry, &change["previous"]),
            None => Self::Removal { keys: numbers(&change["removal"]["keys"]) },
        }
    }

    /// Parses a change of GraphQL.
    pub fn from_graphql(change: &Value) -> Self {
        match change.get("extension") {
            Some(entry) => Self::upsert(entry, &change["previous"]),
            None => Self::Removal { keys: numbers(&change["keys"]) },
        }
    }

    fn upsert(entry: &Value, previous: &Value) -> Self {
        Self::Upsert { number: text(&entry["number"]), entry: entry_version(entry), previous: numbers(previous) }
    }
}

impl Replica {
    /// Applies a page in two phases, and moves the cursor: first deletes all previous keys, then writes all upserts.
    pub fn apply(&mut self, changes: &[Change], cursor: &str) {
        for change in changes {
            let (Change::Upsert { previous: deleted, .. } | Change::Removal { keys: deleted }) = change;
            for number in deleted {
                self.rows.remove(number);
            }
        }
        for change in changes {
            if let Change::Upsert { number, entry, .. } = change {
                self.rows.insert(number.clone(), entry.clone());
            }
        }
        self.cursor = Some(cursor.to_owned());
    }

    /// Replaces the replica by a snapshot.
    pub fn replace(&mut self, snapshot: &Snapshot) {
        self.rows = snapshot.rows();
        self.cursor = Some(snapshot.head.clone());
    }

    /// The digest to compare with the feed's.
    pub fn digest(&self) -> String {
        let mut sum = FeedDigest::default();
        for entry in self.rows.values() {
            sum.add(&entry.id, &entry.version);
        }
        sum.to_hex()
    }
}

impl Snapshot {
    /// Parses a full feed (newline-delimited JSON); returns `None` when it is incomplete.
    pub fn parse(body: &str) -> Option<Self> {
        let mut lines: Vec<Value> = body.lines().map(serde_json::from_str).collect::<Result<_, _>>().ok()?;
        let head = lines.first()?["head"].as_str()?.to_owned();
        let is_complete = lines.pop()?["end"] == head.as_str();
        is_complete.then(|| Self { entries: lines.split_off(1), head })
    }

    /// The rows of the entries.
    pub fn rows(&self) -> Rows {
        self.entries.iter().map(|entry| (text(&entry["number"]), entry_version(entry))).collect()
    }
}
