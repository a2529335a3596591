//! API keys and the telephone systems that hold them.

use serde::Serialize;
use serde_json::{Value, json};

use super::{Actor, Response, string};

/// What an API key allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Scope {
    ReadConfig,
    ReadDigests,
    ReadSecrets,
    WriteBack,
    ReadDirectory,
    ManageGroups,
    ReadMetrics,
}

impl Scope {
    /// The name in GraphQL.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadConfig => "READ_CONFIG",
            Self::ReadDigests => "READ_DIGESTS",
            Self::ReadSecrets => "READ_SECRETS",
            Self::WriteBack => "WRITE_BACK",
            Self::ReadDirectory => "READ_DIRECTORY",
            Self::ManageGroups => "MANAGE_GROUPS",
            Self::ReadMetrics => "READ_METRICS",
        }
    }
}

/// The holder of an API key. Dereferences to the actor.
#[derive(Clone)]
pub struct ApiKey {
    pub id: String,
    pub actor: Actor,
}

impl std::ops::Deref for ApiKey {
    type Target = Actor;

    fn deref(&self) -> &Actor {
        &self.actor
    }
}

/// A telephone system: the holder of an API key for one service type of the demo event.
#[derive(Clone)]
pub struct TelephoneSystem {
    pub key: ApiKey,
    service_type: String,
}

impl Actor {
    /// Creates an API key for these service types of the demo event.
    pub async fn creates_key(&self, scopes: &[Scope], service_types: &[&str]) -> ApiKey {
        let input = json!({ "label": "pbx", "scopes": scopes, "serviceTypes": service_types, "events": ["demo"] });
        let payload = self.mutate("createApiKey", input, "apiKey { id } secret").await.ok();
        let actor = self.app.with_token(string(&payload["secret"]));
        ApiKey { id: string(&payload["apiKey"]["id"]).to_owned(), actor }
    }

    pub async fn revokes_key(&self, id: &str) -> Response {
        self.mutate("revokeApiKey", json!({ "id": id }), "accepted").await
    }

    /// Creates an API key for a telephone system.
    pub async fn connects_system(&self, scope: Scope, service_type: &str) -> TelephoneSystem {
        let key = self.creates_key(&[scope], &[service_type]).await;
        TelephoneSystem { key, service_type: service_type.to_owned() }
    }

    /// Creates a consumer of a feed of the demo event for an API key.
    pub async fn creates_consumer(&self, name: &str, service_type: &str, key_id: &str) -> Response {
        let input = json!({ "name": name, "event": "demo", "serviceType": service_type, "apiKey": key_id });
        self.mutate("createFeedConsumer", input, "consumer { id }").await
    }
}

impl TelephoneSystem {
    /// Creates a consumer for the system, so that released numbers wait for its acknowledgements, and returns its id.
    pub async fn becomes_consumer(&self, admin: &Actor, name: &str) -> String {
        admin.creates_consumer(name, &self.service_type, &self.key.id).await.id()
    }

    /// The cursor of the feed's newest revision.
    pub async fn head(&self) -> Value {
        let query = "query($type: String!) { provisioning(event: \"demo\", serviceType: $type) { snapshot { head } } }";
        self.key.query_with(query, json!({ "type": self.service_type })).await.ok()["snapshot"]["head"].clone()
    }

    /// The changes in the feed after a cursor.
    pub async fn changes(&self, since: &Value) -> Vec<Value> {
        let query = "query($type: String!, $since: FeedCursor!) { provisioning(event: \"demo\", serviceType: $type) { \
                     changes(since: $since) { ... on FeedPage { changes { __typename \
                     ... on FeedUpsert { extension { number members { number } } } \
                     ... on FeedRemoval { keys { number } } } } } } }";
        let feed = self.key.query_with(query, json!({ "type": self.service_type, "since": since })).await;
        let changes = &feed["changes"]["changes"];
        changes.as_array().unwrap_or_else(|| panic!("{feed}")).clone()
    }

    /// Acknowledges everything up to the head.
    pub async fn acknowledges(&self, consumer: &str) {
        let cursor = self.head().await;
        let input =
            json!({ "event": "demo", "serviceType": self.service_type, "consumer": consumer, "cursor": cursor });
        self.key.mutate("acknowledgeProvisioning", input, "consumer { name }").await.ok();
    }
}
