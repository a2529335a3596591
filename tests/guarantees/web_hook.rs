//! The endpoint of a web hook: verifies signatures, and that a delivery continues where the replica ends.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use hmac::{Hmac, KeyInit as _, Mac as _};
use provisioning::web_hooks;
use serde_json::{Value, json};
use sha2::Sha256;

use super::fixture::Consumer;
use super::replica::{Replica, Snapshot, change_from_http};
use crate::support::TestApp;

/// The limit for the deliveries that were started to finish.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(5);
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// A consumer that receives deliveries.
#[derive(Clone)]
pub struct WebHookEndpoint {
    state: Arc<EndpointState>,
    /// Deliveries are paused until the first read.
    is_idle: bool,
}

struct EndpointState {
    consumer: Mutex<Consumer>,
    secret: Mutex<String>,
    replica: Mutex<Replica>,
}

impl WebHookEndpoint {
    /// Starts an endpoint with a replica that may be empty, and registers its web hook.
    pub async fn start(consumer: &Consumer, replica: Replica) -> Self {
        let (secret, replica) = (Mutex::default(), Mutex::new(replica));
        let state = Arc::new(EndpointState { consumer: Mutex::new(consumer.clone()), secret, replica });
        let router = axum::Router::new().route("/hook", post(receive)).with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let save = "mutation($consumer: ID!, $url: String!) \
                    { saveWebHook(input: {consumer: $consumer, url: $url}) { secret errors { code message } } }";
        let saved = consumer.fixture.admin.execute_ok(save, json!({ "consumer": consumer.id, "url": url })).await;
        saved["secret"].as_str().unwrap().clone_into(&mut state.secret.lock().unwrap());
        Self { state, is_idle: false }
    }

    /// Another endpoint with the same replica; its deliveries are paused.
    pub async fn fork(&self, consumer: &Consumer) -> Self {
        let replica = self.replica();
        pause(consumer, true).await;
        consumer.acknowledge(&replica.cursor, Value::Null, json!([])).await;
        Self { is_idle: true, ..Self::start(consumer, replica).await }
    }

    /// Starts the deliveries that are due, and waits until they have finished.
    pub async fn read_available(&mut self, consumer: &Consumer) {
        if std::mem::take(&mut self.is_idle) {
            pause(consumer, false).await;
        }
        let app = &consumer.fixture.app;
        web_hooks::deliver_due(&app.app.services, &app.app.web_hooks).await.unwrap();
        wait_for_deliveries(app).await;
    }

    /// Requests snapshots from another server from now on.
    pub fn switch_to(&self, consumer: &Consumer) {
        *self.state.consumer.lock().unwrap() = consumer.clone();
    }

    pub fn replica(&self) -> Replica {
        self.with_replica(|replica| replica.clone())
    }

    pub fn with_replica<T>(&self, change: impl FnOnce(&mut Replica) -> T) -> T {
        change(&mut self.state.replica.lock().unwrap())
    }
}

/// Waits until no web hook is claimed. A backup must not contain a claim: the clock of the tests does not advance by
/// itself, so the claim would never expire in the restored database.
async fn wait_for_deliveries(app: &TestApp) {
    let claims = "SELECT CAST(count(*) AS TEXT) AS text FROM feed_web_hooks WHERE claimed_until IS NOT NULL";
    let start = Instant::now();
    while app.select_text(claims).await != ["0"] && start.elapsed() < DELIVERY_TIMEOUT {
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Pauses the deliveries to a consumer, or resumes them.
pub async fn pause(consumer: &Consumer, paused: bool) {
    let pause = "mutation($consumer: ID!, $paused: Boolean!) \
                 { pauseFeedConsumer(input: {id: $consumer, paused: $paused}) { errors { code } } }";
    consumer.fixture.operator.execute_ok(pause, json!({ "consumer": consumer.id, "paused": paused })).await;
}

/// Receives a delivery: applies the changes, or requests a snapshot before it answers.
async fn receive(State(state): State<Arc<EndpointState>>, headers: HeaderMap, body: Bytes) -> Response {
    let signature = headers.get(web_hooks::HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !is_signed(signature, &body, &state.secret.lock().unwrap()) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let page: Value = serde_json::from_slice(&body).unwrap();
    let reset = page["reset"].as_str().map(str::to_owned).or_else(|| state.apply(&page));
    if let Some(reason) = reset {
        if reason != "CLOSED" {
            let consumer = state.consumer.lock().unwrap().clone();
            let entries = consumer.full_feed().await.entries;
            // The answer acknowledges the delivery's cursor. The snapshot may be newer; applying a change twice is
            // harmless.
            let head = page["cursor"].as_str().unwrap().to_owned();
            state.replica.lock().unwrap().replace(Snapshot { entries, head });
        }
        state.replica.lock().unwrap().resets.push(reason);
    }
    let report = state.replica.lock().unwrap().report();
    axum::Json(json!({ "digest": report.digest, "errors": report.errors })).into_response()
}

impl EndpointState {
    /// Applies a page; returns the reason for a snapshot when the page does not continue where the replica ends.
    fn apply(&self, page: &Value) -> Option<String> {
        let mut replica = self.replica.lock().unwrap();
        if page["since"] != replica.cursor.as_str() {
            return Some("EPOCH".to_owned());
        }
        let changes: Vec<Value> = page["changes"].as_array().unwrap().iter().map(change_from_http).collect();
        replica.apply(&changes, page["cursor"].as_str().unwrap());
        None
    }
}

/// Whether the signature matches the body and the secret.
fn is_signed(signature: &str, body: &[u8], secret: &str) -> bool {
    let Some((timestamp, digest)) = signature.strip_prefix("t=").and_then(|rest| rest.split_once(",v1=")) else {
        return false;
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    digest == hex::encode(mac.finalize().into_bytes())
}
