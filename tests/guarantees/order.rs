//! The order in which changes are told is the order in which they committed, and nothing falls between two pages.
//!
//! On PostgreSQL a trigger makes one writer dawdle between its last reading and its commit, so that another overtakes it
//! unless they take turns. SQLite has one writer; there the pairs meet without dawdling.

use std::time::Duration;

use serde_json::{Value, json};

use super::system::System;
use super::{PASSWORD, ban, bar, invited, key, mutate, registered, relabel, renumber};
use crate::support::{Asker, Person, TestApp};

/// Makes the transaction that moves this extension's entry wait before it commits.
async fn make_dawdle(app: &TestApp, extension: &str) {
    let id = extension.strip_prefix("Extension:").unwrap();
    let dawdle = "CREATE OR REPLACE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.8); RETURN NEW; END $$; \
                  DROP TRIGGER IF EXISTS dawdle ON feed_entries; \
                  CREATE TRIGGER dawdle BEFORE UPDATE ON feed_entries FOR EACH ROW WHEN (NEW.extension_id = 'ID') EXECUTE FUNCTION dawdle();";
    app.tamper("SELECT 1", &dawdle.replace("ID", id)).await;
}

/// A writer that may dawdle, another that begins a little later, and systems that read all the while.
async fn race<A: Future, B: Future>(systems: &mut [System], slow: A, quick: B) -> (A::Output, B::Output) {
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
                for system in systems.iter_mut() {
                    system.reads_on().await;
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            } => {}
        }
    }
}

async fn all_in_step(systems: &mut [System]) {
    for system in systems {
        system.is_in_step().await;
    }
}

pub async fn what_is_told_last_is_what_holds(app: TestApp) {
    let (user, operator) = (app.sign_in("user", PASSWORD).await, app.sign_in("operator", PASSWORD).await);
    let key = key(&app, "READ_CONFIG", "\"sip\", \"group\"").await;
    let mut systems = [System::new(&key, "demo", "sip").await, System::new(&key, "demo", "group").await];

    let (first, second) = (registered(&user, "sip", "2001").await, registered(&user, "sip", "2002").await);
    make_dawdle(&app, &first).await;
    race(&mut systems, relabel(&user, &first, "Slow"), relabel(&user, &second, "Quick")).await;
    all_in_step(&mut systems).await;

    let group = registered(&operator, "group", "3000").await;
    let member = invited(&operator, &group, "2001").await;
    race(&mut systems, bar(&operator, "2001", true), mutate(&user, "acceptGroupInvitation", &member, "")).await;
    all_in_step(&mut systems).await;

    // The target's new number and the fallback to it: whoever comes last, the entry shows the number that holds.
    mutate(&user, "deleteExtension", &second, "").await;
    let from = registered(&user, "group", "3001").await;
    race(&mut systems, renumber(&user, &first, "2003"), user.ask(
        "mutation($i: ID!, $n: PhoneNumber) { updateExtension(input: {id: $i, fallbackNumber: $n}) { errors { code } } }",
        json!({ "i": from, "n": "2001" }),
    )).await;
    all_in_step(&mut systems).await;

    a_ban_and_a_registration(&app, &user, &key, &first).await;
    many_at_once(&app, &mut systems).await;
}

/// The registration is in an event where the banned have nothing yet: only the lock of their account is in the way.
async fn a_ban_and_a_registration(app: &TestApp, user: &Person, key: &Asker, owned: &str) {
    let admin = app.sign_in("admin", PASSWORD).await;
    let event = "mutation { createEvent(input: {slug: \"fair\", name: \"Fair\", phase: OPEN, serviceTypes: [\"sip\"]}) { errors { code } } }";
    admin.does(event, json!({})).await;
    let range = "mutation { createNumberRange(input: {event: \"fair\", first: \"2000\", last: \"2999\", label: \"All\"}) { errors { code } } }";
    admin.does(range, json!({})).await;
    let mut systems = [System::new(key, "fair", "sip").await];
    make_dawdle(app, owned).await;
    let register = "mutation { registerExtension(input: {event: \"fair\", serviceType: \"sip\", number: \"2001\", label: \"x\"}) { extension { id } errors { code } } }";
    race(&mut systems, ban(&admin, "user", true), user.ask(register, json!({}))).await;
    all_in_step(&mut systems).await;
    let active = systems[0].rows.values().filter(|row| row["active"] == true).count();
    assert_eq!(active, 0, "an extension of somebody banned is active");
    ban(&admin, "user", false).await;
}

/// Eight writers over the same few extensions while two systems read.
async fn many_at_once(app: &TestApp, systems: &mut [System]) {
    let operator = app.sign_in("operator", PASSWORD).await;
    let mut ids = Vec::new();
    for number in 2100..2104 {
        ids.push(registered(&operator, "sip", &number.to_string()).await);
    }
    let group = registered(&operator, "group", "3100").await;
    let mut members = Vec::new();
    for number in 2100..2104 {
        members.push(invited(&operator, &group, &number.to_string()).await);
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
    race(systems, futures_util::future::join_all(writers), async {}).await;
    all_in_step(systems).await;
}

pub async fn a_snapshot_and_its_tail_have_no_gap(app: TestApp) {
    let user = app.sign_in("user", PASSWORD).await;
    let key = key(&app, "READ_CONFIG", "\"sip\"").await;
    let mut ids = Vec::new();
    for number in 2001..2010 {
        ids.push(registered(&user, "sip", &number.to_string()).await);
    }
    let mut system = System::new(&key, "demo", "sip").await;
    system.rows.clear();
    let (mut after, mut head, mut page_number) = (Value::Null, Value::Null, 0);
    loop {
        let page = system.snapshot_page(3, &after).await;
        if head.is_null() {
            head = page["head"].clone();
        }
        assert_eq!(page["head"], head, "every page has the first page's head");
        for entry in page["entries"].as_array().unwrap() {
            system.rows.insert(entry["number"].as_str().unwrap().to_owned(), entry.clone());
        }
        // What changes meanwhile: pages that are read, pages to come, what is new and what goes.
        match page_number {
            0 => relabel(&user, &ids[8], "Changed before it is read").await,
            1 => {
                relabel(&user, &ids[0], "Changed after it was read").await;
                mutate(&user, "deleteExtension", &ids[1], "").await;
            }
            2 => {
                mutate(&user, "deleteExtension", &ids[7], "").await;
                registered(&user, "sip", "2500").await;
            }
            _ => {}
        }
        page_number += 1;
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert!(page_number >= 4, "the snapshot was to have pages");
    system.cursor = head;
    system.is_told("what changed between the pages").await;
}
