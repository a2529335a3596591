//! What is told as it happens.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Person, TestApp};

/// An event stream that a subscription answers with, text so far unread.
struct Followed(reqwest::Response);

impl Followed {
    /// Reads until a `next` event comes; fails after ten seconds.
    async fn next(&mut self) -> Value {
        let read = async {
            let mut text = String::new();
            loop {
                let chunk = self.0.chunk().await.unwrap().expect("the stream goes on");
                text.push_str(std::str::from_utf8(&chunk).unwrap());
                if let Some(data) =
                    text.lines().filter_map(|line| line.strip_prefix("data:")).find(|data| data.contains("Changed"))
                {
                    return serde_json::from_str(data).unwrap();
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), read).await.expect("something is told")
    }
}

async fn consumers_changed(person: &Person) -> Followed {
    let query = json!({ "query": "subscription { consumersChanged(event: \"demo\") { slug } }" });
    let followed = Followed(person.follow(&query).await);
    // The answer's head may come before the subscription has begun to look.
    tokio::time::sleep(Duration::from_millis(300)).await;
    followed
}

pub async fn a_consumer_that_comes_further_is_told(app: TestApp) {
    let (admin, user) = (app.sign_in("admin", "numberwang").await, app.sign_in("user", "numberwang").await);
    let key = admin
        .ask("mutation { createApiKey(input: {label: \"pbx\", scopes: [READ_CONFIG], serviceTypes: [\"sip\"], events: [\"demo\"]}) { apiKey { id } secret } }", json!({}))
        .await["data"]["createApiKey"]
        .clone();
    let mut told = consumers_changed(&user).await;
    let name = "mutation($k: ID!) { createFeedConsumer(input: {name: \"Kamailio\", event: \"demo\", serviceType: \"sip\", apiKey: $k}) { errors { code } } }";
    let named = admin.ask(name, json!({ "k": key["apiKey"]["id"] })).await;
    assert_eq!(named["data"]["createFeedConsumer"]["errors"], json!([]), "{named}");
    assert_eq!(told.next().await["data"]["consumersChanged"]["slug"], "demo");
    user.registers("sip", "2342").await;
    told.next().await;
    let system = app.holding(key["secret"].as_str().unwrap());
    let head =
        system.ask("{ provisioning(event: \"demo\", serviceType: \"sip\") { snapshot { head } } }", json!({})).await;
    let acknowledge = "mutation($c: FeedCursor!) { acknowledgeProvisioning(input: {event: \"demo\", serviceType: \"sip\", consumer: \"Kamailio\", cursor: $c}) { errors { code } } }";
    system.ask(acknowledge, json!({ "c": head["data"]["provisioning"]["snapshot"]["head"] })).await;
    told.next().await;
    let guest = app.guest().ask("subscription { consumersChanged(event: \"demo\") { slug } }", json!({})).await;
    assert!(!guest["errors"].is_null(), "{guest}");
}
