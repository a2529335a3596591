//! Operations that rely on a password, beside a change of that password.
//!
//! The stored hash is slow in these tests, so that a verification is still running when another operation commits.

use std::time::Duration;

use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::task::JoinHandle;

use crate::support::{Actor, PASSWORD, Response, TestApp, string};

const NEW_PASSWORD: &str = "battery staple";
/// Time after which a verification of a slow hash has begun and not ended.
const INTO_THE_VERIFICATION: Duration = Duration::from_millis(100);

/// Stores a hash of [`PASSWORD`] that takes about a tenth of a second for each pass.
async fn store_slow_hash(app: &TestApp, username: &str, algorithm: Algorithm, passes: u32) {
    let cost = Params::new(64 * 1024, passes, 1, None).unwrap();
    let argon2 = Argon2::new(algorithm, Version::V0x13, cost);
    let hash = argon2.hash_password_with_salt(PASSWORD.as_bytes(), b"0123456789abcdef").unwrap();
    let statement = format!("UPDATE accounts SET password_hash = '{hash}' WHERE username = '{username}'");
    assert_eq!(app.update_sql(&statement).await, 1);
}

async fn reset_token(app: &TestApp) -> String {
    app.guest().requests_password_reset("user@example.org").await.ok();
    app.mailed_token("user@example.org").await
}

/// Signs in with the old password again and again, until it is refused. Returns the sessions.
fn sign_in_repeatedly(app: &TestApp) -> Vec<JoinHandle<Vec<Actor>>> {
    let worker = |app: TestApp| async move {
        let mut sessions = Vec::new();
        loop {
            match app.guest().signs_in("user", PASSWORD).await["token"].as_str() {
                Some(token) => sessions.push(app.with_token(token)),
                None => return sessions,
            }
        }
    };
    (0..4).map(|_| tokio::spawn(worker(app.clone()))).collect()
}

async fn assert_all_ended(workers: Vec<JoinHandle<Vec<Actor>>>) {
    let mut opened = 0;
    for worker in workers {
        for session in worker.await.unwrap() {
            opened += 1;
            assert!(!session.is_signed_in().await, "a session of the old password is alive");
        }
    }
    assert!(opened > 0, "no sign-in came before the change");
}

async fn count_sessions(app: &TestApp) -> usize {
    app.select_text("SELECT '' || count(*) AS text FROM sessions").await[0].parse().unwrap()
}

/// Signs in repeatedly, and waits until sign-ins have succeeded. Others are then being verified.
async fn begin_sign_ins(app: &TestApp) -> Vec<JoinHandle<Vec<Actor>>> {
    let before = count_sessions(app).await;
    let workers = sign_in_repeatedly(app);
    while count_sessions(app).await < before + 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    workers
}

pub async fn a_sign_in_beside_a_password_change_opens_no_session(app: TestApp) {
    let user = app.user().await;
    store_slow_hash(&app, "user", Algorithm::Argon2id, 1).await;
    let workers = begin_sign_ins(&app).await;
    user.changes_password(PASSWORD, NEW_PASSWORD).await.ok();
    assert_all_ended(workers).await;
    assert!(user.is_signed_in().await, "the session of the change stays");
}

pub async fn a_sign_in_beside_a_password_reset_opens_no_session(app: TestApp) {
    let token = reset_token(&app).await;
    store_slow_hash(&app, "user", Algorithm::Argon2id, 1).await;
    let workers = begin_sign_ins(&app).await;
    app.guest().resets_password(&token, NEW_PASSWORD).await.ok();
    assert_all_ended(workers).await;
}

pub async fn a_sign_in_beside_a_ban_opens_no_session(app: TestApp) {
    let operator = app.operator().await;
    store_slow_hash(&app, "user", Algorithm::Argon2id, 1).await;
    let workers = begin_sign_ins(&app).await;
    operator.bans("user").await.ok();
    assert_all_ended(workers).await;
    assert_eq!(app.guest().signs_in("user", PASSWORD).await.code(), "RESTRICTED");
}

pub async fn a_sign_in_that_renews_the_hash_does_not_restore_the_old_password(app: TestApp) {
    let user = app.user().await;
    // Another variant of Argon2 than that of new hashes: each sign-in replaces the hash.
    store_slow_hash(&app, "user", Algorithm::Argon2d, 6).await;
    let sign_ins: Vec<_> = (0..3)
        .map(|_| {
            let app = app.clone();
            tokio::spawn(async move { app.guest().signs_in("user", PASSWORD).await })
        })
        .collect();
    let change = user.changes_password(PASSWORD, NEW_PASSWORD).await;
    for sign_in in sign_ins {
        sign_in.await.unwrap();
    }
    app.clock.advance(Duration::from_secs(16 * 60));
    let (old, new) = match change.code() {
        "none" => (PASSWORD, NEW_PASSWORD),
        // A sign-in had replaced the hash that the change had verified.
        "CREDENTIALS_REJECTED" => (NEW_PASSWORD, PASSWORD),
        other => panic!("{other}"),
    };
    assert_eq!(app.guest().signs_in("user", old).await.code(), "CREDENTIALS_REJECTED");
    app.sign_in("user", new).await;
}

pub async fn concurrent_sign_ins_that_renew_the_hash_all_succeed(app: TestApp) {
    store_slow_hash(&app, "user", Algorithm::Argon2d, 2).await;
    let sign_ins: Vec<_> = (0..4)
        .map(|_| {
            let app = app.clone();
            tokio::spawn(async move { app.guest().signs_in("user", PASSWORD).await })
        })
        .collect();
    for sign_in in sign_ins {
        sign_in.await.unwrap().ok();
    }
    let hash = app.select_text("SELECT password_hash AS text FROM accounts WHERE username = 'user'").await;
    assert!(hash[0].starts_with("$argon2id$"), "{hash:?}");
}

pub async fn of_concurrent_password_changes_one_succeeds(app: TestApp) {
    let user = app.user().await;
    store_slow_hash(&app, "user", Algorithm::Argon2id, 3).await;
    let changes: Vec<_> = (0..4)
        .map(|number| {
            let user = user.clone();
            tokio::spawn(async move { user.changes_password(PASSWORD, &format!("{NEW_PASSWORD} {number}")).await })
        })
        .collect();
    let mut accepted = 0;
    for change in changes {
        let change = change.await.unwrap();
        match change["accepted"] == true {
            true => accepted += 1,
            false => assert_eq!(change.refusal(), "CREDENTIALS_REJECTED at currentPassword"),
        }
    }
    assert_eq!(accepted, 1);
}

/// Runs an operation of the user's session that verifies the old password, and replaces the password meanwhile.
async fn beside_a_reset<F, Running>(app: &TestApp, operation: F)
where
    F: FnOnce(Actor) -> Running,
    Running: Future<Output = Response> + Send + 'static,
{
    let user = app.user().await;
    let token = reset_token(app).await;
    store_slow_hash(app, "user", Algorithm::Argon2id, 12).await;
    let running = tokio::spawn(operation(user.clone()));
    tokio::time::sleep(INTO_THE_VERIFICATION).await;
    app.guest().resets_password(&token, NEW_PASSWORD).await.ok();
    assert_eq!(running.await.unwrap().rejection(), "UNAUTHENTICATED");
    assert!(!user.is_signed_in().await);
    app.sign_in("user", NEW_PASSWORD).await;
}

/// Runs an operation as [`beside_a_reset`], while a change in the same session replaces the password.
async fn beside_a_change<F, Running>(app: &TestApp, operation: F)
where
    F: FnOnce(Actor) -> Running,
    Running: Future<Output = Response> + Send + 'static,
{
    let user = app.sign_in("user", NEW_PASSWORD).await;
    let hash = app.select_text("SELECT password_hash AS text FROM accounts WHERE username = 'user'").await.remove(0);
    store_slow_hash(app, "user", Algorithm::Argon2id, 12).await;
    let running = tokio::spawn(operation(user.clone()));
    tokio::time::sleep(INTO_THE_VERIFICATION).await;
    // The session of a change stays, so only the comparison of the hash refuses the operation.
    let statement = format!("UPDATE accounts SET password_hash = '{hash}' WHERE username = 'user'");
    app.update_sql(&statement).await;
    assert_eq!(running.await.unwrap().code(), "CREDENTIALS_REJECTED");
    assert!(user.is_signed_in().await);
    app.sign_in("user", NEW_PASSWORD).await;
}

pub async fn a_password_change_beside_a_reset_is_refused(app: TestApp) {
    beside_a_reset(&app, |user| async move { user.changes_password(PASSWORD, "of the thief").await }).await;
    beside_a_change(&app, |user| async move { user.changes_password(PASSWORD, "of the thief").await }).await;
}

pub async fn a_change_of_address_beside_a_reset_is_refused(app: TestApp) {
    beside_a_reset(&app, |user| async move { user.changes_email("thief@example.org", PASSWORD).await }).await;
    beside_a_change(&app, |user| async move { user.changes_email("thief@example.org", PASSWORD).await }).await;
    assert!(app.mails_to("thief@example.org").await.is_empty());
}

pub async fn a_deletion_beside_a_reset_is_refused(app: TestApp) {
    beside_a_reset(&app, |user| async move { user.deletes_account(PASSWORD).await }).await;
    beside_a_change(&app, |user| async move { user.deletes_account(PASSWORD).await }).await;
}

pub async fn a_reauthentication_beside_a_reset_is_refused(app: TestApp) {
    beside_a_reset(&app, |user| async move { user.reauthenticates(PASSWORD).await }).await;
    beside_a_change(&app, |user| async move { user.reauthenticates(PASSWORD).await }).await;
}

pub async fn a_link_for_a_new_password_ends_with_the_address_it_was_sent_to(app: TestApp) {
    let user = app.user().await;
    let token = reset_token(&app).await;
    user.changes_email("new@example.org", PASSWORD).await.ok();
    let verification = app.mailed_token("new@example.org").await;
    app.guest().verifies_email(&verification).await.ok();
    let reset = app.guest().resets_password(&token, "of the thief").await;
    assert_eq!(reset.refusal(), "TOKEN_EXPIRED at token");
    app.sign_in("new@example.org", PASSWORD).await;
}

pub async fn a_link_for_a_new_address_ends_with_the_password_that_requested_it(app: TestApp) {
    let user = app.user().await;
    user.changes_email("thief@example.org", PASSWORD).await.ok();
    let verification = app.mailed_token("thief@example.org").await;
    user.changes_password(PASSWORD, NEW_PASSWORD).await.ok();
    assert_eq!(app.guest().verifies_email(&verification).await.code(), "TOKEN_EXPIRED");
    let viewer = user.query("{ viewer { email } }").await.ok();
    assert_eq!(string(&viewer["email"]), "user@example.org");
}
