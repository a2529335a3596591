//! The provisioning feed.

use serde_json::{Value, json};

use crate::support::{Actor, TestApp};

/// A key of the SIP feed.
pub async fn key(admin: &Actor, scope: &str) -> Actor {
    key_of(admin, &[scope], "sip").await
}

/// A key of one service type's feed.
pub async fn key_of(admin: &Actor, scopes: &[&str], service_type: &str) -> Actor {
    let create = "mutation($s: [ApiKeyScope!]!, $t: String!) { createApiKey(input: {label: \"pbx\", scopes: $s, serviceTypes: [$t], events: [\"demo\"]}) { secret errors { code } } }";
    let made = admin.execute(create, json!({ "s": scopes, "t": service_type })).await;
    let secret = made["data"]["createApiKey"]["secret"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
    admin.app.with_token(&secret)
}

async fn changes(key: &Actor, since: &Value) -> Value {
    let query = "query($s: FeedCursor!) { provisioning(event: \"demo\", serviceType: \"sip\") { changes(since: $s) { ... on FeedReset { reason } \
                 ... on FeedPage { cursor hasMore changes { __typename ... on FeedUpsert { extension { number label active } } ... on FeedRemoval { keys { number } } } } } } }";
    key.execute(query, json!({ "s": since })).await["data"]["provisioning"]["changes"].clone()
}

pub async fn every_change_is_told_in_order(app: TestApp) {
    let (admin, user) = (app.sign_in("admin", "numberwang").await, app.sign_in("user", "numberwang").await);
    let key = key(&admin, "READ_CONFIG").await;
    let snapshot = key
        .execute("{ provisioning(event: \"demo\", serviceType: \"sip\") { snapshot { totalCount head } } }", json!({}))
        .await;
    let head = &snapshot["data"]["provisioning"]["snapshot"]["head"];
    let id = user.registers("sip", "2342").await["extension"]["id"].clone();
    user.registers("sip", "2343").await;
    let page = changes(&key, head).await;
    let told: Vec<_> = page["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["extension"]["number"].as_str().unwrap())
        .collect();
    assert_eq!(told, ["2342", "2343"], "{page}");
    admin
        .execute("mutation { banAccount(input: {username: \"user\", reason: \"x\"}) { errors { code } } }", json!({}))
        .await;
    let banned = changes(&key, &page["cursor"]).await;
    assert_eq!(banned["changes"].as_array().unwrap().len(), 2, "{banned}");
    assert_eq!(banned["changes"][0]["extension"]["active"], false);
    admin
        .execute("mutation($i: ID!) { deleteExtension(input: {id: $i}) { errors { code } } }", json!({ "i": id }))
        .await;
    let removed = changes(&key, &banned["cursor"]).await;
    assert_eq!(removed["changes"], json!([{ "__typename": "FeedRemoval", "keys": [{ "number": "2342" }] }]));
    admin
        .execute("mutation { updateEvent(input: {slug: \"demo\", phase: ARCHIVED}) { errors { code } } }", json!({}))
        .await;
    assert_eq!(changes(&key, head).await["reason"], "CLOSED");
}

pub async fn a_key_sees_what_its_scope_allows(app: TestApp) {
    let admin = app.sign_in("admin", "numberwang").await;
    let query = "{ provisioning(event: \"demo\", serviceType: \"sip\") { snapshot(first: 1) { entries { secrets digests } } } }";
    for (scope, has_secrets, has_digests) in
        [("READ_CONFIG", false, false), ("READ_DIGESTS", false, true), ("READ_SECRETS", true, false)]
    {
        let seen = key(&admin, scope).await.execute(query, json!({})).await;
        let entry = &seen["data"]["provisioning"]["snapshot"]["entries"][0];
        assert_eq!(entry["secrets"] != json!({}), has_secrets, "{scope}: {seen}");
        assert_eq!(entry["digests"] != json!({}), has_digests, "{scope}: {seen}");
    }
    let outside = key(&admin, "READ_CONFIG")
        .await
        .execute("{ provisioning(event: \"demo\", serviceType: \"dect\") { digest } }", json!({}))
        .await;
    assert_eq!(outside["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let user = app.sign_in("user", "numberwang").await.execute(query, json!({})).await;
    assert_eq!(user["errors"][0]["extensions"]["code"], "FORBIDDEN");
}
