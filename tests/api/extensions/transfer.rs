//! `transferExtension`.

use serde_json::{Value, json};

use super::{ACCOUNT_ID, UNKNOWN_EXTENSION};
use crate::api::provisioning::replica::FeedReplica;
use crate::support::TestApp;

pub async fn a_transfer_gives_the_new_owner_new_secrets(app: TestApp) {
    let (admin, operator, user) = (app.admin().await, app.operator().await, app.user().await);
    let id = user.registers("sip", "2342").await.id();
    let old_password = user.credentials("2342").await["password"].clone();
    user.sets_fallback(&id, Some("+441144960123")).await.ok();
    let [mut replica] = FeedReplica::of_feeds(&admin, ["sip"]).await;
    let input = json!({ "id": id, "owner": "Admin", "expectedVersion": 2 });
    let transferred = operator.transfers_with(None, input).await.ok();
    let extension = &transferred["extension"];
    assert_eq!((&extension["id"], &extension["number"]), (&json!(id), &json!("2342")));
    assert_eq!((&extension["label"], &extension["version"]), (&json!("Test"), &json!(3)));
    assert_eq!(extension["owner"]["username"], "admin");
    assert!(extension["fallbackNumber"].is_null(), "the previous owner's external fallback was kept");
    let new_password = admin.credentials("2342").await["password"].clone();
    assert!(old_password.is_string() && new_password.is_string() && new_password != old_password);
    assert_eq!(transferred["generated"], json!({ "password": new_password }));
    assert!(user.extension("2342").await.is_null(), "the previous owner still sees the extension");
    assert_eq!(operator.number("2342").await["account"]["username"], "admin");
    replica.assert_in_sync().await;
    assert_eq!(replica.last_changes(), ["2342[]"]);
    assert_eq!(replica.entry("2342")["ownerUsername"], "admin");
    // A transfer to the current owner changes nothing.
    let unchanged = operator.transfers(&id, "admin").await.ok();
    assert_eq!((&unchanged["extension"]["version"], &unchanged["generated"]), (&json!(3), &Value::Null));
}

pub async fn a_transfer_to_an_unsuitable_owner_is_refused(app: TestApp) {
    let (admin, operator, user) = (app.admin().await, app.operator().await, app.user().await);
    let id = operator.registers("sip", "2342").await.id();
    let of_user = user.registers("sip", "2343").await.id();
    assert_eq!(user.transfers(&of_user, "admin").await.rejection(), "FORBIDDEN");
    assert_eq!(app.guest().transfers(&of_user, "admin").await.rejection(), "UNAUTHENTICATED");
    app.guest().registers_account("newcomer", "n@example.org").await.ok();
    admin.updates_service_type("sip", json!({ "quota": 1 })).await.ok();
    for (id, owner, refusal) in [
        (&*id, "nobody", "NOT_FOUND at owner"),
        (&*id, "", "NOT_FOUND at owner"),
        (&*id, "newcomer", "EMAIL_UNVERIFIED at owner"),
        (&*id, "user", "QUOTA_EXCEEDED at owner"),
        (UNKNOWN_EXTENSION, "admin", "NOT_FOUND at id"),
        (ACCOUNT_ID, "admin", "INVALID at id"),
    ] {
        assert_eq!(operator.transfers(id, owner).await.refusal(), refusal);
    }
    let stale = operator.transfers_with(None, json!({ "id": id, "owner": "admin", "expectedVersion": 9 })).await;
    assert_eq!(stale.refusal(), "STALE_VERSION at expectedVersion");
    operator.bans("user").await.ok();
    assert_eq!(operator.transfers(&id, "user").await.refusal(), "RESTRICTED at owner");
    let extension = operator.extension("2342").await;
    assert_eq!((&extension["owner"]["username"], &extension["version"]), (&json!("operator"), &json!(1)));
}

pub async fn a_repeated_request_rotates_secrets_once(app: TestApp) {
    let (user, operator) = (app.user().await, app.operator().await);
    let id = user.registers("sip", "2342").await.id();
    let transfer =
        async || operator.transfers_with(Some("give-1"), json!({ "id": id, "owner": "operator" })).await.ok();
    let (first, second) = (transfer().await, transfer().await);
    assert!(first["generated"]["password"].is_string(), "{first}");
    assert_eq!(first["extension"], second["extension"]);
    assert!(second["generated"].is_null(), "a one-time secret was shown twice");
    assert_eq!(operator.credentials("2342").await["password"], first["generated"]["password"]);
}

pub async fn memberships_in_groups_of_others_need_the_new_owners_consent(app: TestApp) {
    let (admin, operator, user) = (app.admin().await, app.operator().await, app.user().await);
    let member = user.registers("sip", "2342").await.id();
    let of_user = user.registers("group", "2400").await.id();
    let of_operator = operator.registers("group", "2401").await.id();
    user.invites(&of_user, "2342").await.ok();
    let invitation = operator.invites(&of_operator, "2342").await.id();
    user.accepts(&invitation).await.ok();
    let [mut groups] = FeedReplica::of_feeds(&admin, ["group"]).await;
    assert_eq!(groups.entry("2400")["members"].as_array().map(Vec::len), Some(1));
    operator.transfers(&member, "operator").await.ok();
    groups.assert_in_sync().await;
    assert_eq!(groups.entry("2400")["members"], json!([]), "the new owner has not accepted");
    assert_eq!(groups.entry("2401")["members"][0]["number"], "2342", "the new owner's group keeps its member");
    let memberships = operator.extension("2342").await["memberOf"].clone();
    let memberships = memberships.as_array().unwrap();
    let states: Vec<_> = memberships.iter().map(|row| (&row["groupNumber"], &row["membership"])).collect();
    assert_eq!(states, [(&json!("2400"), &json!("PENDING")), (&json!("2401"), &json!("ACTIVE"))]);
    operator.accepts(memberships[0]["id"].as_str().unwrap()).await.ok();
    groups.assert_in_sync().await;
    assert_eq!(groups.entry("2400")["members"][0]["number"], "2342");
}

pub async fn generated_secrets_are_returned_only_to_callers_that_may_see_them(app: TestApp) {
    let (admin, operator, user) = (app.admin().await, app.operator().await, app.user().await);
    let secret = |visible_to: &str| {
        let generate = json!({ "kind": "hex", "bytes": 16 });
        json!({ "type": "string", "x-secret": true, "x-generate": generate, "x-visible-to": visible_to })
    };
    let derived = json!({ "type": "string", "x-generate": { "kind": "username" } });
    let parameters =
        json!({ "pin": secret("OWNER"), "ki": secret("OPERATOR"), "seed": secret("CONSUMER"), "login": derived });
    admin.creates_service_type("card", parameters).await.ok();
    let offer = json!({ "slug": "demo", "serviceTypes": ["sip", "card"] });
    admin.mutate("updateEvent", offer, "event { slug }").await.ok();
    let names = |payload: &Value| -> Vec<String> {
        payload["generated"].as_object().into_iter().flat_map(|secrets| secrets.keys().cloned()).collect()
    };
    let registered = user.registers("card", "2342").await;
    assert_eq!(names(&registered.clone().ok()), ["pin"]);
    assert_eq!(names(&operator.assigns("card", "2343", "user", json!({})).await.ok()), ["ki", "pin"]);
    let transferred = operator.transfers(&registered.id(), "operator").await.ok();
    assert_eq!(names(&transferred), ["ki", "pin"]);
    assert_eq!(transferred["extension"]["parameters"], json!({ "login": "operator" }), "derived from the new owner");
    assert_ne!(transferred["generated"]["pin"], registered["generated"]["pin"]);
}
