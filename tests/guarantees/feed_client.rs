//! A client of one feed: pages of GraphQL, the subscription, newline-delimited JSON and long polls.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::replica::{Replica, Rows, Snapshot, change_from_http, digest, parse_full_feed};
use crate::support::{ApiClient, EventStream};

/// Every field of a feed entry.
pub const ENTRY: &str = "id slot number label asciiLabel parameters secrets digests permissions fallbackNumber \
                         active restrictions effects \
                         members { number delaySeconds paused active } ownerUsername visibility version updatedAt";
/// How long a read of the subscription waits for a further event. Callers repeat until a condition holds.
const EVENT_PAUSE: Duration = Duration::from_millis(30);

/// The selection of a page of changes or a reset.
fn changes_selection() -> String {
    format!(
        "... on FeedReset {{ reason }} ... on FeedPage {{ cursor hasMore changes {{ \
         ... on FeedUpsert {{ extension {{ {ENTRY} }} previous {{ number parameters }} }} \
         ... on FeedRemoval {{ id slot keys {{ number parameters }} }} }} }}"
    )
}

/// Changes that run between two requests of a reader, one after each response.
pub type Interruptions = Arc<Mutex<VecDeque<BoxFuture<'static, ()>>>>;

/// A feed with the key that reads it.
#[derive(Clone)]
pub struct FeedClient {
    pub key: ApiClient,
    pub event: String,
    pub service_type: String,
    /// Empty, unless a test adds interruptions.
    pub interruptions: Interruptions,
}

impl FeedClient {
    pub fn new(key: ApiClient, event: &str, service_type: &str) -> Self {
        Self { key, event: event.to_owned(), service_type: service_type.to_owned(), interruptions: Arc::default() }
    }

    /// The path of the feed over plain HTTP.
    pub fn path(&self) -> String {
        format!("/feed/{}/{}", self.event, self.service_type)
    }

    /// Runs the next interruption, if there is one.
    pub async fn run_interruption(&self) {
        let interruption = self.interruptions.lock().await.pop_front();
        if let Some(interruption) = interruption {
            interruption.await;
        }
    }

    /// One page of a snapshot after the cursor `after`.
    pub async fn snapshot_page(&self, first: usize, after: &Value) -> Value {
        let query = format!(
            "query($event: String!, $type: String!, $first: Int!, $after: String) \
             {{ provisioning(event: $event, serviceType: $type) \
             {{ digest snapshot(first: $first, after: $after) \
             {{ head totalCount pageInfo {{ hasNextPage endCursor }} entries {{ {ENTRY} }} }} }} }}"
        );
        let variables = json!({ "event": self.event, "type": self.service_type, "first": first, "after": after });
        self.key.execute_ok(&query, variables).await
    }

    /// A snapshot by pages of live rows; every page has the head of the first page.
    pub async fn snapshot(&self, first: usize) -> Snapshot {
        let (mut entries, mut after, mut head) = (Vec::new(), Value::Null, Value::Null);
        loop {
            let page = self.snapshot_page(first, &after).await["snapshot"].clone();
            if head.is_null() {
                head = page["head"].clone();
            }
            assert_eq!(page["head"], head, "every page has the first page's head");
            entries.extend(page["entries"].as_array().unwrap().iter().cloned());
            if page["pageInfo"]["hasNextPage"] == false {
                return Snapshot { entries, head: head.as_str().unwrap().to_owned() };
            }
            self.run_interruption().await;
            after = page["pageInfo"]["endCursor"].clone();
        }
    }

    /// The current rows and the head, after comparing their digest with the feed's.
    pub async fn current(&self) -> (Rows, String) {
        let page = self.snapshot_page(500, &Value::Null).await;
        let entries = page["snapshot"]["entries"].as_array().unwrap();
        let rows: Rows =
            entries.iter().map(|entry| (entry["number"].as_str().unwrap().to_owned(), entry.clone())).collect();
        assert_eq!(page["digest"], digest(&rows), "the feed's digest is not the digest of its entries");
        (rows, page["snapshot"]["head"].as_str().unwrap().to_owned())
    }

    /// The full feed over plain HTTP.
    pub async fn full_feed(&self) -> Snapshot {
        let mut response = self.key.get(&self.path()).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let mut body = response.chunk().await.unwrap().unwrap().to_vec();
        self.run_interruption().await;
        while let Some(chunk) = response.chunk().await.unwrap() {
            body.extend_from_slice(&chunk);
        }
        self.run_interruption().await;
        parse_full_feed(&String::from_utf8(body).unwrap())
    }

    /// A page of the changes since a cursor, over GraphQL.
    pub async fn changes(&self, since: &str, first: usize) -> Value {
        let query = format!(
            "query($event: String!, $type: String!, $since: FeedCursor!, $first: Int!) \
             {{ provisioning(event: $event, serviceType: $type) \
             {{ changes(since: $since, first: $first) {{ {} }} }} }}",
            changes_selection()
        );
        let variables = json!({ "event": self.event, "type": self.service_type, "since": since, "first": first });
        self.key.execute_ok(&query, variables).await["changes"].clone()
    }

    /// The same page over plain HTTP, in the shape of GraphQL; the server waits up to `wait` seconds for changes.
    pub async fn poll(&self, since: &str, first: usize, wait: f64) -> Value {
        let path = format!("{}/changes?since={since}&first={first}&wait={wait}", self.path());
        let response = self.key.get(&path).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let page: Value = response.json().await.unwrap();
        if page["reset"].is_string() {
            return json!({ "reason": page["reset"] });
        }
        let changes: Vec<Value> = page["changes"].as_array().unwrap().iter().map(change_from_http).collect();
        json!({ "cursor": page["cursor"], "hasMore": page["hasMore"], "changes": changes })
    }

    /// Subscribes to the feed from a cursor.
    pub async fn subscribe(&self, since: &str) -> EventStream {
        let query = format!(
            "subscription {{ provisioningChanges(event: \"{}\", serviceType: \"{}\", since: \"{since}\") {{ {} }} }}",
            self.event,
            self.service_type,
            changes_selection()
        );
        self.key.subscribe(&query).await
    }
}

/// The page or reset in an event of the subscription.
fn event_page(event: &Value) -> Value {
    assert!(event["errors"].is_null(), "{event}");
    event["data"]["provisioningChanges"].clone()
}

/// Applies a page or a reset to the replica; returns whether more pages are available.
pub fn apply_page(replica: &mut Replica, page: &Value) -> bool {
    if let Some(reason) = page["reason"].as_str() {
        replica.resets.push(reason.to_owned());
        return false;
    }
    let changes = page["changes"].as_array().unwrap_or_else(|| panic!("neither a page nor a reset: {page}"));
    replica.apply(changes, page["cursor"].as_str().unwrap());
    page["hasMore"] == true
}

/// A subscription that is opened at the first read and then stays open.
#[derive(Default)]
pub struct Subscription(Option<EventStream>);

impl Subscription {
    /// Reads events until none arrives for `pause`; without a pause, reads exactly one event.
    async fn read(&mut self, feed: &FeedClient, replica: &mut Replica, pause: Option<Duration>) {
        let is_new = self.0.is_none();
        let mut events = match self.0.take() {
            Some(events) => events,
            None => feed.subscribe(&replica.cursor).await,
        };
        let mut event = if is_new || pause.is_none() { Some(events.next().await) } else { None };
        loop {
            if let Some(event) = &event {
                apply_page(replica, &event_page(event));
                if !replica.resets.is_empty() {
                    return;
                }
            }
            event = match pause {
                Some(pause) => events.next_within(pause).await,
                None => None,
            };
            if event.is_none() {
                self.0 = Some(events);
                return;
            }
        }
    }

    /// Reads exactly one event, and waits for it.
    pub async fn read_event(&mut self, feed: &FeedClient, replica: &mut Replica) {
        self.read(feed, replica, None).await;
    }

    /// Reads the events that have arrived.
    pub async fn read_available(&mut self, feed: &FeedClient, replica: &mut Replica) {
        self.read(feed, replica, Some(EVENT_PAUSE)).await;
    }

    /// Drops the connection.
    pub fn disconnect(&mut self) {
        self.0 = None;
    }
}
