//! `signIn` and `resetPassword`.

use std::time::Duration;

use serde_json::json;

use crate::support::{PASSWORD, TestApp, string};

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

pub async fn a_session_ends_after_a_week_without_use_and_after_30_days(app: TestApp) {
    let day = Duration::from_secs(24 * 3600);
    let (unused, used) = (app.user().await, app.user().await);
    app.clock.advance(6 * day);
    assert!(used.is_signed_in().await);
    app.clock.advance(2 * day);
    assert!(!unused.is_signed_in().await);
    for _ in 0..5 {
        assert!(used.is_signed_in().await);
        app.clock.advance(4 * day);
    }
    assert!(used.is_signed_in().await, "after 28 days");
    app.clock.advance(3 * day);
    assert!(!used.is_signed_in().await, "after 31 days");
}

pub async fn a_browser_that_signs_in_again_leaves_no_old_session(app: TestApp) {
    let (first, other) = (app.user().await, app.user().await);
    let cookie = format!("__Host-switchboard={}", first.token.as_ref().unwrap());
    let query = format!("mutation {{ signIn(input: {{login: \"user\", password: \"{PASSWORD}\"}}) {{ token }} }}");
    let request = reqwest::Client::new().post(format!("{}/graphql", app.url)).header("cookie", cookie);
    let request = request.header("sec-fetch-site", "same-origin").header("origin", &app.url);
    let body: serde_json::Value = request.json(&json!({ "query": query })).send().await.unwrap().json().await.unwrap();
    let second = app.with_token(string(&body["data"]["signIn"]["token"]));
    assert!(second.is_signed_in().await && other.is_signed_in().await);
    assert!(!first.is_signed_in().await);
    // A program that sends a token has not replaced it.
    second.mutate("signIn", json!({ "login": "user", "password": PASSWORD }), "token").await.ok();
    assert!(second.is_signed_in().await);
}
