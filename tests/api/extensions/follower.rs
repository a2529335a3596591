//! A telephone system's copy of a feed, kept by the rules that a consumer has to follow.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::Actor;

/// What the feed shows of an extension; secrets are not asked for.
const ENTRY: &str = "id slot number label parameters permissions fallbackNumber active restrictions effects members { number delaySeconds paused active } ownerUsername visibility version";

/// A copy of one feed, and what it was told since it was made.
pub struct Follower {
    key: Actor,
    service_type: &'static str,
    cursor: Value,
    /// The entries by id.
    pub entries: BTreeMap<String, Value>,
    /// The page of changes that came last.
    pub last: Vec<Value>,
}

/// A key that reads these feeds of the demo event.
pub async fn key(admin: &Actor, service_types: &[&str]) -> Actor {
    let create = "mutation($t: [String!]!) { createApiKey(input: {label: \"pbx\", scopes: [READ_CONFIG], serviceTypes: $t, events: [\"demo\"]}) { secret errors { code } } }";
    let made = admin.execute(create, json!({ "t": service_types })).await;
    let secret = made["data"]["createApiKey"]["secret"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
    admin.app.with_token(&secret)
}

impl Follower {
    /// A copy of the feed as it is now.
    pub async fn start(key: &Actor, service_type: &'static str) -> Self {
        let (entries, cursor) = snapshot(key, service_type).await;
        Self { key: key.clone(), service_type, cursor, entries, last: Vec::new() }
    }

    /// Reads what has changed since, page by page, and brings the copy into step.
    pub async fn catch_up(&mut self) {
        let query = format!(
            "query($t: String!, $s: FeedCursor!) {{ provisioning(event: \"demo\", serviceType: $t) {{ changes(since: $s, first: 50) {{ __typename ... on FeedPage {{ cursor hasMore \
             changes {{ __typename ... on FeedUpsert {{ extension {{ {ENTRY} }} previous {{ number }} }} ... on FeedRemoval {{ id keys {{ number }} }} }} }} }} }} }}"
        );
        self.last.clear();
        loop {
            let answer = self.key.execute(&query, json!({ "t": self.service_type, "s": self.cursor })).await;
            let page = &answer["data"]["provisioning"]["changes"];
            assert_eq!(page["__typename"], "FeedPage", "{answer}");
            self.apply(page["changes"].as_array().unwrap());
            self.cursor = page["cursor"].clone();
            if page["hasMore"] == false {
                return;
            }
        }
    }

    /// Deletes first, then writes: no two entries of a copy may ever have one number.
    fn apply(&mut self, changes: &[Value]) {
        for change in changes {
            let id = change["id"].as_str().or(change["extension"]["id"].as_str()).unwrap();
            self.entries.remove(id);
        }
        for change in changes.iter().filter(|change| change["__typename"] == "FeedUpsert") {
            let entry = &change["extension"];
            let rival = self.entries.values().find(|other| other["number"] == entry["number"]);
            assert!(rival.is_none(), "{entry} has the number of {rival:?}");
            self.entries.insert(entry["id"].as_str().unwrap().to_owned(), entry.clone());
        }
        self.last.extend(changes.iter().cloned());
    }

    /// Catches up, and demands that the copy is what the feed shows, version by version.
    pub async fn demand_state(&mut self) {
        self.catch_up().await;
        let (state, _) = snapshot(&self.key, self.service_type).await;
        assert_eq!(self.entries, state, "the copy of {} differs from the state", self.service_type);
    }

    /// The entry of a number.
    pub fn entry(&self, number: &str) -> &Value {
        let found = self.entries.values().find(|entry| entry["number"] == number);
        found.unwrap_or_else(|| panic!("{number} is not in the copy"))
    }

    /// The numbers that the last page told, as `number` or `-number,number`, with what they were known by before.
    pub fn told(&self) -> Vec<String> {
        let keys = |keys: &Value| -> String {
            keys.as_array().unwrap().iter().map(|keys| keys["number"].as_str().unwrap()).collect::<Vec<_>>().join(",")
        };
        let text = |change: &Value| match change["__typename"].as_str() {
            Some("FeedRemoval") => format!("-{}", keys(&change["keys"])),
            _ => {
                format!("{}[{}]", change["extension"]["number"].as_str().unwrap(), keys(&change["previous"]))
            }
        };
        let mut told: Vec<_> = self.last.iter().map(text).collect();
        told.sort();
        told
    }
}

/// Every entry of a feed, by id, and the head of the first page.
async fn snapshot(key: &Actor, service_type: &str) -> (BTreeMap<String, Value>, Value) {
    let query = format!(
        "query($t: String!, $a: String) {{ provisioning(event: \"demo\", serviceType: $t) {{ snapshot(first: 50, after: $a) {{ head pageInfo {{ hasNextPage endCursor }} entries {{ {ENTRY} }} }} }} }}"
    );
    let (mut entries, mut after) = (BTreeMap::new(), Value::Null);
    loop {
        let answer = key.execute(&query, json!({ "t": service_type, "a": after })).await;
        let page = &answer["data"]["provisioning"]["snapshot"];
        let rows = page["entries"].as_array().unwrap_or_else(|| panic!("{answer}"));
        entries.extend(rows.iter().map(|entry| (entry["id"].as_str().unwrap().to_owned(), entry.clone())));
        if page["pageInfo"]["hasNextPage"] == false {
            return (entries, page["head"].clone());
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}
