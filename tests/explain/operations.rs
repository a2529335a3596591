//! The operations that are frequent during an event.

use serde_json::{Value, json};

use crate::support::{Actor, ApiKey, Scope, TestApp, string};

/// Runs every operation that is frequent, as the callers that run it.
pub async fn run_hot_operations(app: &TestApp) {
    let (guest, user, operator, admin) = (app.guest(), app.user().await, app.operator().await, app.admin().await);
    let key = admin.creates_key(&[Scope::ReadSecrets, Scope::ReadDigests], &["sip"]).await;
    let queries: [(&Actor, &[&str]); 4] =
        [(&guest, &GUEST_QUERIES), (&user, &USER_QUERIES), (&operator, &OPERATOR_QUERIES), (&admin, &ADMIN_QUERIES)];
    for (actor, queries) in queries {
        for query in queries {
            let query = query.replace("$page", "pageInfo { endCursor hasNextPage }");
            let body = actor.execute(&query, json!({})).await;
            assert!(body["errors"].is_null(), "{query}: {body}");
            read_second_page(actor, &query, &body).await;
        }
    }
    run_mutations(&user, &operator, &admin).await;
    app.run_due_jobs().await;
    app.seal_audit().await;
    app.expire_due_numbers().await;
    read_feed(&key, &admin).await;
}

/// The queries of each caller; `$page` stands for the page info.
const GUEST_QUERIES: [&str; 7] = [
    "{ directory(event: \"demo\") { nodes { number label } $page } }",
    "{ directory(event: \"demo\", search: \"910\") { nodes { number } $page } }",
    "{ directory(event: \"demo\", search: \"phone\") { nodes { number } $page } }",
    "{ directory(event: \"demo\", search: \"7466\") { nodes { number } $page } }",
    "{ directory(event: \"demo\", search: \"phone 9\", serviceTypes: [\"sip\"]) { nodes { number } $page } }",
    "{ directory(event: \"demo\", highlighted: true) { nodes { number } $page } }",
    "{ events { slug name ranges { first last } } serviceTypes { slug } }",
];
const USER_QUERIES: [&str; 10] = [
    "{ viewer { heldNumbers { nodes { number until } totalCount } } }",
    "{ viewer { username sessions { id } } }",
    "{ directory(event: \"demo\", search: \"phone\") { nodes { number } $page } }",
    "{ extensions(event: \"demo\") { nodes { number label credentials permissions { slug } \
     restrictions { source } } $page } }",
    "{ extensions { nodes { number } $page } }",
    "{ availableNumbers(event: \"demo\", serviceType: \"sip\", first: 10) }",
    "{ availableNumbers(event: \"demo\", serviceType: \"sip\", like: \"2342\", first: 10) }",
    "{ availableNumbers(event: \"demo\", serviceType: \"sip\", from: \"2000\", first: 1000) }",
    "{ groupInvitations { id } }",
    "{ extension(event: \"demo\", number: \"5000\") { label } number(event: \"demo\", number: \"5000\") { state } }",
];
const OPERATOR_QUERIES: [&str; 9] = [
    "{ extension(event: \"demo\", number: \"9100001\") { label owner { username } memberOf { id } \
     provisioning { state } restrictions { source } } }",
    "{ extensions(event: \"demo\", serviceType: \"sip\") { nodes { number owner { username } } $page } }",
    "{ extensions(event: \"demo\", search: \"9100\") { nodes { number } $page } }",
    "{ extensions(event: \"demo\", search: \"phone\") { nodes { number } $page } }",
    "{ extensions(owner: \"p17\") { nodes { number } $page } }",
    "{ number(event: \"demo\", number: \"9100001\") { state version account { username } \
     restrictions { source } extension { number } } }",
    "{ accounts { nodes { username restrictions { source } } $page } }",
    "{ accounts(role: USER) { nodes { username } $page } }",
    "{ provisioning(event: \"demo\", serviceType: \"sip\") { digest \
     consumers { lagRecords lagSeconds errors { code } } } }",
];
const ADMIN_QUERIES: [&str; 5] = [
    "{ auditEvents { nodes { action } $page } }",
    "{ auditEvents(actor: \"p17\") { nodes { action } $page } }",
    "{ auditEvents(action: \"registerExtension\") { nodes { action } $page } }",
    "{ auditEvents(entity: \"Extension:17\") { nodes { action } $page } }",
    "{ apiKeys { label lastUsedAt } }",
];

/// Reads the second page of a list that has one.
async fn read_second_page(actor: &Actor, query: &str, first_page: &Value) {
    let Some(list) = first_page["data"].as_object().and_then(|data| data.values().next()) else { return };
    if list["pageInfo"]["hasNextPage"] != true {
        return;
    }
    let cursor = list["pageInfo"]["endCursor"].to_string();
    let field = query.trim_start_matches("{ ").split(['(', ' ']).next().unwrap();
    let second_page = if query.contains(&format!("{field}(")) {
        query.replacen(&format!("{field}("), &format!("{field}(after: {cursor}, "), 1)
    } else {
        query.replacen(field, &format!("{field}(after: {cursor})"), 1)
    };
    let body = actor.execute(&second_page, json!({})).await;
    assert!(body["errors"].is_null(), "{second_page}: {body}");
}

/// Runs the mutations that are frequent during an event.
async fn run_mutations(user: &Actor, operator: &Actor, admin: &Actor) {
    let register = async || {
        let input = json!({ "event": "demo", "serviceType": "sip", "number": "2342", "label": "Mine" });
        user.mutate_with_key(Some("once"), "registerExtension", input, "extension { id }").await
    };
    let id = register().await.id();
    register().await.ok();
    user.relabels(&id, "Still mine").await.ok();
    user.rotates_password(&id).await.ok();
    operator.mutate("setCallPermissions", json!({ "id": id, "permissions": ["orga"] }), "").await.ok();
    user.deletes(&id).await.ok();
    operator.bars("9100002").await.ok();
    operator.unbars("9100002").await.ok();
    operator.assigns("sip", "2343", "p18", json!({})).await.ok();
    admin.bans("p17").await.ok();
    admin.unbans("p17").await.ok();
    assert_eq!(user.registers("sip", "5000").await.code(), "NUMBER_UNAVAILABLE");
}

/// Reads the feed and acknowledges it as a telephone system does.
async fn read_feed(key: &ApiKey, admin: &Actor) {
    admin.creates_consumer("hot", "sip", &key.id).await.ok();
    let snapshot = "query($after: String) { provisioning(event: \"demo\", serviceType: \"sip\") { \
                    snapshot(first: 100, after: $after) { head pageInfo { endCursor } \
                    entries { number secrets digests permissions fallbackNumber restrictions } } } }";
    let first = key.query_with(snapshot, json!({})).await.ok()["snapshot"].clone();
    key.query_with(snapshot, json!({ "after": first["pageInfo"]["endCursor"] })).await.ok();
    admin.assigns("sip", "2344", "p18", json!({})).await.ok();
    let changes = "query($since: FeedCursor!) { provisioning(event: \"demo\", serviceType: \"sip\") { \
                   changes(since: $since) { ... on FeedPage { cursor changes { __typename \
                   ... on FeedUpsert { previous { number } } } } } } }";
    let feed = key.query_with(changes, json!({ "since": first["head"] })).await.ok();
    let cursor = string(&feed["changes"]["cursor"]);
    let input = json!({ "event": "demo", "serviceType": "sip", "consumer": "hot", "cursor": cursor });
    key.mutate("acknowledgeProvisioning", input, "").await.ok();
}
