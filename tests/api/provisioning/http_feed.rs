//! The provisioning feed over plain HTTP.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::time::{Duration, Instant};

use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY, WWW_AUTHENTICATE,
};
use serde_json::{Value, json};

use crate::support::{Actor, ApiClient, Scope, TestApp, string};

/// Every field of an entry.
const ENTRY: &str = "id slot number label asciiLabel parameters secrets digests permissions fallbackNumber active \
    restrictions effects members { number delaySeconds paused active } ownerUsername visibility version updatedAt";

/// A snapshot as newline-delimited JSON.
struct Snapshot {
    /// The first line, with the cursor `head` and the number of entries.
    header: Value,
    entries: Vec<Value>,
}

async fn snapshot(client: &ApiClient) -> Snapshot {
    let response = client.get("/feed/demo/sip").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/x-ndjson");
    let text = response.text().await.unwrap();
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (header, trailer) = (lines.remove(0), lines.pop().unwrap());
    assert_eq!(trailer, json!({ "end": header["head"] }));
    assert_eq!(header["count"], lines.len());
    Snapshot { header, entries: lines }
}

async fn changes(client: &ApiClient, query: &str) -> Value {
    let response = client.get(&format!("/feed/demo/sip/changes{query}")).send().await.unwrap();
    assert_eq!(response.status(), 200, "{query}");
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    response.json().await.unwrap()
}

/// The status and the code of a request that must be refused.
async fn refusal(client: &ApiClient, path: &str) -> (u16, String) {
    let response = client.get(path).send().await.unwrap();
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    assert!(body["error"]["message"].as_str().is_some_and(|message| message.ends_with('.')), "{path}: {body}");
    (status, string(&body["error"]["code"]).to_owned())
}

async fn config_key(admin: &Actor) -> Actor {
    admin.creates_key(&[Scope::ReadConfig], &["sip"]).await.actor
}

/// The cursor of the newest revision.
async fn head(client: &ApiClient) -> String {
    string(&changes(client, "").await["cursor"]).to_owned()
}

pub async fn the_http_snapshot_is_that_of_graphql(app: TestApp) {
    let admin = app.admin().await;
    for scope in [Scope::ReadConfig, Scope::ReadDigests, Scope::ReadSecrets] {
        let key = admin.creates_key(&[scope], &["sip"]).await;
        let over_http = snapshot(&key).await;
        let query = format!(
            "{{ provisioning(event: \"demo\", serviceType: \"sip\") {{ snapshot {{ head entries {{ {ENTRY} }} }} }} }}"
        );
        let in_graphql = key.query(&query).await.ok()["snapshot"].clone();
        assert_eq!(over_http.header["head"], in_graphql["head"]);
        assert_eq!(Value::from(over_http.entries), in_graphql["entries"]);
        assert_ne!(over_http.header["count"], 0);
    }
}

pub async fn an_unchanged_feed_is_answered_with_304(app: TestApp) {
    let (admin, user) = (app.admin().await, app.user().await);
    let key = config_key(&admin).await;
    let etag = async || key.get("/feed/demo/sip").send().await.unwrap().headers()[ETAG].to_str().unwrap().to_owned();
    let first = etag().await;
    let unchanged = key.get("/feed/demo/sip").header(IF_NONE_MATCH, &first).send().await.unwrap();
    assert_eq!((unchanged.status().as_u16(), unchanged.headers()[ETAG].to_str().unwrap()), (304, first.as_str()));
    assert_eq!(unchanged.headers()[VARY], "accept-encoding");
    assert_eq!(unchanged.text().await.unwrap(), "");
    let head = key.head("/feed/demo/sip").send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.headers()[ETAG].to_str().unwrap()), (200, first.as_str()));
    assert_eq!(head.headers()[VARY], "accept-encoding");
    assert_eq!(head.headers().get(CONTENT_LENGTH), None, "the length is known only after rendering");
    let secrets = admin.creates_key(&[Scope::ReadSecrets], &["sip"]).await;
    let of_other_scope = secrets.get("/feed/demo/sip").header(IF_NONE_MATCH, &first).send().await.unwrap();
    assert_eq!(of_other_scope.status(), 200, "another scope reads another document");
    user.registers("sip", "2342").await.ok();
    let second = etag().await;
    assert_ne!(second, first);
    let settings = json!({ "registrar": "a.example", "port": 5060, "transport": "tcp", "realm": "demo.example" });
    admin.updates_service_type("sip", json!({ "settings": settings })).await.ok();
    assert_ne!(etag().await, second, "templates show the settings");
}

pub async fn a_feed_is_compressed_on_request(app: TestApp) {
    let key = app.admin().await.creates_key(&[Scope::ReadSecrets], &["sip"]).await;
    let plain = key.get("/feed/demo/sip").send().await.unwrap().text().await.unwrap();
    for encoding in ["gzip", "zstd"] {
        let response = key.get("/feed/demo/sip").header(ACCEPT_ENCODING, encoding).send().await.unwrap();
        assert_eq!(response.headers()[CONTENT_ENCODING], encoding);
        assert_eq!(response.headers().get_all(VARY).iter().collect::<Vec<_>>(), ["accept-encoding"]);
        let body = response.bytes().await.unwrap();
        let mut text = String::new();
        match encoding {
            "gzip" => flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut text).unwrap(),
            _ => zstd::stream::read::Decoder::new(&body[..]).unwrap().read_to_string(&mut text).unwrap(),
        };
        assert_eq!(text, plain);
        assert!(body.len() < plain.len());
    }
}

pub async fn only_authorised_callers_read_a_feed(app: TestApp) {
    let (admin, user, operator, guest) = (app.admin().await, app.user().await, app.operator().await, app.guest());
    for path in ["/feed/demo/sip", "/feed/demo/sip/changes", "/render/demo/sip/x"] {
        assert_eq!(refusal(&guest, path).await, (401, "UNAUTHENTICATED".to_owned()));
        assert_eq!(refusal(&app.with_token("swb_none"), path).await, (401, "UNAUTHENTICATED".to_owned()));
        assert_eq!(refusal(&user, path).await, (403, "FORBIDDEN".to_owned()));
    }
    let challenge = guest.get("/feed/demo/sip").send().await.unwrap();
    assert!(challenge.headers().get_all(WWW_AUTHENTICATE).iter().any(|value| value == "Bearer"));
    let key = admin.creates_key(&[Scope::ReadSecrets], &["sip"]).await;
    assert_eq!(refusal(&key, "/feed/demo/dect").await, (403, "FORBIDDEN".to_owned()));
    assert_eq!(refusal(&key, "/feed/nowhere/sip").await, (404, "NOT_FOUND".to_owned()));
    assert_eq!(refusal(&key, "/render/demo/sip/nothing").await, (404, "NOT_FOUND".to_owned()));
    let basic = guest.get("/feed/demo/sip").basic_auth("pbx", key.token()).send().await.unwrap();
    assert_eq!(basic.status(), 200);
    let of_operator = snapshot(&operator).await;
    let has_no_secrets = |entry: &Value| entry["secrets"] == json!({}) && entry["digests"] == json!({});
    assert!(of_operator.entries.iter().all(has_no_secrets));
}

pub async fn a_long_poll_returns_when_something_changes(app: TestApp) {
    let (admin, user) = (app.admin().await, app.user().await);
    let key = admin.creates_key(&[Scope::ReadSecrets], &["sip"]).await;
    let start = changes(&key, "").await;
    assert_eq!((&start["changes"], &start["hasMore"]), (&json!([]), &json!(false)));
    let head = string(&start["cursor"]).to_owned();
    let unchanged = changes(&key, &format!("?since={head}&wait=0.2")).await;
    assert_eq!(unchanged, start);
    let (client, query) = (key.client.clone(), format!("?since={head}&wait=30"));
    let began = Instant::now();
    let poll = tokio::spawn(async move { changes(&client, &query).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!poll.is_finished(), "the poll returned before there was a change");
    let id = user.registers("sip", "2342").await.id();
    let page = poll.await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(10));
    let query = format!(
        "query($since: FeedCursor!) {{ provisioning(event: \"demo\", serviceType: \"sip\") {{ \
         changes(since: $since) {{ ... on FeedPage {{ cursor hasMore changes {{ \
         ... on FeedUpsert {{ extension {{ {ENTRY} }} previous {{ number parameters }} }} \
         ... on FeedRemoval {{ id slot keys {{ number parameters }} }} }} }} }} }} }}"
    );
    let in_graphql =
        async |since: &str| key.query_with(&query, json!({ "since": since })).await.ok()["changes"].clone();
    let expected = in_graphql(&head).await;
    assert_eq!(page["cursor"], expected["cursor"]);
    assert_eq!(page["changes"][0]["upsert"], expected["changes"][0]["extension"]);
    assert_eq!(page["changes"][0]["upsert"]["number"], "2342");
    assert_eq!(page["changes"][0]["previous"], expected["changes"][0]["previous"]);
    user.deletes(&id).await.ok();
    let since = string(&page["cursor"]);
    let removal = changes(&key, &format!("?since={since}&wait=30")).await;
    let expected = in_graphql(since).await;
    assert_eq!(removal["changes"], json!([{ "removal": expected["changes"][0] }]));
    assert_eq!((&removal["changes"][0]["removal"]["id"], &removal["hasMore"]), (&json!(id), &json!(false)));
}

pub async fn an_invalid_position_is_refused_or_reset(app: TestApp) {
    let admin = app.admin().await;
    let key = config_key(&admin).await;
    for query in ["since=x", "first=0", "first=5001", "first=x", "wait=31", "wait=-1", "wait=NaN"] {
        let path = format!("/feed/demo/sip/changes?{query}");
        assert_eq!(refusal(&key, &path).await, (400, "BAD_USER_INPUT".to_owned()), "{query}");
    }
    let other_feed = app.operator().await.get("/feed/demo/dect/changes").send().await.unwrap();
    let other_feed: Value = other_feed.json().await.unwrap();
    let foreign = string(&other_feed["cursor"]);
    assert_eq!(changes(&key, &format!("?since={foreign}&wait=30")).await, json!({ "reset": "EPOCH" }));
    let (client, query) = (key.client.clone(), format!("?since={}&wait=30", head(&key).await));
    let poll = tokio::spawn(async move { changes(&client, &query).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    admin.sets_phase("ARCHIVED").await.ok();
    assert_eq!(poll.await.unwrap(), json!({ "reset": "CLOSED" }));
    assert_eq!(refusal(&key, "/feed/demo/sip").await, (410, "CLOSED".to_owned()));
    assert_eq!(changes(&key, "").await, json!({ "reset": "CLOSED" }));
}

pub async fn revoking_a_key_ends_its_long_poll(app: TestApp) {
    let admin = app.admin().await;
    let key = admin.creates_key(&[Scope::ReadConfig], &["sip"]).await;
    let (client, path) = (key.client.clone(), format!("/feed/demo/sip/changes?since={}&wait=30", head(&key).await));
    let poll = tokio::spawn(async move { refusal(&client, &path).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!poll.is_finished(), "the poll returned before the key was revoked");
    let began = Instant::now();
    admin.revokes_key(&key.id).await.ok();
    let (status, _) = poll.await.unwrap();
    assert!(matches!(status, 401 | 403), "{status}");
    assert!(began.elapsed() < Duration::from_secs(5));
}

/// How old the state of another instance can be when its notification was lost.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

pub async fn a_change_by_another_instance_is_seen_within_a_second(app: TestApp) {
    let (admin, user) = (app.admin().await, app.user().await);
    let key = config_key(&admin).await;
    let other_instance = app.another_instance().await;
    let there = other_instance.with_token(key.token().unwrap());
    let etag = there.get("/feed/demo/sip").send().await.unwrap().headers()[ETAG].clone();
    let status = async |client: &ApiClient| {
        let request = client.get("/feed/demo/sip").header(IF_NONE_MATCH, &etag);
        request.send().await.unwrap().status().as_u16()
    };
    for client in [&key, &there] {
        assert_eq!(status(client).await, 304);
    }
    user.registers("sip", "2342").await.ok();
    let began = Instant::now();
    assert_eq!(status(&key).await, 200, "the instance that made the change sees it at once");
    while status(&there).await == 304 {
        assert!(began.elapsed() < POLL_INTERVAL);
    }
}

pub async fn a_key_revoked_by_another_instance_ends_within_a_second(app: TestApp) {
    let admin = app.admin().await;
    let key = admin.creates_key(&[Scope::ReadConfig], &["sip"]).await;
    let other_instance = app.another_instance().await;
    let there = other_instance.with_token(key.token().unwrap());
    let status = async |client: &ApiClient| client.get("/feed/demo/sip").send().await.unwrap().status().as_u16();
    for client in [&key.actor, &there] {
        assert_eq!(status(client).await, 200);
    }
    admin.revokes_key(&key.id).await.ok();
    let began = Instant::now();
    assert_eq!(status(&key).await, 401, "the instance that revoked the key refuses it at once");
    while status(&there).await == 200 {
        assert!(began.elapsed() < POLL_INTERVAL);
    }
}

/// A consumer's copy of the feed by number, as a system with a unique column stores it.
struct Replica {
    rows: BTreeMap<String, Value>,
    cursor: String,
}

impl Replica {
    /// Applies a page in two phases: removes everything under a previous key, then inserts every upsert.
    fn apply(&mut self, page: &Value) {
        let changes = page["changes"].as_array().unwrap();
        for change in changes {
            for key in change["removal"]["keys"].as_array().or(change["previous"].as_array()).unwrap() {
                self.rows.remove(string(&key["number"]));
            }
        }
        for upsert in changes.iter().filter_map(|change| change.get("upsert")) {
            self.rows.retain(|_, row| row["id"] != upsert["id"]);
            self.rows.insert(string(&upsert["number"]).to_owned(), upsert.clone());
        }
        self.cursor = string(&page["cursor"]).to_owned();
    }

    /// Applies the next page of three revisions, and returns whether there are more.
    async fn update(&mut self, client: &ApiClient) -> bool {
        let page = changes(client, &format!("?since={}&first=3", self.cursor)).await;
        self.apply(&page);
        page["hasMore"] == true
    }
}

pub async fn a_replica_kept_by_polling_equals_the_database(app: TestApp) {
    let (admin, user) = (app.admin().await, app.user().await);
    let key = admin.creates_key(&[Scope::ReadSecrets], &["sip"]).await;
    let Snapshot { header, entries } = snapshot(&key).await;
    let rows = entries.into_iter().map(|entry| (string(&entry["number"]).to_owned(), entry)).collect();
    let mut replica = Replica { rows, cursor: string(&header["head"]).to_owned() };
    let mut ids = Vec::new();
    for number in 2400..2420 {
        ids.push(user.registers("sip", &number.to_string()).await.id());
    }
    for (index, id) in ids.iter().enumerate() {
        match index % 4 {
            0 => user.deletes(id).await.ok(),
            1 => user.relabels(id, "Another").await.ok(),
            2 => user.rotates_password(id).await.ok(),
            _ => user.updates(id, json!({ "parameters": { "max_contacts": 5 } })).await.ok(),
        };
        if index % 5 == 0 {
            replica.update(&key).await;
        }
    }
    admin.bans("user").await.ok();
    while replica.update(&key).await {}
    let Snapshot { header, mut entries } = snapshot(&key).await;
    entries.sort_by_key(|entry| string(&entry["number"]).to_owned());
    assert_eq!(replica.rows.into_values().collect::<Vec<_>>(), entries);
    assert_eq!(header["head"], replica.cursor);
    assert!(entries.iter().any(|entry| entry["active"] == false));
}
