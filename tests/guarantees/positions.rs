//! Positions of consumers, versions, cursors, notifications.

use std::time::Duration;

use serde_json::json;

use super::fixture::Fixture;
use super::replica::digest;
use super::transport::{Aspect, Transport};
use super::{PASSWORD, ban, bar, mutate, registered, relabel};
use crate::support::TestApp;

const DAY: Duration = Duration::from_secs(86_400);

pub async fn independent_positions(app: TestApp, transport: Transport) {
    let fixture = Fixture::new(app, transport).await;
    let mut quick = fixture.reader("sip").await;
    let mut slow = fixture.reader("sip").await;
    let before = slow.cursor();
    for number in ["2001", "2002", "2003"] {
        registered(&fixture.user, "sip", number).await;
    }
    // Web hooks are delivered to every consumer that is not paused.
    slow.set_paused(true).await;
    let unread = slow.consumer.changes(&before, 50).await;
    quick.expect_changes("three registrations").await;
    quick.acknowledge().await;

    // Reading and acknowledging removes no changes, neither for other consumers nor for the same one.
    assert_eq!(slow.consumer.changes(&before, 50).await, unread);
    for (reader, lag, cursor) in [(&quick, 0, quick.cursor()), (&slow, 3, before)] {
        let status = reader.consumer.status().await;
        assert_eq!((&status["lagRecords"], &status["acknowledged"]), (&json!(lag), &json!(cursor)));
    }
    // A key cannot move the position of another key's consumer.
    let acknowledge = "mutation($name: String!, $cursor: FeedCursor!) \
        { acknowledgeProvisioning(input: {event: \"demo\", serviceType: \"sip\", consumer: $name, cursor: $cursor}) \
        { errors { code } } }";
    let variables = json!({ "name": slow.consumer.name, "cursor": quick.cursor() });
    let foreign = quick.consumer.key.execute(acknowledge, variables).await;
    assert_eq!(foreign["data"]["acknowledgeProvisioning"]["errors"][0]["code"], "NOT_FOUND", "{foreign}");
    slow.set_paused(false).await;
    assert_eq!(slow.expect_changes("three registrations, later").await.len(), 3);
}

pub async fn distinct_versions(app: TestApp, transport: Transport) {
    let fixture = Fixture::new(app, transport).await;
    let (user, operator, admin) = (&fixture.user, &fixture.operator, &fixture.admin);
    let id = registered(user, "sip", "2001").await;
    let mut reader = fixture.reader_with("READ_CONFIG, READ_SECRETS", "demo", "sip").await;
    let mut versions = vec![reader.row("2001")["version"].clone()];
    for step in 0..10 {
        match step {
            0 => relabel(user, &id, "Another").await,
            1 => bar(operator, "2001", true).await,
            2 => bar(operator, "2001", false).await,
            3 => ban(admin, "user", true).await,
            4 => ban(admin, "user", false).await,
            5 => {
                let user = fixture.app.sign_in("user", PASSWORD).await;
                mutate(&user, "rotateSecret", &id, ", parameter: \"password\"").await;
            }
            6 => mutate(operator, "setCallPermissions", &id, ", permissions: [\"orga\"]").await,
            7 => mutate(operator, "setCallPermissions", &id, ", permissions: []").await,
            8 => mutate(operator, "updateExtension", &id, ", visibility: STAFF").await,
            _ => mutate(operator, "updateExtension", &id, ", parameters: {codec: \"opus\"}").await,
        }
        let cursor = reader.cursor();
        reader.expect_changes(&format!("step {step}")).await;
        let version = reader.row("2001")["version"].clone();
        assert!(!versions.contains(&version), "step {step}: new content has an old version");
        versions.push(version);
        // Applying the same changes twice has the same result.
        if step % 3 == 0 {
            reader.replay_from(&cursor).await;
        }
    }
    assert_eq!(fixture.reader("sip").await.row("2001")["version"], *versions.last().unwrap());
    reissued_revision_has_another_version(&fixture, &id).await;
}

/// A restored database issues revision numbers again. Versions and digests contain the revision's random tag, so they
/// differ.
async fn reissued_revision_has_another_version(fixture: &Fixture, id: &str) {
    let newest = "SELECT CAST(max(revision) AS TEXT) AS text FROM feed_revisions";
    let backup = fixture.app.back_up().await;
    relabel(&fixture.operator, id, "Before the restore").await;
    let restored = fixture.over(fixture.app.start_from_backup(backup).await);
    relabel(&restored.operator, id, "After the restore").await;
    assert_eq!(
        fixture.app.select_text(newest).await,
        restored.app.select_text(newest).await,
        "the restored database must issue the same revision again"
    );
    let (before, after) = (fixture.reader("sip").await, restored.reader("sip").await);
    assert_eq!(before.row("2001")["label"], "Before the restore");
    assert_eq!(after.row("2001")["label"], "After the restore");
    assert_ne!(before.row("2001")["version"], after.row("2001")["version"], "two states have one version");
    assert_ne!(digest(&before.rows()), digest(&after.rows()), "two replicas have one digest");
}

pub async fn cursor_validation(app: TestApp, transport: Transport) {
    let fixture = Fixture::new(app, transport).await;
    let id = registered(&fixture.user, "sip", "2001").await;
    let mut behind = fixture.reader("sip").await;
    let mut ahead = fixture.reader("sip").await;
    let backup = fixture.app.back_up().await;
    behind.set_paused(true).await;
    relabel(&fixture.user, &id, "Lost by the restore").await;
    ahead.expect_changes("a change that the restore loses").await;

    // The restored database issues the lost revision again, for another change.
    let restored = fixture.over(fixture.app.start_from_backup(backup).await);
    behind.switch_to(&restored).await;
    ahead.switch_to(&restored).await;
    if fixture.supports(Aspect::CursorAheadOfDatabase) {
        let mut early = ahead.fork().await;
        assert_eq!(early.expect_reset().await, "EPOCH", "the cursor is ahead of the database");
    }
    relabel(&restored.user, &id, "After the restore").await;
    assert_eq!(ahead.expect_reset().await, "EPOCH", "the cursor's revision was issued twice");
    ahead.bootstrap_after_reset().await;
    ahead.catch_up().await;
    assert_eq!(ahead.row("2001")["label"], "After the restore");
    behind.expect_changes("a change of the restored database").await;
    assert_eq!(behind.row("2001")["label"], "After the restore");
    if fixture.supports(Aspect::ForeignCursor) {
        foreign_and_malformed_cursors(&fixture).await;
    }
    cursors_expire_after_the_next_change(&restored, &id).await;
}

async fn foreign_and_malformed_cursors(fixture: &Fixture) {
    let mut reader = fixture.reader("sip").await;
    reader.set_cursor(&fixture.reader("dect").await.cursor());
    assert_eq!(reader.expect_reset().await, "EPOCH");
    let feed = &reader.consumer.feed;
    let code = match fixture.transport {
        Transport::LongPoll => {
            let response = feed.key.get(&format!("{}/changes?since=nonsense", feed.path())).send().await.unwrap();
            assert_eq!(response.status(), 400);
            response.json::<serde_json::Value>().await.unwrap()["error"]["code"].clone()
        }
        Transport::Subscription => {
            feed.subscribe("nonsense").await.next().await["errors"][0]["extensions"]["code"].clone()
        }
        _ => {
            let query = "query($since: FeedCursor!) \
                         { provisioning(event: \"demo\", serviceType: \"sip\") { changes(since: $since) \
                         { __typename } } }";
            feed.key.execute(query, json!({ "since": "nonsense" })).await["errors"][0]["extensions"]["code"].clone()
        }
    };
    assert!(["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"].contains(&code.as_str().unwrap()), "{code}");
}

/// A cursor does not expire while nothing changes; it expires a week after the next change.
async fn cursors_expire_after_the_next_change(fixture: &Fixture, id: &str) {
    let mut reader = fixture.reader("sip").await;
    let app = &fixture.app;
    app.clock.advance(30 * DAY);
    provisioning::prune(&app.app.services).await.unwrap();
    assert!(reader.catch_up_then_disconnect().await.is_empty(), "a change in a month without changes");
    let user = app.sign_in("user", PASSWORD).await;
    relabel(&user, id, "First change").await;
    relabel(&user, id, "Second change").await;
    app.clock.advance(8 * DAY);
    provisioning::prune(&app.app.services).await.unwrap();
    assert_eq!(reader.expect_reset().await, "EXPIRED");
    reader.bootstrap_after_reset().await;
    reader.catch_up().await;
    assert_eq!(reader.row("2001")["label"], "Second change");
}

pub async fn notification(app: TestApp, transport: Transport) {
    let fixture = Fixture::new(app, transport).await;
    let mut reader = fixture.reader("sip").await;
    // The background tasks deliver web hooks.
    let background = (transport == Transport::WebHook).then(|| switchboard::background::start(&fixture.app.app));
    reader.follow();
    // The reader waits for changes before the registration commits.
    let delay = Duration::from_millis(300);
    let notified = async {
        tokio::time::sleep(delay).await;
        registered(&fixture.user, "sip", "2001").await;
    };
    tokio::join!(reader.wait_for_number("2001"), notified);

    // Another instance commits; its notification does not reach this instance.
    let other_instance = fixture.app.another_instance().await;
    let writer = other_instance.with_token(fixture.user.token().unwrap());
    let not_notified = async {
        tokio::time::sleep(delay).await;
        registered(&writer, "sip", "2002").await;
    };
    tokio::join!(reader.wait_for_number("2002"), not_notified);

    // A reader that was disconnected resumes from its cursor.
    reader.disconnect();
    drop(background);
    registered(&fixture.user, "sip", "2003").await;
    reader.catch_up().await;
    assert!(reader.rows().contains_key("2003"));
}
