//! `registerExtension`.

use serde_json::{Value, json};

use crate::support::{Response, TestApp};

pub async fn of_twenty_concurrent_registrations_of_a_number_one_succeeds(app: TestApp) {
    let user = app.user().await;
    let requests: Vec<_> = (0..20)
        .map(|_| {
            let user = user.clone();
            tokio::spawn(async move { user.registers("sip", "4242").await.code().to_owned() })
        })
        .collect();
    let mut codes = Vec::new();
    for request in requests {
        codes.push(request.await.unwrap());
    }
    assert_eq!(codes.iter().filter(|code| *code == "none").count(), 1, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| *code == "NUMBER_UNAVAILABLE").count(), 19, "{codes:?}");
}

pub async fn a_taken_number_is_refused_with_suggestions(app: TestApp) {
    let user = app.user().await;
    let refused = user.registers("sip", "50 0-1").await;
    assert_eq!(refused.code(), "NUMBER_UNAVAILABLE");
    assert_eq!(refused["errors"][0]["suggestions"].as_array().unwrap().len(), 5);
    assert_eq!(user.registers("sip", "1234").await.code(), "NUMBER_OUT_OF_RANGE");
    assert_eq!(user.registers("sip", "23a").await.code(), "NUMBER_OUT_OF_RANGE");
    assert_eq!(user.registers("sip", "٢٣٤٢").await.code(), "INVALID");
}

/// An input that breaks a rule, and the error that names it.
struct Violation {
    input: Value,
    path: Value,
    rule: Value,
    values: Value,
}

fn violation(input: Value, path: Value, rule: Value, values: Value) -> Violation {
    Violation { input, path, rule, values }
}

pub async fn a_refusal_names_the_violated_rule(app: TestApp) {
    let user = app.user().await;
    let number = |number: &str, rule: &str, values: Value| {
        violation(json!({ "number": number }), json!(["number"]), json!(rule), values)
    };
    let label = |label: &str, rule: &str, values: Value| {
        violation(json!({ "number": "2342", "label": label }), json!(["label"]), json!(rule), values)
    };
    let max_contacts = |value: Value, values: Value| {
        let input = json!({ "number": "2342", "parameters": { "max_contacts": value } });
        violation(input, json!(["parameters", "max_contacts"]), Value::Null, values)
    };
    for violation in [
        number("1234567890123456", "number.long", json!(["15"])),
        number("٢٣٤٢", "number.digits", json!([])),
        number("23+42", "number.plus", json!([])),
        number("1234", "number.outside", json!([])),
        number("1121", "number.reserved", json!([])),
        label("", "name.empty", json!([])),
        label(&"x".repeat(65), "name.long", json!(["64"])),
        max_contacts(json!(99), json!(["5"])),
        max_contacts(json!("a"), json!(["integer"])),
    ] {
        let refused = user.registers_with(violation.input.clone()).await;
        assert_names(&refused, &violation);
    }
    for (password, rule, values) in [
        ("short", "password.short", json!(["8"])),
        ("password1", "password.common", json!([])),
        ("zaphod2026", "password.guessable", json!([])),
    ] {
        let input = json!({ "username": "zaphod", "displayName": "Z", "email": "z@example.org", "password": password });
        let refused = app.guest().mutate("registerAccount", input.clone(), "account { username }").await;
        assert_eq!(refused.code(), "WEAK_PASSWORD", "{refused}");
        assert_names(&refused, &violation(input, json!(["password"]), json!(rule), values));
    }
}

fn assert_names(refused: &Response, violation: &Violation) {
    let error = &refused["errors"][0];
    assert_eq!(
        (&error["path"], &error["rule"], &error["values"]),
        (&violation.path, &violation.rule, &violation.values),
        "{}: {refused}",
        violation.input
    );
}

/// All errors as `CODE at path`.
fn refusals(refused: &Response) -> Vec<String> {
    let errors = refused["errors"].as_array().unwrap_or_else(|| panic!("{refused}"));
    let path = |error: &Value| {
        let path: Vec<_> =
            error["path"].as_array().unwrap().iter().filter_map(Value::as_str).map(str::to_owned).collect();
        path.join(".")
    };
    errors.iter().map(|error| format!("{} at {}", error["code"].as_str().unwrap(), path(error))).collect()
}

pub async fn every_problem_is_reported_at_its_field(app: TestApp) {
    let (admin, operator, user) = (app.admin().await, app.operator().await, app.user().await);
    let input = json!({ "number": "1234", "label": "", "parameters": { "max_contacts": 99, "codec": "morse" },
                        "fallbackNumber": "9999" });
    let of_settings = ["SCHEMA_VIOLATION at parameters.codec", "SCHEMA_VIOLATION at parameters.max_contacts"];
    let refused = refusals(&user.registers_with(input).await);
    assert_eq!(refused[..2], ["INVALID at label", "NUMBER_OUT_OF_RANGE at number"]);
    let mut parameters = refused[2..4].to_vec();
    parameters.sort();
    assert_eq!(parameters, of_settings);
    assert_eq!(refused[4..], ["NOT_FOUND at fallbackNumber"]);
    // A type that the event does not offer, at its quota.
    admin.creates_service_type("fax", json!({})).await.ok();
    let input = json!({ "serviceType": "fax", "number": "23a", "label": "" });
    let refused = user.registers_with(input).await;
    assert_eq!(refusals(&refused), ["INVALID at serviceType", "INVALID at label", "NUMBER_OUT_OF_RANGE at number"]);
    // Nothing else is checked in a phase without registrations.
    let id = user.registers("sip", "2342").await.id();
    admin.sets_phase("FROZEN").await.ok();
    assert_eq!(refusals(&user.registers_with(json!({ "label": "" })).await), ["EVENT_CLOSED at event"]);
    let input = json!({ "label": "", "fallbackNumber": "9999", "parameters": { "codec": "morse" } });
    let refused = refusals(&user.updates(&id, input).await);
    assert_eq!(refused, ["INVALID at label", "NOT_FOUND at fallbackNumber", "SCHEMA_VIOLATION at parameters.codec"]);
    assert_eq!(operator.extension("2342").await["version"], 1);
}

pub async fn a_dry_run_changes_nothing(app: TestApp) {
    let user = app.user().await;
    let refused = user.registers_with(json!({ "number": "5000", "dryRun": true })).await;
    assert_eq!(refused.code(), "NUMBER_UNAVAILABLE");
    let preview = user.registers_with(json!({ "number": "2342", "dryRun": true })).await;
    assert_eq!(preview["preview"]["number"], "2342", "{preview}");
    assert!(preview["extension"].is_null() && preview["generated"].is_null());
    assert_eq!(user.registers("sip", "2342").await.code(), "none");
}

pub async fn a_repeated_request_registers_once(app: TestApp) {
    let user = app.user().await;
    let register = async |label: &str| {
        let input = json!({ "event": "demo", "serviceType": "sip", "label": label });
        user.mutate_with_key(Some("key-1"), "registerExtension", input, "extension { id } generated").await
    };
    let (first, second) = (register("A").await, register("A").await);
    assert_eq!(first.id(), second.id());
    assert!(second["generated"].is_null(), "a one-time secret was shown twice");
    assert_eq!(register("B").await.rejection(), "IDEMPOTENCY_MISMATCH");
}
