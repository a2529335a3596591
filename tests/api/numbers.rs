//! Numbers and extensions.

use std::time::Duration;

use serde_json::json;

use crate::support::{TestApp, code};

pub async fn twenty_at_once_and_one_owner(app: TestApp) {
    let user = app.sign_in("user", "numberwang").await;
    let asking: Vec<_> = (0..20)
        .map(|_| {
            let user = user.clone();
            tokio::spawn(async move { code(&user.registers("sip", "4242").await).to_owned() })
        })
        .collect();
    let mut outcomes = Vec::new();
    for asked in asking {
        outcomes.push(asked.await.unwrap());
    }
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "none").count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "NUMBER_UNAVAILABLE").count(), 19, "{outcomes:?}");
}

pub async fn a_taken_number_comes_with_suggestions(app: TestApp) {
    let user = app.sign_in("user", "numberwang").await;
    let refused = user.registers("sip", "50 0-1").await;
    assert_eq!(code(&refused), "NUMBER_UNAVAILABLE");
    assert_eq!(refused["errors"][0]["suggestions"].as_array().unwrap().len(), 5);
    assert_eq!(code(&user.registers("sip", "1234").await), "NUMBER_OUT_OF_RANGE");
    assert_eq!(code(&user.registers("sip", "23a").await), "NUMBER_OUT_OF_RANGE");
    assert_eq!(code(&user.registers("sip", "٢٣٤٢").await), "INVALID");
}

pub async fn a_deleted_number_is_held_for_its_owner(app: TestApp) {
    let (user, operator) = (app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let id = user.registers("sip", "2342").await["extension"]["id"].clone();
    let delete = "mutation($i: ID!) { deleteExtension(input: {id: $i}) { deletedId heldUntil errors { code } } }";
    let gone = user.ask(delete, json!({ "i": id })).await;
    assert_eq!(gone["data"]["deleteExtension"]["heldUntil"], "2026-08-20T10:00:00Z", "{gone}");
    assert_eq!(code(&operator.registers("sip", "2342").await), "NUMBER_UNAVAILABLE");
    app.clock.advance(Duration::from_secs(1801));
    let user = app.sign_in("operator", "numberwang").await;
    assert_eq!(code(&user.registers("sip", "2342").await), "none");
}

pub async fn a_barred_number_is_refused_and_silent(app: TestApp) {
    let (user, operator) = (app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let bar = "mutation($n: PhoneNumber!) { barNumber(input: {event: \"demo\", number: $n, reason: \"noise\"}) { errors { code } } }";
    operator.ask(bar, json!({ "n": "2342" })).await;
    assert_eq!(code(&user.registers("sip", "2342").await), "RESTRICTED");
    user.registers("sip", "2343").await;
    operator.ask(bar, json!({ "n": "2343" })).await;
    let listed =
        app.guest().ask("{ directory(event: \"demo\", search: \"2343\") { nodes { number } } }", json!({})).await;
    assert_eq!(listed["data"]["directory"]["nodes"], json!([]));
}

pub async fn a_new_service_type_is_typed_at_once(app: TestApp) {
    let admin = app.sign_in("admin", "numberwang").await;
    let create = "mutation($s: JSON!) { createServiceType(input: {slug: \"telex\", name: \"Telex\", parameterSchema: $s}) { serviceType { slug } errors { code message } } }";
    let schema = json!({ "type": "object", "properties": { "speed": { "type": "integer", "minimum": 50 } } });
    let made = admin.ask(create, json!({ "s": schema })).await;
    assert_eq!(made["data"]["createServiceType"]["errors"], json!([]), "{made}");
    let assign = "mutation { assignExtension(input: {event: \"demo\", serviceType: \"telex\", number: \"7777\", owner: \"user\", label: \"T\", typed: {telex: {speed: 75}}}) \
                  { extension { typedParameters { __typename ... on TelexParameters { speed } } } errors { code message } } }";
    let assigned = admin.ask(assign, json!({})).await;
    let typed = &assigned["data"]["assignExtension"]["extension"]["typedParameters"];
    assert_eq!(typed, &json!({ "__typename": "TelexParameters", "speed": 75 }), "{assigned}");
    let remote = json!({ "$ref": "https://example.org/schema.json" });
    let refused = admin.ask(&create.replace("telex", "telex2"), json!({ "s": remote })).await;
    assert_eq!(code(&refused["data"]["createServiceType"]), "INVALID");
}
