//! Consumers, cursors, versions, the doorbell.

use std::time::Duration;

use serde_json::{Value, json};

use super::system::System;
use super::{PASSWORD, ban, bar, consumer, key, key_and_id, mutate, registered, relabel};
use crate::support::TestApp;

pub async fn each_consumer_has_its_own_position(app: TestApp) {
    let (user, operator) = (app.sign_in("user", PASSWORD).await, app.sign_in("operator", PASSWORD).await);
    let (first, first_id) = key_and_id(&app, "READ_CONFIG", "\"sip\"").await;
    let (second, second_id) = key_and_id(&app, "READ_CONFIG", "\"sip\"").await;
    consumer(&app, "sip-1", "sip", &first_id).await;
    consumer(&app, "sip-2", "sip", &second_id).await;
    let mut quick = System::new(&first, "demo", "sip").await;
    let mut slow = System::new(&second, "demo", "sip").await;
    for number in ["2001", "2002", "2003"] {
        registered(&user, "sip", number).await;
    }
    let before = slow.answer(&slow.cursor, 50).await;
    quick.is_told("three registrations").await;
    let say = "mutation($n: String!, $c: FeedCursor!) { acknowledgeProvisioning(input: {event: \"demo\", serviceType: \"sip\", consumer: $n, cursor: $c}) { errors { code } } }";
    first.does(say, json!({ "n": "sip-1", "c": quick.cursor })).await;

    // Reading and acknowledging takes nothing away from others, nor from oneself.
    assert_eq!(slow.answer(&slow.cursor, 50).await, before);
    let lags = "{ provisioning(event: \"demo\", serviceType: \"sip\") { consumers { name lagRecords acknowledged } } }";
    let seen = operator.does(lags, json!({})).await;
    let position = |name: &str| {
        let all = seen["consumers"].as_array().unwrap();
        all.iter().find(|consumer| consumer["name"] == name).cloned().unwrap()
    };
    assert_eq!(position("sip-1"), json!({ "name": "sip-1", "lagRecords": 0, "acknowledged": quick.cursor }));
    assert_eq!(position("sip-2"), json!({ "name": "sip-2", "lagRecords": 6, "acknowledged": null }));
    // Nobody moves another's position.
    let theirs = first.ask(say, json!({ "n": "sip-2", "c": quick.cursor })).await;
    assert_eq!(theirs["data"]["acknowledgeProvisioning"]["errors"][0]["code"], "NOT_FOUND", "{theirs}");
    assert_eq!(slow.is_told("three registrations, later").await.len(), 3);
}

pub async fn a_version_differs_after_every_change(app: TestApp) {
    let (user, operator) = (app.sign_in("user", PASSWORD).await, app.sign_in("operator", PASSWORD).await);
    let admin = app.sign_in("admin", PASSWORD).await;
    let reader = key(&app, "READ_CONFIG, READ_SECRETS", "\"sip\"").await;
    let id = registered(&user, "sip", "2001").await;
    let mut system = System::new(&reader, "demo", "sip").await;
    let mut versions = vec![system.rows["2001"]["version"].clone()];
    for step in 0..10 {
        match step {
            0 => relabel(&user, &id, "Another").await,
            1 => bar(&operator, "2001", true).await,
            2 => bar(&operator, "2001", false).await,
            3 => ban(&admin, "user", true).await,
            4 => ban(&admin, "user", false).await,
            5 => {
                let user = app.sign_in("user", PASSWORD).await;
                mutate(&user, "rotateSecret", &id, ", parameter: \"password\"").await;
            }
            6 => mutate(&operator, "setCallPermissions", &id, ", permissions: [\"orga\"]").await,
            7 => mutate(&operator, "setCallPermissions", &id, ", permissions: []").await,
            8 => mutate(&operator, "updateExtension", &id, ", visibility: STAFF").await,
            _ => mutate(&operator, "updateExtension", &id, ", parameters: {codec: \"opus\"}").await,
        }
        let cursor = system.cursor.clone();
        let told = system.is_told(&format!("step {step}")).await;
        let entry = told.iter().map(|change| &change["extension"]).find(|entry| entry["id"] == *id).unwrap();
        assert!(!versions.contains(&entry["version"]), "step {step} shows something new under an old version");
        versions.push(entry["version"].clone());
        // Told twice, applied twice: the same.
        let again = system.answer(&cursor, 50).await;
        assert_eq!(again["changes"], Value::Array(told.clone()));
        let applied = system.rows.clone();
        system.apply(&told);
        assert_eq!(system.rows, applied);
    }
    assert_eq!(System::new(&reader, "demo", "sip").await.rows["2001"]["version"], *versions.last().unwrap());
}

pub async fn a_cursor_checks_itself(app: TestApp) {
    let user = app.sign_in("user", PASSWORD).await;
    let reader = key(&app, "READ_CONFIG", "\"sip\", \"dect\"").await;
    let id = registered(&user, "sip", "2001").await;
    let known = System::new(&reader, "demo", "sip").await;
    let copy = app.back_up().await;
    relabel(&user, &id, "Lost by the restore").await;
    let mut ahead = known.clone();
    ahead.is_told("a change that the restore will lose").await;

    // The restored database issues the lost revision again, for something else.
    let restored = app.restored(copy).await;
    let on_restored =
        |system: &System| System { key: restored.holding(reader.token.as_ref().unwrap()).asker, ..system.clone() };
    let (mut known_there, ahead_there) = (on_restored(&known), on_restored(&ahead));
    assert_eq!(ahead_there.reset().await, "EPOCH", "a position that the database has not reached");
    let user_there = restored.sign_in("user", PASSWORD).await;
    relabel(&user_there, &id, "After the restore").await;
    assert_eq!(ahead_there.reset().await, "EPOCH", "the same revision of another life");
    known_there.is_told("what the restored database does").await;
    assert_eq!(known_there.rows["2001"]["label"], "After the restore");

    // Another feed's cursor, and text that is none.
    let other = System::new(&reader, "demo", "dect").await;
    assert_eq!(System { cursor: other.cursor.clone(), ..known.clone() }.reset().await, "EPOCH");
    let query = "query($s: FeedCursor!) { provisioning(event: \"demo\", serviceType: \"sip\") { changes(since: $s) { __typename } } }";
    let nonsense = reader.ask(query, json!({ "s": "nonsense" })).await;
    assert_eq!(nonsense["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{nonsense}");

    // A quiet month harms nobody; a week after the next change it is too late.
    app.clock.advance(Duration::from_secs(30 * 86_400));
    switchboard::provisioning::prune(&app.app.services).await.unwrap();
    let mut known = ahead;
    assert!(known.reads_on().await.is_empty(), "nothing came in a quiet month");
    let user = app.sign_in("user", PASSWORD).await;
    relabel(&user, &id, "Next").await;
    relabel(&user, &id, "And next").await;
    app.clock.advance(Duration::from_secs(8 * 86_400));
    switchboard::provisioning::prune(&app.app.services).await.unwrap();
    assert_eq!(known.reset().await, "EXPIRED");
    System::new(&reader, "demo", "sip").await.is_in_step().await;
}

pub async fn the_doorbell_may_be_lost(app: TestApp) {
    let user = app.sign_in("user", PASSWORD).await;
    let reader = key(&app, "READ_CONFIG", "\"sip\"").await;
    let mut system = System::new(&reader, "demo", "sip").await;
    let query = |since: &Value| {
        format!(
            "subscription {{ provisioningChanges(event: \"demo\", serviceType: \"sip\", since: {since}) \
             {{ ... on FeedPage {{ cursor changes {{ ... on FeedUpsert {{ extension {{ number }} }} }} }} }} }}"
        )
    };
    let mut events = reader.follows(&query(&system.cursor)).await;
    let heard = |event: &Value| {
        let changes =
            event["data"]["provisioningChanges"]["changes"].as_array().unwrap_or_else(|| panic!("{event}")).clone();
        changes.iter().map(|change| change["extension"]["number"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(heard(&events.next().await).is_empty(), "first it tells where it stands");
    registered(&user, "sip", "2001").await;
    assert_eq!(heard(&events.next().await), ["2001"], "the doorbell");

    // Another instance writes, and its bell is not heard here.
    let elsewhere = app.another_instance().await;
    registered(&elsewhere.sign_in("user", PASSWORD).await, "sip", "2002").await;
    let event = events.next().await;
    assert_eq!(heard(&event), ["2002"], "the poll");

    // Whoever was away resumes by cursor.
    drop(events);
    registered(&user, "sip", "2003").await;
    let mut events = reader.follows(&query(&event["data"]["provisioningChanges"]["cursor"])).await;
    assert_eq!(heard(&events.next().await), ["2003"]);
    assert_eq!(system.is_told("everything").await.len(), 3);
}
