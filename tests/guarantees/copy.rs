//! The copy of a telephone system that knows no ids of ours, as most do: a table whose numbers and unique parameters are unique
//! columns.

use std::collections::{BTreeMap, BTreeSet};

use platform::feed_log::digest::FeedDigest;
use serde_json::{Value, json};

/// What a system holds, by number.
pub type Rows = BTreeMap<String, Value>;

/// The unique parameters of the demo's service types that these tests use.
const UNIQUE: &str = "ipei";

/// A copy, where it stands, and what it was told on the way.
#[derive(Clone, Default)]
pub struct Copy {
    pub rows: Rows,
    pub cursor: String,
    /// The changes that were told, as GraphQL has them.
    pub told: Vec<Value>,
    /// Why the cursor was refused, each time.
    pub resets: Vec<String>,
    /// Numbers whose records the system cannot apply.
    pub refused: BTreeSet<String>,
    /// The ids of those.
    failing: BTreeSet<String>,
}

/// What a system says that it could not apply.
pub const COMPLAINT: &str = "a line without a password";

impl Copy {
    /// Takes a snapshot's place.
    pub fn replace(&mut self, entries: Vec<Value>, head: &str) {
        self.rows.clear();
        self.write(entries.into_iter());
        head.clone_into(&mut self.cursor);
    }

    /// Applies a page in two phases: deletes whatever stands under all keys, then writes all that is there.
    pub fn apply(&mut self, changes: &[Value], cursor: &str) {
        for change in changes {
            for keys in change["keys"].as_array().into_iter().chain(change["previous"].as_array()).flatten() {
                self.delete(keys);
            }
        }
        self.write(changes.iter().map(|change| change["extension"].clone()).filter(|entry| !entry.is_null()));
        self.told.extend_from_slice(changes);
        cursor.clone_into(&mut self.cursor);
    }

    fn delete(&mut self, keys: &Value) {
        let of_value = &keys["parameters"][UNIQUE];
        self.rows.remove(keys["number"].as_str().unwrap());
        self.rows.retain(|_, row| of_value.is_null() || row["parameters"][UNIQUE] != *of_value);
    }

    /// What is written takes its keys from whoever has them.
    fn write(&mut self, entries: impl Iterator<Item = Value>) {
        for entry in entries {
            let number = entry["number"].as_str().unwrap().to_owned();
            self.delete(&entry);
            let id = entry["id"].as_str().unwrap().to_owned();
            if self.refused.contains(&number) {
                self.failing.insert(id);
            } else {
                self.failing.remove(&id);
                self.rows.insert(number, entry);
            }
        }
    }

    /// What the system reports with its position: its digest when it has everything, and what it could not apply.
    pub fn report(&self) -> (Value, Value) {
        let error = |id: &String| json!({ "extensionId": id, "code": "NO_PASSWORD", "message": COMPLAINT });
        let digest = if self.failing.is_empty() { json!(digest(&self.rows)) } else { Value::Null };
        (digest, self.failing.iter().map(error).collect())
    }
}

/// The sum to compare with the feed's.
pub fn digest(rows: &Rows) -> String {
    let mut sum = FeedDigest::default();
    for row in rows.values() {
        sum.add(row["id"].as_str().unwrap(), row["version"].as_str().unwrap());
    }
    sum.to_hex()
}

/// A change of `GET …/changes` or a web hook, as GraphQL has it.
pub fn of_http(change: &Value) -> Value {
    match change.get("upsert") {
        Some(entry) => json!({ "extension": entry, "previous": change["previous"] }),
        None => change["removal"].clone(),
    }
}

/// The entries and the head of a whole feed, which says itself that it is whole.
pub fn whole(body: &str) -> (Vec<Value>, String) {
    let mut lines: Vec<Value> = body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (first, last) = (lines.remove(0), lines.pop().unwrap());
    assert_eq!(last, json!({ "end": first["head"] }), "the feed was cut off");
    (lines, first["head"].as_str().unwrap().to_owned())
}
