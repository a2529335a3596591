//! Consumers, cursors, versions, the doorbell.

use std::time::Duration;

use serde_json::json;

use super::copy::digest;
use super::ground::ServicesInner;
use super::ways::{Part, Way};
use super::{ban, bar, mutate, registered, relabel};
use crate::support::TestApp;

pub async fn own_positions(app: TestApp, way: Way) {
    let ground = ServicesInner::set(app, way).await;
    let mut quick = ground.system("sip").await;
    let mut slow = ground.system("sip").await;
    let before = slow.cursor();
    for number in ["2001", "2002", "2003"] {
        registered(&ground.user, "sip", number).await;
    }
    // The server calls everybody that it may call; this one wants to sleep.
    slow.sleeps(true).await;
    let untouched = slow.desk.changes(&before, 50).await;
    quick.is_told("three registrations").await;
    quick.acknowledges().await;

    // Reading and acknowledging takes nothing away from others, nor from oneself.
    assert_eq!(slow.desk.changes(&before, 50).await, untouched);
    for (system, lag, cursor) in [(&quick, 0, quick.cursor()), (&slow, 3, before)] {
        let seen = ground.seen(&system.desk.consumer).await;
        assert_eq!((&seen["lagRecords"], &seen["acknowledged"]), (&json!(lag), &json!(cursor)));
    }
    // Nobody moves another's position.
    let say = "mutation($n: String!, $c: FeedCursor!) { acknowledgeProvisioning(input: {event: \"demo\", serviceType: \"sip\", consumer: $n, cursor: $c}) { errors { code } } }";
    let theirs = quick.desk.key.execute(say, json!({ "n": slow.desk.consumer, "c": quick.cursor() })).await;
    assert_eq!(theirs["data"]["acknowledgeProvisioning"]["errors"][0]["code"], "NOT_FOUND", "{theirs}");
    slow.sleeps(false).await;
    assert_eq!(slow.is_told("three registrations, later").await.len(), 3);
}

pub async fn versions_differ(app: TestApp, way: Way) {
    let ground = ServicesInner::set(app, way).await;
    let (user, operator, admin) = (&ground.user, &ground.operator, &ground.admin);
    let id = registered(user, "sip", "2001").await;
    let mut system = ground.system_of("READ_CONFIG, READ_SECRETS", "demo", "sip").await;
    let mut versions = vec![system.row("2001")["version"].clone()];
    for step in 0..10 {
        match step {
            0 => relabel(user, &id, "Another").await,
            1 => bar(operator, "2001", true).await,
            2 => bar(operator, "2001", false).await,
            3 => ban(admin, "user", true).await,
            4 => ban(admin, "user", false).await,
            5 => {
                let user = ground.app.sign_in("user", super::PASSWORD).await;
                mutate(&user, "rotateSecret", &id, ", parameter: \"password\"").await;
            }
            6 => mutate(operator, "setCallPermissions", &id, ", permissions: [\"orga\"]").await,
            7 => mutate(operator, "setCallPermissions", &id, ", permissions: []").await,
            8 => mutate(operator, "updateExtension", &id, ", visibility: STAFF").await,
            _ => mutate(operator, "updateExtension", &id, ", parameters: {codec: \"opus\"}").await,
        }
        let cursor = system.cursor();
        system.is_told(&format!("step {step}")).await;
        let version = system.row("2001")["version"].clone();
        assert!(!versions.contains(&version), "step {step} shows something new under an old version");
        versions.push(version);
        // Told twice, applied twice: the same.
        if step % 3 == 0 {
            system.hears_again(&cursor).await;
        }
    }
    assert_eq!(ground.system("sip").await.row("2001")["version"], *versions.last().unwrap());
    a_revision_that_is_issued_again_is_another_version(&ground, &id).await;
}

/// A restored database counts its revisions from where it was. What it then issues under an old number is told apart by the tag:
/// in the version, and so in the digest.
async fn a_revision_that_is_issued_again_is_another_version(ground: &ServicesInner, id: &str) {
    let newest = "SELECT CAST(max(revision) AS TEXT) AS text FROM feed_revisions";
    let copy = ground.app.back_up().await;
    relabel(&ground.operator, id, "Before the restore").await;
    let there = ground.over(ground.app.start_from_backup(copy).await);
    relabel(&there.operator, id, "After the restore").await;
    assert_eq!(
        ground.app.select_text(newest).await,
        there.app.select_text(newest).await,
        "the same revision is to be issued again"
    );
    let (before, after) = (ground.system("sip").await, there.system("sip").await);
    assert_eq!(before.row("2001")["label"], "Before the restore");
    assert_eq!(after.row("2001")["label"], "After the restore");
    assert_ne!(before.row("2001")["version"], after.row("2001")["version"], "two states have one version");
    assert_ne!(digest(&before.rows()), digest(&after.rows()), "two copies have one digest");
}

pub async fn cursors_check_themselves(app: TestApp, way: Way) {
    let ground = ServicesInner::set(app, way).await;
    let id = registered(&ground.user, "sip", "2001").await;
    let mut known = ground.system("sip").await;
    let mut ahead = ground.system("sip").await;
    let copy = ground.app.back_up().await;
    known.sleeps(true).await;
    relabel(&ground.user, &id, "Lost by the restore").await;
    ahead.is_told("a change that the restore will lose").await;

    // The restored database issues the lost revision again, for something else.
    let there = ground.over(ground.app.start_from_backup(copy).await);
    known.moves(&there).await;
    ahead.moves(&there).await;
    if ground.shows(Part::CursorAheadOfTheDatabase) {
        let mut early = ahead.sleeper().await;
        assert_eq!(early.is_reset().await, "EPOCH", "a position that the database has not reached");
    }
    relabel(&there.user, &id, "After the restore").await;
    assert_eq!(ahead.is_reset().await, "EPOCH", "the same revision of another life");
    ahead.begins_again().await;
    ahead.is_in_step().await;
    assert_eq!(ahead.row("2001")["label"], "After the restore");
    known.is_told("what the restored database does").await;
    assert_eq!(known.row("2001")["label"], "After the restore");
    if ground.shows(Part::CursorHandedOver) {
        cursors_that_are_handed_over(&ground).await;
    }
    a_quiet_month(&there, &id).await;
}

/// Another feed's cursor, and a text that is none.
async fn cursors_that_are_handed_over(ground: &ServicesInner) {
    let mut system = ground.system("sip").await;
    system.takes_cursor(&ground.system("dect").await.cursor());
    assert_eq!(system.is_reset().await, "EPOCH");
    let desk = &system.desk;
    let code = match ground.way {
        Way::LongPoll => {
            let answer = desk.key.get(&format!("{}/changes?since=nonsense", desk.path())).send().await.unwrap();
            assert_eq!(answer.status(), 400);
            answer.json::<serde_json::Value>().await.unwrap()["error"]["code"].clone()
        }
        Way::Subscription => desk.subscribe("nonsense").await.next().await["errors"][0]["extensions"]["code"].clone(),
        _ => {
            let query = "query($s: FeedCursor!) { provisioning(event: \"demo\", serviceType: \"sip\") { changes(since: $s) { __typename } } }";
            desk.key.execute(query, json!({ "s": "nonsense" })).await["errors"][0]["extensions"]["code"].clone()
        }
    };
    assert!(["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"].contains(&code.as_str().unwrap()), "{code}");
}

/// A quiet month harms nobody; a week after the next change it is too late.
async fn a_quiet_month(ground: &ServicesInner, id: &str) {
    let mut system = ground.system("sip").await;
    let app = &ground.app;
    app.clock.advance(Duration::from_secs(30 * 86_400));
    switchboard::provisioning::prune(&app.app.services).await.unwrap();
    assert!(system.is_told_at_once().await.is_empty(), "something came in a quiet month");
    let user = app.sign_in("user", super::PASSWORD).await;
    relabel(&user, id, "Next").await;
    relabel(&user, id, "And next").await;
    app.clock.advance(Duration::from_secs(8 * 86_400));
    switchboard::provisioning::prune(&app.app.services).await.unwrap();
    assert_eq!(system.is_reset().await, "EXPIRED");
    system.begins_again().await;
    system.is_in_step().await;
    assert_eq!(system.row("2001")["label"], "And next");
}

pub async fn doorbell(app: TestApp, way: Way) {
    let ground = ServicesInner::set(app, way).await;
    let mut system = ground.system("sip").await;
    // What calls web hooks runs beside the requests.
    let duties = (way == Way::WebHook).then(|| switchboard::background::start(&ground.app.app));
    system.stays();
    let soon = Duration::from_millis(300);
    let rung = async {
        tokio::time::sleep(soon).await;
        registered(&ground.user, "sip", "2001").await;
    };
    tokio::join!(system.hears_of("2001"), rung);

    // Another instance writes, and its bell is not heard here.
    let elsewhere = ground.app.another_instance().await;
    let writer = elsewhere.with_token(ground.user.token().unwrap());
    let not_rung = async {
        tokio::time::sleep(soon).await;
        registered(&writer, "sip", "2002").await;
    };
    tokio::join!(system.hears_of("2002"), not_rung);

    // Whoever was away resumes by cursor.
    system.breaks();
    drop(duties);
    registered(&ground.user, "sip", "2003").await;
    system.is_in_step().await;
    assert!(system.rows().contains_key("2003"));
}
