//! Systems that ask: pages of GraphQL, the subscription, newline-delimited JSON and polls.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::copy::{Copy, Rows, digest, of_http, whole};
use crate::support::{ApiClient, EventStream};

/// All that a feed shows of an extension.
pub const ENTRY: &str = "id slot number label asciiLabel parameters secrets digests permissions fallbackNumber active restrictions effects \
                         members { number delaySeconds paused active } ownerUsername visibility version updatedAt";
/// What there may be to hear is heard within this time, or the next time.
const MOMENT: Duration = Duration::from_millis(30);

/// A page of changes, or a reset, as GraphQL has it.
fn answer_of() -> String {
    format!(
        "... on FeedReset {{ reason }} ... on FeedPage {{ cursor hasMore changes {{ \
         ... on FeedUpsert {{ extension {{ {ENTRY} }} previous {{ number parameters }} }} \
         ... on FeedRemoval {{ id slot keys {{ number parameters }} }} }} }}"
    )
}

/// What happens while somebody reads: one piece at each break of the reading.
pub type Meanwhile = Arc<Mutex<VecDeque<BoxFuture<'static, ()>>>>;

/// A feed, and a key to read it with.
#[derive(Clone)]
pub struct Feed {
    pub key: ApiClient,
    pub event: String,
    pub service_type: String,
    /// Nothing, unless a test puts something there.
    pub meanwhile: Meanwhile,
}

impl Feed {
    pub fn new(key: ApiClient, event: &str, service_type: &str) -> Self {
        Self { key, event: event.to_owned(), service_type: service_type.to_owned(), meanwhile: Arc::default() }
    }

    /// The path of the feed over plain HTTP.
    pub fn path(&self) -> String {
        format!("/feed/{}/{}", self.event, self.service_type)
    }

    /// Lets the next piece of what happens meanwhile happen.
    pub async fn is_interrupted(&self) {
        let piece = self.meanwhile.lock().await.pop_front();
        if let Some(piece) = piece {
            piece.await;
        }
    }

    /// One page of a snapshot behind `after`.
    pub async fn snapshot_page(&self, first: usize, after: &Value) -> Value {
        let query = format!(
            "query($e: String!, $t: String!, $f: Int!, $a: String) {{ provisioning(event: $e, serviceType: $t) \
             {{ digest snapshot(first: $f, after: $a) {{ head totalCount pageInfo {{ hasNextPage endCursor }} entries {{ {ENTRY} }} }} }} }}"
        );
        let variables = json!({ "e": self.event, "t": self.service_type, "f": first, "a": after });
        self.key.execute_ok(&query, variables).await
    }

    /// A snapshot by pages of live rows, which have the first page's head.
    pub async fn snapshot(&self, first: usize) -> (Vec<Value>, String) {
        let (mut entries, mut after, mut head) = (Vec::new(), Value::Null, Value::Null);
        loop {
            let page = self.snapshot_page(first, &after).await["snapshot"].clone();
            if head.is_null() {
                head = page["head"].clone();
            }
            assert_eq!(page["head"], head, "every page has the first page's head");
            entries.extend(page["entries"].as_array().unwrap().iter().cloned());
            if page["pageInfo"]["hasNextPage"] == false {
                return (entries, head.as_str().unwrap().to_owned());
            }
            self.is_interrupted().await;
            after = page["pageInfo"]["endCursor"].clone();
        }
    }

    /// Everything as it is now, and the head.
    pub async fn now(&self) -> (Rows, String) {
        let now = self.snapshot_page(500, &Value::Null).await;
        let entries = now["snapshot"]["entries"].as_array().unwrap();
        let rows: Rows =
            entries.iter().map(|entry| (entry["number"].as_str().unwrap().to_owned(), entry.clone())).collect();
        assert_eq!(now["digest"], digest(&rows), "the feed's digest is not that of what it shows");
        (rows, now["snapshot"]["head"].as_str().unwrap().to_owned())
    }

    /// The whole feed over plain HTTP.
    pub async fn whole(&self) -> (Vec<Value>, String) {
        let mut response = self.key.get(&self.path()).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let mut body = response.chunk().await.unwrap().unwrap().to_vec();
        self.is_interrupted().await;
        while let Some(part) = response.chunk().await.unwrap() {
            body.extend_from_slice(&part);
        }
        self.is_interrupted().await;
        whole(&String::from_utf8(body).unwrap())
    }

    /// What has changed since a cursor, asked over GraphQL.
    pub async fn changes(&self, since: &str, first: usize) -> Value {
        let query = format!(
            "query($e: String!, $t: String!, $s: FeedCursor!, $f: Int!) {{ provisioning(event: $e, serviceType: $t) \
             {{ changes(since: $s, first: $f) {{ {} }} }} }}",
            answer_of()
        );
        let variables = json!({ "e": self.event, "t": self.service_type, "s": since, "f": first });
        self.key.execute_ok(&query, variables).await["changes"].clone()
    }

    /// The same over plain HTTP, in GraphQL's shape; it waits until there is something.
    pub async fn poll(&self, since: &str, first: usize, wait: f64) -> Value {
        let path = format!("{}/changes?since={since}&first={first}&wait={wait}", self.path());
        let response = self.key.get(&path).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let page: Value = response.json().await.unwrap();
        if page["reset"].is_string() {
            return json!({ "reason": page["reset"] });
        }
        let changes: Vec<Value> = page["changes"].as_array().unwrap().iter().map(of_http).collect();
        json!({ "cursor": page["cursor"], "hasMore": page["hasMore"], "changes": changes })
    }

    /// Follows the feed from a cursor.
    pub async fn subscribe(&self, since: &str) -> EventStream {
        let query = format!(
            "subscription {{ provisioningChanges(event: \"{}\", serviceType: \"{}\", since: \"{since}\") {{ {} }} }}",
            self.event,
            self.service_type,
            answer_of()
        );
        self.key.subscribe(&query).await
    }
}

/// What an event of the subscription tells.
pub fn heard(event: &Value) -> Value {
    assert!(event["errors"].is_null(), "{event}");
    event["data"]["provisioningChanges"].clone()
}

/// Takes an answer into the copy; whether there is more to read at once.
pub fn take(copy: &mut Copy, answer: &Value) -> bool {
    if let Some(reason) = answer["reason"].as_str() {
        copy.resets.push(reason.to_owned());
        return false;
    }
    let changes = answer["changes"].as_array().unwrap_or_else(|| panic!("neither a page nor a reset: {answer}"));
    copy.apply(changes, answer["cursor"].as_str().unwrap());
    answer["hasMore"] == true
}

/// A stream that is opened when it is first needed, and stays open.
#[derive(Default)]
pub struct Stream(Option<EventStream>);

impl Stream {
    /// Reads what comes within a time; without one, the next event.
    pub async fn read(&mut self, feed: &Feed, copy: &mut Copy, patience: Option<Duration>) {
        let is_new = self.0.is_none();
        let mut events = match self.0.take() {
            Some(events) => events,
            None => feed.subscribe(&copy.cursor).await,
        };
        let mut event = if is_new || patience.is_none() { Some(events.next().await) } else { None };
        loop {
            if let Some(event) = &event {
                take(copy, &heard(event));
                if !copy.resets.is_empty() {
                    return;
                }
            }
            event = match patience {
                Some(patience) => events.next_within(patience).await,
                None => None,
            };
            if event.is_none() {
                self.0 = Some(events);
                return;
            }
        }
    }

    /// Reads what has come.
    pub async fn reads(&mut self, feed: &Feed, copy: &mut Copy) {
        self.read(feed, copy, Some(MOMENT)).await;
    }

    /// The connection breaks.
    pub fn breaks(&mut self) {
        self.0 = None;
    }
}
