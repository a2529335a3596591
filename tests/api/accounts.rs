//! Accounts.

use serde_json::json;

use crate::support::{TestApp, error_code};

const REGISTER: &str = "mutation($u: String!, $e: String!) { registerAccount(input: {username: $u, displayName: $u, email: $e, password: \"correct horse\"}) \
                        { account { username email } errors { code path } } }";

pub async fn a_newcomer_registers_verifies_and_signs_in(app: TestApp) {
    let guest = app.guest();
    let made = guest.execute(REGISTER, json!({ "u": "Arthur", "e": "arthur@example.org" })).await;
    assert_eq!(made["data"]["registerAccount"]["account"]["username"], "arthur", "{made}");
    let arthur = app.sign_in("arthur", "correct horse").await;
    assert_eq!(error_code(&arthur.registers("sip", "2342").await), "EMAIL_UNVERIFIED");
    let verify = "mutation($t: String!) { verifyEmail(input: {token: $t}) { account { username } errors { code } } }";
    let token = app.mailed_token().await;
    let verified = guest.execute(verify, json!({ "t": token })).await;
    assert_eq!(verified["data"]["verifyEmail"]["errors"], json!([]));
    let again = guest.execute(verify, json!({ "t": token })).await;
    assert_eq!(error_code(&again["data"]["verifyEmail"]), "TOKEN_EXPIRED");
    assert_eq!(error_code(&arthur.registers("sip", "2342").await), "none");
}

pub async fn a_known_address_looks_like_any_other(app: TestApp) {
    let known = app.guest().execute(REGISTER, json!({ "u": "mallory", "e": "user@example.org" })).await;
    let fresh = app.guest().execute(REGISTER, json!({ "u": "trillian", "e": "trillian@example.org" })).await;
    assert_eq!(known["data"]["registerAccount"]["errors"], fresh["data"]["registerAccount"]["errors"]);
    assert_eq!(
        known["data"]["registerAccount"]["account"]["email"],
        fresh["data"]["registerAccount"]["account"]["email"]
    );
    let taken = app.guest().execute(REGISTER, json!({ "u": "USER", "e": "other@example.org" })).await;
    assert_eq!(error_code(&taken["data"]["registerAccount"]), "ALREADY_EXISTS");
}

pub async fn a_reset_ends_every_session(app: TestApp) {
    let user = app.sign_in("user", "numberwang").await;
    let request =
        "mutation { requestPasswordReset(input: {email: \"user@example.org\"}) { accepted errors { code } } }";
    app.guest().execute(request, json!({})).await;
    let token = app.mailed_token().await;
    let reset = "mutation($t: String!) { resetPassword(input: {token: $t, newPassword: \"battery staple\"}) { accepted errors { code } } }";
    let done = app.guest().execute(reset, json!({ "t": token })).await;
    assert_eq!(done["data"]["resetPassword"]["accepted"], true, "{done}");
    let after = user.execute("{ viewer { username } }", json!({})).await;
    assert_eq!(after["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    app.sign_in("user", "battery staple").await;
}

pub async fn guessing_gets_slower(app: TestApp) {
    let guess = "mutation { signIn(input: {login: \"user\", password: \"wrong\"}) { token errors { code ... on RateLimited { retryAfterSeconds } } } }";
    for _ in 0..5 {
        let answer = app.guest().execute(guess, json!({})).await;
        assert_eq!(error_code(&answer["data"]["signIn"]), "CREDENTIALS_REJECTED");
    }
    let limited = app.guest().execute(guess, json!({})).await;
    assert_eq!(error_code(&limited["data"]["signIn"]), "RATE_LIMITED");
    app.clock.advance(std::time::Duration::from_secs(61));
    app.sign_in("user", "numberwang").await;
}

pub async fn a_ban_ends_sessions_and_is_lifted_exactly(app: TestApp) {
    let (user, operator) = (app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await);
    assert_eq!(error_code(&user.registers("sip", "2342").await), "none");
    let ban = operator
        .execute(
            "mutation { banAccount(input: {username: \"user\", reason: \"noise\"}) { errors { code } } }",
            json!({}),
        )
        .await;
    assert_eq!(ban["data"]["banAccount"]["errors"], json!([]));
    let gone = user.execute("{ viewer { username } }", json!({})).await;
    assert_eq!(gone["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    let seen = operator.execute("{ extension(event: \"demo\", number: \"2342\") { active } }", json!({})).await;
    assert_eq!(seen["data"]["extension"]["active"], false);
    operator.execute("mutation { unbanAccount(input: {username: \"user\"}) { errors { code } } }", json!({})).await;
    let seen = operator
        .execute("{ extension(event: \"demo\", number: \"2342\") { active restrictions { source } } }", json!({}))
        .await;
    assert_eq!(seen["data"]["extension"], json!({ "active": true, "restrictions": [] }));
    app.sign_in("user", "numberwang").await;
}

pub async fn the_last_admin_stays(app: TestApp) {
    let (admin, operator) = (app.sign_in("admin", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let demote = "mutation { setRole(input: {username: \"admin\", role: USER}) { errors { code } } }";
    assert_eq!(error_code(&admin.execute(demote, json!({})).await["data"]["setRole"]), "LAST_ADMIN");
    let forbidden = operator.execute(demote, json!({})).await;
    assert_eq!(forbidden["errors"][0]["extensions"]["code"], "FORBIDDEN");
}

pub async fn a_repeated_request_registers_once(app: TestApp) {
    let user = app.sign_in("user", "numberwang").await;
    let register = "mutation($l: String!) { registerExtension(input: {event: \"demo\", serviceType: \"sip\", label: $l}) { extension { id } generated errors { code } } }";
    let first = user.execute_with_key(register, json!({ "l": "A" }), Some("key-1")).await;
    let second = user.execute_with_key(register, json!({ "l": "A" }), Some("key-1")).await;
    let id = &first["data"]["registerExtension"]["extension"]["id"];
    assert!(id.is_string(), "{first}");
    assert_eq!(id, &second["data"]["registerExtension"]["extension"]["id"]);
    assert!(second["data"]["registerExtension"]["generated"].is_null(), "a one-time secret was shown twice");
    let other = user.execute_with_key(register, json!({ "l": "B" }), Some("key-1")).await;
    assert_eq!(other["errors"][0]["extensions"]["code"], "IDEMPOTENCY_MISMATCH");
}
