//! The order in which changes are told is the order in which they committed, and nothing falls between two pages.
//!
//! On PostgreSQL a trigger makes one writer dawdle between its last reading and its commit, so that another overtakes it
//! unless they take turns. SQLite has one writer; there the pairs meet without dawdling.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::json;

use super::ground::ServicesInner;
use super::system::System;
use super::ways::Way;
use super::{ban, bar, invited, mutate, registered, relabel, renumber};
use crate::support::TestApp;

/// Makes the transaction that moves this extension's entry wait before it commits.
async fn make_dawdle(app: &TestApp, extension: &str) {
    let id = extension.strip_prefix("Extension:").unwrap();
    let dawdle = "CREATE OR REPLACE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.8); RETURN NEW; END $$; \
                  DROP TRIGGER IF EXISTS dawdle ON feed_entries; \
                  CREATE TRIGGER dawdle BEFORE UPDATE ON feed_entries FOR EACH ROW WHEN (NEW.extension_id = 'ID') EXECUTE FUNCTION dawdle();";
    app.execute_sql("SELECT 1", &dawdle.replace("ID", id)).await;
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
                    system.reads().await;
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

pub async fn commit_order(app: TestApp, way: Way) {
    let ground = ServicesInner::set(app, way).await;
    let (app, user, operator) = (&ground.app, &ground.user, &ground.operator);
    let mut systems = [ground.system("sip").await, ground.system("group").await];

    let (first, second) = (registered(user, "sip", "2001").await, registered(user, "sip", "2002").await);
    make_dawdle(app, &first).await;
    race(&mut systems, relabel(user, &first, "Slow"), relabel(user, &second, "Quick")).await;
    all_in_step(&mut systems).await;

    let group = registered(operator, "group", "3000").await;
    let member = invited(operator, &group, "2001").await;
    race(&mut systems, bar(operator, "2001", true), mutate(user, "acceptGroupInvitation", &member, "")).await;
    all_in_step(&mut systems).await;

    // The target's new number and the fallback to it: whoever comes last, the entry shows the number that holds.
    mutate(user, "deleteExtension", &second, "").await;
    let from = registered(user, "group", "3001").await;
    race(&mut systems, renumber(user, &first, "2003"), user.execute(
        "mutation($i: ID!, $n: PhoneNumber) { updateExtension(input: {id: $i, fallbackNumber: $n}) { errors { code } } }",
        json!({ "i": from, "n": "2001" }),
    )).await;
    all_in_step(&mut systems).await;

    a_ban_and_a_registration(&ground, &first).await;
    many_at_once(&ground, &mut systems).await;
}

/// The registration is in an event where the banned have nothing yet: only the lock of their account is in the way.
async fn a_ban_and_a_registration(ground: &ServicesInner, owned: &str) {
    let admin = &ground.admin;
    let event = "mutation { createEvent(input: {slug: \"fair\", name: \"Fair\", phase: OPEN, serviceTypes: [\"sip\"]}) { errors { code } } }";
    admin.execute_ok(event, json!({})).await;
    let range = "mutation { createNumberRange(input: {event: \"fair\", first: \"2000\", last: \"2999\", label: \"All\"}) { errors { code } } }";
    admin.execute_ok(range, json!({})).await;
    let mut systems = [ground.system_of("READ_CONFIG", "fair", "sip").await];
    make_dawdle(&ground.app, owned).await;
    let register = "mutation { registerExtension(input: {event: \"fair\", serviceType: \"sip\", number: \"2001\", label: \"x\"}) { extension { id } errors { code } } }";
    race(&mut systems, ban(admin, "user", true), ground.user.execute(register, json!({}))).await;
    all_in_step(&mut systems).await;
    let active = systems[0].rows().values().filter(|row| row["active"] == true).count();
    assert_eq!(active, 0, "an extension of somebody banned is active");
    ban(admin, "user", false).await;
}

/// Eight writers over the same few extensions while two systems read.
async fn many_at_once(ground: &ServicesInner, systems: &mut [System]) {
    let operator = &ground.operator;
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
    race(systems, futures_util::future::join_all(writers), async {}).await;
    all_in_step(systems).await;
}

pub async fn snapshot_and_tail(app: TestApp, way: Way) {
    let ground = ServicesInner::set(app, way).await;
    let user = &ground.user;
    let mut ids = Vec::new();
    for number in 2001..2010 {
        ids.push(registered(user, "sip", &number.to_string()).await);
    }
    // What happens at the breaks of the reading: between two pages, between two parts of the whole, between an answer and the
    // next question, before a called system answers.
    ground.meanwhile.lock().await.extend(interruptions(&ground, &ids));
    let mut system = System::connect(&ground, "READ_CONFIG", "demo", "sip").await;
    system.page = 3;
    system.begins().await;
    assert!(ground.meanwhile.lock().await.len() < 3, "nothing happened during the snapshot");
    while let Some(left) = ground.meanwhile.lock().await.pop_front() {
        left.await;
    }
    system.is_in_step().await;

    // People write all the while, and nobody knows when.
    let is_over = Arc::new(AtomicBool::new(false));
    let writer = {
        let (is_over, user, ids) = (Arc::clone(&is_over), user.clone(), ids.clone());
        tokio::spawn(async move {
            let mut turn = 0;
            while !is_over.load(Ordering::SeqCst) && turn < 60 {
                relabel(&user, &ids[2 + turn % 5], &format!("Turn {turn}")).await;
                renumber(&user, &ids[2], if turn % 2 == 0 { "2600" } else { "2003" }).await;
                turn += 1;
            }
            turn
        })
    };
    let mut systems = vec![system];
    for _ in 0..3 {
        let mut system = System::connect(&ground, "READ_CONFIG", "demo", "sip").await;
        system.page = 3;
        system.begins().await;
        systems.push(system);
    }
    is_over.store(true, Ordering::SeqCst);
    assert!(writer.await.unwrap() > 3, "nobody wrote meanwhile");
    all_in_step(&mut systems).await;
}

/// Pages that were read change, and pages to come, something is new and something goes.
fn interruptions(ground: &ServicesInner, ids: &[String]) -> [BoxFuture<'static, ()>; 3] {
    let (one, two, three) = (ground.user.clone(), ground.user.clone(), ground.user.clone());
    let (late, early, gone, gone_too) = (ids[8].clone(), ids[0].clone(), ids[1].clone(), ids[7].clone());
    [
        Box::pin(async move { relabel(&one, &late, "Changed before it is read").await }),
        Box::pin(async move {
            relabel(&two, &early, "Changed after it was read").await;
            mutate(&two, "deleteExtension", &gone, "").await;
        }),
        Box::pin(async move {
            mutate(&three, "deleteExtension", &gone_too, "").await;
            registered(&three, "sip", "2500").await;
        }),
    ]
}
