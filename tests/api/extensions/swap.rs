//! `swapNumbers`.

use serde_json::json;

use super::{ACCOUNT_ID, UNKNOWN_EXTENSION};
use crate::api::provisioning::replica::FeedReplica;
use crate::support::TestApp;

pub async fn a_swap_is_one_change_in_every_feed(app: TestApp) {
    let (admin, operator, user) = (app.admin().await, app.operator().await, app.user().await);
    let first = user.registers("sip", "2342").await.id();
    let second = operator.registers("sip", "2343").await.id();
    let third = operator.registers("dect", "2344").await.id();
    let caller = user.registers("dect", "2345").await.id();
    user.sets_fallback(&caller, Some("2342")).await.ok();
    let [mut sip, mut dect] = FeedReplica::of_feeds(&admin, ["sip", "dect"]).await;
    let swapped = operator.swaps(&first, &second).await.ok();
    assert_eq!(swapped["first"], json!({ "id": first, "number": "2343" }));
    assert_eq!(swapped["second"], json!({ "id": second, "number": "2342" }));
    sip.assert_in_sync().await;
    dect.assert_in_sync().await;
    // Each previous number has a new holder, so no consumer is asked to delete it.
    assert_eq!(sip.last_changes(), ["2342[]", "2343[]"]);
    assert_eq!(dect.last_changes(), ["2345[]"]);
    assert_eq!(dect.entry("2345")["fallbackNumber"], "2343", "a fallback follows its target");
    for (number, owner) in [("2342", "operator"), ("2343", "user")] {
        let row = operator.number(number).await;
        assert_eq!((&row["state"], &row["until"]), (&json!("IN_SERVICE"), &json!(null)));
        assert_eq!((&row["account"]["username"], &row["extension"]["number"]), (&json!(owner), &json!(number)));
    }
    // Between service types.
    operator.swaps(&first, &third).await.ok();
    sip.assert_in_sync().await;
    dect.assert_in_sync().await;
    assert_eq!(operator.extension("2343").await["serviceType"]["slug"], "dect");
    assert_eq!(sip.entry("2344")["ownerUsername"], "user");
}

pub async fn an_invalid_swap_is_refused(app: TestApp) {
    let (admin, operator, user) = (app.admin().await, app.operator().await, app.user().await);
    let first = user.registers("sip", "2342").await.id();
    let second = user.registers("sip", "2343").await.id();
    assert_eq!(user.swaps(&first, &second).await.rejection(), "FORBIDDEN");
    assert_eq!(app.guest().swaps(&first, &second).await.rejection(), "UNAUTHENTICATED");
    for (left, right, refusal) in [
        (&*first, &*first, "INVALID at second"),
        (UNKNOWN_EXTENSION, &*second, "NOT_FOUND at first"),
        (&*first, UNKNOWN_EXTENSION, "NOT_FOUND at second"),
        (ACCOUNT_ID, &*second, "INVALID at first"),
        (&*first, "2343", "INVALID at second"),
    ] {
        assert_eq!(operator.swaps(left, right).await.refusal(), refusal);
    }
    admin.creates_event("other", json!({ "serviceTypes": ["sip"] })).await.ok();
    let elsewhere = json!({ "event": "other", "number": "2342", "owner": "user" });
    let elsewhere = admin.assigns_with(elsewhere).await.id();
    assert_eq!(operator.swaps(&first, &elsewhere).await.refusal(), "INVALID at second");
    admin.sets_phase("ARCHIVED").await.ok();
    assert_eq!(operator.swaps(&first, &second).await.refusal(), "EVENT_CLOSED at ");
    assert_eq!(user.extension("2342").await["version"], 1);
}

pub async fn a_repeated_request_does_not_swap_back(app: TestApp) {
    let operator = app.operator().await;
    let first = operator.registers("sip", "2342").await.id();
    let second = operator.registers("sip", "2343").await.id();
    for _ in 0..2 {
        let swapped = operator.swaps_with_key(Some("swap-1"), &first, &second).await.ok();
        assert_eq!(swapped["first"]["number"], "2343", "{swapped}");
    }
    assert_eq!(operator.extension("2342").await["version"], 2);
}

pub async fn a_bar_stays_with_its_number(app: TestApp) {
    let (user, operator) = (app.user().await, app.operator().await);
    let first = user.registers("sip", "2342").await.id();
    let second = user.registers("sip", "2343").await.id();
    operator.bars("2342").await.ok();
    operator.swaps(&first, &second).await.ok();
    let (barred, free) = (user.extension("2342").await, user.extension("2343").await);
    assert_eq!((&barred["id"], &barred["active"]), (&json!(second), &json!(false)));
    assert_eq!((&free["id"], &free["active"]), (&json!(first), &json!(true)));
}

pub async fn a_swap_exchanges_unique_parameters_derived_from_the_numbers(app: TestApp) {
    let (admin, operator) = (app.admin().await, app.operator().await);
    let derived = json!({ "type": "string", "x-generate": { "kind": "number" }, "x-unique": "SERVICE_TYPE" });
    admin.creates_service_type("line", json!({ "own": derived })).await.ok();
    let first = operator.assigns("line", "2342", "user", json!({})).await.id();
    let second = operator.assigns("line", "2343", "user", json!({})).await.id();
    operator.swaps(&first, &second).await.ok();
    assert_eq!(operator.extension("2342").await["parameters"], json!({ "own": "2342" }));
    assert_eq!(operator.extension("2343").await["parameters"], json!({ "own": "2343" }));
    // A derived value that a third extension has already is refused, and both numbers stay where they are.
    operator.updates(&first, json!({ "parameters": { "own": "spare" } })).await.ok();
    operator.assigns("line", "2344", "user", json!({ "own": "2343" })).await.ok();
    assert_eq!(operator.swaps(&first, &second).await.refusal(), "ALREADY_EXISTS at parameters.own");
    assert_eq!(operator.extension("2343").await["id"], json!(first));
}
