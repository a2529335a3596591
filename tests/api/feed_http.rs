//! The provisioning feed over plain HTTP.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::time::{Duration, Instant};

use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY, WWW_AUTHENTICATE,
};
use serde_json::{Value, json};

use super::feed::key;
use crate::support::{Actor, TestApp};

/// Every field of an entry, as GraphQL selects them.
const ENTRY: &str = "id slot number label asciiLabel parameters secrets digests permissions fallbackNumber active restrictions \
    effects members { number delaySeconds paused active } ownerUsername visibility version updatedAt";

/// Reads a whole feed: its first line and its entries. The last line must say that it is complete.
async fn whole(reader: &Actor) -> (Value, Vec<Value>) {
    let response = reader.get("/feed/demo/sip").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/x-ndjson");
    lines(&response.text().await.unwrap())
}

fn lines(text: &str) -> (Value, Vec<Value>) {
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (first, last) = (lines.remove(0), lines.pop().unwrap());
    assert_eq!(last, json!({ "end": first["head"] }));
    assert_eq!(first["count"], lines.len());
    (first, lines)
}

async fn changes(reader: &Actor, query: &str) -> Value {
    let response = reader.get(&format!("/feed/demo/sip/changes{query}")).send().await.unwrap();
    assert_eq!(response.status(), 200, "{query}");
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    response.json().await.unwrap()
}

async fn refused(reader: &Actor, path: &str) -> (u16, String) {
    let response = reader.get(path).send().await.unwrap();
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    assert!(body["error"]["message"].as_str().is_some_and(|message| message.ends_with('.')), "{path}: {body}");
    (status, body["error"]["code"].as_str().unwrap().to_owned())
}

pub async fn a_whole_feed_is_that_of_graphql(app: TestApp) {
    let admin = app.sign_in("admin", "numberwang").await;
    for scope in ["READ_CONFIG", "READ_DIGESTS", "READ_SECRETS"] {
        let key = key(&admin, scope).await;
        let (first, entries) = whole(&key).await;
        let query = format!(
            "{{ provisioning(event: \"demo\", serviceType: \"sip\") {{ snapshot {{ head entries {{ {ENTRY} }} }} }} }}"
        );
        let snapshot = &key.execute(&query, json!({})).await["data"]["provisioning"]["snapshot"];
        assert_eq!(first["head"], snapshot["head"]);
        assert_eq!(Value::from(entries), snapshot["entries"]);
        assert_ne!(first["count"], 0);
    }
}

pub async fn a_feed_that_is_known_is_not_sent_again(app: TestApp) {
    let (admin, user) = (app.sign_in("admin", "numberwang").await, app.sign_in("user", "numberwang").await);
    let config = key(&admin, "READ_CONFIG").await;
    let tag = |reader: Actor| async move {
        reader.get("/feed/demo/sip").send().await.unwrap().headers()[ETAG].to_str().unwrap().to_owned()
    };
    let known = tag(config.clone()).await;
    let again = config.get("/feed/demo/sip").header(IF_NONE_MATCH, &known).send().await.unwrap();
    assert_eq!((again.status().as_u16(), again.headers()[ETAG].to_str().unwrap()), (304, known.as_str()));
    assert_eq!(again.headers()[VARY], "accept-encoding");
    assert_eq!(again.text().await.unwrap(), "");
    let head = config.head("/feed/demo/sip").send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.headers()[ETAG].to_str().unwrap()), (200, known.as_str()));
    assert_eq!(head.headers()[VARY], "accept-encoding");
    assert_eq!(head.headers().get(CONTENT_LENGTH), None, "it is not known");
    let secrets = key(&admin, "READ_SECRETS").await;
    let other = secrets.get("/feed/demo/sip").header(IF_NONE_MATCH, &known).send().await.unwrap();
    assert_eq!(other.status(), 200, "what another scope shows is another document");
    user.registers("sip", "2342").await;
    assert_ne!(tag(config.clone()).await, known);
    let known = tag(config.clone()).await;
    let settings = "mutation { updateServiceType(input: {slug: \"sip\", settings: {registrar: \"a.example\", port: 5060, transport: \"tcp\", realm: \"demo.example\"}}) { errors { message } } }";
    let done = admin.execute(settings, json!({})).await;
    assert_eq!(done["data"]["updateServiceType"]["errors"], json!([]), "{done}");
    assert_ne!(tag(config.clone()).await, known, "templates show the settings");
}

pub async fn a_feed_is_compressed_as_asked(app: TestApp) {
    let admin = app.sign_in("admin", "numberwang").await;
    let key = key(&admin, "READ_SECRETS").await;
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

pub async fn only_who_may_read_a_feed_reads_it(app: TestApp) {
    let (admin, user) = (app.sign_in("admin", "numberwang").await, app.sign_in("user", "numberwang").await);
    let operator = app.sign_in("operator", "numberwang").await;
    let guest = app.guest();
    for path in ["/feed/demo/sip", "/feed/demo/sip/changes", "/render/demo/sip/x"] {
        assert_eq!(refused(&guest, path).await, (401, "UNAUTHENTICATED".to_owned()));
        assert_eq!(refused(&app.with_token("swb_none"), path).await, (401, "UNAUTHENTICATED".to_owned()));
        assert_eq!(refused(&user, path).await, (403, "FORBIDDEN".to_owned()));
    }
    let asked = guest.get("/feed/demo/sip").send().await.unwrap();
    assert!(asked.headers().get_all(WWW_AUTHENTICATE).iter().any(|value| value == "Bearer"));
    let key = key(&admin, "READ_SECRETS").await;
    assert_eq!(refused(&key, "/feed/demo/dect").await, (403, "FORBIDDEN".to_owned()));
    assert_eq!(refused(&key, "/feed/nowhere/sip").await, (404, "NOT_FOUND".to_owned()));
    assert_eq!(refused(&key, "/render/demo/sip/nothing").await, (404, "NOT_FOUND".to_owned()));
    let secret = key.token().unwrap();
    let basic = guest.get("/feed/demo/sip").basic_auth("pbx", Some(secret)).send().await.unwrap();
    assert_eq!(basic.status(), 200);
    let (_, entries) = whole(&operator).await;
    assert!(entries.iter().all(|entry| entry["secrets"] == json!({}) && entry["digests"] == json!({})));
}

pub async fn changes_come_when_there_are_some(app: TestApp) {
    let (admin, user) = (app.sign_in("admin", "numberwang").await, app.sign_in("user", "numberwang").await);
    let key = key(&admin, "READ_SECRETS").await;
    let start = changes(&key, "").await;
    assert_eq!((&start["changes"], &start["hasMore"]), (&json!([]), &json!(false)));
    let head = start["cursor"].as_str().unwrap().to_owned();
    let nothing = changes(&key, &format!("?since={head}&wait=0.2")).await;
    assert_eq!(nothing, start);
    let (waiting, since) = (key.clone(), head.clone());
    let began = Instant::now();
    let poll = tokio::spawn(async move { changes(&waiting, &format!("?since={since}&wait=30")).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!poll.is_finished(), "nothing has happened yet");
    let id = user.registers("sip", "2342").await["extension"]["id"].clone();
    let page = poll.await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(10));
    let query = format!(
        "query($s: FeedCursor!) {{ provisioning(event: \"demo\", serviceType: \"sip\") {{ changes(since: $s) {{ ... on FeedPage {{ cursor hasMore changes {{ \
                 ... on FeedUpsert {{ extension {{ {ENTRY} }} previous {{ number parameters }} }} ... on FeedRemoval {{ id slot keys {{ number parameters }} }} }} }} }} }} }}"
    );
    let told = key.execute(&query, json!({ "s": head })).await["data"]["provisioning"]["changes"].clone();
    assert_eq!(page["cursor"], told["cursor"]);
    assert_eq!(page["changes"][0]["upsert"], told["changes"][0]["extension"]);
    assert_eq!(page["changes"][0]["upsert"]["number"], "2342");
    assert_eq!(page["changes"][0]["previous"], told["changes"][0]["previous"]);
    user.execute("mutation($i: ID!) { deleteExtension(input: {id: $i}) { errors { code } } }", json!({ "i": id }))
        .await;
    let since = page["cursor"].as_str().unwrap();
    let gone = changes(&key, &format!("?since={since}&wait=30")).await;
    let told = key.execute(&query, json!({ "s": since })).await["data"]["provisioning"]["changes"].clone();
    assert_eq!(gone["changes"], json!([{ "removal": told["changes"][0] }]));
    assert_eq!((&gone["changes"][0]["removal"]["id"], &gone["hasMore"]), (&id, &json!(false)));
}

pub async fn what_is_no_position_is_refused_or_reset(app: TestApp) {
    let admin = app.sign_in("admin", "numberwang").await;
    let key = key(&admin, "READ_CONFIG").await;
    for query in ["since=x", "first=0", "first=5001", "first=x", "wait=31", "wait=-1", "wait=NaN"] {
        let path = format!("/feed/demo/sip/changes?{query}");
        assert_eq!(refused(&key, &path).await, (400, "BAD_USER_INPUT".to_owned()), "{query}");
    }
    let dect = app.sign_in("operator", "numberwang").await.get("/feed/demo/dect/changes").send().await.unwrap();
    let foreign: Value = dect.json().await.unwrap();
    let foreign = foreign["cursor"].as_str().unwrap();
    assert_eq!(changes(&key, &format!("?since={foreign}&wait=30")).await, json!({ "reset": "EPOCH" }));
    let head = changes(&key, "").await["cursor"].as_str().unwrap().to_owned();
    let waiting = key.clone();
    let poll = tokio::spawn(async move { changes(&waiting, &format!("?since={head}&wait=30")).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let archive = "mutation { updateEvent(input: {slug: \"demo\", phase: ARCHIVED}) { errors { code } } }";
    admin.execute(archive, json!({})).await;
    assert_eq!(poll.await.unwrap(), json!({ "reset": "CLOSED" }));
    assert_eq!(refused(&key, "/feed/demo/sip").await, (410, "CLOSED".to_owned()));
    assert_eq!(changes(&key, "").await, json!({ "reset": "CLOSED" }));
}

pub async fn a_revoked_key_waits_no_longer(app: TestApp) {
    let admin = app.sign_in("admin", "numberwang").await;
    let key = key(&admin, "READ_CONFIG").await;
    let head = changes(&key, "").await["cursor"].as_str().unwrap().to_owned();
    let waiting = key.clone();
    let poll =
        tokio::spawn(async move { refused(&waiting, &format!("/feed/demo/sip/changes?since={head}&wait=30")).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let id = admin.execute("{ apiKeys { id } }", json!({})).await["data"]["apiKeys"][0]["id"].clone();
    let began = Instant::now();
    admin.execute("mutation($i: ID!) { revokeApiKey(input: {id: $i}) { accepted } }", json!({ "i": id })).await;
    let (status, _) = poll.await.unwrap();
    assert!(matches!(status, 401 | 403), "{status}");
    assert!(began.elapsed() < Duration::from_secs(5));
}

/// How long another instance may not know, whose doorbell was lost.
const A_SECOND: Duration = Duration::from_secs(1);

pub async fn what_another_instance_changed_is_known_within_a_second(app: TestApp) {
    let (admin, user) = (app.sign_in("admin", "numberwang").await, app.sign_in("user", "numberwang").await);
    let key = key(&admin, "READ_CONFIG").await;
    let elsewhere = app.another_instance().await;
    let there = elsewhere.with_token(key.token().unwrap());
    let etag = there.get("/feed/demo/sip").send().await.unwrap().headers()[ETAG].clone();
    let status = async |reader: &Actor| {
        let asked = reader.get("/feed/demo/sip").header(IF_NONE_MATCH, &etag);
        asked.send().await.unwrap().status().as_u16()
    };
    for reader in [&key, &there] {
        assert_eq!(status(reader).await, 304);
    }
    user.registers("sip", "2342").await;
    let began = Instant::now();
    assert_eq!(status(&key).await, 200, "where it was changed it is known at once");
    while status(&there).await == 304 {
        assert!(began.elapsed() < A_SECOND);
    }
}

pub async fn a_key_that_another_instance_revoked_ends_within_a_second(app: TestApp) {
    let admin = app.sign_in("admin", "numberwang").await;
    let key = key(&admin, "READ_CONFIG").await;
    let elsewhere = app.another_instance().await;
    let there = elsewhere.with_token(key.token().unwrap());
    let status = async |reader: &Actor| reader.get("/feed/demo/sip").send().await.unwrap().status().as_u16();
    for reader in [&key, &there] {
        assert_eq!(status(reader).await, 200);
    }
    let id = admin.execute("{ apiKeys { id } }", json!({})).await["data"]["apiKeys"][0]["id"].clone();
    admin.execute("mutation($i: ID!) { revokeApiKey(input: {id: $i}) { accepted } }", json!({ "i": id })).await;
    let began = Instant::now();
    assert_eq!(status(&key).await, 401, "where it was revoked it ends at once");
    while status(&there).await == 200 {
        assert!(began.elapsed() < A_SECOND);
    }
}

/// A consumer's own copy: by number, as a system with a unique column holds it.
struct Copy {
    rows: BTreeMap<String, Value>,
    cursor: String,
}

impl Copy {
    /// Applies a page in two phases: everything known under a key goes, then everything that is there comes.
    fn apply(&mut self, page: &Value) {
        let changes = page["changes"].as_array().unwrap();
        for change in changes {
            let keys = change["removal"]["keys"].as_array().or(change["previous"].as_array()).unwrap();
            keys.iter().for_each(|keys| drop(self.rows.remove(keys["number"].as_str().unwrap())));
        }
        for upsert in changes.iter().filter_map(|change| change.get("upsert")) {
            self.rows.retain(|_, row| row["id"] != upsert["id"]);
            self.rows.insert(upsert["number"].as_str().unwrap().to_owned(), upsert.clone());
        }
        self.cursor = page["cursor"].as_str().unwrap().to_owned();
    }
}

pub async fn a_copy_kept_by_polling_equals_the_database(app: TestApp) {
    let (admin, user) = (app.sign_in("admin", "numberwang").await, app.sign_in("user", "numberwang").await);
    let key = key(&admin, "READ_SECRETS").await;
    let (first, entries) = whole(&key).await;
    let rows = entries.into_iter().map(|entry| (entry["number"].as_str().unwrap().to_owned(), entry)).collect();
    let mut copy = Copy { rows, cursor: first["head"].as_str().unwrap().to_owned() };
    let mut ids = Vec::new();
    for number in 2400..2420 {
        ids.push(user.registers("sip", &number.to_string()).await["extension"]["id"].clone());
    }
    for (place, id) in ids.iter().enumerate() {
        let mutation = match place % 4 {
            0 => "mutation($i: ID!) { deleteExtension(input: {id: $i}) { errors { code } } }",
            1 => "mutation($i: ID!) { updateExtension(input: {id: $i, label: \"Another\"}) { errors { code } } }",
            2 => "mutation($i: ID!) { rotateSecret(input: {id: $i, parameter: \"password\"}) { errors { code } } }",
            _ => {
                "mutation($i: ID!) { updateExtension(input: {id: $i, parameters: {max_contacts: 5}}) { errors { code } } }"
            }
        };
        user.execute(mutation, json!({ "i": id })).await;
        if place % 5 == 0 {
            let since = copy.cursor.clone();
            copy.apply(&changes(&key, &format!("?since={since}&first=3")).await);
        }
    }
    admin
        .execute("mutation { banAccount(input: {username: \"user\", reason: \"x\"}) { errors { code } } }", json!({}))
        .await;
    loop {
        let since = copy.cursor.clone();
        let page = changes(&key, &format!("?since={since}&first=3")).await;
        copy.apply(&page);
        if page["hasMore"] == false {
            break;
        }
    }
    let (first, mut entries) = whole(&key).await;
    entries.sort_by_key(|entry| entry["number"].as_str().unwrap().to_owned());
    assert_eq!(copy.rows.into_values().collect::<Vec<_>>(), entries);
    assert_eq!(first["head"], copy.cursor);
    assert!(entries.iter().any(|entry| entry["active"] == false));
}
