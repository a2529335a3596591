//! `banAccount` and `setRole`.

use std::time::Duration;

use serde_json::json;

use crate::support::{PASSWORD, TestApp};

pub async fn a_ban_ends_sessions_and_deactivates_extensions_until_it_is_lifted(app: TestApp) {
    let (user, operator) = (app.user().await, app.operator().await);
    user.registers("sip", "2342").await.ok();
    operator.bans("user").await.ok();
    assert_eq!(user.query("{ viewer { username } }").await.rejection(), "UNAUTHENTICATED");
    assert_eq!(operator.extension("2342").await["active"], false);
    operator.unbans("user").await.ok();
    let extension = operator.extension("2342").await;
    assert_eq!((&extension["active"], &extension["restrictions"]), (&json!(true), &json!([])));
    app.user().await;
}

pub async fn the_last_admin_cannot_be_demoted(app: TestApp) {
    assert_eq!(app.admin().await.sets_role("admin", "USER").await.code(), "LAST_ADMIN");
    assert_eq!(app.operator().await.sets_role("admin", "USER").await.rejection(), "FORBIDDEN");
}

pub async fn an_operator_cannot_ban_the_own_account(app: TestApp) {
    let (operator, admin) = (app.operator().await, app.admin().await);
    let refused = operator.bans("operator").await;
    assert_eq!(
        (refused.refusal().as_str(), &refused["errors"][0]["rule"]),
        ("INVALID at username", &json!("ban.self"))
    );
    assert!(operator.is_signed_in().await);
    assert_eq!(admin.bans("admin").await.code(), "LAST_ADMIN");
    admin.bans("operator").await.ok();
}

pub async fn a_change_of_role_needs_a_recent_sign_in(app: TestApp) {
    let admin = app.admin().await;
    app.clock.advance(Duration::from_secs(16 * 60));
    assert_eq!(admin.sets_role("user", "ADMIN").await.code(), "REAUTHENTICATION_REQUIRED");
    assert_eq!(app.user().await.query("{ viewer { role } }").await.ok()["role"], "USER");
    admin.reauthenticates(PASSWORD).await.ok();
    admin.sets_role("user", "ADMIN").await.ok();
}

pub async fn a_repeated_request_needs_the_privilege_again(app: TestApp) {
    let (operator, admin) = (app.operator().await, app.admin().await);
    let input = json!({ "username": "user", "reason": "noise" });
    let ban =
        async || operator.mutate_with_key(Some("once"), "banAccount", input.clone(), "account { username }").await;
    ban().await.ok();
    ban().await.ok();
    admin.sets_role("operator", "USER").await.ok();
    assert_eq!(ban().await.rejection(), "FORBIDDEN");
}
