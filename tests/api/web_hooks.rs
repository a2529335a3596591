//! Systems that want to be called.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use switchboard::provisioning::web_hooks;
use switchboard::provisioning::web_hooks::HEADER;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::support::{Actor, TestApp, error_code};

/// What a called system got: the header and the body.
type Call = (String, Vec<u8>);

/// A system that is called, and answers what it is told to.
struct Called {
    url: String,
    calls: UnboundedReceiver<Call>,
    answer: Arc<Mutex<(StatusCode, Value)>>,
}

type Shared = (UnboundedSender<Call>, Arc<Mutex<(StatusCode, Value)>>);

impl Called {
    async fn listen(address: &str) -> Self {
        let (sender, calls) = unbounded_channel();
        let answer = Arc::new(Mutex::new((StatusCode::OK, json!({}))));
        let router = axum::Router::new().route("/hook", post(take)).with_state((sender, Arc::clone(&answer)));
        let listener = tokio::net::TcpListener::bind((address, 0)).await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, calls, answer }
    }

    fn answers(&self, status: StatusCode, body: Value) {
        *self.answer.lock().unwrap() = (status, body);
    }

    async fn call(&mut self) -> Call {
        tokio::time::timeout(Duration::from_secs(10), self.calls.recv()).await.expect("nobody called").unwrap()
    }

    /// The next call's body.
    async fn told(&mut self) -> Value {
        serde_json::from_slice(&self.call().await.1).unwrap()
    }
}

async fn take(State((calls, answer)): State<Shared>, headers: HeaderMap, body: axum::body::Bytes) -> Response {
    let signature = headers.get(HEADER).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    calls.send((signature, body.to_vec())).unwrap();
    let (status, body) = answer.lock().unwrap().clone();
    (status, axum::Json(body)).into_response()
}

/// An admin with a consumer of the demo's SIP feed that is called at `url`; with the consumer's id and the secret.
async fn hooked(app: &TestApp, url: &str) -> (Actor, String, String) {
    let admin = app.sign_in("admin", "numberwang").await;
    let key = "mutation { createApiKey(input: {label: \"pbx\", scopes: [READ_DIGESTS], serviceTypes: [\"sip\"], events: [\"demo\"]}) { apiKey { id } errors { code } } }";
    let key = admin.execute(key, json!({})).await["data"]["createApiKey"]["apiKey"]["id"].clone();
    let create = "mutation($k: ID!) { createFeedConsumer(input: {name: \"pbx\", event: \"demo\", serviceType: \"sip\", apiKey: $k}) { consumer { id } errors { code } } }";
    let made = admin.execute(create, json!({ "k": key })).await;
    let consumer = made["data"]["createFeedConsumer"]["consumer"]["id"].as_str().unwrap().to_owned();
    let saved = save(&admin, &consumer, url).await;
    let secret = saved["secret"].as_str().unwrap_or_else(|| panic!("{saved}")).to_owned();
    (admin, consumer, secret)
}

async fn save(admin: &Actor, consumer: &str, url: &str) -> Value {
    let save = "mutation($c: ID!, $u: String!) { saveWebHook(input: {consumer: $c, url: $u}) { secret consumer { webHook { state } } errors { code path message } } }";
    admin.execute(save, json!({ "c": consumer, "u": url })).await["data"]["saveWebHook"].clone()
}

async fn call(app: &TestApp) {
    web_hooks::call_due(&app.app.services, &app.app.web_hooks).await.unwrap();
}

/// The consumer as an operator sees it, once `is_so` holds of it.
async fn seen(app: &TestApp, operator: &Actor, is_so: impl Fn(&Value) -> bool) -> Value {
    let query = "{ feedConsumers { name lagRecords paused errors { code number } verified { agrees isCurrent } \
                 webHook { url state attempts lastError deliveredAt deadAt nextAttemptAt } } }";
    let began = std::time::Instant::now();
    loop {
        let found = operator.execute(query, json!({})).await["data"]["feedConsumers"][0].clone();
        if is_so(&found) {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "it never came to be: {found}");
        tokio::time::sleep(Duration::from_millis(20)).await;
        call(app).await;
    }
}

fn is_in_step(consumer: &Value) -> bool {
    consumer["lagRecords"] == 0 && consumer["webHook"]["deliveredAt"] != Value::Null
}

pub async fn changes_arrive_signed_and_acknowledged(app: TestApp) {
    let mut pbx = Called::listen("127.0.0.1").await;
    let (admin, _, secret) = hooked(&app, &pbx.url).await;
    call(&app).await;
    let begin = pbx.told().await;
    assert_eq!(
        (&begin["reset"], &begin["event"], &begin["serviceType"]),
        (&json!("EXPIRED"), &json!("demo"), &json!("sip"))
    );
    seen(&app, &admin, is_in_step).await;
    let user = app.sign_in("user", "numberwang").await;
    user.registers("sip", "2342").await;
    call(&app).await;
    let (signature, body) = pbx.call().await;
    assert!(is_signed(&signature, &body, &secret));
    let page: Value = serde_json::from_slice(&body).unwrap();
    let upsert = &page["changes"][0]["upsert"];
    assert_eq!((&upsert["number"], &upsert["secrets"]), (&json!("2342"), &json!({})));
    assert!(upsert["digests"]["password"]["ha1"].is_string(), "{page}");
    seen(&app, &admin, is_in_step).await;
    // What is acknowledged is not told again.
    call(&app).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(pbx.calls.try_recv().is_err());
}

pub async fn a_system_that_fails_is_called_again_and_given_up_after_a_day(app: TestApp) {
    let mut pbx = Called::listen("127.0.0.1").await;
    pbx.answers(StatusCode::INTERNAL_SERVER_ERROR, json!({}));
    let (admin, consumer, _) = hooked(&app, &pbx.url).await;
    call(&app).await;
    let first = pbx.told().await;
    let failing = seen(&app, &admin, |found| found["webHook"]["state"] == "FAILING").await;
    assert_eq!(failing["webHook"]["lastError"], "it answers 500 Internal Server Error");
    call(&app).await;
    assert!(pbx.calls.try_recv().is_err(), "it was called before its time");
    app.clock.advance(Duration::from_secs(2));
    call(&app).await;
    assert_eq!(pbx.told().await["delivery"], first["delivery"]);
    seen(&app, &admin, |found| found["webHook"]["attempts"] == 2).await;
    app.clock.advance(Duration::from_secs(25 * 3600));
    let admin = app.sign_in("admin", "numberwang").await;
    call(&app).await;
    pbx.told().await;
    seen(&app, &admin, |found| found["webHook"]["state"] == "DEAD").await;
    app.clock.advance(Duration::from_secs(3600));
    call(&app).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(pbx.calls.try_recv().is_err(), "it was called though it was given up");
    pbx.answers(StatusCode::NO_CONTENT, Value::Null);
    let replay =
        "mutation($c: ID!) { replayWebHook(input: {consumer: $c}) { consumer { webHook { state } } errors { code } } }";
    let user = app.sign_in("user", "numberwang").await.execute(replay, json!({ "c": consumer })).await;
    assert_eq!(user["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let operator = app.sign_in("operator", "numberwang").await;
    let replayed = operator.execute(replay, json!({ "c": consumer })).await;
    assert_eq!(replayed["data"]["replayWebHook"]["consumer"]["webHook"]["state"], "WORKING", "{replayed}");
    call(&app).await;
    assert_eq!(pbx.told().await["reset"], "EXPIRED");
    let working = seen(&app, &operator, is_in_step).await;
    assert_eq!(working["webHook"]["url"], Value::Null, "an operator sees the address");
}

pub async fn what_a_called_system_reports_is_seen(app: TestApp) {
    let mut pbx = Called::listen("127.0.0.1").await;
    let (admin, _, _) = hooked(&app, &pbx.url).await;
    call(&app).await;
    pbx.told().await;
    seen(&app, &admin, is_in_step).await;
    let user = app.sign_in("user", "numberwang").await;
    let id = user.registers("sip", "2342").await["extension"]["id"].clone();
    let error = json!({ "extensionId": id, "code": "FULL", "message": "no port is free" });
    pbx.answers(StatusCode::OK, json!({ "errors": [error], "digest": "00".repeat(32) }));
    call(&app).await;
    pbx.told().await;
    let found =
        seen(&app, &admin, |found| found["errors"].as_array().unwrap().len() == 2 && found["verified"] != Value::Null)
            .await;
    assert_eq!(found["verified"], json!({ "agrees": false, "isCurrent": true }));
    let status = "{ extension(event: \"demo\", number: \"2342\") { provisioning { consumer state message } } }";
    let status = user.execute(status, json!({})).await;
    let expected = json!([{ "consumer": "pbx", "state": "FAILED", "message": "no port is free" }]);
    assert_eq!(status["data"]["extension"]["provisioning"], expected, "{status}");
    // An error about what the feed does not know is said to the operator, and does not hold up the rest.
    let error = json!({ "extensionId": "Extension:00", "code": "FULL" });
    pbx.answers(StatusCode::OK, json!({ "errors": [error] }));
    user.registers("sip", "2343").await;
    call(&app).await;
    pbx.told().await;
    let noted = seen(&app, &admin, |found| found["webHook"]["lastError"] != Value::Null).await;
    assert_eq!((&noted["lagRecords"], &noted["webHook"]["state"]), (&json!(0), &json!("WORKING")));
}

pub async fn addresses_inside_are_not_called(app: TestApp) {
    // 127.0.0.1 alone is named to the application under test.
    let mut neighbour = Called::listen("127.0.0.2").await;
    let (admin, consumer, _) = hooked(&app, &neighbour.url).await;
    let is_refused = |found: &Value| {
        let said = found["webHook"]["lastError"].as_str().unwrap_or_default();
        found["webHook"]["state"] == "FAILING" && said.contains("--web-hook-network")
    };
    seen(&app, &admin, is_refused).await;
    for inside in ["https://169.254.169.254/latest/", "http://[::1]:9/", "http://0x7f000002:9/", "http://1.1.1.1/"] {
        assert_eq!(save(&admin, &consumer, inside).await["errors"], json!([]), "{inside}");
        seen(&app, &admin, is_refused).await;
    }
    assert!(neighbour.calls.try_recv().is_err());
    for bad in ["ftp://x.example/", "https://user:password@x.example/", "x"] {
        let refused = save(&admin, &consumer, bad).await;
        assert_eq!((error_code(&refused), &refused["errors"][0]["path"]), ("INVALID", &json!(["url"])), "{bad}");
    }
}

pub async fn a_paused_system_is_left_alone(app: TestApp) {
    let mut pbx = Called::listen("127.0.0.1").await;
    let (_, consumer, _) = hooked(&app, &pbx.url).await;
    let pause = "mutation($c: ID!, $p: Boolean!) { pauseFeedConsumer(input: {id: $c, paused: $p}) { consumer { paused } errors { code } } }";
    let operator = app.sign_in("operator", "numberwang").await;
    let paused = operator.execute(pause, json!({ "c": consumer, "p": true })).await;
    assert_eq!(paused["data"]["pauseFeedConsumer"]["consumer"]["paused"], true, "{paused}");
    call(&app).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(pbx.calls.try_recv().is_err());
    operator.execute(pause, json!({ "c": consumer, "p": false })).await;
    call(&app).await;
    assert_eq!(pbx.told().await["reset"], "EXPIRED");
}

pub async fn an_archived_event_is_told_once(app: TestApp) {
    let mut pbx = Called::listen("127.0.0.1").await;
    let (admin, _, _) = hooked(&app, &pbx.url).await;
    call(&app).await;
    pbx.told().await;
    seen(&app, &admin, is_in_step).await;
    admin
        .execute("mutation { updateEvent(input: {slug: \"demo\", phase: ARCHIVED}) { errors { code } } }", json!({}))
        .await;
    call(&app).await;
    assert_eq!(pbx.told().await["reset"], "CLOSED");
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        call(&app).await;
    }
    assert!(pbx.calls.try_recv().is_err());
}

/// Whether the signature is the secret's, as a called system would find out.
fn is_signed(signature: &str, body: &[u8], secret: &str) -> bool {
    let (at, v1) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(at.as_bytes());
    mac.update(b".");
    mac.update(body);
    v1 == hex::encode(mac.finalize().into_bytes())
}

pub async fn a_new_sealing_key_keeps_the_secret(app: TestApp) {
    let mut pbx = Called::listen("127.0.0.1").await;
    let (admin, consumer, secret) = hooked(&app, &pbx.url).await;
    app.app.services.sealer.add_key().unwrap();
    assert_eq!(web_hooks::reseal(&app.app.services).await.unwrap(), 1);
    assert_eq!(web_hooks::reseal(&app.app.services).await.unwrap(), 0);
    call(&app).await;
    let (signature, body) = pbx.call().await;
    assert!(is_signed(&signature, &body, &secret));
    seen(&app, &admin, is_in_step).await;
    let rotate = "mutation($c: ID!) { rotateWebHookSecret(input: {consumer: $c}) { secret errors { code } } }";
    let rotated = admin.execute(rotate, json!({ "c": consumer })).await;
    let new = rotated["data"]["rotateWebHookSecret"]["secret"].as_str().unwrap_or_else(|| panic!("{rotated}"));
    app.sign_in("user", "numberwang").await.registers("sip", "2342").await;
    call(&app).await;
    let (signature, body) = pbx.call().await;
    assert!(is_signed(&signature, &body, new) && !is_signed(&signature, &body, &secret));
}
