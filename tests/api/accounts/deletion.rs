//! `deleteAccount`.

use std::time::Duration;

use platform::ids::AccountId;
use serde_json::json;

use crate::support::{Actor, PASSWORD, Response, Scope, TestApp, string};

async fn delete_account(actor: &Actor, password: &str) -> Response {
    actor.mutate("deleteAccount", json!({ "password": password }), "accepted").await
}

async fn viewer_id(actor: &Actor) -> AccountId {
    let viewer = actor.query("{ viewer { id } }").await.ok();
    AccountId::from_global(string(&viewer["id"])).unwrap()
}

pub async fn deleting_an_account_erases_its_personal_data(app: TestApp) {
    let operator = app.operator().await;
    let trillian = app.new_account("trillian").await;
    let id = viewer_id(&trillian).await;
    let generated = trillian.registers("sip", "2342").await["generated"].clone();
    assert!(generated["password"].is_string(), "{generated}");
    operator.reserves("2400", "trillian").await.ok();
    let refused = delete_account(&trillian, "wrong horse").await;
    assert_eq!(refused.refusal(), "CREDENTIALS_REJECTED at password");
    assert_eq!(refused["accepted"], false);
    assert_eq!(trillian.number("2342").await["state"], "IN_SERVICE");
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(delete_account(&trillian, PASSWORD).await.ok()["accepted"], true);

    assert_eq!(trillian.query("{ viewer { username } }").await.rejection(), "UNAUTHENTICATED");
    let mail = app.newest_mail().await;
    assert!(mail.contains("To: trillian@example.org") && mail.contains("your account was deleted"), "{mail}");
    assert_eq!(operator.number("2342").await["state"], "HELD");
    assert_eq!(operator.number("2400").await["state"], "AVAILABLE");
    let lookup = "{ account(username: \"trillian\") { id } accounts(search: \"trillian\") { totalCount } }";
    let found = operator.execute(lookup, json!({})).await;
    assert_eq!(found["data"], json!({ "account": null, "accounts": { "totalCount": 0 } }));
    let audit = "{ auditEvents(actor: \"trillian\", action: \"deleteAccount\") { nodes { summary } } }";
    let audit = operator.query(audit).await.ok();
    assert_eq!(audit["nodes"][0]["summary"], "trillian deleted the account", "{audit}");
    only_the_username_is_kept(&app, id).await;

    for login in ["trillian", "trillian@example.org"] {
        let input = json!({ "login": login, "password": PASSWORD });
        assert_eq!(app.guest().mutate("signIn", input, "token").await.code(), "CREDENTIALS_REJECTED");
    }
    let taken = app.guest().registers_account("trillian", "trillian@example.org").await;
    assert_eq!(taken.refusal(), "ALREADY_EXISTS at username");
    assert_eq!(taken["errors"].as_array().unwrap().len(), 1);
    app.guest().registers_account("tricia", "trillian@example.org").await.ok();
    let token = app.mailed_token("trillian@example.org").await;
    let verified = app.guest().verifies_email(&token).await.ok();
    assert_eq!(verified["account"]["username"], "tricia", "the address was not released: {verified}");
}

async fn only_the_username_is_kept(app: &TestApp, id: AccountId) {
    let mut conn = app.app.services.store.read().await.unwrap();
    let account = accounts::account_by_id(&mut conn, id).await.unwrap().unwrap();
    assert!(account.deleted_at.is_some());
    assert_eq!(account.display_name, "trillian");
    assert_eq!((&*account.email, &*account.password_hash, &*account.search), ("", "", ""));
    assert!(accounts::sessions_of_account(&mut conn, id, account.created_at).await.unwrap().is_empty());
    assert!(accounts::mail_tokens_of_account(&mut conn, id).await.unwrap().is_empty());
    assert!(extensions::queries::of_owner(&mut conn, id).await.unwrap().is_empty());
    let numbers = numbers::numbers_of_account(&mut conn, id).await.unwrap();
    let numbers: Vec<_> = numbers.iter().map(|row| row.number.as_str()).collect();
    assert_eq!(numbers, ["2342"], "a released number is held until its hold expires");
    drop(conn);
    app.clock.advance(Duration::from_secs(1801));
    app.expire_due_numbers().await;
    let mut conn = app.app.services.store.read().await.unwrap();
    assert!(numbers::numbers_of_account(&mut conn, id).await.unwrap().is_empty());
}

pub async fn deleting_an_account_removes_its_extensions_from_every_feed(app: TestApp) {
    let (admin, user) = (app.admin().await, app.user().await);
    let trillian = app.new_account("trillian").await;
    let sip = admin.connects_system(Scope::ReadConfig, "sip").await;
    let groups = admin.connects_system(Scope::ReadConfig, "group").await;
    trillian.registers("sip", "2342").await.ok();
    trillian.registers("sip", "2343").await.ok();
    let group = user.registers("group", "2400").await.id();
    let membership = user.invites(&group, "2342").await.id();
    trillian.accepts(&membership).await.ok();
    let (sip_head, groups_head) = (sip.head().await, groups.head().await);
    assert_eq!(delete_account(&trillian, PASSWORD).await["accepted"], true);
    let mut changes = sip.changes(&sip_head).await;
    changes.sort_by_key(|change| change["keys"][0]["number"].to_string());
    let removal = |number: &str| json!({ "__typename": "FeedRemoval", "keys": [{ "number": number }] });
    assert_eq!(changes, [removal("2342"), removal("2343")]);
    let upsert = json!({ "__typename": "FeedUpsert", "extension": { "number": "2400", "members": [] } });
    assert_eq!(groups.changes(&groups_head).await, [upsert]);
}

pub async fn deletion_is_refused_to_the_last_admin_to_guests_and_to_keys(app: TestApp) {
    let admin = app.admin().await;
    assert_eq!(delete_account(&admin, PASSWORD).await.code(), "LAST_ADMIN");
    app.admin().await;
    assert_eq!(delete_account(&app.guest(), PASSWORD).await.rejection(), "UNAUTHENTICATED");
    let key = admin.creates_key(&[Scope::ReadSecrets], &["sip"]).await;
    assert_eq!(delete_account(&key, PASSWORD).await.rejection(), "FORBIDDEN");
    admin.sets_role("operator", "ADMIN").await.ok();
    assert_eq!(delete_account(&admin, PASSWORD).await["accepted"], true);
}
