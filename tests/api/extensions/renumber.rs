//! Another number for an extension.

use std::time::Duration;

use serde_json::json;

use super::follower::{Follower, key};
use super::{
    BAN, BAR, FALL_BACK, INVITE, RENUMBER, UNBAN, assigned, denied, done, extension, make_type, number, payload,
    refused, registered,
};
use crate::support::{Actor, TestApp, error_code};

pub async fn an_owner_takes_another_number_and_may_go_back(app: TestApp) {
    let (user, operator) = (app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let id = registered(&user, "sip", "2342").await;
    let moved = done(&user, RENUMBER, json!({ "i": id, "n": "23-43", "v": 1 })).await;
    assert_eq!((&moved["extension"]["id"], &moved["extension"]["number"]), (&json!(id), &json!("2343")));
    assert_eq!(moved["extension"]["version"], 2);
    assert!(moved["generated"].is_null() && extension(&user, "2342").await.is_null());
    let left = json!({ "state": "HELD", "account": { "username": "user" }, "until": "2026-08-20T10:00:00Z", "extension": null });
    assert_eq!(number(&operator, "2342").await, left);
    assert_eq!(number(&operator, "2343").await["extension"]["number"], "2343");
    // Held for him alone: an operator may not have it either, but he takes it back.
    assert_eq!(error_code(&operator.registers("sip", "2342").await), "NUMBER_UNAVAILABLE");
    let other = registered(&operator, "sip", "2344").await;
    assert_eq!(refused(&operator, RENUMBER, json!({ "i": other, "n": "2342" })).await, "NUMBER_UNAVAILABLE at number");
    done(&user, RENUMBER, json!({ "i": id, "n": "2342" })).await;
    assert_eq!(number(&operator, "2342").await["state"], "IN_SERVICE");
    assert_eq!(number(&operator, "2343").await["state"], "HELD");
    // When the hold is over, it is anybody's.
    app.clock.advance(Duration::from_secs(1801));
    let operator = app.sign_in("operator", "numberwang").await;
    done(&operator, RENUMBER, json!({ "i": other, "n": "2343" })).await;
}

pub async fn what_may_not_be_is_refused_and_changes_nothing(app: TestApp) {
    let (user, operator) = (app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let id = registered(&user, "sip", "2342").await;
    done(&operator, BAR, json!({ "n": "2399" })).await;
    let taken = payload(&user.execute(RENUMBER, json!({ "i": id, "n": "5000" })).await);
    assert_eq!(error_code(&taken), "NUMBER_UNAVAILABLE");
    assert_eq!(taken["errors"][0]["suggestions"].as_array().unwrap().len(), 5);
    for (wanted, expected) in [
        ("1234", "NUMBER_OUT_OF_RANGE at number"),
        ("1125", "NUMBER_OUT_OF_RANGE at number"),
        ("23420", "NUMBER_OUT_OF_RANGE at number"),
        ("+441144960123", "NUMBER_OUT_OF_RANGE at number"),
        ("2399", "RESTRICTED at number"),
        ("٢٣٤٣", "INVALID at number"),
        ("", "INVALID at number"),
    ] {
        assert_eq!(refused(&user, RENUMBER, json!({ "i": id, "n": wanted })).await, expected, "{wanted:?}");
    }
    let stale = json!({ "i": id, "n": "2343", "v": 7 });
    assert_eq!(refused(&user, RENUMBER, stale).await, "STALE_VERSION at expectedVersion");
    // Another's extension is not there, and neither is one that never was.
    let theirs = extension(&operator, "5000").await["id"].clone();
    for missing in [theirs, json!("Extension:01919191919191919191919191919191")] {
        let asked = json!({ "i": missing, "n": "2343" });
        assert_eq!(refused(&user, RENUMBER, asked).await, "NOT_FOUND at id");
    }
    for wrong in ["Account:01919191919191919191919191919191", "2342", ""] {
        assert_eq!(refused(&user, RENUMBER, json!({ "i": wrong, "n": "2343" })).await, "INVALID at id", "{wrong:?}");
    }
    assert_eq!(denied(&app.guest(), RENUMBER, json!({ "i": id, "n": "2343" })).await, "UNAUTHENTICATED");
    let now = extension(&user, "2342").await;
    assert_eq!((&now["id"], &now["version"]), (&json!(id), &json!(1)));
    assert_eq!(number(&operator, "2343").await["state"], "AVAILABLE");
    // The number that it has already is no change.
    assert_eq!(done(&user, RENUMBER, json!({ "i": id, "n": "2342" })).await["extension"]["version"], 1);
}

pub async fn an_operator_moves_anybodys_in_every_phase_but_archived(app: TestApp) {
    let (admin, operator) = (app.sign_in("admin", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let user = app.sign_in("user", "numberwang").await;
    let id = registered(&user, "sip", "2342").await;
    done(&operator, RENUMBER, json!({ "i": id, "n": "1234" })).await;
    assert_eq!(number(&operator, "2342").await["account"]["username"], "user", "it is held for its owner");
    let phase = |phase: &str| {
        format!(
            "mutation {{ updateEvent(input: {{slug: \"demo\", phase: {phase}}}) {{ event {{ slug }} errors {{ code }} }} }}"
        )
    };
    done(&admin, &phase("FROZEN"), json!({})).await;
    assert_eq!(refused(&user, RENUMBER, json!({ "i": id, "n": "2345" })).await, "EVENT_CLOSED at ");
    done(&operator, RENUMBER, json!({ "i": id, "n": "2345" })).await;
    done(&admin, &phase("ARCHIVED"), json!({})).await;
    assert_eq!(refused(&operator, RENUMBER, json!({ "i": id, "n": "2346" })).await, "EVENT_CLOSED at ");
}

pub async fn somebody_banned_moves_nothing(app: TestApp) {
    let (user, operator) = (app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let id = registered(&user, "sip", "2342").await;
    done(&operator, BAN, json!({})).await;
    assert_eq!(denied(&user, RENUMBER, json!({ "i": id, "n": "2343" })).await, "UNAUTHENTICATED");
    // An operator may for him; the ban stays with the owner.
    done(&operator, RENUMBER, json!({ "i": id, "n": "2343" })).await;
    assert_eq!(extension(&operator, "2343").await["active"], false);
    done(&operator, UNBAN, json!({})).await;
    assert_eq!(extension(&operator, "2343").await["active"], true);
}

pub async fn a_dry_run_tells_and_changes_nothing(app: TestApp) {
    let (admin, operator) = (app.sign_in("admin", "numberwang").await, app.sign_in("operator", "numberwang").await);
    make_type(&admin, "line", json!({ "own": { "type": "string", "x-generate": { "kind": "number" } } })).await;
    let id = assigned(&operator, "line", "2342", "user", json!({})).await["extension"]["id"].clone();
    let told = done(&operator, RENUMBER, json!({ "i": id, "n": "2343", "d": true })).await;
    assert_eq!(told["preview"], json!({ "number": "2343", "parameters": { "own": "2343" } }));
    assert!(told["extension"].is_null() && told["generated"].is_null());
    let refusal = json!({ "i": id, "n": "5000", "d": true });
    assert_eq!(refused(&operator, RENUMBER, refusal).await, "NUMBER_UNAVAILABLE at number");
    let now = extension(&operator, "2342").await;
    assert_eq!((&now["version"], &now["parameters"]), (&json!(1), &json!({ "own": "2342" })));
    assert_eq!(number(&operator, "2343").await["state"], "AVAILABLE");
    let moved = done(&operator, RENUMBER, json!({ "i": id, "n": "2343" })).await;
    assert_eq!(moved["extension"]["parameters"], json!({ "own": "2343" }), "a copy of the number follows it");
}

pub async fn a_repeated_request_moves_once(app: TestApp) {
    let user = app.sign_in("user", "numberwang").await;
    let id = registered(&user, "sip", "2342").await;
    let wanted = json!({ "i": id, "n": "2343" });
    let first = payload(&user.execute_with_key(RENUMBER, wanted.clone(), Some("move-1")).await);
    assert_eq!(first["extension"]["version"], 2, "{first}");
    done(&user, RENUMBER, json!({ "i": id, "n": "2344" })).await;
    // The twin is answered from the record, with the extension as it is by now.
    let second = payload(&user.execute_with_key(RENUMBER, wanted, Some("move-1")).await);
    assert_eq!((&second["extension"]["number"], &second["extension"]["version"]), (&json!("2344"), &json!(3)));
    let other = user.execute_with_key(RENUMBER, json!({ "i": id, "n": "2345" }), Some("move-1")).await;
    assert_eq!(other["errors"][0]["extensions"]["code"], "IDEMPOTENCY_MISMATCH");
}

pub async fn whoever_shows_it_is_told_in_the_same_change(app: TestApp) {
    let (admin, user) = (app.sign_in("admin", "numberwang").await, app.sign_in("user", "numberwang").await);
    let member = registered(&user, "dect", "2342").await;
    let group = registered(&user, "group", "2400").await;
    let caller = registered(&user, "sip", "2500").await;
    done(&user, INVITE, json!({ "g": group, "n": "2342" })).await;
    done(&user, FALL_BACK, json!({ "i": caller, "n": "2342" })).await;
    let key = key(&admin, &["dect", "group", "sip"]).await;
    let mut copies = Vec::new();
    for service_type in ["dect", "group", "sip"] {
        copies.push(Follower::start(&key, service_type).await);
    }
    done(&user, RENUMBER, json!({ "i": member, "n": "2343" })).await;
    let mut told = Vec::new();
    for copy in &mut copies {
        copy.demand_state().await;
        told.push(copy.told());
    }
    assert_eq!(told, [["2343[2342]"], ["2400[]"], ["2500[]"]]);
    assert_eq!(copies[1].entry("2400")["members"][0]["number"], "2343");
    assert_eq!(copies[2].entry("2500")["fallbackNumber"], "2343");
}

pub async fn a_number_that_was_left_waits_for_the_system_of_a_group_that_rang_it(app: TestApp) {
    let (admin, user) = (app.sign_in("admin", "numberwang").await, app.sign_in("user", "numberwang").await);
    let member = registered(&user, "sip", "2342").await;
    let group = registered(&user, "group", "2400").await;
    done(&user, INVITE, json!({ "g": group, "n": "2342" })).await;
    let create = "mutation { createApiKey(input: {label: \"ring\", scopes: [READ_CONFIG], serviceTypes: [\"group\"], events: [\"demo\"]}) { apiKey { id } secret errors { code } } }";
    let made = done(&admin, create, json!({})).await;
    let consumer = "mutation($k: ID!) { createFeedConsumer(input: {name: \"ring\", event: \"demo\", serviceType: \"group\", apiKey: $k}) { consumer { id } errors { code } } }";
    done(&admin, consumer, json!({ "k": made["apiKey"]["id"] })).await;
    done(&user, RENUMBER, json!({ "i": member, "n": "2343" })).await;
    app.clock.advance(Duration::from_secs(1801));
    let operator = app.sign_in("operator", "numberwang").await;
    assert_eq!(error_code(&operator.registers("sip", "2342").await), "NUMBER_UNAVAILABLE");
    let ring = app.with_token(made["secret"].as_str().unwrap());
    let head = "{ provisioning(event: \"demo\", serviceType: \"group\") { snapshot { head } } }";
    let head = ring.execute(head, json!({})).await["data"]["provisioning"]["snapshot"]["head"].clone();
    let acknowledge = "mutation($c: FeedCursor!) { acknowledgeProvisioning(input: {event: \"demo\", serviceType: \"group\", consumer: \"ring\", cursor: $c}) { consumer { name } errors { code } } }";
    done(&ring, acknowledge, json!({ "c": head })).await;
    assert_eq!(error_code(&operator.registers("sip", "2342").await), "none");
}

pub async fn twenty_want_one_number_in_three_ways(app: TestApp) {
    let (user, operator) = (app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let mut asking = Vec::new();
    for place in 0..20 {
        let (person, other) = if place % 2 == 0 { (&user, "operator") } else { (&operator, "user") };
        let (person, other) = (person.clone(), other.to_owned());
        let id = match place % 3 {
            0 => Some(registered(&person, "sip", &format!("60{place:02}")).await),
            _ => None,
        };
        let operator = operator.clone();
        asking.push(async move {
            match (id, place % 3) {
                (Some(id), _) => {
                    error_code(&payload(&person.execute(RENUMBER, json!({ "i": id, "n": "4243" })).await)).to_owned()
                }
                (None, 1) => error_code(&person.registers("dect", "4243").await).to_owned(),
                (None, _) => asks_to_assign(&operator, &other).await,
            }
        });
    }
    let asking: Vec<_> = asking.into_iter().map(tokio::spawn).collect();
    let mut outcomes = Vec::new();
    for asked in asking {
        outcomes.push(asked.await.unwrap());
    }
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "none").count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "NUMBER_UNAVAILABLE").count(), 19, "{outcomes:?}");
    let holder = extension(&operator, "4243").await["owner"]["username"].clone();
    assert_eq!(number(&operator, "4243").await["account"]["username"], holder);
}

async fn asks_to_assign(operator: &Actor, owner: &str) -> String {
    let assign = "mutation($o: String!) { assignExtension(input: {event: \"demo\", serviceType: \"sip\", number: \"4243\", owner: $o, label: \"A\"}) { errors { code } } }";
    error_code(&payload(&operator.execute(assign, json!({ "o": owner })).await)).to_owned()
}
