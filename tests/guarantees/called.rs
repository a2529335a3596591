//! A system that is called: a web hook's receiver, which looks at signatures, and at where the changes begin.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use switchboard::provisioning::web_hooks;

use super::copy::{Copy, of_http};
use super::ground::Desk;

/// How long a look for what is due is waited for.
const MOMENT: Duration = Duration::from_millis(10);

/// A system that is called.
#[derive(Clone)]
pub struct Called {
    receiver: Arc<Receiver>,
    /// It is not called before it is first looked at.
    is_asleep: bool,
}

struct Receiver {
    desk: Mutex<Desk>,
    secret: Mutex<String>,
    copy: Mutex<Copy>,
}

impl Called {
    /// Listens, with a copy that may be empty, and has itself called.
    pub async fn listens(desk: &Desk, copy: Copy) -> Self {
        let (secret, copy) = (Mutex::default(), Mutex::new(copy));
        let receiver = Arc::new(Receiver { desk: Mutex::new(desk.clone()), secret, copy });
        let router = axum::Router::new().route("/hook", post(take)).with_state(Arc::clone(&receiver));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let save = "mutation($c: ID!, $u: String!) { saveWebHook(input: {consumer: $c, url: $u}) { secret errors { code message } } }";
        let saved = desk.ground.admin.execute_ok(save, json!({ "c": desk.consumer_id, "u": url })).await;
        saved["secret"].as_str().unwrap().clone_into(&mut receiver.secret.lock().unwrap());
        Self { receiver, is_asleep: false }
    }

    /// Another system with the same copy, which sleeps.
    pub async fn sleeper(&self, desk: &Desk) -> Self {
        let copy = self.copy();
        pause(desk, true).await;
        desk.acknowledges(&copy.cursor, Value::Null, json!([])).await;
        Self { is_asleep: true, ..Self::listens(desk, copy).await }
    }

    /// Is called with what is due.
    pub async fn reads(&mut self, desk: &Desk) {
        if std::mem::take(&mut self.is_asleep) {
            pause(desk, false).await;
        }
        let app = &desk.ground.app;
        web_hooks::call_due(&app.app.services, &app.app.web_hooks).await.unwrap();
        tokio::time::sleep(MOMENT).await;
    }

    /// The server that calls, and that is asked for snapshots, is another one from now on.
    pub fn moves(&self, desk: &Desk) {
        *self.receiver.desk.lock().unwrap() = desk.clone();
    }

    pub fn copy(&self) -> Copy {
        self.receiver.copy.lock().unwrap().clone()
    }

    pub fn with_copy<T>(&self, change: impl FnOnce(&mut Copy) -> T) -> T {
        change(&mut self.receiver.copy.lock().unwrap())
    }
}

/// Pauses the consumer, or no longer.
pub async fn pause(desk: &Desk, paused: bool) {
    let pause =
        "mutation($c: ID!, $p: Boolean!) { pauseFeedConsumer(input: {id: $c, paused: $p}) { errors { code } } }";
    desk.ground.operator.execute_ok(pause, json!({ "c": desk.consumer_id, "p": paused })).await;
}

/// Takes a call: applies the changes, or takes a snapshot before it answers.
async fn take(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes) -> Response {
    let signature = headers.get(web_hooks::HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !is_signed(signature, &body, &receiver.secret.lock().unwrap()) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let page: Value = serde_json::from_slice(&body).unwrap();
    let reset = page["reset"].as_str().map(str::to_owned).or_else(|| receiver.apply(&page));
    if let Some(reason) = reset {
        if reason != "CLOSED" {
            let desk = receiver.desk.lock().unwrap().clone();
            let (entries, _) = desk.whole().await;
            // It stands where its answer says; that it has seen more already does no harm.
            receiver.copy.lock().unwrap().replace(entries, page["cursor"].as_str().unwrap());
        }
        receiver.copy.lock().unwrap().resets.push(reason);
    }
    let (digest, errors) = receiver.copy.lock().unwrap().report();
    axum::Json(json!({ "digest": digest, "errors": errors })).into_response()
}

impl Receiver {
    /// Applies a page; why a snapshot is needed, when the page does not begin where the copy stands.
    fn apply(&self, page: &Value) -> Option<String> {
        let mut copy = self.copy.lock().unwrap();
        if page["since"] != copy.cursor.as_str() {
            return Some("EPOCH".to_owned());
        }
        let changes: Vec<Value> = page["changes"].as_array().unwrap().iter().map(of_http).collect();
        copy.apply(&changes, page["cursor"].as_str().unwrap());
        None
    }
}

/// Whether the signature is the secret's, as a called system finds out.
fn is_signed(signature: &str, body: &[u8], secret: &str) -> bool {
    let Some((at, v1)) = signature.strip_prefix("t=").and_then(|rest| rest.split_once(",v1=")) else { return false };
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(at.as_bytes());
    mac.update(b".");
    mac.update(body);
    v1 == hex::encode(mac.finalize().into_bytes())
}
