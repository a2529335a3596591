//! A telephone system that knows no ids of ours, as most do: a table whose numbers and unique parameters are unique columns.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::Asker;

/// All that a feed shows of an extension.
const ENTRY: &str = "id slot number label asciiLabel parameters secrets digests permissions fallbackNumber active restrictions effects \
                     members { number delaySeconds paused active } ownerUsername visibility version updatedAt";

/// A system, its copy, and where it stands.
#[derive(Clone)]
pub struct System {
    pub key: Asker,
    pub event: String,
    pub service_type: String,
    pub cursor: Value,
    /// What it holds, by number.
    pub rows: BTreeMap<String, Value>,
}

impl System {
    /// Takes a snapshot.
    pub async fn new(key: &Asker, event: &str, service_type: &str) -> Self {
        let mut system = Self {
            key: key.clone(),
            event: event.to_owned(),
            service_type: service_type.to_owned(),
            cursor: Value::Null,
            rows: BTreeMap::new(),
        };
        let (rows, head) = system.snapshot().await;
        (system.rows, system.cursor) = (rows, head);
        system
    }

    /// The service type's slug.
    pub fn service_type(&self) -> &str {
        &self.service_type
    }

    /// One page of a snapshot behind `after`.
    pub async fn snapshot_page(&self, first: usize, after: &Value) -> Value {
        let query = format!(
            "query($e: String!, $t: String!, $f: Int!, $a: String) {{ provisioning(event: $e, serviceType: $t) \
             {{ snapshot(first: $f, after: $a) {{ head totalCount pageInfo {{ hasNextPage endCursor }} entries {{ {ENTRY} }} }} }} }}"
        );
        let variables = json!({ "e": self.event, "t": self.service_type, "f": first, "a": after });
        self.key.does(&query, variables).await["snapshot"].clone()
    }

    async fn snapshot(&self) -> (BTreeMap<String, Value>, Value) {
        let (mut rows, mut after, mut head) = (BTreeMap::new(), Value::Null, Value::Null);
        loop {
            let page = self.snapshot_page(500, &after).await;
            if head.is_null() {
                head = page["head"].clone();
            }
            write(&mut rows, page["entries"].as_array().unwrap().iter().cloned());
            if page["pageInfo"]["hasNextPage"] == false {
                return (rows, head);
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
    }

    /// What a cursor's feed answers: a page or a reset.
    pub async fn answer(&self, since: &Value, first: usize) -> Value {
        let query = format!(
            "query($e: String!, $t: String!, $s: FeedCursor!, $f: Int!) {{ provisioning(event: $e, serviceType: $t) {{ changes(since: $s, first: $f) {{ \
             ... on FeedReset {{ reason }} ... on FeedPage {{ cursor hasMore changes {{ \
             ... on FeedUpsert {{ extension {{ {ENTRY} }} previous {{ number parameters }} }} \
             ... on FeedRemoval {{ id slot keys {{ number parameters }} }} }} }} }} }} }}"
        );
        let variables = json!({ "e": self.event, "t": self.service_type, "s": since, "f": first });
        self.key.does(&query, variables).await["changes"].clone()
    }

    /// Why its cursor is refused, if it is.
    pub async fn reset(&self) -> Value {
        self.answer(&self.cursor, 50).await["reason"].clone()
    }

    /// Reads on to the end, applies it, and gives the changes.
    pub async fn reads_on(&mut self) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let page = self.answer(&self.cursor, 50).await;
            let changes = page["changes"].as_array().unwrap_or_else(|| panic!("a reset: {page}"));
            self.apply(changes);
            self.cursor = page["cursor"].clone();
            all.extend(changes.iter().cloned());
            if page["hasMore"] == false {
                return all;
            }
        }
    }

    /// Applies a page in two phases: deletes whatever stands under all keys, then writes all that is there.
    pub fn apply(&mut self, changes: &[Value]) {
        for change in changes {
            for keys in change["keys"].as_array().into_iter().chain(change["previous"].as_array()).flatten() {
                self.rows.remove(keys["number"].as_str().unwrap());
                self.rows.retain(|_, row| !shares(&row["parameters"], &keys["parameters"]));
            }
        }
        write(
            &mut self.rows,
            changes.iter().map(|change| change["extension"].clone()).filter(|entry| !entry.is_null()),
        );
    }

    /// Reads on, and demands that its copy is then what a snapshot shows. Gives the changes.
    pub async fn is_in_step(&mut self) -> Vec<Value> {
        let changes = self.reads_on().await;
        let (truth, _) = self.snapshot().await;
        assert_eq!(self.rows, truth, "the copy of {}/{} is not what holds", self.event, self.service_type);
        changes
    }

    /// As [`Self::is_in_step`], and something must have been told.
    pub async fn is_told(&mut self, what: &str) -> Vec<Value> {
        let changes = self.is_in_step().await;
        assert!(!changes.is_empty(), "{}/{} is not told: {what}", self.event, self.service_type);
        changes
    }
}

/// Whether a row has one of these values of unique parameters.
fn shares(row: &Value, keys: &Value) -> bool {
    keys.as_object().unwrap().iter().any(|(name, value)| row[name] == *value)
}

fn write(rows: &mut BTreeMap<String, Value>, entries: impl Iterator<Item = Value>) {
    for entry in entries {
        rows.insert(entry["number"].as_str().unwrap().to_owned(), entry);
    }
}
