//! Limits of guesses and of password hashes.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Actor, PASSWORD, Response, TestApp};

/// Runs requests concurrently and returns their responses.
async fn concurrently<F, Running>(count: usize, request: F) -> Vec<Response>
where
    F: Fn(usize) -> Running,
    Running: Future<Output = Response> + Send + 'static,
{
    let running: Vec<_> = (0..count).map(|number| tokio::spawn(request(number))).collect();
    let mut responses = Vec::new();
    for request in running {
        responses.push(request.await.unwrap());
    }
    responses
}

fn count(responses: &[Response], code: &str) -> usize {
    responses.iter().filter(|response| response.code() == code).count()
}

/// A token that has the form of one.
fn made_up_token(number: usize) -> String {
    format!("{number:043}")
}

pub async fn concurrent_guesses_count_as_those_one_after_another(app: TestApp) {
    let guess = |number: usize| {
        let guest = app.guest();
        async move { guest.signs_in("user", &format!("guess {number}")).await }
    };
    let refused = concurrently(34, guess).await;
    let checked = count(&refused, "CREDENTIALS_REJECTED");
    assert!((1..=5).contains(&checked), "{checked} guesses were checked");
    assert_eq!(count(&refused, "RATE_LIMITED"), 34 - checked);
    app.clock.advance(Duration::from_secs(61));
    let refused = concurrently(34, guess).await;
    assert!(count(&refused, "CREDENTIALS_REJECTED") <= 5);
}

pub async fn failed_sign_ins_of_others_do_not_stop_a_signed_in_owner(app: TestApp) {
    let user = app.user().await;
    for _ in 0..8 {
        app.guest().signs_in("user", "wrong").await;
        app.guest().signs_in("user@example.org", "wrong").await;
    }
    assert_eq!(app.guest().signs_in("user", PASSWORD).await.code(), "RATE_LIMITED");
    user.reauthenticates(PASSWORD).await.ok();
    user.changes_password(PASSWORD, "battery staple").await.ok();
}

pub async fn wrong_passwords_in_a_session_count_for_that_session(app: TestApp) {
    let (stolen, user) = (app.user().await, app.user().await);
    for _ in 0..5 {
        assert_eq!(stolen.reauthenticates("wrong").await.code(), "CREDENTIALS_REJECTED");
    }
    assert_eq!(stolen.reauthenticates(PASSWORD).await.code(), "RATE_LIMITED");
    assert_eq!(stolen.deletes_account(PASSWORD).await.code(), "RATE_LIMITED");
    user.reauthenticates(PASSWORD).await.ok();
    app.user().await;
}

pub async fn failures_at_one_address_do_not_stop_another(app: TestApp) {
    let app = app.behind_trusted_proxy().await;
    let stranger = app.guest_at("192.0.2.66");
    for _ in 0..5 {
        assert_eq!(stranger.signs_in("user", "wrong").await.code(), "CREDENTIALS_REJECTED");
    }
    assert_eq!(stranger.signs_in("user", PASSWORD).await.code(), "RATE_LIMITED");
    app.guest_at("192.0.2.1").signs_in("user", PASSWORD).await.ok();
}

pub async fn guesses_from_many_addresses_are_limited_together(app: TestApp) {
    let app = app.behind_trusted_proxy().await;
    let mut checked = 0;
    for address in 1..=30 {
        let stranger = app.guest_at(&format!("198.51.100.{address}"));
        for _ in 0..5 {
            checked += usize::from(stranger.signs_in("user", "wrong").await.code() == "CREDENTIALS_REJECTED");
        }
    }
    assert_eq!(checked, 100);
}

pub async fn failures_of_a_username_do_not_reveal_whose_an_address_is(app: TestApp) {
    for login in ["user", "operator", "nobody"] {
        for _ in 0..5 {
            assert_eq!(app.guest().signs_in(login, "wrong").await.code(), "CREDENTIALS_REJECTED");
        }
        assert_eq!(app.guest().signs_in(login, "wrong").await.code(), "RATE_LIMITED");
        let by_address = app.guest().signs_in(&format!("{login}@example.org"), "wrong").await;
        assert_eq!(by_address.code(), "CREDENTIALS_REJECTED", "{login}");
    }
}

pub async fn hashing_requests_of_one_address_do_not_stop_others(app: TestApp) {
    let app = app.behind_trusted_proxy().await;
    let attacker = app.guest_at("192.0.2.66");
    let attack = concurrently(40, |number| {
        let attacker = attacker.clone();
        async move { attacker.resets_password(&made_up_token(number), "some new passw0rd").await }
    });
    let sign_ins = concurrently(10, |number| {
        let guest = app.guest_at(&format!("192.0.2.{}", number + 1));
        async move { guest.signs_in("user", PASSWORD).await }
    });
    let (attack, sign_ins) = tokio::join!(attack, sign_ins);
    assert_eq!((count(&attack, "TOKEN_EXPIRED"), count(&attack, "RATE_LIMITED")), (20, 20));
    // The limit of concurrent guesses of one login holds for each address.
    assert_eq!(count(&sign_ins, "none"), 10);
    let registrations = concurrently(10, |number| {
        let attacker = attacker.clone();
        let name = format!("bomb{number}");
        async move { attacker.registers_account(&name, &format!("{name}@example.org")).await }
    });
    assert_eq!(count(&registrations.await, "RATE_LIMITED"), 10, "the quota is that of all operations");
}

pub async fn every_operation_that_hashes_takes_from_a_quota(app: TestApp) {
    let app = app.behind_trusted_proxy().await;
    let setup = json!({ "token": made_up_token(1), "username": "first", "displayName": "First",
                        "email": "first@example.org", "password": PASSWORD });
    let by_address = async |guest: &Actor, operation: usize, attempt: usize| match operation {
        0 => guest.signs_in("nobody", "wrong").await,
        1 => guest.resets_password(&made_up_token(1), "battery staple").await,
        2 => guest.mutate("completeSetup", setup.clone(), "account { id }").await,
        _ => guest.registers_account("USER", &format!("other{attempt}@example.org")).await,
    };
    for operation in 0..4 {
        let guest = app.guest_at(&format!("192.0.2.{}", operation + 1));
        for attempt in 0..20 {
            // Failed sign-ins of one login are delayed before the quota is used up.
            let code = by_address(&guest, operation, attempt).await.code().to_owned();
            assert!(code != "RATE_LIMITED" || operation == 0, "{operation}, {attempt}");
        }
        for operation in 1..4 {
            assert_eq!(by_address(&guest, operation, 20).await.code(), "RATE_LIMITED", "{operation}");
        }
    }
    let token = app.guest_at("192.0.2.9").signs_in("user", PASSWORD).await.ok()["token"].clone();
    let user = app.with_token(token.as_str().unwrap());
    for _ in 0..20 {
        user.reauthenticates(PASSWORD).await.ok();
    }
    assert_eq!(user.reauthenticates(PASSWORD).await.code(), "RATE_LIMITED");
    assert_eq!(user.changes_password(PASSWORD, "battery staple").await.code(), "RATE_LIMITED");
    assert_eq!(user.changes_email("new@example.org", PASSWORD).await.code(), "RATE_LIMITED");
    assert_eq!(user.deletes_account(PASSWORD).await.code(), "RATE_LIMITED");
    app.clock.advance(Duration::from_secs(60));
    user.deletes_account(PASSWORD).await.ok();
}

pub async fn a_request_hashes_one_password(app: TestApp) {
    let reset = format!("resetPassword(input: {{token: \"{}\", newPassword: \"x\"}})", made_up_token(1));
    let query = format!("mutation {{ a: {reset} {{ accepted }} b: {reset} {{ accepted }} }}");
    let refused = app.guest().execute(&query, json!({})).await;
    let error: &Value = &refused["errors"][0]["extensions"];
    assert_eq!(error["code"], "QUERY_TOO_COMPLEX", "{refused}");
}

pub async fn failed_sign_ins_are_counted_and_recorded(app: TestApp) {
    let admin = app.admin().await;
    for login in ["user", "user", "user@example.org", "nobody"] {
        app.guest().signs_in(login, "wrong").await;
    }
    let user = app.user().await;
    user.reauthenticates("wrong").await;
    user.bans("operator").await;
    app.guest().verifies_email(&made_up_token(1)).await;
    app.clock.advance(Duration::from_secs(60));
    app.run_due_jobs().await;
    let audit = "{ auditEvents(action: \"system.recordFailedPasswords\") { nodes { summary } } }";
    let audit = admin.query(audit).await.ok();
    let mut summaries: Vec<_> =
        audit["nodes"].as_array().unwrap().iter().map(|row| row["summary"].as_str().unwrap()).collect();
    summaries.sort_unstable();
    let expected =
        ["failed sign-ins as user: 1", "failed sign-ins as user: 2", "wrong passwords in a session of user: 1"];
    assert_eq!(summaries, expected);
    let metrics = app.guest().get("/metrics").send().await.unwrap().text().await.unwrap();
    for (reason, number) in [("wrong_password", 5), ("forbidden", 1), ("unknown_token", 1), ("too_many_failures", 0)] {
        let line = format!("switchboard_refusals_total{{reason=\"{reason}\"}} {number}");
        assert!(metrics.lines().any(|found| found == line), "{line} is not in {metrics}");
    }
}
