//! A replica of a feed as most telephone systems keep it: a table without Switchboard's ids, whose numbers and unique
//! parameters are unique columns.

use std::collections::{BTreeMap, BTreeSet};

use platform::feed_log::digest::FeedDigest;
use serde_json::{Value, json};

/// The entries of a replica, by number.
pub type Rows = BTreeMap<String, Value>;

/// The unique parameter of the demo's service types that these tests use.
const UNIQUE_PARAMETER: &str = "ipei";

/// The message that a reader reports for a record that it cannot apply.
pub const REJECTION: &str = "a line without a password";

/// A replica with its cursor, and the log of what it received.
#[derive(Clone, Default)]
pub struct Replica {
    pub rows: Rows,
    pub cursor: String,
    /// The changes received, in the shape of GraphQL.
    pub received: Vec<Value>,
    /// The reason of each reset received.
    pub resets: Vec<String>,
    /// Numbers whose records the system cannot apply.
    pub rejected: BTreeSet<String>,
    /// The ids of the extensions that could not be applied.
    failed: BTreeSet<String>,
}

/// The full content of a feed and its head.
pub struct Snapshot {
    pub entries: Vec<Value>,
    pub head: String,
}

/// What a reader sends with an acknowledgement.
pub struct Report {
    /// The replica's digest; null while a record could not be applied.
    pub digest: Value,
    pub errors: Value,
}

impl Replica {
    /// Replaces the replica by a snapshot.
    pub fn replace(&mut self, snapshot: Snapshot) {
        self.rows.clear();
        self.write(snapshot.entries.into_iter());
        self.cursor = snapshot.head;
    }

    /// Applies a page in two phases: deletes the rows under all previous keys, then writes the upserts.
    pub fn apply(&mut self, changes: &[Value], cursor: &str) {
        for change in changes {
            for keys in change["keys"].as_array().into_iter().chain(change["previous"].as_array()).flatten() {
                self.delete(keys);
            }
        }
        self.write(changes.iter().map(|change| change["extension"].clone()).filter(|entry| !entry.is_null()));
        self.received.extend_from_slice(changes);
        cursor.clone_into(&mut self.cursor);
    }

    fn delete(&mut self, keys: &Value) {
        let unique = &keys["parameters"][UNIQUE_PARAMETER];
        self.rows.remove(keys["number"].as_str().unwrap());
        self.rows.retain(|_, row| unique.is_null() || row["parameters"][UNIQUE_PARAMETER] != *unique);
    }

    /// Writes entries; an entry displaces every row that has one of its keys.
    fn write(&mut self, entries: impl Iterator<Item = Value>) {
        for entry in entries {
            let number = entry["number"].as_str().unwrap().to_owned();
            self.delete(&entry);
            let id = entry["id"].as_str().unwrap().to_owned();
            if self.rejected.contains(&number) {
                self.failed.insert(id);
            } else {
                self.failed.remove(&id);
                self.rows.insert(number, entry);
            }
        }
    }

    /// The digest, unless a record could not be applied, and the errors.
    pub fn report(&self) -> Report {
        let error = |id: &String| json!({ "extensionId": id, "code": "NO_PASSWORD", "message": REJECTION });
        let digest = if self.failed.is_empty() { json!(digest(&self.rows)) } else { Value::Null };
        Report { digest, errors: self.failed.iter().map(error).collect() }
    }
}

/// The digest to compare with the feed's.
pub fn digest(rows: &Rows) -> String {
    let mut sum = FeedDigest::default();
    for row in rows.values() {
        sum.add(row["id"].as_str().unwrap(), row["version"].as_str().unwrap());
    }
    sum.to_hex()
}

/// Converts a change of `GET …/changes` or of a web hook to the shape of GraphQL.
pub fn change_from_http(change: &Value) -> Value {
    match change.get("upsert") {
        Some(entry) => json!({ "extension": entry, "previous": change["previous"] }),
        None => change["removal"].clone(),
    }
}

/// Parses a full feed (newline-delimited JSON), whose last line confirms that it is complete.
pub fn parse_full_feed(body: &str) -> Snapshot {
    let mut lines: Vec<Value> = body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (first, last) = (lines.remove(0), lines.pop().unwrap());
    assert_eq!(last, json!({ "end": first["head"] }), "the feed was cut off");
    Snapshot { entries: lines, head: first["head"].as_str().unwrap().to_owned() }
}
