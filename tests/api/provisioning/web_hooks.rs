//! Web hooks.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response as HttpResponse};
use axum::routing::post;
use hmac::{Hmac, KeyInit as _, Mac as _};
use provisioning::web_hooks;
use provisioning::web_hooks::HEADER;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::support::{Actor, Response, Scope, TestApp, string};

/// How long a delivery may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a test waits for a delivery that must not come.
const QUIET: Duration = Duration::from_millis(100);

/// A delivery as the endpoint receives it.
struct Delivery {
    signature: String,
    body: Vec<u8>,
}

/// What the endpoint responds.
type Reply = Arc<Mutex<(StatusCode, Value)>>;

/// The header `Retry-After` of the endpoint's responses.
const RETRY_AFTER: &str = "120";

/// A web hook's endpoint.
struct Endpoint {
    url: String,
    deliveries: UnboundedReceiver<Delivery>,
    reply: Reply,
}

impl Endpoint {
    async fn listen(address: &str) -> Self {
        let (sender, deliveries) = unbounded_channel();
        let reply = Arc::new(Mutex::new((StatusCode::OK, json!({}))));
        let router = axum::Router::new().route("/hook", post(receive)).with_state((sender, Arc::clone(&reply)));
        let listener = tokio::net::TcpListener::bind((address, 0)).await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, deliveries, reply }
    }

    /// Sets what the endpoint responds from now on.
    fn responds(&self, status: StatusCode, body: Value) {
        *self.reply.lock().unwrap() = (status, body);
    }

    async fn next(&mut self) -> Delivery {
        tokio::time::timeout(TIMEOUT, self.deliveries.recv()).await.expect("no delivery").unwrap()
    }

    /// The body of the next delivery.
    async fn next_body(&mut self) -> Value {
        serde_json::from_slice(&self.next().await.body).unwrap()
    }

    /// Asserts that there is no delivery.
    async fn assert_quiet(&mut self) {
        let delivery = tokio::time::timeout(QUIET, self.deliveries.recv()).await;
        assert!(delivery.is_err(), "an unexpected delivery");
    }
}

async fn receive(
    State((deliveries, reply)): State<(UnboundedSender<Delivery>, Reply)>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> HttpResponse {
    let signature = headers.get(HEADER).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    deliveries.send(Delivery { signature, body: body.to_vec() }).unwrap();
    let (status, body) = reply.lock().unwrap().clone();
    if status == StatusCode::TOO_MANY_REQUESTS {
        return (status, [("Retry-After", RETRY_AFTER)], axum::Json(body)).into_response();
    }
    (status, axum::Json(body)).into_response()
}

/// A consumer of the demo's SIP feed with a web hook.
struct Consumer {
    admin: Actor,
    id: String,
    /// The signing secret.
    secret: String,
}

async fn create_web_hook(app: &TestApp, url: &str) -> Consumer {
    let admin = app.admin().await;
    let system = admin.connects_system(Scope::ReadDigests, "sip").await;
    let id = system.becomes_consumer(&admin, "pbx").await;
    let saved = save_web_hook(&admin, &id, url).await.ok();
    Consumer { admin, id, secret: string(&saved["secret"]).to_owned() }
}

async fn save_web_hook(admin: &Actor, consumer: &str, url: &str) -> Response {
    admin
        .mutate("saveWebHook", json!({ "consumer": consumer, "url": url }), "secret consumer { webHook { state } }")
        .await
}

/// Starts the deliveries that are due.
async fn deliver(app: &TestApp) {
    web_hooks::deliver_due(&app.app.services, &app.app.web_hooks).await.unwrap();
}

/// The consumer as this actor sees it, once it is in the expected state.
async fn consumer_when(app: &TestApp, actor: &Actor, is_expected: impl Fn(&Value) -> bool) -> Value {
    let query = "{ feedConsumers { name lagRecords paused errors { code number } verified { agrees isCurrent } \
                 webHook { url state attempts lastError deliveredAt deadAt nextAttemptAt } } }";
    let began = Instant::now();
    loop {
        let consumer = actor.query(query).await.ok()[0].clone();
        if is_expected(&consumer) {
            return consumer;
        }
        assert!(began.elapsed() < TIMEOUT, "the consumer stays in this state: {consumer}");
        tokio::time::sleep(Duration::from_millis(20)).await;
        deliver(app).await;
    }
}

fn is_in_sync(consumer: &Value) -> bool {
    consumer["lagRecords"] == 0 && consumer["webHook"]["deliveredAt"] != Value::Null
}

/// Whether the signature is an HMAC-SHA256 of the time and the body under this secret.
fn is_signed(delivery: &Delivery, secret: &str) -> bool {
    let (time, signature) = delivery.signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(&delivery.body);
    signature == hex::encode(mac.finalize().into_bytes())
}

pub async fn deliveries_are_signed_and_acknowledge_their_changes(app: TestApp) {
    let mut endpoint = Endpoint::listen("127.0.0.1").await;
    let Consumer { admin, secret, .. } = create_web_hook(&app, &endpoint.url).await;
    deliver(&app).await;
    let first = endpoint.next_body().await;
    assert_eq!((&first["reset"], &first["event"]), (&json!("EXPIRED"), &json!("demo")));
    assert_eq!(first["serviceType"], "sip");
    consumer_when(&app, &admin, is_in_sync).await;
    app.user().await.registers("sip", "2342").await.ok();
    deliver(&app).await;
    let delivery = endpoint.next().await;
    assert!(is_signed(&delivery, &secret));
    let page: Value = serde_json::from_slice(&delivery.body).unwrap();
    let upsert = &page["changes"][0]["upsert"];
    assert_eq!((&upsert["number"], &upsert["secrets"]), (&json!("2342"), &json!({})));
    assert!(upsert["digests"]["password"]["ha1"].is_string(), "{page}");
    consumer_when(&app, &admin, is_in_sync).await;
    // An acknowledged change is not delivered again.
    deliver(&app).await;
    endpoint.assert_quiet().await;
}

pub async fn a_failing_endpoint_is_retried_and_given_up_after_a_day(app: TestApp) {
    let mut endpoint = Endpoint::listen("127.0.0.1").await;
    endpoint.responds(StatusCode::INTERNAL_SERVER_ERROR, json!({}));
    let Consumer { admin, id, .. } = create_web_hook(&app, &endpoint.url).await;
    deliver(&app).await;
    let first = endpoint.next_body().await;
    let failing = consumer_when(&app, &admin, |consumer| consumer["webHook"]["state"] == "FAILING").await;
    assert_eq!(failing["webHook"]["lastError"], "it answers 500 Internal Server Error");
    deliver(&app).await;
    endpoint.assert_quiet().await;
    app.clock.advance(Duration::from_secs(2));
    deliver(&app).await;
    assert_eq!(endpoint.next_body().await["delivery"], first["delivery"]);
    consumer_when(&app, &admin, |consumer| consumer["webHook"]["attempts"] == 2).await;
    app.clock.advance(Duration::from_secs(25 * 3600));
    let admin = app.admin().await;
    deliver(&app).await;
    endpoint.next().await;
    consumer_when(&app, &admin, |consumer| consumer["webHook"]["state"] == "DEAD").await;
    app.clock.advance(Duration::from_secs(3600));
    deliver(&app).await;
    endpoint.assert_quiet().await;
    endpoint.responds(StatusCode::NO_CONTENT, Value::Null);
    let replay = async |actor: &Actor| {
        actor.mutate("replayWebHook", json!({ "consumer": id }), "consumer { webHook { state } }").await
    };
    assert_eq!(replay(&app.user().await).await.rejection(), "FORBIDDEN");
    let operator = app.operator().await;
    assert_eq!(replay(&operator).await.ok()["consumer"]["webHook"]["state"], "WORKING");
    deliver(&app).await;
    assert_eq!(endpoint.next_body().await["reset"], "EXPIRED");
    let working = consumer_when(&app, &operator, is_in_sync).await;
    assert_eq!(working["webHook"]["url"], Value::Null, "an operator sees the URL");
}

pub async fn an_endpoint_names_the_next_attempt(app: TestApp) {
    let mut endpoint = Endpoint::listen("127.0.0.1").await;
    let Consumer { admin, .. } = create_web_hook(&app, &endpoint.url).await;
    endpoint.responds(StatusCode::TOO_MANY_REQUESTS, Value::Null);
    deliver(&app).await;
    endpoint.next().await;
    consumer_when(&app, &admin, |consumer| consumer["webHook"]["state"] == "FAILING").await;
    for _ in 0..11 {
        app.clock.advance(Duration::from_secs(10));
        deliver(&app).await;
    }
    endpoint.assert_quiet().await;
    endpoint.responds(StatusCode::OK, json!({}));
    app.clock.advance(Duration::from_secs(11));
    deliver(&app).await;
    endpoint.next().await;
}

pub async fn errors_that_an_endpoint_reports_are_shown(app: TestApp) {
    let mut endpoint = Endpoint::listen("127.0.0.1").await;
    let Consumer { admin, .. } = create_web_hook(&app, &endpoint.url).await;
    deliver(&app).await;
    endpoint.next().await;
    consumer_when(&app, &admin, is_in_sync).await;
    let user = app.user().await;
    let id = user.registers("sip", "2342").await.id();
    let error = json!({ "extensionId": id, "code": "FULL", "message": "no port is free" });
    endpoint.responds(StatusCode::OK, json!({ "errors": [error], "digest": "00".repeat(32) }));
    deliver(&app).await;
    endpoint.next().await;
    let has_reported =
        |consumer: &Value| consumer["errors"].as_array().unwrap().len() == 2 && consumer["verified"] != Value::Null;
    let consumer = consumer_when(&app, &admin, has_reported).await;
    assert_eq!(consumer["verified"], json!({ "agrees": false, "isCurrent": true }));
    let query = "{ extension(event: \"demo\", number: \"2342\") { provisioning { consumer state message } } }";
    let status = user.query(query).await.ok()["provisioning"].clone();
    assert_eq!(status, json!([{ "consumer": "pbx", "state": "FAILED", "message": "no port is free" }]));
    // An error about an unknown extension is shown to operators and does not delay the feed.
    let error = json!({ "extensionId": "Extension:00", "code": "FULL" });
    endpoint.responds(StatusCode::OK, json!({ "errors": [error] }));
    user.registers("sip", "2343").await.ok();
    deliver(&app).await;
    endpoint.next().await;
    let consumer = consumer_when(&app, &admin, |consumer| consumer["webHook"]["lastError"] != Value::Null).await;
    assert_eq!((&consumer["lagRecords"], &consumer["webHook"]["state"]), (&json!(0), &json!("WORKING")));
}

pub async fn internal_addresses_are_not_called(app: TestApp) {
    // The application under test allows 127.0.0.1 only.
    let mut endpoint = Endpoint::listen("127.0.0.2").await;
    let Consumer { admin, id, .. } = create_web_hook(&app, "http://127.0.0.1:9/").await;
    let is_refused = |consumer: &Value| {
        let error = consumer["webHook"]["lastError"].as_str().unwrap_or_default();
        consumer["webHook"]["state"] == "FAILING" && error.contains("--web-hook-network")
    };
    let addresses = [
        &endpoint.url,
        "https://169.254.169.254/latest/",
        "http://[::1]:9/",
        "http://0x7f000002:9/",
        "http://1.1.1.1/",
    ];
    for url in addresses {
        assert_eq!(save_web_hook(&admin, &id, url).await.refusal(), "INVALID at url", "{url}");
        // A name can resolve to another address after it was saved, and the networks can change: as if it were saved.
        app.update_sql(&format!("UPDATE feed_web_hooks SET url = '{url}', last_error = NULL, next_at = 0")).await;
        consumer_when(&app, &admin, is_refused).await;
    }
    endpoint.assert_quiet().await;
    for url in ["ftp://x.example/", "https://user:password@x.example/", "x"] {
        assert_eq!(save_web_hook(&admin, &id, url).await.refusal(), "INVALID at url", "{url}");
    }
}

pub async fn a_paused_consumer_gets_no_deliveries(app: TestApp) {
    let mut endpoint = Endpoint::listen("127.0.0.1").await;
    let Consumer { id, .. } = create_web_hook(&app, &endpoint.url).await;
    let operator = app.operator().await;
    let pause = async |paused: bool| {
        operator.mutate("pauseFeedConsumer", json!({ "id": id, "paused": paused }), "consumer { paused }").await.ok()
    };
    assert_eq!(pause(true).await["consumer"]["paused"], true);
    deliver(&app).await;
    endpoint.assert_quiet().await;
    assert_eq!(pause(false).await["consumer"]["paused"], false);
    deliver(&app).await;
    assert_eq!(endpoint.next_body().await["reset"], "EXPIRED");
}

pub async fn the_end_of_an_event_is_delivered_once(app: TestApp) {
    let mut endpoint = Endpoint::listen("127.0.0.1").await;
    let Consumer { admin, .. } = create_web_hook(&app, &endpoint.url).await;
    deliver(&app).await;
    endpoint.next().await;
    consumer_when(&app, &admin, is_in_sync).await;
    admin.sets_phase("ARCHIVED").await.ok();
    deliver(&app).await;
    assert_eq!(endpoint.next_body().await["reset"], "CLOSED");
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        deliver(&app).await;
    }
    endpoint.assert_quiet().await;
}

pub async fn a_new_sealing_key_keeps_the_signing_secret(app: TestApp) {
    let mut endpoint = Endpoint::listen("127.0.0.1").await;
    let Consumer { admin, id, secret } = create_web_hook(&app, &endpoint.url).await;
    app.app.services.sealer.add_key().unwrap();
    assert_eq!(web_hooks::reseal(&app.app.services).await.unwrap(), 1);
    assert_eq!(web_hooks::reseal(&app.app.services).await.unwrap(), 0);
    deliver(&app).await;
    assert!(is_signed(&endpoint.next().await, &secret));
    consumer_when(&app, &admin, is_in_sync).await;
    let rotated = admin.mutate("rotateWebHookSecret", json!({ "consumer": id }), "secret").await.ok();
    app.user().await.registers("sip", "2342").await.ok();
    deliver(&app).await;
    let delivery = endpoint.next().await;
    assert!(is_signed(&delivery, string(&rotated["secret"])) && !is_signed(&delivery, &secret));
}
