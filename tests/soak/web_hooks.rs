//! Consumers with a web hook, whose listener is ended and started again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::replica::{Change, Replica, Rows, Snapshot};
use super::servers::{Consumer, Servers};
use crate::telephony::free_port;

/// A consumer that receives deliveries.
pub struct WebHookConsumer {
    pub name: String,
    endpoint: Endpoint,
    port: u16,
    listener: JoinHandle<()>,
}

/// What the handler of a delivery needs.
#[derive(Clone)]
struct Endpoint {
    servers: Arc<Servers>,
    key: String,
    replica: Arc<Mutex<Replica>>,
}

impl WebHookConsumer {
    pub async fn start(servers: &Arc<Servers>, consumer: Consumer) -> Self {
        let port = free_port();
        let endpoint = Endpoint { servers: Arc::clone(servers), key: consumer.key, replica: Arc::default() };
        let listener = listen(endpoint.clone(), port).await;
        servers.save_web_hook(&consumer.id, &format!("http://127.0.0.1:{port}/hook")).await;
        Self { name: consumer.name, endpoint, port, listener }
    }

    /// Aborts the listener together with its open requests, and listens again.
    pub async fn restart(&mut self) {
        self.listener.abort();
        drop((&mut self.listener).await);
        self.listener = listen(self.endpoint.clone(), self.port).await;
    }

    pub fn rows(&self) -> Rows {
        self.endpoint.replica.lock().unwrap().rows.clone()
    }
}

async fn listen(endpoint: Endpoint, port: u16) -> JoinHandle<()> {
    let router = axum::Router::new().route("/hook", post(receive)).with_state(endpoint);
    let listener = loop {
        match tokio::net::TcpListener::bind(("127.0.0.1", port)).await {
            Ok(listener) => break listener,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    tokio::spawn(async move { drop(axum::serve(listener, router).await) })
}

/// Applies a delivery and answers with the replica's digest; after a reset requests a snapshot first.
async fn receive(
    State(endpoint): State<Endpoint>,
    axum::Json(page): axum::Json<Value>,
) -> (StatusCode, axum::Json<Value>) {
    let digest = if page["reset"].is_string() { endpoint.bootstrap().await } else { endpoint.apply(&page) };
    match digest {
        Some(digest) => (StatusCode::OK, axum::Json(json!({ "digest": digest }))),
        None => (StatusCode::SERVICE_UNAVAILABLE, axum::Json(json!({}))),
    }
}

impl Endpoint {
    async fn bootstrap(&self) -> Option<String> {
        let request = self.servers.client.get(format!("{}/feed/demo/sip", self.servers.url())).bearer_auth(&self.key);
        let body = request.send().await.ok()?.text().await.ok()?;
        let snapshot = Snapshot::parse(&body)?;
        let mut replica = self.replica.lock().unwrap();
        replica.replace(&snapshot);
        Some(replica.digest())
    }

    fn apply(&self, page: &Value) -> Option<String> {
        let changes: Vec<Change> = page["changes"].as_array()?.iter().map(Change::from_http).collect();
        let mut replica = self.replica.lock().unwrap();
        replica.apply(&changes, page["cursor"].as_str()?);
        Some(replica.digest())
    }
}
