//! Who else takes part in a test: newcomers, and telephone systems with their keys.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Actor, TestApp, error_code};

/// Somebody who has just registered, with a verified address, signed in.
pub async fn newcomer(app: &TestApp, username: &str) -> Actor {
    // Mails are told apart by their instants.
    app.clock.advance(Duration::from_secs(1));
    let register = "mutation($u: String!, $e: String!) { registerAccount(input: {username: $u, displayName: $u, email: $e, password: \"correct horse\"}) { errors { code } } }";
    let email = format!("{username}@example.org");
    let made = app.guest().execute(register, json!({ "u": username, "e": email })).await;
    assert_eq!(error_code(&made["data"]["registerAccount"]), "none", "{made}");
    let verify = "mutation($t: String!) { verifyEmail(input: {token: $t}) { errors { code } } }";
    let verified = app.guest().execute(verify, json!({ "t": app.mailed_token().await })).await;
    assert_eq!(error_code(&verified["data"]["verifyEmail"]), "none", "{verified}");
    app.sign_in(username, "correct horse").await
}

/// A telephone system's key for one service type of the demo event.
pub struct System {
    pub key: Actor,
    /// The key's id.
    pub id: Value,
    service_type: String,
}

/// Makes a key of this scope.
pub async fn system(admin: &Actor, scope: &str, service_type: &str) -> System {
    let create = "mutation($s: [ApiKeyScope!]!, $t: [String!]!) { createApiKey(input: {label: \"pbx\", scopes: $s, serviceTypes: $t, events: [\"demo\"]}) \
                  { secret apiKey { id } errors { code } } }";
    let made = admin.execute(create, json!({ "s": [scope], "t": [service_type] })).await;
    let made = &made["data"]["createApiKey"];
    let secret = made["secret"].as_str().unwrap_or_else(|| panic!("{made}"));
    System {
        key: admin.app.with_token(secret),
        id: made["apiKey"]["id"].clone(),
        service_type: service_type.to_owned(),
    }
}

impl System {
    /// Names the system, so that what is freed waits for it; gives the consumer's id.
    pub async fn named(&self, admin: &Actor, name: &str) -> Value {
        let create = "mutation($n: String!, $t: String!, $k: ID!) { createFeedConsumer(input: {name: $n, event: \"demo\", serviceType: $t, apiKey: $k}) \
                      { consumer { id } errors { code message } } }";
        let made = admin.execute(create, json!({ "n": name, "t": self.service_type, "k": self.id })).await;
        let id = &made["data"]["createFeedConsumer"]["consumer"]["id"];
        assert!(id.is_string(), "{made}");
        id.clone()
    }

    /// The feed's newest position.
    pub async fn head(&self) -> Value {
        let query = "query($t: String!) { provisioning(event: \"demo\", serviceType: $t) { snapshot { head } } }";
        let seen = self.key.execute(query, json!({ "t": self.service_type })).await;
        seen["data"]["provisioning"]["snapshot"]["head"].clone()
    }

    /// What the feed tells since a position.
    pub async fn changes(&self, since: &Value) -> Vec<Value> {
        let query = "query($t: String!, $s: FeedCursor!) { provisioning(event: \"demo\", serviceType: $t) { changes(since: $s) { ... on FeedPage { changes \
                     { __typename ... on FeedUpsert { extension { number members { number } } } ... on FeedRemoval { keys { number } } } } } } }";
        let seen = self.key.execute(query, json!({ "t": self.service_type, "s": since })).await;
        let page = &seen["data"]["provisioning"]["changes"]["changes"];
        page.as_array().unwrap_or_else(|| panic!("{seen}")).clone()
    }

    /// Says that everything is applied.
    pub async fn acknowledges(&self, name: &str) {
        let acknowledge = "mutation($t: String!, $n: String!, $c: FeedCursor!) { acknowledgeProvisioning(input: {event: \"demo\", serviceType: $t, consumer: $n, cursor: $c}) { errors { code message } } }";
        let variables = json!({ "t": self.service_type, "n": name, "c": self.head().await });
        let done = self.key.execute(acknowledge, variables).await;
        assert_eq!(error_code(&done["data"]["acknowledgeProvisioning"]), "none", "{done}");
    }
}
