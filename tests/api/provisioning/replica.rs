//! A replica of a feed, kept by the rules that every consumer has to follow.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Actor, ApiClient, Scope, string};

/// The fields of a feed entry, without secrets.
const ENTRY: &str = "id slot number label parameters permissions fallbackNumber active restrictions effects \
                     members { number delaySeconds paused active } ownerUsername visibility version";

/// A replica of one feed of the demo event, and the changes of its last update.
pub struct FeedReplica {
    client: ApiClient,
    service_type: &'static str,
    cursor: Value,
    /// The entries by id.
    pub entries: BTreeMap<String, Value>,
    /// The changes of the last call of [`Self::update`].
    pub changes: Vec<Value>,
}

impl FeedReplica {
    /// Replicas of these feeds, read with one new API key.
    pub async fn of_feeds<const N: usize>(admin: &Actor, service_types: [&'static str; N]) -> [Self; N] {
        let key = admin.creates_key(&[Scope::ReadConfig], &service_types).await;
        let mut replicas = Vec::new();
        for service_type in service_types {
            let client = key.client.clone();
            let (entries, cursor) = snapshot(&client, service_type).await;
            replicas.push(Self { client, service_type, cursor, entries, changes: Vec::new() });
        }
        replicas.try_into().unwrap_or_else(|_| panic!("one replica a feed"))
    }

    /// Reads the changes since the last update, page by page, and applies them.
    pub async fn update(&mut self) {
        let query = format!(
            "query($type: String!, $since: FeedCursor!) {{ provisioning(event: \"demo\", serviceType: $type) {{ \
             changes(since: $since, first: 50) {{ __typename ... on FeedPage {{ cursor hasMore changes {{ __typename \
             ... on FeedUpsert {{ extension {{ {ENTRY} }} previous {{ number }} }} \
             ... on FeedRemoval {{ id keys {{ number }} }} }} }} }} }} }}"
        );
        self.changes.clear();
        loop {
            let variables = json!({ "type": self.service_type, "since": self.cursor });
            let feed = self.client.query_with(&query, variables).await;
            let page = &feed["changes"];
            assert_eq!(page["__typename"], "FeedPage", "{feed}");
            self.apply(page["changes"].as_array().unwrap());
            self.cursor = page["cursor"].clone();
            if page["hasMore"] == false {
                return;
            }
        }
    }

    /// Applies a page in two phases, all removals before all upserts, so that no two entries ever have one number.
    fn apply(&mut self, changes: &[Value]) {
        for change in changes {
            let id = change["id"].as_str().or(change["extension"]["id"].as_str()).unwrap();
            self.entries.remove(id);
        }
        for change in changes.iter().filter(|change| change["__typename"] == "FeedUpsert") {
            let entry = &change["extension"];
            let duplicate = self.entries.values().find(|other| other["number"] == entry["number"]);
            assert!(duplicate.is_none(), "{entry} has the number of {duplicate:?}");
            self.entries.insert(string(&entry["id"]).to_owned(), entry.clone());
        }
        self.changes.extend(changes.iter().cloned());
    }

    /// Updates the replica and asserts that it equals a new snapshot, version by version.
    pub async fn assert_in_sync(&mut self) {
        self.update().await;
        let (entries, _) = snapshot(&self.client, self.service_type).await;
        assert_eq!(self.entries, entries, "the replica of {} differs from the snapshot", self.service_type);
    }

    /// The entry with this number.
    pub fn entry(&self, number: &str) -> &Value {
        let entry = self.entries.values().find(|entry| entry["number"] == number);
        entry.unwrap_or_else(|| panic!("{number} is not in the replica"))
    }

    /// The changes of the last update, sorted: an upsert as `number[previous,…]`, a removal as `-number,…`.
    pub fn last_changes(&self) -> Vec<String> {
        let numbers = |keys: &Value| -> String {
            keys.as_array().unwrap().iter().map(|key| string(&key["number"])).collect::<Vec<_>>().join(",")
        };
        let summary = |change: &Value| match change["__typename"].as_str() {
            Some("FeedRemoval") => format!("-{}", numbers(&change["keys"])),
            _ => format!("{}[{}]", string(&change["extension"]["number"]), numbers(&change["previous"])),
        };
        let mut summaries: Vec<_> = self.changes.iter().map(summary).collect();
        summaries.sort();
        summaries
    }
}

/// The entries of a feed by id, and the cursor of the snapshot.
async fn snapshot(client: &ApiClient, service_type: &str) -> (BTreeMap<String, Value>, Value) {
    let query = format!(
        "query($type: String!, $after: String) {{ provisioning(event: \"demo\", serviceType: $type) {{ \
         snapshot(first: 50, after: $after) {{ head pageInfo {{ hasNextPage endCursor }} entries {{ {ENTRY} }} }} }} }}"
    );
    let (mut entries, mut after) = (BTreeMap::new(), Value::Null);
    loop {
        let feed = client.query_with(&query, json!({ "type": service_type, "after": after })).await;
        let page = &feed["snapshot"];
        let rows = page["entries"].as_array().unwrap_or_else(|| panic!("{feed}"));
        entries.extend(rows.iter().map(|entry| (string(&entry["id"]).to_owned(), entry.clone())));
        if page["pageInfo"]["hasNextPage"] == false {
            return (entries, page["head"].clone());
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}
