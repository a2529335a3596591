//! Two extensions exchange their numbers.

use serde_json::json;

use super::follower::{Follower, key};
use super::{BAR, FALL_BACK, SWAP, assigned, denied, done, extension, make_type, number, payload, refused, registered};
use crate::support::TestApp;

pub async fn numbers_change_places_in_one_change_of_every_feed(app: TestApp) {
    let (admin, operator) = (app.sign_in("admin", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let user = app.sign_in("user", "numberwang").await;
    let first = registered(&user, "sip", "2342").await;
    let second = registered(&operator, "sip", "2343").await;
    let third = registered(&operator, "dect", "2344").await;
    let caller = registered(&user, "dect", "2345").await;
    done(&user, FALL_BACK, json!({ "i": caller, "n": "2342" })).await;
    let key = key(&admin, &["sip", "dect"]).await;
    let (mut sip, mut dect) = (Follower::start(&key, "sip").await, Follower::start(&key, "dect").await);
    let swapped = done(&operator, SWAP, json!({ "a": first, "b": second })).await;
    assert_eq!(swapped["first"], json!({ "id": first, "number": "2343" }));
    assert_eq!(swapped["second"], json!({ "id": second, "number": "2342" }));
    sip.demand_state().await;
    dect.demand_state().await;
    // What the one bore is the other's by now, so nobody is told to delete it.
    assert_eq!(sip.told(), ["2342[]", "2343[]"]);
    assert_eq!(dect.told(), ["2345[]"]);
    assert_eq!(dect.entry("2345")["fallbackNumber"], "2343", "a fallback follows the extension");
    for (text, owner) in [("2342", "operator"), ("2343", "user")] {
        let row = number(&operator, text).await;
        let expected = json!({ "state": "IN_SERVICE", "account": { "username": owner }, "until": null, "extension": { "number": text } });
        assert_eq!(row, expected);
    }
    // Across service types.
    done(&operator, SWAP, json!({ "a": first, "b": third })).await;
    sip.demand_state().await;
    dect.demand_state().await;
    assert_eq!(extension(&operator, "2343").await["serviceType"]["slug"], "dect");
    assert_eq!(sip.entry("2344")["ownerUsername"], "user");
}

pub async fn what_may_not_be_swapped_is_refused(app: TestApp) {
    let (admin, operator) = (app.sign_in("admin", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let user = app.sign_in("user", "numberwang").await;
    let first = registered(&user, "sip", "2342").await;
    let second = registered(&user, "sip", "2343").await;
    assert_eq!(denied(&user, SWAP, json!({ "a": first, "b": second })).await, "FORBIDDEN");
    assert_eq!(denied(&app.guest(), SWAP, json!({ "a": first, "b": second })).await, "UNAUTHENTICATED");
    let unknown = "Extension:01919191919191919191919191919191";
    for (a, b, expected) in [
        (first.as_str(), first.as_str(), "INVALID at second"),
        (unknown, second.as_str(), "NOT_FOUND at first"),
        (first.as_str(), unknown, "NOT_FOUND at second"),
        ("Account:01919191919191919191919191919191", second.as_str(), "INVALID at first"),
        (first.as_str(), "2343", "INVALID at second"),
    ] {
        assert_eq!(refused(&operator, SWAP, json!({ "a": a, "b": b })).await, expected);
    }
    let event = "mutation { createEvent(input: {slug: \"other\", name: \"Other\", phase: OPEN, serviceTypes: [\"sip\"]}) { event { slug } errors { code } } }";
    done(&admin, event, json!({})).await;
    let assign = "mutation { assignExtension(input: {event: \"other\", serviceType: \"sip\", number: \"2342\", owner: \"user\", label: \"O\"}) { extension { id } errors { code } } }";
    let elsewhere = done(&admin, assign, json!({})).await["extension"]["id"].clone();
    assert_eq!(refused(&operator, SWAP, json!({ "a": first, "b": elsewhere })).await, "INVALID at second");
    let archive =
        "mutation { updateEvent(input: {slug: \"demo\", phase: ARCHIVED}) { event { slug } errors { code } } }";
    done(&admin, archive, json!({})).await;
    assert_eq!(refused(&operator, SWAP, json!({ "a": first, "b": second })).await, "EVENT_CLOSED at ");
    assert_eq!(extension(&user, "2342").await["version"], 1);
}

pub async fn a_repeated_request_does_not_swap_back(app: TestApp) {
    let operator = app.sign_in("operator", "numberwang").await;
    let first = registered(&operator, "sip", "2342").await;
    let second = registered(&operator, "sip", "2343").await;
    let wanted = json!({ "a": first, "b": second });
    for _ in 0..2 {
        let swapped = payload(&operator.execute_with_key(SWAP, wanted.clone(), Some("swap-1")).await);
        assert_eq!(swapped["first"]["number"], "2343", "{swapped}");
    }
    assert_eq!(extension(&operator, "2342").await["version"], 2);
}

pub async fn a_bar_stays_with_its_number(app: TestApp) {
    let (user, operator) = (app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let first = registered(&user, "sip", "2342").await;
    let second = registered(&user, "sip", "2343").await;
    done(&operator, BAR, json!({ "n": "2342" })).await;
    done(&operator, SWAP, json!({ "a": first, "b": second })).await;
    let (barred, free) = (extension(&user, "2342").await, extension(&user, "2343").await);
    assert_eq!((&barred["id"], &barred["active"]), (&json!(second), &json!(false)));
    assert_eq!((&free["id"], &free["active"]), (&json!(first), &json!(true)));
}

pub async fn copies_of_the_numbers_change_places_though_they_are_unique(app: TestApp) {
    let (admin, operator) = (app.sign_in("admin", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let line = json!({ "type": "string", "x-generate": { "kind": "number" }, "x-unique": "SERVICE_TYPE" });
    make_type(&admin, "line", json!({ "own": line })).await;
    let mut ids = Vec::new();
    for text in ["2342", "2343"] {
        ids.push(assigned(&operator, "line", text, "user", json!({})).await["extension"]["id"].clone());
    }
    done(&operator, SWAP, json!({ "a": ids[0], "b": ids[1] })).await;
    assert_eq!(extension(&operator, "2342").await["parameters"], json!({ "own": "2342" }));
    assert_eq!(extension(&operator, "2343").await["parameters"], json!({ "own": "2343" }));
    // A copy that would be a third one's is refused, and both numbers stay.
    done(&operator, "mutation($i: ID!) { updateExtension(input: {id: $i, parameters: {own: \"spare\"}}) { extension { id } errors { code } } }", json!({ "i": ids[0] })).await;
    assigned(&operator, "line", "2344", "user", json!({ "own": "2343" })).await;
    assert_eq!(refused(&operator, SWAP, json!({ "a": ids[0], "b": ids[1] })).await, "ALREADY_EXISTS at parameters.own");
    assert_eq!(extension(&operator, "2343").await["id"], ids[0]);
}
