//! Changes are delivered in commit order, and none is lost between two pages.
//!
//! On PostgreSQL a trigger delays one transaction between its last read and its commit, so a second transaction would
//! commit first unless locks serialise the two. SQLite serialises writers itself; there the pairs run without a delay.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::json;

use super::fixture::Fixture;
use super::reader::Reader;
use super::transport::Transport;
use super::{ban, bar, invited, mutate, registered, relabel, renumber};
use crate::support::TestApp;

/// Delays every transaction that updates this extension's feed entry.
async fn delay_commits(app: &TestApp, extension: &str) {
    let id = extension.strip_prefix("Extension:").unwrap();
    let trigger = "CREATE OR REPLACE FUNCTION delay_commit() RETURNS trigger LANGUAGE plpgsql AS $$ \
                   BEGIN PERFORM pg_sleep(0.8); RETURN NEW; END $$; \
                   DROP TRIGGER IF EXISTS delay_commit ON feed_entries; \
                   CREATE TRIGGER delay_commit BEFORE UPDATE ON feed_entries FOR EACH ROW \
                   WHEN (NEW.entity_id = 'ID') EXECUTE FUNCTION delay_commit();";
    app.execute_sql("SELECT 1", &trigger.replace("ID", id)).await;
}

/// Runs a delayed writer, a second writer that starts 250 ms later, and readers that read until both are done.
async fn race<Slow: Future, Quick: Future>(
    readers: &mut [Reader],
    slow: Slow,
    quick: Quick,
) -> (Slow::Output, Quick::Output) {
    let writers = async {
        let later = async {
            tokio::time::sleep(Duration::from_millis(250)).await;
            quick.await
        };
        tokio::join!(slow, later)
    };
    let mut writers = std::pin::pin!(writers);
    loop {
        tokio::select! {
            done = &mut writers => return done,
            () = async {
                for reader in readers.iter_mut() {
                    reader.read_available().await;
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            } => {}
        }
    }
}

async fn all_catch_up(readers: &mut [Reader]) {
    for reader in readers {
        reader.catch_up().await;
    }
}

pub async fn commit_order(app: TestApp, transport: Transport) {
    let fixture = Fixture::new(app, transport).await;
    let (app, user, operator) = (&fixture.app, &fixture.user, &fixture.operator);
    let mut readers = [fixture.reader("sip").await, fixture.reader("group").await];

    let (first, second) = (registered(user, "sip", "2001").await, registered(user, "sip", "2002").await);
    delay_commits(app, &first).await;
    race(&mut readers, relabel(user, &first, "Slow"), relabel(user, &second, "Quick")).await;
    all_catch_up(&mut readers).await;

    let group = registered(operator, "group", "3000").await;
    let member = invited(operator, &group, "2001").await;
    race(&mut readers, bar(operator, "2001", true), mutate(user, "acceptGroupInvitation", &member, "")).await;
    all_catch_up(&mut readers).await;

    // A renumbering of the target and a fallback to its old number: in either order the entry has the current number.
    mutate(user, "deleteExtension", &second, "").await;
    let source = registered(user, "group", "3001").await;
    let update = "mutation($id: ID!, $number: PhoneNumber) \
                  { updateExtension(input: {id: $id, fallbackNumber: $number}) { errors { code } } }";
    let set_fallback = user.execute(update, json!({ "id": source, "number": "2001" }));
    race(&mut readers, renumber(user, &first, "2003"), set_fallback).await;
    all_catch_up(&mut readers).await;

    ban_races_registration(&fixture, &first).await;
    concurrent_writers(&fixture, &mut readers).await;
}

/// The account has no extension in the event yet, so only the account's lock serialises the ban and the registration.
async fn ban_races_registration(fixture: &Fixture, owned: &str) {
    let admin = &fixture.admin;
    let event = "mutation { createEvent(input: {slug: \"fair\", name: \"Fair\", phase: OPEN, serviceTypes: [\"sip\"]}) \
                 { errors { code } } }";
    admin.execute_ok(event, json!({})).await;
    let range = "mutation { createNumberRange(input: \
                 {event: \"fair\", first: \"2000\", last: \"2999\", label: \"All\"}) \
                 { errors { code } } }";
    admin.execute_ok(range, json!({})).await;
    let mut readers = [fixture.reader_with("READ_CONFIG", "fair", "sip").await];
    delay_commits(&fixture.app, owned).await;
    let register = "mutation { registerExtension(input: \
                    {event: \"fair\", serviceType: \"sip\", number: \"2001\", label: \"x\"}) \
                    { extension { id } errors { code } } }";
    race(&mut readers, ban(admin, "user", true), fixture.user.execute(register, json!({}))).await;
    all_catch_up(&mut readers).await;
    let active = readers[0].rows().values().filter(|row| row["active"] == true).count();
    assert_eq!(active, 0, "an extension of a banned account is active");
    ban(admin, "user", false).await;
}

/// Runs eight writers on the same four extensions while two readers read.
async fn concurrent_writers(fixture: &Fixture, readers: &mut [Reader]) {
    let operator = &fixture.operator;
    let mut ids = Vec::new();
    for number in 2100..2104 {
        ids.push(registered(operator, "sip", &number.to_string()).await);
    }
    let group = registered(operator, "group", "3100").await;
    let mut members = Vec::new();
    for number in 2100..2104 {
        members.push(invited(operator, &group, &number.to_string()).await);
    }
    let writers = (0..8).map(|writer: usize| {
        let (operator, id, member) = (operator.clone(), ids[writer % 4].clone(), members[writer % 4].clone());
        async move {
            for turn in 0..6 {
                match (writer + turn) % 3 {
                    0 => relabel(&operator, &id, &format!("W{writer} {turn}")).await,
                    1 => bar(&operator, &(2100 + writer % 4).to_string(), turn % 2 == 0).await,
                    _ => mutate(&operator, "updateGroupMember", &member, &format!(", paused: {}", turn % 2 == 0)).await,
                }
            }
        }
    });
    race(readers, futures_util::future::join_all(writers), async {}).await;
    all_catch_up(readers).await;
}

pub async fn snapshot_and_tail(app: TestApp, transport: Transport) {
    let fixture = Fixture::new(app, transport).await;
    let user = &fixture.user;
    let mut ids = Vec::new();
    for number in 2001..2010 {
        ids.push(registered(user, "sip", &number.to_string()).await);
    }
    // The interruptions run between two pages, between two chunks of the full feed, between a response and the next
    // request, and before a web hook endpoint answers.
    fixture.interruptions.lock().await.extend(interruptions(&fixture, &ids));
    let mut reader = Reader::connect(&fixture, "READ_CONFIG", "demo", "sip").await;
    reader.page_size = 3;
    reader.bootstrap().await;
    assert!(fixture.interruptions.lock().await.len() < 3, "no interruption ran during the snapshot");
    while let Some(interruption) = fixture.interruptions.lock().await.pop_front() {
        interruption.await;
    }
    reader.catch_up().await;

    // A writer runs concurrently with further snapshots.
    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let (stop, user, ids) = (Arc::clone(&stop), user.clone(), ids.clone());
        tokio::spawn(async move {
            let mut turn = 0;
            while !stop.load(Ordering::SeqCst) && turn < 60 {
                relabel(&user, &ids[2 + turn % 5], &format!("Turn {turn}")).await;
                renumber(&user, &ids[2], if turn % 2 == 0 { "2600" } else { "2003" }).await;
                turn += 1;
            }
            turn
        })
    };
    let mut readers = vec![reader];
    for _ in 0..3 {
        let mut reader = Reader::connect(&fixture, "READ_CONFIG", "demo", "sip").await;
        reader.page_size = 3;
        reader.bootstrap().await;
        readers.push(reader);
    }
    stop.store(true, Ordering::SeqCst);
    assert!(writer.await.unwrap() > 3, "the writer did not run during the snapshots");
    all_catch_up(&mut readers).await;
}

/// Changes to entries on pages that were read, and on pages still to read; a creation and deletions.
fn interruptions(fixture: &Fixture, ids: &[String]) -> [BoxFuture<'static, ()>; 3] {
    let users = [fixture.user.clone(), fixture.user.clone(), fixture.user.clone()];
    let [first, second, third] = users;
    let [early, removed_early, removed_late, late] = [0, 1, 7, 8].map(|index: usize| ids[index].clone());
    [
        Box::pin(async move { relabel(&first, &late, "Changed before it is read").await }),
        Box::pin(async move {
            relabel(&second, &early, "Changed after it was read").await;
            mutate(&second, "deleteExtension", &removed_early, "").await;
        }),
        Box::pin(async move {
            mutate(&third, "deleteExtension", &removed_late, "").await;
            registered(&third, "sip", "2500").await;
        }),
    ]
}
