//! `signIn` and `resetPassword`.

use std::time::Duration;

use serde_json::json;

use crate::support::TestApp;

pub async fn a_password_reset_ends_every_session(app: TestApp) {
    let user = app.user().await;
    app.guest().mutate("requestPasswordReset", json!({ "email": "user@example.org" }), "accepted").await.ok();
    let token = app.mailed_token("user@example.org").await;
    let input = json!({ "token": token, "newPassword": "battery staple" });
    let reset = app.guest().mutate("resetPassword", input, "accepted").await;
    assert_eq!(reset["accepted"], true, "{reset}");
    assert_eq!(user.query("{ viewer { username } }").await.rejection(), "UNAUTHENTICATED");
    app.sign_in("user", "battery staple").await;
}

pub async fn repeated_wrong_passwords_are_rate_limited(app: TestApp) {
    let wrong = json!({ "login": "user", "password": "wrong" });
    for _ in 0..5 {
        let refused = app.guest().mutate("signIn", wrong.clone(), "token").await;
        assert_eq!(refused.code(), "CREDENTIALS_REJECTED");
    }
    assert_eq!(app.guest().mutate("signIn", wrong, "token").await.code(), "RATE_LIMITED");
    app.clock.advance(Duration::from_secs(61));
    app.user().await;
}
