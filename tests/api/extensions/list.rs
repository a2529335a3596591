//! `extensions`: filters, search and pages.

use serde_json::{Value, json};

use crate::support::{Actor, Response, Scope, TestApp, string};

const NONE: [&str; 0] = [];

async fn list(actor: &Actor, filter: Value) -> Response {
    let query = "query($event: String, $search: String, $serviceType: String, $owner: String, $active: Boolean, \
                 $first: Int, $after: String) { extensions(event: $event, search: $search, serviceType: $serviceType, \
                 owner: $owner, active: $active, first: $first, after: $after) \
                 { totalCount nodes { number active } pageInfo { hasNextPage endCursor } } }";
    actor.query_with(query, filter).await
}

/// The numbers of a list that fits on one page, sorted. Asserts that the total agrees.
async fn numbers(actor: &Actor, filter: Value) -> Vec<String> {
    let list = list(actor, filter).await.ok();
    let nodes = list["nodes"].as_array().unwrap();
    assert_eq!(list["totalCount"], nodes.len(), "{list}");
    let mut numbers: Vec<_> = nodes.iter().map(|node| string(&node["number"]).to_owned()).collect();
    numbers.sort();
    numbers
}

pub async fn a_list_is_limited_by_its_filter_and_by_the_caller(app: TestApp) {
    let (user, operator, admin) = (app.user().await, app.operator().await, app.admin().await);
    user.registers("sip", "2342").await.ok();
    assert_eq!(numbers(&user, json!({})).await, ["2342"]);
    assert_eq!(numbers(&user, json!({ "owner": "operator" })).await, NONE);
    assert_eq!(numbers(&user, json!({ "serviceType": "dect" })).await, NONE);
    assert_eq!(numbers(&operator, json!({})).await.len(), 13);
    assert_eq!(numbers(&operator, json!({ "owner": "User" })).await, ["2342"]);
    assert_eq!(numbers(&operator, json!({ "serviceType": "sip" })).await, ["2342", "5000", "5003", "5008"]);
    assert_eq!(numbers(&operator, json!({ "event": "demo", "serviceType": "pager" })).await, ["5007"]);
    assert_eq!(numbers(&operator, json!({ "event": "nowhere" })).await, NONE);
    let key = admin.creates_key(&[Scope::ReadConfig], &["pager"]).await;
    assert_eq!(list(&key, json!({})).await.rejection(), "FORBIDDEN");
    assert_eq!(list(&app.guest(), json!({})).await.rejection(), "UNAUTHENTICATED");
    let mut pages = Vec::new();
    let mut cursor = Value::Null;
    for _ in 0..3 {
        let page = list(&operator, json!({ "first": 5, "after": cursor })).await.ok();
        pages.extend(page["nodes"].as_array().unwrap().iter().map(|node| node["number"].to_string()));
        cursor = page["pageInfo"]["endCursor"].clone();
    }
    pages.sort();
    pages.dedup();
    assert_eq!(pages.len(), 13, "three pages hold each extension once");
}

pub async fn a_search_matches_numbers_labels_and_owners(app: TestApp) {
    let operator = app.operator().await;
    let zaphod = app.new_account("zaphod").await;
    let profile = json!({ "displayName": "Zoé Beeblebrox" });
    zaphod.mutate("updateProfile", profile, "account { displayName }").await.ok();
    zaphod.registers("sip", "5500").await.ok();
    let search = async |actor: &Actor, text: &str| numbers(actor, json!({ "search": text })).await;
    assert_eq!(search(&operator, "500").await.len(), 10);
    assert_eq!(search(&operator, "55-00").await, ["5500"]);
    assert_eq!(search(&operator, "front DESK").await, ["5000"]);
    assert_eq!(search(&operator, "zoe").await, ["5005", "5500"], "a label, and the name of an owner");
    assert_eq!(search(&operator, "beeb zoe").await, ["5500"]);
    assert_eq!(numbers(&operator, json!({ "search": "zaphod", "serviceType": "sip" })).await, ["5500"]);
    assert_eq!(numbers(&operator, json!({ "search": "zaphod", "serviceType": "dect" })).await, NONE);
    assert_eq!(search(&operator, "!?").await, NONE);
    assert_eq!(search(&zaphod, "test").await, ["5500"]);
    assert_eq!(search(&zaphod, "front").await, NONE, "another account's extension was found");
}

pub async fn the_active_filter_separates_restricted_extensions(app: TestApp) {
    let (user, operator) = (app.user().await, app.operator().await);
    for number in ["2342", "2343", "2344"] {
        user.registers("sip", number).await.ok();
    }
    operator.bars("2343").await.ok();
    operator.bars("2999").await.ok();
    assert_eq!(numbers(&user, json!({ "active": false })).await, ["2343"]);
    assert_eq!(numbers(&user, json!({ "active": true })).await, ["2342", "2344"]);
    assert_eq!(numbers(&operator, json!({ "active": false, "search": "234" })).await, ["2343"]);
    assert_eq!(numbers(&operator, json!({ "active": true, "search": "234" })).await, ["2342", "2344"]);
    operator.bans("user").await.ok();
    assert_eq!(numbers(&operator, json!({ "active": false })).await, ["2342", "2343", "2344"]);
    assert_eq!(numbers(&operator, json!({ "active": true })).await.len(), 12);
    let page = list(&operator, json!({ "active": false, "first": 2 })).await.ok();
    let nodes = page["nodes"].as_array().unwrap();
    assert_eq!((nodes.len(), &page["pageInfo"]["hasNextPage"]), (2, &json!(true)), "{page}");
    assert!(nodes.iter().all(|node| node["active"] == false));
}

pub async fn the_extensions_of_an_account_have_pages(app: TestApp) {
    let (user, operator) = (app.user().await, app.operator().await);
    for number in ["2342", "2343", "2344"] {
        user.registers("sip", number).await.ok();
    }
    let query = "query($after: String) { viewer { extensions(first: 2, after: $after) \
                 { totalCount nodes { number } pageInfo { hasNextPage endCursor } } } }";
    let page = async |after: Value| user.query_with(query, json!({ "after": after })).await.ok()["extensions"].clone();
    let first = page(Value::Null).await;
    assert_eq!((&first["totalCount"], &first["pageInfo"]["hasNextPage"]), (&json!(3), &json!(true)), "{first}");
    let second = page(first["pageInfo"]["endCursor"].clone()).await;
    assert_eq!(second["pageInfo"]["hasNextPage"], false, "{second}");
    let pages = [&first["nodes"], &second["nodes"]].map(|page| page.as_array().unwrap());
    let mut numbers: Vec<_> = pages.into_iter().flatten().map(|node| string(&node["number"])).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, ["2342", "2343", "2344"], "two pages hold each extension once");
    let of_user = "{ account(username: \"user\") { extensions { totalCount } } }";
    assert_eq!(operator.query(of_user).await["extensions"]["totalCount"], 3);
    let mallory = app.new_account("mallory").await;
    assert!(mallory.query(of_user).await.ok().is_null());
    let key = app.admin().await.creates_key(&[Scope::ReadConfig], &["sip"]).await;
    let of_owner =
        "{ extension(event: \"demo\", number: \"2342\") { owner { extensions { totalCount nodes { number } } } } }";
    let extension = key.query(of_owner).await;
    assert_eq!(extension["owner"]["extensions"]["totalCount"], 3, "what the key may read: {extension}");
}
