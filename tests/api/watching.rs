//! What is told as it happens.

use std::time::Duration;

use serde_json::json;

use crate::support::TestApp;

pub async fn a_consumer_that_comes_further_is_told(app: TestApp) {
    let (admin, user) = (app.sign_in("admin", "numberwang").await, app.sign_in("user", "numberwang").await);
    let key = admin
        .execute("mutation { createApiKey(input: {label: \"pbx\", scopes: [READ_CONFIG], serviceTypes: [\"sip\"], events: [\"demo\"]}) { apiKey { id } secret } }", json!({}))
        .await["data"]["createApiKey"]
        .clone();
    let mut told = user.subscribe("subscription { consumersChanged(event: \"demo\") { slug } }").await;
    // The answer's head may come before the subscription has begun to look.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let name = "mutation($k: ID!) { createFeedConsumer(input: {name: \"Kamailio\", event: \"demo\", serviceType: \"sip\", apiKey: $k}) { errors { code } } }";
    let named = admin.execute(name, json!({ "k": key["apiKey"]["id"] })).await;
    assert_eq!(named["data"]["createFeedConsumer"]["errors"], json!([]), "{named}");
    assert_eq!(told.next().await["data"]["consumersChanged"]["slug"], "demo");
    user.registers("sip", "2342").await;
    told.next().await;
    let system = app.with_token(key["secret"].as_str().unwrap());
    let head = system
        .execute("{ provisioning(event: \"demo\", serviceType: \"sip\") { snapshot { head } } }", json!({}))
        .await;
    let acknowledge = "mutation($c: FeedCursor!) { acknowledgeProvisioning(input: {event: \"demo\", serviceType: \"sip\", consumer: \"Kamailio\", cursor: $c}) { errors { code } } }";
    system.execute(acknowledge, json!({ "c": head["data"]["provisioning"]["snapshot"]["head"] })).await;
    told.next().await;
    let guest = app.guest().execute("subscription { consumersChanged(event: \"demo\") { slug } }", json!({})).await;
    assert!(!guest["errors"].is_null(), "{guest}");
}
