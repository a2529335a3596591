//! `renumberExtension`.

use std::time::Duration;

use serde_json::json;

use super::{ACCOUNT_ID, UNKNOWN_EXTENSION};
use crate::api::provisioning::replica::FeedReplica;
use crate::support::{Actor, Scope, TestApp, string};

pub async fn an_owner_renumbers_and_can_return_to_the_held_number(app: TestApp) {
    let (user, operator) = (app.user().await, app.operator().await);
    let id = user.registers("sip", "2342").await.id();
    let renumbered = user.renumbers_with(None, json!({ "id": id, "number": "23-43", "expectedVersion": 1 })).await.ok();
    let extension = &renumbered["extension"];
    assert_eq!((&extension["id"], &extension["number"]), (&json!(id), &json!("2343")));
    assert_eq!(extension["version"], 2);
    assert!(renumbered["generated"].is_null() && user.extension("2342").await.is_null());
    let released = operator.number("2342").await;
    assert_eq!((&released["state"], &released["until"]), (&json!("HELD"), &json!("2026-08-20T10:00:00Z")));
    assert_eq!((&released["account"]["username"], &released["extension"]), (&json!("user"), &json!(null)));
    assert_eq!(operator.number("2343").await["extension"]["number"], "2343");
    // The hold is for the previous owner only, who can return to the number; an operator cannot take it.
    assert_eq!(operator.registers("sip", "2342").await.code(), "NUMBER_UNAVAILABLE");
    let other = operator.registers("sip", "2344").await.id();
    assert_eq!(operator.renumbers(&other, "2342").await.refusal(), "NUMBER_UNAVAILABLE at number");
    user.renumbers(&id, "2342").await.ok();
    assert_eq!(operator.number("2342").await["state"], "IN_SERVICE");
    assert_eq!(operator.number("2343").await["state"], "HELD");
    app.clock.advance(Duration::from_secs(1801));
    let operator = app.operator().await;
    operator.renumbers(&other, "2343").await.ok();
}

pub async fn an_invalid_renumbering_is_refused_and_changes_nothing(app: TestApp) {
    let (user, operator) = (app.user().await, app.operator().await);
    let id = user.registers("sip", "2342").await.id();
    operator.bars("2399").await.ok();
    let taken = user.renumbers(&id, "5000").await;
    assert_eq!(taken.code(), "NUMBER_UNAVAILABLE");
    assert_eq!(taken["errors"][0]["suggestions"].as_array().unwrap().len(), 5);
    for (number, refusal) in [
        ("1234", "NUMBER_OUT_OF_RANGE at number"),
        ("1125", "NUMBER_OUT_OF_RANGE at number"),
        ("23420", "NUMBER_OUT_OF_RANGE at number"),
        ("+441144960123", "NUMBER_OUT_OF_RANGE at number"),
        ("2399", "RESTRICTED at number"),
        ("٢٣٤٣", "INVALID at number"),
        ("", "INVALID at number"),
    ] {
        assert_eq!(user.renumbers(&id, number).await.refusal(), refusal, "{number:?}");
    }
    let stale = user.renumbers_with(None, json!({ "id": id, "number": "2343", "expectedVersion": 7 })).await;
    assert_eq!(stale.refusal(), "STALE_VERSION at expectedVersion");
    // Another account's extension gets the response of one that does not exist.
    let foreign = operator.extension("5000").await["id"].clone();
    for id in [string(&foreign), UNKNOWN_EXTENSION] {
        assert_eq!(user.renumbers(id, "2343").await.refusal(), "NOT_FOUND at id");
    }
    for id in [ACCOUNT_ID, "2342", ""] {
        assert_eq!(user.renumbers(id, "2343").await.refusal(), "INVALID at id", "{id:?}");
    }
    assert_eq!(app.guest().renumbers(&id, "2343").await.rejection(), "UNAUTHENTICATED");
    let extension = user.extension("2342").await;
    assert_eq!((&extension["id"], &extension["version"]), (&json!(id), &json!(1)));
    assert_eq!(operator.number("2343").await["state"], "AVAILABLE");
    // The current number is accepted and changes nothing.
    assert_eq!(user.renumbers(&id, "2342").await.ok()["extension"]["version"], 1);
}

pub async fn an_operator_renumbers_any_extension_until_the_event_is_archived(app: TestApp) {
    let (admin, operator, user) = (app.admin().await, app.operator().await, app.user().await);
    let id = user.registers("sip", "2342").await.id();
    operator.renumbers(&id, "1234").await.ok();
    assert_eq!(operator.number("2342").await["account"]["username"], "user", "the hold is for the owner");
    admin.sets_phase("FROZEN").await.ok();
    assert_eq!(user.renumbers(&id, "2345").await.refusal(), "EVENT_CLOSED at ");
    operator.renumbers(&id, "2345").await.ok();
    admin.sets_phase("ARCHIVED").await.ok();
    assert_eq!(operator.renumbers(&id, "2346").await.refusal(), "EVENT_CLOSED at ");
}

pub async fn a_banned_owner_cannot_renumber(app: TestApp) {
    let (user, operator) = (app.user().await, app.operator().await);
    let id = user.registers("sip", "2342").await.id();
    operator.bans("user").await.ok();
    assert_eq!(user.renumbers(&id, "2343").await.rejection(), "UNAUTHENTICATED");
    // An operator can renumber the extension; the ban still applies to it.
    operator.renumbers(&id, "2343").await.ok();
    assert_eq!(operator.extension("2343").await["active"], false);
    operator.unbans("user").await.ok();
    assert_eq!(operator.extension("2343").await["active"], true);
}

pub async fn a_dry_run_previews_the_renumbering_and_changes_nothing(app: TestApp) {
    let (admin, operator) = (app.admin().await, app.operator().await);
    let properties = json!({ "own": { "type": "string", "x-generate": { "kind": "number" } } });
    admin.creates_service_type("line", properties).await.ok();
    let id = operator.assigns("line", "2342", "user", json!({})).await.id();
    let dry_run =
        async |number: &str| operator.renumbers_with(None, json!({ "id": id, "number": number, "dryRun": true })).await;
    let preview = dry_run("2343").await.ok();
    assert_eq!(preview["preview"], json!({ "number": "2343", "parameters": { "own": "2343" } }));
    assert!(preview["extension"].is_null() && preview["generated"].is_null());
    assert_eq!(dry_run("5000").await.refusal(), "NUMBER_UNAVAILABLE at number");
    let extension = operator.extension("2342").await;
    assert_eq!((&extension["version"], &extension["parameters"]), (&json!(1), &json!({ "own": "2342" })));
    assert_eq!(operator.number("2343").await["state"], "AVAILABLE");
    let renumbered = operator.renumbers(&id, "2343").await.ok();
    assert_eq!(renumbered["extension"]["parameters"], json!({ "own": "2343" }), "a derived parameter is updated");
}

pub async fn a_repeated_request_renumbers_once(app: TestApp) {
    let user = app.user().await;
    let id = user.registers("sip", "2342").await.id();
    let renumber =
        async |number: &str| user.renumbers_with(Some("move-1"), json!({ "id": id, "number": number })).await;
    assert_eq!(renumber("2343").await.ok()["extension"]["version"], 2);
    user.renumbers(&id, "2344").await.ok();
    // The repetition is answered from the record of the first request, with the extension's current state.
    let repeated = renumber("2343").await.ok();
    assert_eq!(repeated["extension"]["number"], "2344");
    assert_eq!(repeated["extension"]["version"], 3);
    assert_eq!(renumber("2345").await.rejection(), "IDEMPOTENCY_MISMATCH");
}

pub async fn a_renumbering_changes_every_feed_that_shows_the_number(app: TestApp) {
    let (admin, user) = (app.admin().await, app.user().await);
    let member = user.registers("dect", "2342").await.id();
    let group = user.registers("group", "2400").await.id();
    let caller = user.registers("sip", "2500").await.id();
    user.invites(&group, "2342").await.ok();
    user.sets_fallback(&caller, Some("2342")).await.ok();
    let mut replicas = FeedReplica::of_feeds(&admin, ["dect", "group", "sip"]).await;
    user.renumbers(&member, "2343").await.ok();
    let mut changes = Vec::new();
    for replica in &mut replicas {
        replica.assert_in_sync().await;
        changes.push(replica.last_changes());
    }
    assert_eq!(changes, [["2343[2342]"], ["2400[]"], ["2500[]"]]);
    assert_eq!(replicas[1].entry("2400")["members"][0]["number"], "2343");
    assert_eq!(replicas[2].entry("2500")["fallbackNumber"], "2343");
}

pub async fn a_released_number_ages_until_the_system_of_its_group_acknowledges(app: TestApp) {
    let (admin, user) = (app.admin().await, app.user().await);
    let member = user.registers("sip", "2342").await.id();
    let group = user.registers("group", "2400").await.id();
    user.invites(&group, "2342").await.ok();
    let groups = admin.connects_system(Scope::ReadConfig, "group").await;
    groups.becomes_consumer(&admin, "ring").await;
    user.renumbers(&member, "2343").await.ok();
    app.clock.advance(Duration::from_secs(1801));
    let operator = app.operator().await;
    assert_eq!(operator.registers("sip", "2342").await.code(), "NUMBER_UNAVAILABLE");
    groups.acknowledges("ring").await;
    assert_eq!(operator.registers("sip", "2342").await.code(), "none");
}

pub async fn of_twenty_concurrent_requests_for_a_number_one_succeeds(app: TestApp) {
    let (user, operator) = (app.user().await, app.operator().await);
    let mut requests = Vec::new();
    for index in 0..20 {
        let (actor, other) = if index % 2 == 0 { (&user, "operator") } else { (&operator, "user") };
        requests.push(match index % 3 {
            0 => {
                let id = actor.registers("sip", &format!("60{index:02}")).await.id();
                Request::Renumber { actor: actor.clone(), id }
            }
            1 => Request::Register { actor: actor.clone() },
            _ => Request::Assign { operator: operator.clone(), owner: other },
        });
    }
    let requests: Vec<_> = requests.into_iter().map(|request| tokio::spawn(request.send("4243"))).collect();
    let mut codes = Vec::new();
    for request in requests {
        codes.push(request.await.unwrap());
    }
    assert_eq!(codes.iter().filter(|code| *code == "none").count(), 1, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| *code == "NUMBER_UNAVAILABLE").count(), 19, "{codes:?}");
    let holder = operator.extension("4243").await["owner"]["username"].clone();
    assert_eq!(operator.number("4243").await["account"]["username"], holder);
}

/// The three ways to get a number.
enum Request {
    Renumber { actor: Actor, id: String },
    Register { actor: Actor },
    Assign { operator: Actor, owner: &'static str },
}

impl Request {
    async fn send(self, number: &str) -> String {
        let response = match self {
            Self::Renumber { actor, id } => actor.renumbers(&id, number).await,
            Self::Register { actor } => actor.registers("dect", number).await,
            Self::Assign { operator, owner } => {
                operator.assigns_with(json!({ "number": number, "owner": owner })).await
            }
        };
        response.code().to_owned()
    }
}
