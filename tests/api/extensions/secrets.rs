//! Secrets among the parameters: compared without being kept, and never shown by a later schema.

use diesel_async::RunQueryDsl as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use switchboard::store::Conn;

use super::{assigned, done, extension, make_type, payload, refused};
use crate::support::{Actor, TestApp, error_code};

const ASSIGN: &str = "mutation($e: String!, $n: PhoneNumber!, $p: JSON) { assignExtension(input: {event: $e, serviceType: \"safe\", number: $n, owner: \"user\", label: \"S\", parameters: $p}) \
    { extension { id } errors { code path } } }";
const WRITE_BACK: &str = "mutation($i: ID!, $p: JSON!) { writeBackParameters(input: {id: $i, parameters: $p}) { extension { id } errors { code path } } }";
const CHANGE: &str = "mutation($p: JSON!, $d: JSON, $y: Boolean! = false) { updateServiceType(input: {slug: \"safe\", parameterSchema: $p, defaults: $d, dryRun: $y}) \
    { serviceType { slug } violations { extension { number } pointer keyword message } violationCount errors { code path message } } }";

#[derive(diesel::QueryableByName)]
struct TextRow {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

/// The values that are kept for comparing, as the database holds them.
async fn compared(app: &TestApp) -> Vec<String> {
    let statement = "SELECT value AS text FROM extension_unique_values WHERE parameter IN ('pin', 'card') ORDER BY 1";
    let mut conn = app.app.services.store.read().await.unwrap();
    let rows: Vec<TextRow> = match &mut *conn {
        Conn::Sqlite(conn) => diesel::sql_query(statement).load(conn).await.unwrap(),
        Conn::Postgres(conn) => diesel::sql_query(statement).load(conn).await.unwrap(),
    };
    rows.into_iter().map(|row| row.text).collect()
}

async fn make_safe(admin: &Actor) {
    let pin = json!({ "type": "string", "x-secret": true, "x-unique": "SERVICE_TYPE" });
    let card = json!({ "type": "string", "x-secret": true, "x-unique": "SERVICE_TYPE", "x-editable-by": "CONSUMER" });
    make_type(admin, "safe", json!({ "pin": pin, "card": card })).await;
}

pub async fn unique_secrets_are_compared_and_not_kept(app: TestApp) {
    let (admin, operator) = (app.sign_in("admin", "numberwang").await, app.sign_in("operator", "numberwang").await);
    make_safe(&admin).await;
    let one = assigned(&operator, "safe", "2342", "user", json!({ "pin": "314159" })).await["extension"]["id"].clone();
    let two = assigned(&operator, "safe", "2343", "user", json!({ "pin": "271828" })).await["extension"]["id"].clone();
    let taken = json!({ "e": "demo", "n": "2344", "p": { "pin": "314159" } });
    assert_eq!(refused(&operator, ASSIGN, taken).await, "ALREADY_EXISTS at parameters.pin");
    // What a telephone system writes back is compared likewise, with the pin that stays.
    let key = "mutation { createApiKey(input: {label: \"core\", scopes: [WRITE_BACK], serviceTypes: [\"safe\"], events: [\"demo\"]}) { secret errors { code } } }";
    let key = done(&admin, key, json!({})).await["secret"].as_str().unwrap().to_owned();
    let core = app.with_token(&key);
    done(&core, WRITE_BACK, json!({ "i": one, "p": { "card": "0001" } })).await;
    let taken = json!({ "i": two, "p": { "card": "0001" } });
    assert_eq!(refused(&core, WRITE_BACK, taken).await, "ALREADY_EXISTS at parameters.card");
    done(&core, WRITE_BACK, json!({ "i": two, "p": { "card": "0002" } })).await;
    for (patch, expected) in [
        (json!({ "pin": "1" }), "FEATURE_DENIED at parameters.pin"),
        (json!({ "nothing": "1" }), "FEATURE_DENIED at parameters.nothing"),
        (json!({ "card": 1 }), "SCHEMA_VIOLATION at parameters.card"),
        (json!([]), "INVALID at parameters"),
    ] {
        assert_eq!(refused(&core, WRITE_BACK, json!({ "i": one, "p": patch })).await, expected, "{patch}");
    }
    let elsewhere = extension(&operator, "5000").await["id"].clone();
    assert_eq!(refused(&core, WRITE_BACK, json!({ "i": elsewhere, "p": {} })).await, "NOT_FOUND at id");
    let kept = compared(&app).await;
    assert_eq!(kept.len(), 4, "{kept:?}");
    for secret in ["314159", "271828", "0001", "0002"] {
        let plain = hex::encode(Sha256::digest(secret));
        assert!(!kept.iter().any(|value| value.contains(secret) || *value == plain), "{secret} can be tried out");
    }
    // Given up, it may be another's.
    done(&operator, "mutation($i: ID!) { updateExtension(input: {id: $i, parameters: {pin: null}}) { extension { id } errors { code } } }", json!({ "i": one })).await;
    done(&operator, ASSIGN, json!({ "e": "demo", "n": "2344", "p": { "pin": "314159" } })).await;
}

pub async fn one_value_in_two_events_at_once_has_one_owner(app: TestApp) {
    let (admin, operator) = (app.sign_in("admin", "numberwang").await, app.sign_in("operator", "numberwang").await);
    make_safe(&admin).await;
    let event = "mutation { createEvent(input: {slug: \"other\", name: \"Other\", phase: OPEN}) { event { slug } errors { code } } }";
    done(&admin, event, json!({})).await;
    for round in 0..8 {
        let asks = |event: &'static str| {
            let operator = operator.clone();
            let wanted = json!({ "e": event, "n": format!("23{round:02}"), "p": { "pin": format!("{round:06}") } });
            tokio::spawn(async move { payload(&operator.execute(ASSIGN, wanted).await) })
        };
        let (here, there) = (asks("demo"), asks("other"));
        let outcomes = [here.await.unwrap(), there.await.unwrap()];
        let mut codes: Vec<_> = outcomes.iter().map(error_code).collect();
        codes.sort_unstable();
        assert_eq!(codes, ["ALREADY_EXISTS", "none"], "{outcomes:?}");
    }
}

pub async fn a_new_schema_shows_no_stored_secret(app: TestApp) {
    let (admin, operator) = (app.sign_in("admin", "numberwang").await, app.sign_in("operator", "numberwang").await);
    make_safe(&admin).await;
    let id = assigned(&operator, "safe", "2342", "user", json!({ "pin": "314159" })).await["extension"]["id"].clone();
    let open = |properties: Value| json!({ "type": "object", "properties": properties });
    let public = open(json!({ "pin": { "type": "string", "x-unique": "SERVICE_TYPE" }, "card": { "type": "string" } }));
    for (schema, dry_run) in [(&public, true), (&public, false), (&open(json!({})), false)] {
        let refused = payload(&admin.execute(CHANGE, json!({ "p": schema, "y": dry_run })).await);
        assert_eq!(
            (error_code(&refused), &refused["errors"][0]["path"]),
            ("SCHEMA_VIOLATION", &json!(["parameterSchema"]))
        );
        let named = &refused["violations"][0];
        assert_eq!((&named["extension"]["number"], &named["pointer"]), (&json!("2342"), &json!("/pin")));
        assert_eq!((&named["keyword"], &refused["violationCount"]), (&json!("x-secret"), &json!(1)));
        assert!(!refused.to_string().contains("314159"), "the refusal shows what it is there to keep");
    }
    let now = extension(&operator, "2342").await;
    assert_eq!((&now["parameters"], &now["version"]), (&json!({}), &json!(1)));
    // Left out or replaced by whoever changes the schema, it is no secret that is shown.
    done(&admin, CHANGE, json!({ "p": public, "d": { "pin": "0000" } })).await;
    assert_eq!(extension(&operator, "2342").await["parameters"], json!({ "pin": "0000" }));
    assert_eq!(compared(&app).await, ["0000"]);
    assert_eq!(extension(&operator, "2342").await["id"], id);
}
