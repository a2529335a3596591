//! Consumers that read: pages of GraphQL, polls over HTTP, event streams and WebSockets. Each is a task that may end anywhere;
//! what it has applied is on its disk.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use super::copy::{Change, Copy, Shown, whole};
use super::instances::{Connected, Instances};

const ENTRY: &str = "extension { id number version } previous { number }";

/// How a consumer reads.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    Pages,
    Polls,
    Events,
    Sockets,
}

/// What a task needs, whenever it is started.
#[derive(Clone)]
struct Desk {
    instances: Arc<Instances>,
    name: String,
    key: String,
    disk: Arc<Mutex<Copy>>,
}

/// A consumer that reads.
pub struct Reader {
    pub name: String,
    way: Way,
    key: String,
    disk: Arc<Mutex<Copy>>,
    task: JoinHandle<()>,
}

impl Reader {
    pub fn start(instances: &Arc<Instances>, way: Way, name: &str, connected: Connected) -> Self {
        let disk = Arc::default();
        let desk = Desk {
            instances: Arc::clone(instances),
            name: name.to_owned(),
            key: connected.key.clone(),
            disk: Arc::clone(&disk),
        };
        Self { name: name.to_owned(), way, key: connected.key, disk, task: tokio::spawn(read(desk, way)) }
    }

    /// Ends the task wherever it is, and begins anew with what is on the disk.
    pub fn restart(&mut self, instances: &Arc<Instances>) {
        self.task.abort();
        let desk = Desk {
            instances: Arc::clone(instances),
            name: self.name.clone(),
            key: self.key.clone(),
            disk: Arc::clone(&self.disk),
        };
        self.task = tokio::spawn(read(desk, self.way));
    }

    pub fn copy(&self) -> Shown {
        assert!(!self.task.is_finished(), "{} has ended by itself", self.name);
        self.disk.lock().unwrap().rows.clone()
    }
}

async fn read(desk: Desk, way: Way) {
    loop {
        // Whatever breaks off is begun again: with what is on the disk.
        let _ = match way {
            Way::Pages => desk.pages().await,
            Way::Polls => desk.polls().await,
            Way::Events => desk.events().await,
            Way::Sockets => desk.sockets().await,
        };
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl Desk {
    fn cursor(&self) -> Option<String> {
        self.disk.lock().unwrap().cursor.clone()
    }

    /// Applies a page of GraphQL, and says so; `None` for a reset, after which a snapshot is needed.
    async fn take(&self, answer: &Value) -> Option<bool> {
        if answer["reason"].is_string() {
            self.disk.lock().unwrap().cursor = None;
            return None;
        }
        let changes: Vec<Change> = answer["changes"].as_array()?.iter().map(Change::of_graphql).collect();
        self.disk.lock().unwrap().apply(&changes, answer["cursor"].as_str()?);
        let has_more = answer["hasMore"] == true;
        self.acknowledge(!has_more).await?;
        Some(has_more)
    }

    async fn acknowledge(&self, is_at_head: bool) -> Option<()> {
        let copy = self.disk.lock().unwrap().clone();
        let input = json!({
            "event": "demo", "serviceType": "sip", "consumer": self.name, "cursor": copy.cursor.as_ref()?,
            "digest": is_at_head.then(|| copy.digest()),
        });
        let query =
            "mutation($i: AcknowledgeProvisioningInput!) { acknowledgeProvisioning(input: $i) { errors { message } } }";
        let said = self.instances.ask(&self.key, query, json!({ "i": input })).await?;
        assert_eq!(said["acknowledgeProvisioning"]["errors"], json!([]), "{}", self.name);
        Some(())
    }

    /// A snapshot by small pages of live rows.
    async fn snapshot(&self) -> Option<()> {
        let query = "query($a: String) { provisioning(event: \"demo\", serviceType: \"sip\") { snapshot(first: 7, after: $a) { head pageInfo { hasNextPage endCursor } entries { id number version } } } }";
        let (mut after, mut entries) = (Value::Null, Vec::new());
        loop {
            let page =
                self.instances.ask(&self.key, query, json!({ "a": after })).await?["provisioning"]["snapshot"].clone();
            entries.extend(page["entries"].as_array()?.iter().cloned());
            if page["pageInfo"]["hasNextPage"] == false {
                self.disk.lock().unwrap().replace(&entries, page["head"].as_str()?);
                return Some(());
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
    }

    /// Asks for changes again and again.
    async fn pages(&self) -> Option<()> {
        let query = format!(
            "query($s: FeedCursor!) {{ provisioning(event: \"demo\", serviceType: \"sip\") {{ changes(since: $s, first: 5) {{ ... on FeedReset {{ reason }} \
             ... on FeedPage {{ cursor hasMore changes {{ ... on FeedUpsert {{ {ENTRY} }} ... on FeedRemoval {{ id keys {{ number }} }} }} }} }} }} }}"
        );
        loop {
            let Some(cursor) = self.cursor() else {
                self.snapshot().await?;
                continue;
            };
            let answer = self.instances.ask(&self.key, &query, json!({ "s": cursor })).await?;
            if !self.take(&answer["provisioning"]["changes"]).await? {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }

    /// A whole feed as NDJSON, then a long poll after the other.
    async fn polls(&self) -> Option<()> {
        let get = async |path: String| {
            let request = self.instances.client.get(format!("{}{path}", self.instances.url())).bearer_auth(&self.key);
            let answer = request.send().await.ok()?;
            (answer.status() == 200).then_some(())?;
            answer.text().await.ok()
        };
        loop {
            let Some(cursor) = self.cursor() else {
                let (entries, head) = whole(&get("/feed/demo/sip".to_owned()).await?)?;
                self.disk.lock().unwrap().replace(&entries, &head);
                continue;
            };
            let page = get(format!("/feed/demo/sip/changes?since={cursor}&wait=2&first=5")).await?;
            let page: Value = serde_json::from_str(&page).ok()?;
            if page["reset"].is_string() {
                self.disk.lock().unwrap().cursor = None;
                continue;
            }
            let changes: Vec<Change> = page["changes"].as_array()?.iter().map(Change::of_http).collect();
            self.disk.lock().unwrap().apply(&changes, page["cursor"].as_str()?);
            self.acknowledge(page["hasMore"] == false).await?;
        }
    }

    async fn subscription(&self) -> Option<Value> {
        let cursor = match self.cursor() {
            Some(cursor) => cursor,
            None => {
                self.snapshot().await?;
                self.cursor()?
            }
        };
        let query = format!(
            "subscription($s: FeedCursor) {{ provisioningChanges(event: \"demo\", serviceType: \"sip\", since: $s) {{ ... on FeedReset {{ reason }} \
             ... on FeedPage {{ cursor hasMore changes {{ ... on FeedUpsert {{ {ENTRY} }} ... on FeedRemoval {{ id keys {{ number }} }} }} }} }} }}"
        );
        Some(json!({ "query": query, "variables": { "s": cursor } }))
    }

    /// graphql-sse, distinct connections.
    async fn events(&self) -> Option<()> {
        let request = self.instances.client.post(format!("{}/graphql", self.instances.url())).bearer_auth(&self.key);
        let request = request.header("Accept", "text/event-stream").json(&self.subscription().await?);
        let mut answer = request.send().await.ok()?;
        (answer.status() == 200).then_some(())?;
        let mut text = String::new();
        while let Some(part) = answer.chunk().await.ok()? {
            text.push_str(std::str::from_utf8(&part).ok()?);
            while let Some((event, rest)) = text.split_once("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data:"));
                let message: Value = serde_json::from_str(data.unwrap_or_default()).unwrap_or_default();
                text = rest.to_owned();
                if message["data"].is_object() {
                    self.take(&message["data"]["provisioningChanges"]).await?;
                }
            }
        }
        None
    }

    /// graphql-transport-ws.
    async fn sockets(&self) -> Option<()> {
        let url = self.instances.url().replace("http", "ws") + "/graphql";
        let mut request = url.into_client_request().ok()?;
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().ok()?);
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.ok()?;
        let hello =
            json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {}", self.key) } });
        socket.send(Message::text(hello.to_string())).await.ok()?;
        let subscribe = json!({ "type": "subscribe", "id": "1", "payload": self.subscription().await? });
        while let Some(Ok(message)) = socket.next().await {
            let Message::Text(text) = message else { continue };
            let message: Value = serde_json::from_str(&text).ok()?;
            match message["type"].as_str()? {
                "connection_ack" => socket.send(Message::text(subscribe.to_string())).await.ok()?,
                "next" => drop(self.take(&message["payload"]["data"]["provisioningChanges"]).await?),
                "ping" => socket.send(Message::text(json!({ "type": "pong" }).to_string())).await.ok()?,
                _ => return None,
            }
        }
        None
    }
}
