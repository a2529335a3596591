//! Lists of extensions: whose, what kind, which search, whether they may be called.

use serde_json::{Value, json};

use super::actors::{newcomer, system};
use crate::support::{Actor, TestApp};

const LIST: &str = "query($e: String, $s: String, $t: String, $o: String, $a: Boolean, $n: Int, $c: String) \
                    { extensions(event: $e, search: $s, serviceType: $t, owner: $o, active: $a, first: $n, after: $c) \
                    { totalCount nodes { number active } pageInfo { hasNextPage endCursor } } }";

/// The numbers of a list that fits on one page, sorted; the total must say the same.
async fn listed(person: &Actor, variables: Value) -> Vec<String> {
    let seen = person.execute(LIST, variables).await;
    let nodes = seen["data"]["extensions"]["nodes"].as_array().unwrap_or_else(|| panic!("{seen}"));
    assert_eq!(seen["data"]["extensions"]["totalCount"], nodes.len(), "{seen}");
    let mut numbers: Vec<_> = nodes.iter().map(|node| node["number"].as_str().unwrap().to_owned()).collect();
    numbers.sort();
    numbers
}

const NONE: [&str; 0] = [];

pub async fn a_list_is_narrowed_by_what_is_asked_and_by_who_asks(app: TestApp) {
    let (user, operator) = (app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let admin = app.sign_in("admin", "numberwang").await;
    user.registers("sip", "2342").await;
    assert_eq!(listed(&user, json!({})).await, ["2342"]);
    assert_eq!(listed(&user, json!({ "o": "operator" })).await, NONE);
    assert_eq!(listed(&user, json!({ "t": "dect" })).await, NONE);
    assert_eq!(listed(&operator, json!({})).await.len(), 13);
    assert_eq!(listed(&operator, json!({ "o": "User" })).await, ["2342"]);
    assert_eq!(listed(&operator, json!({ "t": "sip" })).await, ["2342", "5000", "5003", "5008"]);
    assert_eq!(listed(&operator, json!({ "e": "demo", "t": "pager" })).await, ["5007"]);
    assert_eq!(listed(&operator, json!({ "e": "nowhere" })).await, NONE);
    let pbx = system(&admin, "READ_CONFIG", "pager").await;
    let answer = pbx.key.execute(LIST, json!({})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{answer}");
    let guest = app.guest().execute(LIST, json!({})).await;
    assert_eq!(guest["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    let mut seen = Vec::new();
    let mut cursor = Value::Null;
    for _ in 0..3 {
        let page = operator.execute(LIST, json!({ "n": 5, "c": cursor })).await;
        let page = &page["data"]["extensions"];
        seen.extend(page["nodes"].as_array().unwrap().iter().map(|node| node["number"].to_string()));
        cursor = page["pageInfo"]["endCursor"].clone();
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 13, "each once over three pages");
}

pub async fn a_search_finds_numbers_labels_and_owners(app: TestApp) {
    let operator = app.sign_in("operator", "numberwang").await;
    let zaphod = newcomer(&app, "zaphod").await;
    let rename = "mutation { updateProfile(input: {displayName: \"Zoé Beeblebrox\"}) { errors { code } } }";
    zaphod.execute(rename, json!({})).await;
    zaphod.registers("sip", "5500").await;
    assert_eq!(listed(&operator, json!({ "s": "500" })).await.len(), 10);
    assert_eq!(listed(&operator, json!({ "s": "55-00" })).await, ["5500"]);
    assert_eq!(listed(&operator, json!({ "s": "front DESK" })).await, ["5000"]);
    assert_eq!(listed(&operator, json!({ "s": "zoe" })).await, ["5005", "5500"], "a label, and an owner's name");
    assert_eq!(listed(&operator, json!({ "s": "beeb zoe" })).await, ["5500"]);
    assert_eq!(listed(&operator, json!({ "s": "zaphod", "t": "sip" })).await, ["5500"]);
    assert_eq!(listed(&operator, json!({ "s": "zaphod", "t": "dect" })).await, NONE);
    assert_eq!(listed(&operator, json!({ "s": "!?" })).await, NONE);
    assert_eq!(listed(&zaphod, json!({ "s": "test" })).await, ["5500"]);
    assert_eq!(listed(&zaphod, json!({ "s": "front" })).await, NONE, "other people's are not there");
}

pub async fn those_that_may_be_called_and_the_others(app: TestApp) {
    let (user, operator) = (app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await);
    for number in ["2342", "2343", "2344"] {
        user.registers("sip", number).await;
    }
    let bar = "mutation($n: PhoneNumber!) { barNumber(input: {event: \"demo\", number: $n, reason: \"noise\"}) { errors { code } } }";
    operator.execute(bar, json!({ "n": "2343" })).await;
    operator.execute(bar, json!({ "n": "2999" })).await;
    assert_eq!(listed(&user, json!({ "a": false })).await, ["2343"]);
    assert_eq!(listed(&user, json!({ "a": true })).await, ["2342", "2344"]);
    assert_eq!(listed(&operator, json!({ "a": false, "s": "234" })).await, ["2343"]);
    assert_eq!(listed(&operator, json!({ "a": true, "s": "234" })).await, ["2342", "2344"]);
    operator
        .execute("mutation { banAccount(input: {username: \"user\", reason: \"x\"}) { errors { code } } }", json!({}))
        .await;
    assert_eq!(listed(&operator, json!({ "a": false })).await, ["2342", "2343", "2344"]);
    assert_eq!(listed(&operator, json!({ "a": true })).await.len(), 12);
    let two = operator.execute(LIST, json!({ "a": false, "n": 2 })).await;
    let two = &two["data"]["extensions"];
    assert_eq!((two["nodes"].as_array().unwrap().len(), &two["pageInfo"]["hasNextPage"]), (2, &json!(true)), "{two}");
    assert!(two["nodes"].as_array().unwrap().iter().all(|node| node["active"] == false));
}

pub async fn an_account_shows_its_extensions_page_by_page(app: TestApp) {
    let (user, operator) = (app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await);
    for number in ["2342", "2343", "2344"] {
        user.registers("sip", number).await;
    }
    let own = "query($c: String) { viewer { extensions(first: 2, after: $c) { totalCount nodes { number } pageInfo { hasNextPage endCursor } } } }";
    let first = user.execute(own, json!({})).await;
    let first = &first["data"]["viewer"]["extensions"];
    assert_eq!((&first["totalCount"], &first["pageInfo"]["hasNextPage"]), (&json!(3), &json!(true)), "{first}");
    let second = user.execute(own, json!({ "c": first["pageInfo"]["endCursor"] })).await;
    let second = &second["data"]["viewer"]["extensions"];
    assert_eq!(second["pageInfo"]["hasNextPage"], false, "{second}");
    let pages = [&first["nodes"], &second["nodes"]].map(|page| page.as_array().unwrap());
    let mut seen: Vec<_> = pages.into_iter().flatten().map(|node| node["number"].as_str().unwrap()).collect();
    seen.sort_unstable();
    assert_eq!(seen, ["2342", "2343", "2344"], "each once over two pages");
    let theirs = "{ account(username: \"user\") { extensions { totalCount } } }";
    assert_eq!(operator.execute(theirs, json!({})).await["data"]["account"]["extensions"]["totalCount"], 3);
    assert!(newcomer(&app, "mallory").await.execute(theirs, json!({})).await["data"]["account"].is_null());
    let through =
        "{ extension(event: \"demo\", number: \"2342\") { owner { extensions { totalCount nodes { number } } } } }";
    let pbx = system(&app.sign_in("admin", "numberwang").await, "READ_CONFIG", "sip").await;
    let seen = pbx.key.execute(through, json!({})).await;
    assert_eq!(seen["data"]["extension"]["owner"]["extensions"]["totalCount"], 3, "what the key is limited to: {seen}");
}
