//! What a page says about what was: every key, in two phases, whole transactions.

use serde_json::{Value, json};

use super::ground::ServicesInner;
use super::system::System;
use super::ways::{Part, Way};
use super::{ban, mutate, registered, relabel, renumber};
use crate::support::{ApiClient, TestApp};

async fn write_back(key: &ApiClient, id: &str, ipei: &str) {
    mutate(key, "writeBackParameters", id, &format!(", parameters: {{ipei: \"{ipei}\"}}")).await;
}

/// What was told of an extension: the removal, or the upsert.
fn of<'t>(told: &'t [Value], id: &str) -> &'t Value {
    let found = told.iter().find(|change| change["id"] == id || change["extension"]["id"] == id);
    found.unwrap_or_else(|| panic!("nothing is told of {id}: {told:?}"))
}

/// The numbers under which a change is told, sorted.
fn numbers(change: &Value) -> Vec<&str> {
    let keys = change["keys"].as_array().or(change["previous"].as_array()).unwrap();
    let mut numbers: Vec<&str> = keys.iter().map(|keys| keys["number"].as_str().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

/// The handsets under which a change is told.
fn handsets(change: &Value) -> Vec<&Value> {
    let keys = change["keys"].as_array().or(change["previous"].as_array()).unwrap();
    keys.iter().map(|keys| &keys["parameters"]["ipei"]).filter(|ipei| !ipei.is_null()).collect()
}

pub async fn every_key_is_told(app: TestApp, way: Way) {
    let ground = ServicesInner::set(app, way).await;
    let user = &ground.user;
    let first = registered(user, "sip", "2342").await;
    let second = registered(user, "sip", "2344").await;
    let third = registered(user, "sip", "2346").await;
    let mut system = ground.system("sip").await;
    let mut sleeper = system.sleeper().await;

    // Whoever saw 2342 and not its renumbering is told 2342 when it is deleted.
    renumber(user, &first, "2343").await;
    mutate(user, "deleteExtension", &first, "").await;
    let told = system.is_told_at_once().await;
    assert_eq!(numbers(of(&told, &first)), ["2342", "2343"], "{told:?}");

    // A key that another extension holds by now is not told: a system would delete the other's.
    renumber(user, &second, "2345").await;
    let taker = registered(user, "sip", "2344").await;
    mutate(user, "deleteExtension", &second, "").await;
    let told = system.is_told_at_once().await;
    assert_eq!(numbers(of(&told, &second)), ["2345"], "{told:?}");
    assert!(of(&told, &taker)["extension"].is_object());

    // An upsert carries what was known by other keys, and so does one who saw none of it.
    renumber(user, &third, "2347").await;
    renumber(user, &third, "2348").await;
    let told = system.is_told_at_once().await;
    assert_eq!(numbers(of(&told, &third)), ["2346", "2347"], "{told:?}");

    // What was made and deleted after the base is told all the same.
    let short_lived = registered(user, "sip", "2350").await;
    mutate(user, "deleteExtension", &short_lived, "").await;
    assert_eq!(numbers(of(&system.is_in_step().await, &short_lived)), ["2350"]);

    // One who has slept all the while comes to the same.
    let told = sleeper.is_told("all of it").await;
    assert_eq!(numbers(of(&told, &first)), ["2342", "2343"], "{told:?}");
    assert_eq!(numbers(of(&told, &second)), ["2345"], "{told:?}");
    unique_parameters_are_keys(&ground).await;
}

async fn unique_parameters_are_keys(ground: &ServicesInner) {
    let user = &ground.user;
    let (one, other) = (registered(user, "dect", "2360").await, registered(user, "dect", "2361").await);
    let mut system = ground.system_of("READ_CONFIG, WRITE_BACK", "demo", "dect").await;
    let key = system.desk.key.clone();
    write_back(&key, &one, "000000000001*").await;
    system.is_told("a handset").await;
    let mut sleeper = system.sleeper().await;
    let mut by_ones = system.sleeper().await;
    write_back(&key, &one, "000000000002*").await;
    let told = system.is_told("another handset").await;
    assert_eq!(handsets(of(&told, &one)), ["000000000001*"], "{told:?}");

    // The neighbour has the first handset now. Whoever saw it in the old place must not delete it in the new one.
    write_back(&key, &other, "000000000001*").await;
    mutate(user, "deleteExtension", &one, "").await;
    let told = system.is_in_step().await;
    assert_eq!(handsets(of(&told, &one)), ["000000000002*"], "{told:?}");
    let told = sleeper.is_told("all of it").await;
    assert_eq!(handsets(of(&told, &one)), ["000000000002*"], "a neighbour's handset is told too: {told:?}");
    // The neighbour in one page, what is gone in a later one.
    if ground.shows(Part::PageSize) {
        by_ones.page = 1;
    }
    by_ones.is_told("all of it").await;
    assert_eq!(by_ones.row("2361")["parameters"]["ipei"], "000000000001*");
}

pub async fn pages_are_whole(app: TestApp, way: Way) {
    let ground = ServicesInner::set(app, way).await;
    let (user, admin) = (&ground.user, &ground.admin);
    let (first, second) = (registered(user, "sip", "2001").await, registered(user, "sip", "2002").await);
    relabel(user, &second, "Second").await;
    let mut system = ground.system("sip").await;
    let mut sleeper = system.sleeper().await;
    let swap = "mutation($a: ID!, $b: ID!) { swapNumbers(input: {first: $a, second: $b}) { errors { code message } } }";
    admin.execute_ok(swap, json!({ "a": first, "b": second })).await;
    assert_eq!(system.is_told("a swap").await.len(), 2);
    assert_eq!(system.row("2001")["label"], "Second");
    // A swap that has moved on: each number is known to somebody else by now.
    renumber(user, &first, "2003").await;
    admin.execute_ok(swap, json!({ "a": first, "b": second })).await;
    sleeper.is_told("a swap and a move").await;
    system.is_told("a move").await;

    // A transaction is never cut: the ban of three extensions comes in one page, whatever size is asked for.
    registered(user, "sip", "2004").await;
    system.is_told("a third").await;
    let before = system.cursor();
    system.sleeps(true).await;
    ban(admin, "user", true).await;
    registered(admin, "sip", "2005").await;
    if ground.shows(Part::PageSize) {
        transactions_are_not_cut(&system, &before).await;
    }
    a_revision_with_very_much_is_a_reset(&ground, system).await;
}

/// A page of one entry, or of the transaction that it belongs to.
async fn page_of_one(system: &System, since: &str) -> Value {
    match system.desk.ground.way {
        Way::LongPoll => system.desk.poll(since, 1, 0.0).await,
        _ => system.desk.changes(since, 1).await,
    }
}

async fn transactions_are_not_cut(system: &System, before: &str) {
    let one = page_of_one(system, before).await;
    assert_eq!((one["changes"].as_array().unwrap().len(), &one["hasMore"]), (3, &json!(true)), "{one}");
    let rest = page_of_one(system, one["cursor"].as_str().unwrap()).await;
    assert_eq!((rest["changes"].as_array().unwrap().len(), &rest["hasMore"]), (1, &json!(false)), "{rest}");
}

/// The number of entries stands with the revision, and decides: the ban's three are made five thousand and one.
async fn a_revision_with_very_much_is_a_reset(ground: &ServicesInner, mut system: System) {
    let of_the_ban = "SELECT CAST(entries AS TEXT) AS text FROM feed_revisions WHERE entries > 2";
    assert_eq!(ground.app.select_text(of_the_ban).await, ["3"]);
    let mut other = system.sleeper().await;
    let make = |entries: i32| format!("UPDATE feed_revisions SET entries = {entries} WHERE entries > 2");
    ground.app.execute_sql(&make(5000), &make(5000)).await;
    assert_eq!(other.is_told("five thousand").await.len(), 4);
    ground.app.execute_sql(&make(5001), &make(5001)).await;
    system.sleeps(false).await;
    assert_eq!(system.is_reset().await, "BULK");
    system.begins_again().await;
    registered(&ground.admin, "sip", "2006").await;
    system.is_told("what came after a new snapshot").await;
}
