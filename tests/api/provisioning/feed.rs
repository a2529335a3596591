//! The feed in GraphQL.

use serde_json::{Value, json};

use crate::support::{Actor, Scope, TestApp, string};

async fn changes(key: &Actor, since: &Value) -> Value {
    let query = "query($since: FeedCursor!) { provisioning(event: \"demo\", serviceType: \"sip\") { \
                 changes(since: $since) { ... on FeedReset { reason } ... on FeedPage { cursor hasMore changes { \
                 __typename ... on FeedUpsert { extension { number label active } } \
                 ... on FeedRemoval { keys { number } } } } } } }";
    key.query_with(query, json!({ "since": since })).await.ok()["changes"].clone()
}

pub async fn changes_come_in_commit_order(app: TestApp) {
    let (admin, user) = (app.admin().await, app.user().await);
    let system = admin.connects_system(Scope::ReadConfig, "sip").await;
    let head = system.head().await;
    let id = user.registers("sip", "2342").await.id();
    user.registers("sip", "2343").await.ok();
    let page = changes(&system.key, &head).await;
    let numbers: Vec<_> =
        page["changes"].as_array().unwrap().iter().map(|change| string(&change["extension"]["number"])).collect();
    assert_eq!(numbers, ["2342", "2343"], "{page}");
    admin.bans("user").await.ok();
    let after_ban = changes(&system.key, &page["cursor"]).await;
    assert_eq!(after_ban["changes"].as_array().unwrap().len(), 2, "{after_ban}");
    assert_eq!(after_ban["changes"][0]["extension"]["active"], false);
    admin.deletes(&id).await.ok();
    let after_deletion = changes(&system.key, &after_ban["cursor"]).await;
    assert_eq!(after_deletion["changes"], json!([{ "__typename": "FeedRemoval", "keys": [{ "number": "2342" }] }]));
    admin.sets_phase("ARCHIVED").await.ok();
    assert_eq!(changes(&system.key, &head).await["reason"], "CLOSED");
}

pub async fn a_key_sees_what_its_scope_allows(app: TestApp) {
    let admin = app.admin().await;
    let query = "{ provisioning(event: \"demo\", serviceType: \"sip\") { \
                 snapshot(first: 1) { entries { secrets digests } } } }";
    for (scope, has_secrets, has_digests) in
        [(Scope::ReadConfig, false, false), (Scope::ReadDigests, false, true), (Scope::ReadSecrets, true, false)]
    {
        let feed = admin.creates_key(&[scope], &["sip"]).await.query(query).await.ok();
        let entry = &feed["snapshot"]["entries"][0];
        assert_eq!(entry["secrets"] != json!({}), has_secrets, "{scope:?}: {feed}");
        assert_eq!(entry["digests"] != json!({}), has_digests, "{scope:?}: {feed}");
    }
    let key = admin.creates_key(&[Scope::ReadConfig], &["sip"]).await;
    let other_feed = "{ provisioning(event: \"demo\", serviceType: \"dect\") { digest } }";
    assert_eq!(key.query(other_feed).await.rejection(), "FORBIDDEN");
    assert_eq!(app.user().await.query(query).await.rejection(), "FORBIDDEN");
}

pub async fn the_feed_of_a_draft_event_is_hidden_from_operators_and_other_keys(app: TestApp) {
    let (admin, operator) = (app.admin().await, app.operator().await);
    let other_key = admin.connects_system(Scope::ReadConfig, "dect").await.key;
    admin.creates_event("secretcon", json!({ "phase": "DRAFT" })).await.ok();
    let query = "{ provisioning(event: \"secretcon\", serviceType: \"sip\") { digest } }";
    assert!(!admin.query(query).await.ok().is_null(), "admins see drafts");
    assert!(operator.query(query).await.ok().is_null(), "operators do not see drafts");
    let range = json!({ "event": "secretcon", "first": "2000", "last": "2999", "label": "All" });
    admin.mutate("createNumberRange", range, "range { id }").await.ok();
    let input =
        json!({ "event": "secretcon", "serviceType": "sip", "number": "2342", "owner": "user", "label": "Draft" });
    let id = admin.assigns_with(input).await.id();
    let list = "{ extensions(search: \"Draft\") { nodes { number } } }";
    let one = "{ extension(event: \"secretcon\", number: \"2342\") { number } }";
    let node = format!("{{ node(id: \"{id}\") {{ id }} }}");
    for (reader, count) in [(&admin, 1), (&operator, 0)] {
        assert_eq!(reader.query(list).await.ok()["nodes"].as_array().unwrap().len(), count);
        assert_eq!(reader.query(one).await.ok().is_null(), count == 0);
        assert_eq!(reader.query(&node).await.ok().is_null(), count == 0);
    }
    for event in ["secretcon", "nothing"] {
        let response = other_key.get(&format!("/feed/{event}/sip")).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 404, "{event}: a key must not learn that a draft exists");
    }
}
