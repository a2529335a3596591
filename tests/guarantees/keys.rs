//! What a page says about what was: every key, in two phases, whole transactions.

use serde_json::{Value, json};

use super::system::System;
use super::{PASSWORD, ban, key, mutate, registered, relabel, renumber};
use crate::support::{Asker, Person, TestApp};

async fn write_back(key: &Asker, id: &str, ipei: &str) {
    let ipei = if ipei.is_empty() { "null".to_owned() } else { format!("\"{ipei}\"") };
    mutate(key, "writeBackParameters", id, &format!(", parameters: {{ipei: {ipei}}}")).await;
}

/// The numbers under which a removal is told, sorted.
fn numbers(change: &Value) -> Vec<&str> {
    let mut numbers: Vec<&str> =
        change["keys"].as_array().unwrap().iter().map(|keys| keys["number"].as_str().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

pub async fn what_is_gone_is_told_by_every_key(app: TestApp) {
    let user = app.sign_in("user", PASSWORD).await;
    let reader = key(&app, "READ_CONFIG", "\"sip\"").await;
    let first = registered(&user, "sip", "2342").await;
    let second = registered(&user, "sip", "2344").await;
    let third = registered(&user, "sip", "2346").await;
    let start = System::new(&reader, "demo", "sip").await;

    // Whoever saw 2342 and not its renumbering is told 2342 when it is deleted.
    let mut system = start.clone();
    renumber(&user, &first, "2343").await;
    mutate(&user, "deleteExtension", &first, "").await;
    let told = system.is_in_step().await;
    assert_eq!(numbers(&told[0]), ["2342", "2343"], "{told:?}");

    // A key that another extension holds by now is not told: a system would delete the other's.
    renumber(&user, &second, "2345").await;
    let taker = registered(&user, "sip", "2344").await;
    mutate(&user, "deleteExtension", &second, "").await;
    let told = system.is_in_step().await;
    let removal = told.iter().find(|change| change["id"] == *second).unwrap();
    assert_eq!(numbers(removal), ["2345"], "{told:?}");
    assert!(told.iter().any(|change| change["extension"]["id"] == *taker));

    // An upsert carries what was known by other keys, and so does one who saw none of it.
    renumber(&user, &third, "2347").await;
    renumber(&user, &third, "2348").await;
    let told = system.is_in_step().await;
    assert_eq!(
        told[0]["previous"],
        json!([{ "number": "2346", "parameters": {} }, { "number": "2347", "parameters": {} }])
    );

    // What was made and deleted after the base is told all the same.
    let short_lived = registered(&user, "sip", "2350").await;
    mutate(&user, "deleteExtension", &short_lived, "").await;
    assert_eq!(numbers(&system.is_in_step().await[0]), ["2350"]);

    // One who has slept all the while comes to the same.
    let mut sleeper = start;
    sleeper.is_told("all of it").await;
    unique_parameters_are_keys(&app, &user).await;
}

async fn unique_parameters_are_keys(app: &TestApp, user: &Person) {
    let key = key(app, "READ_CONFIG, WRITE_BACK", "\"dect\"").await;
    let (one, other) = (registered(user, "dect", "2360").await, registered(user, "dect", "2361").await);
    write_back(&key, &one, "000000000001*").await;
    let mut system = System::new(&key, "demo", "dect").await;
    let mut sleeper = system.clone();
    write_back(&key, &one, "000000000002*").await;
    let told = system.is_told("another handset").await;
    assert_eq!(
        told[0]["previous"],
        json!([{ "number": "2360", "parameters": { "ipei": "000000000001*" } }]),
        "{told:?}"
    );
    write_back(&key, &other, "000000000001*").await;
    mutate(user, "deleteExtension", &one, "").await;
    sleeper.is_in_step().await;
    let told = system.is_in_step().await;
    let removal = told.iter().find(|change| change["id"] == *one).unwrap();
    let values: Vec<&Value> =
        removal["keys"].as_array().unwrap().iter().map(|keys| &keys["parameters"]["ipei"]).collect();
    assert!(values.contains(&&json!("000000000002*")) && !values.contains(&&json!("000000000001*")), "{removal}");
}

pub async fn a_page_is_applied_in_two_phases_and_whole(app: TestApp) {
    let (user, admin) = (app.sign_in("user", PASSWORD).await, app.sign_in("admin", PASSWORD).await);
    let reader = key(&app, "READ_CONFIG", "\"sip\"").await;
    let (first, second) = (registered(&user, "sip", "2001").await, registered(&user, "sip", "2002").await);
    relabel(&user, &second, "Second").await;
    let mut system = System::new(&reader, "demo", "sip").await;
    let mut sleeper = system.clone();
    let swap = "mutation($a: ID!, $b: ID!) { swapNumbers(input: {first: $a, second: $b}) { errors { code message } } }";
    admin.does(swap, json!({ "a": first, "b": second })).await;
    assert_eq!(system.is_told("a swap").await.len(), 2);
    assert_eq!(system.rows["2001"]["label"], "Second");
    // A swap that has moved on: each number is known to somebody else by now.
    renumber(&user, &first, "2003").await;
    admin.does(swap, json!({ "a": first, "b": second })).await;
    sleeper.is_told("a swap and a move").await;
    system.is_told("a move").await;

    // A transaction is never cut: the ban of three extensions comes in one page, whatever size is asked for.
    registered(&user, "sip", "2004").await;
    system.is_told("a third").await;
    ban(&admin, "user", true).await;
    registered(&admin, "sip", "2005").await;
    let page = system.answer(&system.cursor, 1).await;
    assert_eq!((page["changes"].as_array().unwrap().len(), &page["hasMore"]), (3, &json!(true)), "{page}");
    let rest = system.answer(&page["cursor"], 1).await;
    assert_eq!((rest["changes"].as_array().unwrap().len(), &rest["hasMore"]), (1, &json!(false)), "{rest}");
    a_revision_with_very_much_is_a_reset(&app, &admin, system).await;
}

/// The number of entries stands with the revision, and decides: the ban's three are made five thousand and one.
async fn a_revision_with_very_much_is_a_reset(app: &TestApp, admin: &Person, mut system: System) {
    let of_the_ban = "SELECT CAST(entries AS TEXT) AS text FROM feed_revisions WHERE entries > 2";
    assert_eq!(app.texts(of_the_ban).await, ["3"]);
    for (entries, reset) in [(5000, Value::Null), (5001, json!("BULK"))] {
        let statement = format!("UPDATE feed_revisions SET entries = {entries} WHERE entries = 3 OR entries = 5000");
        app.tamper(&statement, &statement).await;
        assert_eq!(system.reset().await, reset, "{entries} entries");
    }
    system = System::new(&system.key, "demo", "sip").await;
    registered(admin, "sip", "2006").await;
    system.is_told("what came after a new snapshot").await;
}
