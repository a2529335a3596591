//! Consumers that read: pages of GraphQL, long polls, event streams and WebSockets. Each is a task that may be aborted
//! anywhere; its replica outlives the task, as a disk outlives a process.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use super::replica::{Change, Replica, Rows, Snapshot};
use super::servers::{Consumer, Servers};

/// The selection of a page of changes or a reset.
const CHANGES: &str = "... on FeedReset { reason } ... on FeedPage { cursor hasMore changes { \
    ... on FeedUpsert { extension { id number version } previous { number } } \
    ... on FeedRemoval { id keys { number } } } }";

/// How a consumer reads.
#[derive(Clone, Copy, Debug)]
pub enum Transport {
    Pages,
    LongPoll,
    EventStream,
    WebSocket,
}

/// What a task needs, and what outlives it.
#[derive(Clone)]
struct Session {
    servers: Arc<Servers>,
    transport: Transport,
    consumer: Consumer,
    replica: Arc<Mutex<Replica>>,
}

/// A consumer that reads in a task.
pub struct Reader {
    session: Session,
    task: JoinHandle<()>,
}

impl Reader {
    pub fn start(servers: &Arc<Servers>, transport: Transport, consumer: Consumer) -> Self {
        let session = Session { servers: Arc::clone(servers), transport, consumer, replica: Arc::default() };
        Self { task: tokio::spawn(session.clone().run()), session }
    }

    /// Aborts the task anywhere, and starts another one with the same replica.
    pub fn restart(&mut self) {
        self.task.abort();
        self.task = tokio::spawn(self.session.clone().run());
    }

    pub fn name(&self) -> &str {
        &self.session.consumer.name
    }

    pub fn rows(&self) -> Rows {
        assert!(!self.task.is_finished(), "the task of {} has ended", self.name());
        self.session.replica.lock().unwrap().rows.clone()
    }
}

impl Session {
    /// Reads for ever. Every function below returns `None` when the connection breaks; reading then starts again.
    async fn run(self) {
        loop {
            let _ = match self.transport {
                Transport::Pages => self.read_pages().await,
                Transport::LongPoll => self.read_long_polls().await,
                Transport::EventStream => self.read_event_stream().await,
                Transport::WebSocket => self.read_web_socket().await,
            };
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn cursor(&self) -> Option<String> {
        self.replica.lock().unwrap().cursor.clone()
    }

    fn discard_cursor(&self) {
        self.replica.lock().unwrap().cursor = None;
    }

    /// Applies and acknowledges a page of GraphQL; returns whether more pages are available, `None` after a reset.
    async fn apply(&self, page: &Value) -> Option<bool> {
        if page["reason"].is_string() {
            self.discard_cursor();
            return None;
        }
        let changes: Vec<Change> = page["changes"].as_array()?.iter().map(Change::from_graphql).collect();
        self.replica.lock().unwrap().apply(&changes, page["cursor"].as_str()?);
        let has_more = page["hasMore"] == true;
        self.acknowledge(!has_more).await?;
        Some(has_more)
    }

    async fn acknowledge(&self, is_at_head: bool) -> Option<()> {
        let replica = self.replica.lock().unwrap().clone();
        let input = json!({
            "event": "demo", "serviceType": "sip", "consumer": self.consumer.name, "cursor": replica.cursor.as_ref()?,
            "digest": is_at_head.then(|| replica.digest()),
        });
        let query = "mutation($input: AcknowledgeProvisioningInput!) \
                     { acknowledgeProvisioning(input: $input) { errors { message } } }";
        let data = self.servers.try_execute(&self.consumer.key, query, json!({ "input": input })).await?;
        assert_eq!(data["acknowledgeProvisioning"]["errors"], json!([]), "{}", self.consumer.name);
        Some(())
    }

    /// Reads a snapshot by small pages of live rows.
    async fn bootstrap(&self) -> Option<()> {
        let query = "query($after: String) { provisioning(event: \"demo\", serviceType: \"sip\") { \
                     snapshot(first: 7, after: $after) \
                     { head pageInfo { hasNextPage endCursor } entries { id number version } } } }";
        let (mut after, mut entries) = (Value::Null, Vec::new());
        loop {
            let data = self.servers.try_execute(&self.consumer.key, query, json!({ "after": after })).await?;
            let page = &data["provisioning"]["snapshot"];
            entries.extend(page["entries"].as_array()?.iter().cloned());
            if page["pageInfo"]["hasNextPage"] == false {
                let head = page["head"].as_str()?.to_owned();
                self.replica.lock().unwrap().replace(&Snapshot { entries, head });
                return Some(());
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
    }

    /// The cursor, after a snapshot where there is none.
    async fn cursor_or_bootstrap(&self) -> Option<String> {
        if self.cursor().is_none() {
            self.bootstrap().await?;
        }
        self.cursor()
    }

    /// Requests pages of changes, with a pause at the head.
    async fn read_pages(&self) -> Option<()> {
        let query = format!(
            "query($since: FeedCursor!) {{ provisioning(event: \"demo\", serviceType: \"sip\") \
             {{ changes(since: $since, first: 5) {{ {CHANGES} }} }} }}"
        );
        loop {
            let cursor = self.cursor_or_bootstrap().await?;
            let data = self.servers.try_execute(&self.consumer.key, &query, json!({ "since": cursor })).await?;
            if !self.apply(&data["provisioning"]["changes"]).await? {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }

    /// Reads a full feed as newline-delimited JSON, then long polls.
    async fn read_long_polls(&self) -> Option<()> {
        loop {
            let Some(cursor) = self.cursor() else {
                let snapshot = Snapshot::parse(&self.get("/feed/demo/sip").await?)?;
                self.replica.lock().unwrap().replace(&snapshot);
                continue;
            };
            let page = self.get(&format!("/feed/demo/sip/changes?since={cursor}&wait=2&first=5")).await?;
            let page: Value = serde_json::from_str(&page).ok()?;
            if page["reset"].is_string() {
                self.discard_cursor();
                continue;
            }
            let changes: Vec<Change> = page["changes"].as_array()?.iter().map(Change::from_http).collect();
            self.replica.lock().unwrap().apply(&changes, page["cursor"].as_str()?);
            self.acknowledge(page["hasMore"] == false).await?;
        }
    }

    async fn get(&self, path: &str) -> Option<String> {
        let request = self.servers.client.get(format!("{}{path}", self.servers.url())).bearer_auth(&self.consumer.key);
        let response = request.send().await.ok()?;
        (response.status() == 200).then_some(())?;
        response.text().await.ok()
    }

    async fn subscription(&self) -> Option<Value> {
        let cursor = self.cursor_or_bootstrap().await?;
        let query = format!(
            "subscription($since: FeedCursor) {{ provisioningChanges(event: \"demo\", serviceType: \"sip\", \
             since: $since) \
             {{ {CHANGES} }} }}"
        );
        Some(json!({ "query": query, "variables": { "since": cursor } }))
    }

    /// graphql-sse, distinct connections mode.
    async fn read_event_stream(&self) -> Option<()> {
        let url = format!("{}/graphql", self.servers.url());
        let request = self.servers.client.post(url).bearer_auth(&self.consumer.key);
        let request = request.header("Accept", "text/event-stream").json(&self.subscription().await?);
        let mut response = request.send().await.ok()?;
        (response.status() == 200).then_some(())?;
        let mut unread = String::new();
        while let Some(chunk) = response.chunk().await.ok()? {
            unread.push_str(std::str::from_utf8(&chunk).ok()?);
            while let Some((event, rest)) = unread.split_once("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data:"));
                let message: Value = serde_json::from_str(data.unwrap_or_default()).unwrap_or_default();
                unread = rest.to_owned();
                if message["data"].is_object() {
                    self.apply(&message["data"]["provisioningChanges"]).await?;
                }
            }
        }
        None
    }

    /// graphql-transport-ws.
    async fn read_web_socket(&self) -> Option<()> {
        let url = self.servers.url().replace("http", "ws") + "/graphql";
        let mut request = url.into_client_request().ok()?;
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().ok()?);
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.ok()?;
        let authorization = format!("Bearer {}", self.consumer.key);
        let init = json!({ "type": "connection_init", "payload": { "authorization": authorization } });
        socket.send(Message::text(init.to_string())).await.ok()?;
        let subscribe = json!({ "type": "subscribe", "id": "1", "payload": self.subscription().await? });
        while let Some(Ok(message)) = socket.next().await {
            let Message::Text(text) = message else { continue };
            let message: Value = serde_json::from_str(&text).ok()?;
            match message["type"].as_str()? {
                "connection_ack" => socket.send(Message::text(subscribe.to_string())).await.ok()?,
                "next" => drop(self.apply(&message["payload"]["data"]["provisioningChanges"]).await?),
                "ping" => socket.send(Message::text(json!({ "type": "pong" }).to_string())).await.ok()?,
                _ => return None,
            }
        }
        None
    }
}
