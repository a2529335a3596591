//! What those read who run an installation.

use serde_json::json;

use crate::support::TestApp;

async fn metrics(app: &TestApp) -> String {
    reqwest::get(format!("{}/metrics", app.url)).await.unwrap().text().await.unwrap()
}

fn value(text: &str, metric: &str) -> i64 {
    let line = text.lines().find(|line| line.rsplit_once(' ').is_some_and(|(name, _)| name == metric));
    let line = line.unwrap_or_else(|| panic!("no {metric} in {text}"));
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

pub async fn metrics_count_extensions_and_lag(app: TestApp) {
    let (admin, user) = (app.sign_in("admin", "numberwang").await, app.sign_in("user", "numberwang").await);
    let create = "mutation { createApiKey(input: {label: \"pbx\", scopes: [READ_CONFIG], serviceTypes: [\"sip\"], events: [\"demo\"]}) \
                  { secret apiKey { id } } }";
    let key = admin.execute(create, json!({})).await["data"]["createApiKey"].clone();
    let (id, key) = (&key["apiKey"]["id"], app.with_token(key["secret"].as_str().unwrap()));
    let name = "mutation($k: ID!) { createFeedConsumer(input: {name: \"sip \\\"1\\\"\", event: \"demo\", serviceType: \"sip\", apiKey: $k}) \
                { consumer { id } errors { code } } }";
    let named = admin.execute(name, json!({ "k": id })).await;
    assert_eq!(named["data"]["createFeedConsumer"]["errors"], json!([]), "{named}");
    let head = key
        .execute("{ provisioning(event: \"demo\", serviceType: \"sip\") { snapshot(first: 1) { head } } }", json!({}))
        .await["data"]["provisioning"]["snapshot"]["head"]
        .clone();
    let acknowledge = "mutation($c: FeedCursor!) { acknowledgeProvisioning(input: {consumer: \"sip \\\"1\\\"\", event: \"demo\", serviceType: \"sip\", cursor: $c}) \
                       { errors { code } } }";
    let told = key.execute(acknowledge, json!({ "c": head })).await;
    assert_eq!(told["data"]["acknowledgeProvisioning"]["errors"], json!([]), "{told}");

    let extensions = "switchboard_extensions{event=\"demo\",service_type=\"sip\"}";
    let labels = "{consumer=\"sip \\\"1\\\"\",event=\"demo\",service_type=\"sip\"}";
    let records = format!("switchboard_feed_lag_records{labels}");
    let before = metrics(&app).await;
    assert_eq!(value(&before, &records), 0);
    user.registers("sip", "2342").await;
    let deleted = user.registers("sip", "2343").await["extension"]["id"].clone();
    user.execute("mutation($i: ID!) { deleteExtension(input: {id: $i}) { errors { code } } }", json!({ "i": deleted }))
        .await;
    app.clock.advance(std::time::Duration::from_secs(30));
    let after = metrics(&app).await;
    assert_eq!(value(&after, extensions), value(&before, extensions) + 1);
    assert_eq!(value(&after, &records), 2, "one is there and one is gone");
    assert_eq!(value(&after, &format!("switchboard_feed_lag_seconds{labels}")), 30);
    assert_eq!(value(&after, &format!("switchboard_feed_errors{labels}")), 0);
    let served = "switchboard_requests_total{operation=\"registerExtension\",outcome=\"ok\"}";
    assert_eq!(value(&after, served), 2);
}
