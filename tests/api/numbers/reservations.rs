//! `reserveNumber` and `releaseReservation`.

use std::time::Duration;

use serde_json::{Value, json};

use super::{history, registers_and_deletes_2342};
use crate::support::TestApp;

pub async fn only_its_owner_can_register_a_reserved_number(app: TestApp) {
    let (user, operator) = (app.user().await, app.operator().await);
    let number = operator.reserves("2342", "USER").await.ok()["number"].clone();
    assert_eq!((&number["state"], &number["until"], &number["version"]), (&json!("RESERVED"), &json!(null), &json!(1)));
    assert_eq!(number["account"]["username"], "user");
    assert_eq!(operator.registers("sip", "2342").await.code(), "NUMBER_UNAVAILABLE");
    assert_eq!(app.guest().number("2342").await["account"], Value::Null);
    user.registers("sip", "2342").await.ok();
    let query = "{ number(event: \"demo\", number: \"2342\") { state version } }";
    assert_eq!(operator.query(query).await.ok(), json!({ "state": "IN_SERVICE", "version": 2 }));
    assert_eq!(history(&operator, "2342").await, ["RESERVED operator", "IN_SERVICE user"]);
    assert_eq!(history(&user, "2342").await, ["RESERVED ?", "IN_SERVICE ?"]);
    assert_eq!(history(&app.guest(), "2342").await, Vec::<String>::new());
}

pub async fn a_reservation_expires_moves_or_is_released(app: TestApp) {
    let (user, operator) = (app.user().await, app.operator().await);
    let until = "2026-08-20T10:30:00Z";
    let for_an_hour = json!({ "event": "demo", "number": "2342", "owner": "user", "until": until });
    let reserved = operator.reserves_with(for_an_hour).await.ok();
    assert_eq!(reserved["number"]["until"], until);
    assert_eq!(operator.reserves("2342", "operator").await.ok()["number"]["account"]["username"], "operator");
    assert_eq!(user.registers("sip", "2342").await.code(), "NUMBER_UNAVAILABLE");
    assert_eq!(operator.releases_reservation("2342").await.ok()["number"]["state"], "AVAILABLE");
    let again = operator.releases_reservation("2342").await;
    assert_eq!(again.code(), "INVALID_TRANSITION");
    assert_eq!(again["errors"].as_array().unwrap().len(), 1);
    assert_eq!(again["errors"][0]["from"], "AVAILABLE");
    assert_eq!(again["errors"][0]["to"], "AVAILABLE");
    let for_an_hour = json!({ "event": "demo", "number": "2343", "owner": "operator", "until": until });
    operator.reserves_with(for_an_hour).await.ok();
    assert_eq!(user.registers("sip", "2343").await.code(), "NUMBER_UNAVAILABLE");
    app.clock.advance(Duration::from_secs(3600));
    app.expire_due_numbers().await;
    assert_eq!(history(&operator, "2343").await, ["RESERVED operator", "AVAILABLE system"]);
    user.registers("sip", "2343").await.ok();
}

pub async fn an_impossible_reservation_is_refused(app: TestApp) {
    let (user, operator) = (app.user().await, app.operator().await);
    registers_and_deletes_2342(&user).await;
    user.registers("sip", "2343").await.ok();
    operator.bars("2344").await.ok();
    for (number, owner, refusal) in [
        ("2342", "user", "INVALID_TRANSITION at number"),
        ("2343", "user", "INVALID_TRANSITION at number"),
        ("2344", "user", "RESTRICTED at number"),
        ("1121", "user", "NUMBER_OUT_OF_RANGE at number"),
        ("23", "user", "CONFLICT at number"),
        ("+441144960123", "user", "INVALID at number"),
        ("2345", "nobody", "NOT_FOUND at owner"),
    ] {
        assert_eq!(operator.reserves(number, owner).await.refusal(), refusal, "{number}");
    }
    // A reservation names the violated rule like a registration.
    for (number, rule) in [("2344", "number.barred"), ("1121", "number.reserved")] {
        assert_eq!(operator.reserves(number, "user").await["errors"][0]["rule"], rule);
    }
    operator.assigns("sip", "91234", "user", json!({})).await.ok();
    assert_eq!(operator.reserves("9123", "user").await["errors"][0]["rule"], "number.beside");
    let reserve = async |more: Value| {
        let mut input = json!({ "event": "demo", "number": "2345", "owner": "user" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        operator.reserves_with(input).await
    };
    let past = reserve(json!({ "until": "2026-08-20T09:30:00Z" })).await;
    assert_eq!((past.refusal(), past["errors"].as_array().unwrap().len()), ("INVALID at until".to_owned(), 1));
    let stale = reserve(json!({ "expectedVersion": 7 })).await;
    assert_eq!(stale["errors"][0]["currentVersion"], 0, "{stale}");
    assert_eq!(reserve(json!({ "expectedVersion": 0 })).await.code(), "none");
    for (actor, rejection) in [(user, "FORBIDDEN"), (app.guest(), "UNAUTHENTICATED")] {
        assert_eq!(actor.reserves("2346", "user").await.rejection(), rejection);
        assert_eq!(actor.releases_reservation("2345").await.rejection(), rejection);
    }
}

pub async fn an_international_number_is_reserved_without_an_event(app: TestApp) {
    let operator = app.operator().await;
    let number = operator.reserves_with(json!({ "number": "+44 1144 960123", "owner": "user" })).await.ok();
    let number = &number["number"];
    assert_eq!((&number["id"], &number["number"]), (&json!("Number:+441144960123"), &json!("+441144960123")));
    assert_eq!((&number["state"], &number["event"]), (&json!("RESERVED"), &json!(null)));
    let of_event = operator.reserves_with(json!({ "number": "2342", "owner": "user" })).await;
    assert_eq!((of_event.refusal(), of_event["errors"].as_array().unwrap().len()), ("INVALID at number".to_owned(), 1));
    let listed = operator.query("{ numbers(state: RESERVED) { totalCount nodes { number } } }").await.ok();
    assert_eq!(listed, json!({ "totalCount": 1, "nodes": [{ "number": "+441144960123" }] }));
}
