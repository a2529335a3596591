//! Holds: a released number stays with its last owner for a while.

use std::time::Duration;

use serde_json::{Value, json};

use super::registers_and_deletes_2342;
use crate::support::{Actor, TestApp, string};

const HELD: &str = "{ viewer { heldNumbers { nodes { number state until event { slug } } totalCount } } }";

async fn held_numbers(actor: &Actor) -> Value {
    actor.query(HELD).await.ok()["heldNumbers"].clone()
}

fn numbers(held: &Value) -> Vec<String> {
    held["nodes"].as_array().unwrap().iter().map(|node| string(&node["number"]).to_owned()).collect()
}

pub async fn a_deleted_number_is_held_for_its_owner(app: TestApp) {
    let (user, operator) = (app.user().await, app.operator().await);
    let id = user.registers("sip", "2342").await.id();
    let deleted = user.deletes(&id).await.ok();
    assert_eq!(deleted["heldUntil"], "2026-08-20T10:00:00Z", "{deleted}");
    assert_eq!(operator.registers("sip", "2342").await.code(), "NUMBER_UNAVAILABLE");
    app.clock.advance(Duration::from_secs(1801));
    app.operator().await.registers("sip", "2342").await.ok();
}

pub async fn an_account_lists_the_numbers_held_for_it(app: TestApp) {
    let (user, operator) = (app.user().await, app.operator().await);
    for number in ["2342", "2343", "2344"] {
        let id = user.registers("sip", number).await.id();
        user.deletes(&id).await.ok();
    }
    let renumbered = user.registers("sip", "2350").await.id();
    user.renumbers(&renumbered, "2351").await.ok();
    let held = held_numbers(&user).await;
    assert_eq!(numbers(&held), ["2342", "2343", "2344", "2350"], "{held}");
    assert_eq!(held["totalCount"], 4);
    let first =
        json!({ "number": "2342", "state": "HELD", "until": "2026-08-20T10:00:00Z", "event": { "slug": "demo" } });
    assert_eq!(held["nodes"][0], first);
    let query = "query($after: String) { viewer { heldNumbers(first: 3, after: $after) \
                 { nodes { number } pageInfo { endCursor hasNextPage } } } }";
    let page = async |after: Value| user.query_with(query, json!({ "after": after })).await.ok()["heldNumbers"].clone();
    let first = page(Value::Null).await;
    assert_eq!((numbers(&first).len(), &first["pageInfo"]["hasNextPage"]), (3, &json!(true)));
    let second = page(first["pageInfo"]["endCursor"].clone()).await;
    assert_eq!((numbers(&second), &second["pageInfo"]["hasNextPage"]), (vec!["2350".to_owned()], &json!(false)));
    let foreign_cursor = "{ viewer { heldNumbers(after: \"bnVtYmVyczoyMzQy\") { totalCount } } }";
    assert_eq!(user.query(foreign_cursor).await.rejection(), "BAD_USER_INPUT");
    let of_user = operator.query("{ account(username: \"user\") { heldNumbers { totalCount } } }").await.ok();
    assert_eq!(of_user["heldNumbers"]["totalCount"], 4);
    assert_eq!(held_numbers(&operator).await["totalCount"], 0);
    // One number is registered again and one hold is released; the others expire.
    user.registers("sip", "2342").await.ok();
    user.releases_hold("2343").await.ok();
    assert_eq!(numbers(&held_numbers(&user).await), ["2344", "2350"]);
    app.clock.advance(Duration::from_secs(1801));
    assert_eq!(held_numbers(&app.user().await).await["totalCount"], 0, "an expired hold is listed until the task runs");
}

pub async fn only_its_owner_can_release_a_hold(app: TestApp) {
    let (user, operator) = (app.user().await, app.operator().await);
    registers_and_deletes_2342(&user).await;
    let mallory = app.new_account("mallory").await;
    let refused = mallory.releases_hold("2342").await;
    assert_eq!((refused.refusal(), refused["errors"].as_array().unwrap().len()), ("NOT_FOUND at number".to_owned(), 1));
    assert_eq!(app.guest().releases_hold("2342").await.rejection(), "UNAUTHENTICATED");
    assert_eq!(user.number("2342").await["state"], "HELD");
    assert_eq!(user.releases_hold("2342").await.ok()["number"]["state"], "AVAILABLE");
    assert_eq!(user.releases_hold("2342").await.code(), "NOT_FOUND");
    assert_eq!(operator.releases_hold("2342").await.code(), "INVALID_TRANSITION");
    operator.registers("sip", "2342").await.ok();
}

/// On PostgreSQL a number that the expiry task has read as held can be registered while the task waits for the lock of
/// the event.
pub async fn a_number_registered_while_its_hold_expires_stays_in_service(app: TestApp) {
    let numbers: Vec<String> = (0..8).map(|round| format!("24{round:02}")).collect();
    let user = app.user().await;
    for number in &numbers {
        let id = user.registers("sip", number).await.id();
        user.deletes(&id).await.ok();
    }
    app.clock.advance(Duration::from_secs(1801));
    let (user, operator) = (app.user().await, app.operator().await);
    let registrations: Vec<_> = numbers
        .iter()
        .map(|number| {
            let (user, number) = (user.clone(), number.clone());
            tokio::spawn(async move { user.registers("sip", &number).await.ok() })
        })
        .collect();
    let expiries: Vec<_> = (0..8)
        .map(|_| {
            let app = app.clone();
            tokio::spawn(async move { app.expire_due_numbers().await })
        })
        .collect();
    for registration in registrations {
        registration.await.unwrap();
    }
    for expiry in expiries {
        expiry.await.unwrap();
    }
    for number in &numbers {
        assert_eq!(operator.number(number).await["state"], "IN_SERVICE", "{number}");
    }
}

pub async fn renumbering_holds_at_most_twenty_former_numbers(app: TestApp) {
    let user = app.user().await;
    let id = user.registers("sip", "2300").await.id();
    for number in 2301..=2322 {
        app.clock.advance(Duration::from_secs(1));
        user.renumbers(&id, &number.to_string()).await.ok();
    }
    let expected: Vec<_> = (2302..=2321).map(|number: i32| number.to_string()).collect();
    assert_eq!(numbers(&held_numbers(&user).await), expected);
}
