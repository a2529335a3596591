//! `banAccount` and `setRole`.

use serde_json::json;

use crate::support::TestApp;

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
