//! Consumers that are called: web hooks, whose listener goes away and comes back.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::copy::{Change, Copy, Shown, whole};
use super::instances::{Connected, Instances};
use crate::telephony::port;

/// A consumer that is called.
pub struct Called {
    pub name: String,
    desk: Desk,
    port: u16,
    listener: JoinHandle<()>,
}

#[derive(Clone)]
struct Desk {
    instances: Arc<Instances>,
    key: String,
    disk: Arc<Mutex<Copy>>,
}

impl Called {
    pub async fn start(instances: &Arc<Instances>, name: &str, connected: Connected) -> Self {
        let port = port();
        let desk = Desk { instances: Arc::clone(instances), key: connected.key, disk: Arc::default() };
        let listener = listen(desk.clone(), port).await;
        instances.call(&connected.id, &format!("http://127.0.0.1:{port}/hook")).await;
        Self { name: name.to_owned(), desk, port, listener }
    }

    /// Ends the listener wherever it is, with the calls that it was answering, and listens again.
    pub async fn restart(&mut self) {
        self.listener.abort();
        drop((&mut self.listener).await);
        self.listener = listen(self.desk.clone(), self.port).await;
    }

    pub fn copy(&self) -> Shown {
        self.desk.disk.lock().unwrap().rows.clone()
    }
}

async fn listen(desk: Desk, port: u16) -> JoinHandle<()> {
    let router = axum::Router::new().route("/hook", post(take)).with_state(desk);
    let listener = loop {
        match tokio::net::TcpListener::bind(("127.0.0.1", port)).await {
            Ok(listener) => break listener,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    tokio::spawn(async move { drop(axum::serve(listener, router).await) })
}

/// Applies a delivery and answers with the copy's digest; after a reset a snapshot is taken first.
async fn take(State(desk): State<Desk>, axum::Json(page): axum::Json<Value>) -> (StatusCode, axum::Json<Value>) {
    let applied = if page["reset"].is_string() { desk.begin().await } else { desk.apply(&page) };
    match applied {
        Some(digest) => (StatusCode::OK, axum::Json(json!({ "digest": digest }))),
        None => (StatusCode::SERVICE_UNAVAILABLE, axum::Json(json!({}))),
    }
}

impl Desk {
    async fn begin(&self) -> Option<String> {
        let request =
            self.instances.client.get(format!("{}/feed/demo/sip", self.instances.url())).bearer_auth(&self.key);
        let body = request.send().await.ok()?.text().await.ok()?;
        let (entries, head) = whole(&body)?;
        let mut copy = self.disk.lock().unwrap();
        copy.replace(&entries, &head);
        Some(copy.digest())
    }

    fn apply(&self, page: &Value) -> Option<String> {
        let changes: Vec<Change> = page["changes"].as_array()?.iter().map(Change::of_http).collect();
        let mut copy = self.disk.lock().unwrap();
        copy.apply(&changes, page["cursor"].as_str()?);
        Some(copy.digest())
    }
}
