//! Mails that operations cause, and what they reveal.

use std::time::Duration;

use crate::support::{PASSWORD, TestApp};

/// The numbers of rows of every table that an operation on accounts writes.
async fn row_counts(app: &TestApp) -> Vec<usize> {
    let mut counts = Vec::new();
    for table in ["accounts", "sessions", "mail_tokens", "sign_in_failures", "jobs", "audit_events"] {
        counts.push(app.select_text(&format!("SELECT '' || count(*) AS text FROM {table}")).await[0].parse().unwrap());
    }
    counts
}

/// The rows that each request adds before any job runs.
async fn rows_of<Running: Future>(app: &TestApp, request: Running) -> Vec<usize> {
    let before = row_counts(app).await;
    request.await;
    row_counts(app).await.iter().zip(before).map(|(after, before)| after - before).collect()
}

pub async fn a_request_leaves_the_same_rows_whether_an_address_has_an_account_or_not(app: TestApp) {
    app.guest().registers_account("trillian", "trillian@example.org").await.ok();
    app.run_due_jobs().await;
    let (taken, unverified, free) = ("user@example.org", "trillian@example.org", "nobody@example.org");
    let user = app.operator().await;
    let resend = async |email: &str| {
        let input = serde_json::json!({ "email": email });
        app.guest().mutate("resendVerification", input, "accepted").await.ok();
    };
    let mut rows = Vec::new();
    for (number, email) in [taken, unverified, free].into_iter().enumerate() {
        let reset = rows_of(&app, app.guest().requests_password_reset(email)).await;
        let again = rows_of(&app, resend(email)).await;
        let failure = rows_of(&app, app.guest().signs_in(email, "wrong")).await;
        let registration = rows_of(&app, app.guest().registers_account(&format!("name{number}"), email)).await;
        let change = rows_of(&app, user.changes_email(email, PASSWORD)).await;
        rows.push([reset, again, failure, registration, change]);
    }
    assert_eq!(rows[0], rows[1]);
    assert_eq!(rows[0], rows[2]);
}

pub async fn a_change_to_a_taken_address_uses_the_quota_as_one_to_a_free_address(app: TestApp) {
    for probe in ["user@example.org", "nobody@example.org"] {
        let username = format!("of-{}", probe.split('@').next().unwrap());
        let prober = app.new_account(&username).await;
        for number in 0..4 {
            prober.changes_email(&format!("{username}{number}@example.org"), PASSWORD).await.ok();
        }
        prober.changes_email(probe, PASSWORD).await.ok();
        let refused = prober.changes_email("last@example.org", PASSWORD).await;
        assert_eq!(refused.refusal(), "RATE_LIMITED at email", "{probe}");
    }
}

pub async fn an_address_is_not_flooded_with_mails(app: TestApp) {
    let app = app.behind_trusted_proxy().await;
    let mut mails = 0;
    for address in 1..=6 {
        let stranger = app.guest_at(&format!("192.0.2.{address}"));
        for number in 0..6 {
            let name = format!("bomb{address}-{number}");
            let registered = stranger.registers_account(&name, "victim@example.com").await;
            assert_eq!(registered.code(), if number < 5 { "none" } else { "RATE_LIMITED" }, "{address} {number}");
            mails += usize::from(number < 5);
        }
    }
    assert_eq!((mails, app.mails_to("victim@example.com").await.len()), (30, 20));
    let taken = app.guest_at("192.0.2.1").registers_account("bomb", "user@example.org").await;
    assert_eq!(taken.code(), "none", "another recipient");
}

pub async fn reset_requests_of_a_stranger_do_not_use_up_those_of_the_owner(app: TestApp) {
    let app = app.behind_trusted_proxy().await;
    let stranger = app.guest_at("192.0.2.66");
    for _ in 0..5 {
        stranger.requests_password_reset("user@example.org").await.ok();
    }
    assert_eq!(stranger.requests_password_reset("user@example.org").await.refusal(), "RATE_LIMITED at email");
    assert_eq!(app.mails_to("user@example.org").await.len(), 5);
    app.guest_at("192.0.2.1").requests_password_reset("user@example.org").await.ok();
    let token = app.mailed_token("user@example.org").await;
    app.guest_at("192.0.2.1").resets_password(&token, "battery staple").await.ok();
    app.clock.advance(Duration::from_secs(3600));
    stranger.requests_password_reset("user@example.org").await.ok();
}

pub async fn registrations_of_one_address_are_limited(app: TestApp) {
    let app = app.behind_trusted_proxy().await;
    let stranger = app.guest_at("192.0.2.66");
    let mut registered = 0;
    for number in 0..250 {
        // The quota of hashes allows 20 a minute.
        app.clock.advance(Duration::from_millis(3_000));
        let name = format!("many{number}");
        let outcome = stranger.registers_account(&name, &format!("{name}@example.org")).await;
        registered += usize::from(outcome.code() == "none");
    }
    // 200, and those that flow in within the 750 seconds.
    assert!((200..=245).contains(&registered), "{registered}");
    assert_eq!(stranger.registers_account("more", "more@example.org").await.code(), "RATE_LIMITED");
}
