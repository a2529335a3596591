//! The keys in a page of changes: every previous key, application in two phases, complete transactions.

use serde_json::{Value, json};

use super::fixture::Fixture;
use super::reader::Reader;
use super::transport::{Aspect, Transport};
use super::{ban, mutate, registered, relabel, renumber};
use crate::support::{ApiClient, TestApp};

async fn write_back(key: &ApiClient, id: &str, ipei: &str) {
    mutate(key, "writeBackParameters", id, &format!(", parameters: {{ipei: \"{ipei}\"}}")).await;
}

/// The removal or the upsert of an extension.
fn change_of<'changes>(changes: &'changes [Value], id: &str) -> &'changes Value {
    let found = changes.iter().find(|change| change["id"] == id || change["extension"]["id"] == id);
    found.unwrap_or_else(|| panic!("no change of {id}: {changes:?}"))
}

fn previous_keys(change: &Value) -> &Vec<Value> {
    change["keys"].as_array().or(change["previous"].as_array()).unwrap()
}

/// The previous numbers in the change of an extension, sorted.
fn numbers<'changes>(changes: &'changes [Value], id: &str) -> Vec<&'changes str> {
    let keys = previous_keys(change_of(changes, id)).iter();
    let mut numbers: Vec<&str> = keys.map(|keys| keys["number"].as_str().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

/// The previous handsets in the change of an extension.
fn handsets<'changes>(changes: &'changes [Value], id: &str) -> Vec<&'changes Value> {
    let keys = previous_keys(change_of(changes, id)).iter();
    keys.map(|keys| &keys["parameters"]["ipei"]).filter(|ipei| !ipei.is_null()).collect()
}

pub async fn every_previous_key(app: TestApp, transport: Transport) {
    let fixture = Fixture::new(app, transport).await;
    let user = &fixture.user;
    let first = registered(user, "sip", "2342").await;
    let second = registered(user, "sip", "2344").await;
    let third = registered(user, "sip", "2346").await;
    let mut reader = fixture.reader("sip").await;
    let mut idle = reader.fork().await;

    // A reader that has 2342 and missed the renumbering must receive 2342 with the removal.
    renumber(user, &first, "2343").await;
    mutate(user, "deleteExtension", &first, "").await;
    let changes = reader.catch_up_then_disconnect().await;
    assert_eq!(numbers(&changes, &first), ["2342", "2343"], "{changes:?}");

    // A key that now belongs to another extension is omitted: the reader would delete the other extension's row.
    renumber(user, &second, "2345").await;
    let successor = registered(user, "sip", "2344").await;
    mutate(user, "deleteExtension", &second, "").await;
    let changes = reader.catch_up_then_disconnect().await;
    assert_eq!(numbers(&changes, &second), ["2345"], "{changes:?}");
    assert!(change_of(&changes, &successor)["extension"].is_object());

    // An upsert has the previous keys, also for a reader that missed all intermediate changes.
    renumber(user, &third, "2347").await;
    renumber(user, &third, "2348").await;
    let changes = reader.catch_up_then_disconnect().await;
    assert_eq!(numbers(&changes, &third), ["2346", "2347"], "{changes:?}");

    // An extension that was created and deleted after the reader's cursor has a removal.
    let short_lived = registered(user, "sip", "2350").await;
    mutate(user, "deleteExtension", &short_lived, "").await;
    assert_eq!(numbers(&reader.catch_up().await, &short_lived), ["2350"]);

    // A reader that was idle meanwhile reaches the same state.
    let changes = idle.expect_changes("all changes above").await;
    assert_eq!(numbers(&changes, &first), ["2342", "2343"], "{changes:?}");
    assert_eq!(numbers(&changes, &second), ["2345"], "{changes:?}");
    unique_parameters_are_keys(&fixture).await;
}

async fn unique_parameters_are_keys(fixture: &Fixture) {
    let user = &fixture.user;
    let (first, second) = (registered(user, "dect", "2360").await, registered(user, "dect", "2361").await);
    let mut reader = fixture.reader_with("READ_CONFIG, WRITE_BACK", "demo", "dect").await;
    let key = reader.consumer.key.clone();
    write_back(&key, &first, "000000000001*").await;
    reader.expect_changes("a handset").await;
    let mut idle = reader.fork().await;
    let mut small_pages = reader.fork().await;
    write_back(&key, &first, "000000000002*").await;
    let changes = reader.expect_changes("another handset").await;
    assert_eq!(handsets(&changes, &first), ["000000000001*"], "{changes:?}");

    // The second extension takes over the first handset. The removal of the first must not delete the second's row.
    write_back(&key, &second, "000000000001*").await;
    mutate(user, "deleteExtension", &first, "").await;
    let changes = reader.catch_up().await;
    assert_eq!(handsets(&changes, &first), ["000000000002*"], "{changes:?}");
    let changes = idle.expect_changes("all changes above").await;
    assert_eq!(handsets(&changes, &first), ["000000000002*"], "the key of another extension: {changes:?}");
    // The upsert of the second in one page, the removal of the first in a later one.
    if fixture.supports(Aspect::PageSize) {
        small_pages.page_size = 1;
    }
    small_pages.expect_changes("all changes above").await;
    assert_eq!(small_pages.row("2361")["parameters"]["ipei"], "000000000001*");
}

pub async fn complete_transactions(app: TestApp, transport: Transport) {
    let fixture = Fixture::new(app, transport).await;
    let (user, admin) = (&fixture.user, &fixture.admin);
    let (first, second) = (registered(user, "sip", "2001").await, registered(user, "sip", "2002").await);
    relabel(user, &second, "Second").await;
    let mut reader = fixture.reader("sip").await;
    let mut idle = reader.fork().await;
    let swap = "mutation($first: ID!, $second: ID!) \
                { swapNumbers(input: {first: $first, second: $second}) { errors { code message } } }";
    admin.execute_ok(swap, json!({ "first": first, "second": second })).await;
    assert_eq!(reader.expect_changes("a swap").await.len(), 2);
    assert_eq!(reader.row("2001")["label"], "Second");
    // After a second swap each number belongs to an extension that the idle reader has under another number.
    renumber(user, &first, "2003").await;
    admin.execute_ok(swap, json!({ "first": first, "second": second })).await;
    idle.expect_changes("two swaps and a renumbering").await;
    reader.expect_changes("a renumbering and a swap").await;

    // A page never ends inside a transaction: the ban of three extensions arrives in one page of any size.
    registered(user, "sip", "2004").await;
    reader.expect_changes("a third extension").await;
    let before = reader.cursor();
    reader.set_paused(true).await;
    ban(admin, "user", true).await;
    registered(admin, "sip", "2005").await;
    if fixture.supports(Aspect::PageSize) {
        small_pages_keep_transactions(&reader, &before).await;
    }
    oversized_revision_is_a_reset(&fixture, reader).await;
}

/// A page with a requested size of one.
async fn page_of_one(reader: &Reader, since: &str) -> Value {
    match reader.consumer.fixture.transport {
        Transport::LongPoll => reader.consumer.poll(since, 1, 0.0).await,
        _ => reader.consumer.changes(since, 1).await,
    }
}

async fn small_pages_keep_transactions(reader: &Reader, before: &str) {
    let first = page_of_one(reader, before).await;
    assert_eq!((first["changes"].as_array().unwrap().len(), &first["hasMore"]), (3, &json!(true)), "{first}");
    let last = page_of_one(reader, first["cursor"].as_str().unwrap()).await;
    assert_eq!((last["changes"].as_array().unwrap().len(), &last["hasMore"]), (1, &json!(false)), "{last}");
}

/// The stored number of entries of a revision decides: the test sets the ban's three entries to 5,001.
async fn oversized_revision_is_a_reset(fixture: &Fixture, mut reader: Reader) {
    let ban_entries = "SELECT CAST(entries AS TEXT) AS text FROM feed_revisions WHERE entries > 2";
    assert_eq!(fixture.app.select_text(ban_entries).await, ["3"]);
    let mut other = reader.fork().await;
    let update = |entries: i32| format!("UPDATE feed_revisions SET entries = {entries} WHERE entries > 2");
    fixture.app.execute_sql(&update(5000), &update(5000)).await;
    assert_eq!(other.expect_changes("a revision of 5,000 entries").await.len(), 4);
    fixture.app.execute_sql(&update(5001), &update(5001)).await;
    reader.set_paused(false).await;
    assert_eq!(reader.expect_reset().await, "BULK");
    reader.bootstrap_after_reset().await;
    registered(&fixture.admin, "sip", "2006").await;
    reader.expect_changes("a registration after the new snapshot").await;
}
