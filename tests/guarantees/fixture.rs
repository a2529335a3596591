//! The fixture of the guarantees: the demo event, its people, and readers that all use one transport.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::feed_client::{FeedClient, Interruptions};
use super::reader::Reader;
use super::transport::{Aspect, Transport};
use super::{PASSWORD, create_key};
use crate::support::{Actor, TestApp};

/// The demo event, its people, and the transport of the readers.
#[derive(Clone)]
pub struct Fixture {
    pub app: TestApp,
    pub transport: Transport,
    pub user: Actor,
    pub operator: Actor,
    pub admin: Actor,
    /// Empty, unless a test adds interruptions.
    pub interruptions: Interruptions,
    consumer_count: Arc<AtomicUsize>,
}

impl Fixture {
    pub async fn new(app: TestApp, transport: Transport) -> Self {
        Self {
            user: app.sign_in("user", PASSWORD).await,
            operator: app.sign_in("operator", PASSWORD).await,
            admin: app.sign_in("admin", PASSWORD).await,
            app,
            transport,
            interruptions: Arc::default(),
            consumer_count: Arc::default(),
        }
    }

    /// The same people, connected to a restored database.
    pub fn over(&self, restored: TestApp) -> Self {
        let reconnect = |person: &Actor| restored.with_token(person.token().unwrap());
        Self {
            user: reconnect(&self.user),
            operator: reconnect(&self.operator),
            admin: reconnect(&self.admin),
            app: restored,
            ..self.clone()
        }
    }

    pub fn supports(&self, aspect: Aspect) -> bool {
        self.transport.supports(aspect)
    }

    /// A reader of a feed of the demo event that is at the head; its key cannot read secrets.
    pub async fn reader(&self, service_type: &str) -> Reader {
        self.reader_with("READ_CONFIG", "demo", service_type).await
    }

    /// A reader that is at the head; its key has these scopes.
    pub async fn reader_with(&self, scopes: &str, event: &str, service_type: &str) -> Reader {
        let mut reader = Reader::connect(self, scopes, event, service_type).await;
        reader.bootstrap().await;
        reader
    }

    /// Creates a consumer of a feed, with its own key.
    pub async fn consumer(&self, scopes: &str, event: &str, service_type: &str) -> Consumer {
        let key = create_key(&self.app, scopes, &format!("\"{service_type}\"")).await;
        let name = format!("{service_type}-{}", self.consumer_count.fetch_add(1, Ordering::SeqCst) + 1);
        let create = format!(
            "mutation {{ createFeedConsumer(input: \
             {{name: \"{name}\", event: \"{event}\", serviceType: \"{service_type}\", apiKey: \"{}\"}}) \
             {{ consumer {{ id }} errors {{ code message }} }} }}",
            key.id
        );
        let created = self.admin.execute_ok(&create, json!({})).await;
        let feed = FeedClient {
            interruptions: Arc::clone(&self.interruptions),
            ..FeedClient::new(key.client.client, event, service_type)
        };
        Consumer {
            fixture: self.clone(),
            feed,
            name,
            id: created["consumer"]["id"].as_str().unwrap().to_owned(),
            scopes: scopes.to_owned(),
        }
    }

    /// The status of a consumer as an operator reads it.
    pub async fn consumer_status(&self, name: &str) -> Value {
        let query = "{ feedConsumers { name lagRecords acknowledged errors { number } \
                     webHook { state attempts nextAttemptAt lastError } } }";
        let consumers = self.operator.execute_ok(query, json!({})).await;
        let found = consumers.as_array().unwrap().iter().find(|consumer| consumer["name"] == name);
        found.unwrap_or_else(|| panic!("{name}: {consumers}")).clone()
    }
}

/// A registered feed consumer: its name, its key and its feed.
#[derive(Clone)]
pub struct Consumer {
    pub fixture: Fixture,
    pub feed: FeedClient,
    pub name: String,
    pub id: String,
    pub scopes: String,
}

impl Deref for Consumer {
    type Target = FeedClient;
    fn deref(&self) -> &FeedClient {
        &self.feed
    }
}

impl Consumer {
    /// Acknowledges a cursor, with the replica's digest and the errors of single records.
    pub async fn acknowledge(&self, cursor: &str, digest: Value, errors: Value) {
        let input = json!({ "event": self.event, "serviceType": self.service_type, "consumer": self.name,
            "cursor": cursor, "digest": digest, "errors": errors });
        let acknowledge = "mutation($input: AcknowledgeProvisioningInput!) \
                           { acknowledgeProvisioning(input: $input) { errors { code message } } }";
        self.key.execute_ok(acknowledge, json!({ "input": input })).await;
    }

    /// The status of this consumer as an operator reads it.
    pub async fn status(&self) -> Value {
        self.fixture.consumer_status(&self.name).await
    }
}
