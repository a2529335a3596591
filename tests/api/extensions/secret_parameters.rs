//! Parameters that are secrets: compared for uniqueness by keyed hashes, and never exposed by a new schema.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::{Actor, Response, Scope, TestApp};

/// What the database keeps to compare unique secrets.
async fn comparison_values(app: &TestApp) -> Vec<String> {
    let query = "SELECT value AS text FROM extension_unique_values WHERE parameter IN ('pin', 'card') ORDER BY 1";
    app.select_text(query).await
}

/// Creates a service type with two unique secrets, one of which a consumer writes.
async fn creates_service_type_with_secrets(admin: &Actor) {
    let pin = json!({ "type": "string", "x-secret": true, "x-unique": "SERVICE_TYPE" });
    let card = json!({ "type": "string", "x-secret": true, "x-unique": "SERVICE_TYPE", "x-editable-by": "CONSUMER" });
    admin.creates_service_type("safe", json!({ "pin": pin, "card": card })).await.ok();
}

async fn write_back(key: &Actor, id: &str, parameters: Value) -> Response {
    let input = json!({ "id": id, "parameters": parameters });
    key.mutate("writeBackParameters", input, "extension { id }").await
}

pub async fn unique_secrets_are_compared_by_keyed_hashes(app: TestApp) {
    let (admin, operator) = (app.admin().await, app.operator().await);
    creates_service_type_with_secrets(&admin).await;
    let first = operator.assigns("safe", "2342", "user", json!({ "pin": "314159" })).await.id();
    let second = operator.assigns("safe", "2343", "user", json!({ "pin": "271828" })).await.id();
    let taken = operator.assigns("safe", "2344", "user", json!({ "pin": "314159" })).await;
    assert_eq!(taken.refusal(), "ALREADY_EXISTS at parameters.pin");
    // Values that a consumer writes back are compared too; the pin stays as it is.
    let key = admin.creates_key(&[Scope::WriteBack], &["safe"]).await;
    write_back(&key, &first, json!({ "card": "20000001" })).await.ok();
    let taken = write_back(&key, &second, json!({ "card": "20000001" })).await;
    assert_eq!(taken.refusal(), "ALREADY_EXISTS at parameters.card");
    write_back(&key, &second, json!({ "card": "20000002" })).await.ok();
    for (parameters, refusal) in [
        (json!({ "pin": "1" }), "FEATURE_DENIED at parameters.pin"),
        (json!({ "nothing": "1" }), "FEATURE_DENIED at parameters.nothing"),
        (json!({ "card": 1 }), "SCHEMA_VIOLATION at parameters.card"),
        (json!([]), "INVALID at parameters"),
    ] {
        assert_eq!(write_back(&key, &first, parameters.clone()).await.refusal(), refusal, "{parameters}");
    }
    let of_other_type = operator.extension("5000").await["id"].as_str().unwrap().to_owned();
    assert_eq!(write_back(&key, &of_other_type, json!({})).await.refusal(), "NOT_FOUND at id");
    let stored = comparison_values(&app).await;
    assert_eq!(stored.len(), 4, "{stored:?}");
    for secret in ["314159", "271828", "20000001", "20000002"] {
        let hash = hex::encode(Sha256::digest(secret));
        let is_exposed = |value: &String| value == secret || *value == hash;
        assert!(!stored.iter().any(is_exposed), "{secret} can be found by trying values");
    }
    // A value that is given up is free.
    operator.updates(&first, json!({ "parameters": { "pin": null } })).await.ok();
    operator.assigns("safe", "2344", "user", json!({ "pin": "314159" })).await.ok();
}

pub async fn of_two_concurrent_equal_secrets_in_two_events_one_is_accepted(app: TestApp) {
    let (admin, operator) = (app.admin().await, app.operator().await);
    creates_service_type_with_secrets(&admin).await;
    admin.creates_event("other", json!({})).await.ok();
    for round in 0..8 {
        let assign = |event: &'static str| {
            let operator = operator.clone();
            let parameters = json!({ "pin": format!("{round:06}") });
            let input = json!({ "event": event, "serviceType": "safe", "number": format!("23{round:02}"),
                                "owner": "user", "parameters": parameters });
            tokio::spawn(async move { operator.assigns_with(input).await })
        };
        let (demo, other) = (assign("demo"), assign("other"));
        let (demo, other) = (demo.await.unwrap(), other.await.unwrap());
        let mut codes = [demo.code(), other.code()];
        codes.sort_unstable();
        assert_eq!(codes, ["ALREADY_EXISTS", "none"], "{demo} {other}");
    }
}

pub async fn a_new_schema_cannot_expose_stored_secrets(app: TestApp) {
    let (admin, operator) = (app.admin().await, app.operator().await);
    creates_service_type_with_secrets(&admin).await;
    let id = operator.assigns("safe", "2342", "user", json!({ "pin": "314159" })).await.id();
    let schema = |properties: Value| json!({ "type": "object", "properties": properties });
    let public = json!({ "pin": { "type": "string", "x-unique": "SERVICE_TYPE" }, "card": { "type": "string" } });
    let (public, empty) = (schema(public), schema(json!({})));
    for (schema, dry_run) in [(&public, true), (&public, false), (&empty, false)] {
        let input = json!({ "slug": "safe", "parameterSchema": schema, "dryRun": dry_run });
        let selection = "violations { extension { number } pointer keyword message } violationCount";
        let refused = admin.mutate("updateServiceType", input, selection).await;
        assert_eq!(refused.refusal(), "SCHEMA_VIOLATION at parameterSchema");
        let violation = &refused["violations"][0];
        assert_eq!((&violation["extension"]["number"], &violation["pointer"]), (&json!("2342"), &json!("/pin")));
        assert_eq!((&violation["keyword"], &refused["violationCount"]), (&json!("x-secret"), &json!(1)));
        assert!(!refused.to_string().contains("314159"), "the refusal shows the secret");
    }
    let extension = operator.extension("2342").await;
    assert_eq!((&extension["parameters"], &extension["version"]), (&json!({}), &json!(1)));
    // With a default the schema is accepted: the default replaces the secret.
    admin.updates_service_type("safe", json!({ "parameterSchema": public, "defaults": { "pin": "0000" } })).await.ok();
    assert_eq!(operator.extension("2342").await["parameters"], json!({ "pin": "0000" }));
    assert_eq!(comparison_values(&app).await, ["0000"]);
    assert_eq!(operator.extension("2342").await["id"], json!(id));
}

pub async fn secrets_of_an_existing_extension_need_a_recent_sign_in(app: TestApp) {
    let (user, operator) = (app.user().await, app.operator().await);
    let id = user.registers("sip", "2342").await.id();
    app.clock.advance(std::time::Duration::from_secs(901));
    for parameters in [json!({ "password": null }), json!({ "password": "chosen-by-someone-else-9" })] {
        for actor in [&user, &operator] {
            let refused = actor.updates(&id, json!({ "parameters": parameters })).await;
            assert_eq!(refused.code(), "REAUTHENTICATION_REQUIRED", "{parameters}");
        }
    }
    let transferred = operator.mutate("transferExtension", json!({ "id": id, "owner": "admin" }), "generated").await;
    assert_eq!(transferred.code(), "REAUTHENTICATION_REQUIRED", "a transfer shows the new secrets");
    user.updates(&id, json!({ "label": "Tent" })).await.ok();
    user.registers("sip", "2343").await.ok();
}
