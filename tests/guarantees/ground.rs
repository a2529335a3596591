//! Where a guarantee is shown: the demo event, its people, and telephone systems that all read one way.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::PASSWORD;
use super::reading::{Feed, Meanwhile};
use super::system::System;
use super::ways::{Part, Way};
use crate::support::{Actor, TestApp};

/// The demo event and its people.
#[derive(Clone)]
pub struct ServicesInner {
    pub app: TestApp,
    pub way: Way,
    pub user: Actor,
    pub operator: Actor,
    pub admin: Actor,
    /// Nothing, unless a test puts something there.
    pub meanwhile: Meanwhile,
    systems: Arc<AtomicUsize>,
}

impl ServicesInner {
    pub async fn set(app: TestApp, way: Way) -> Self {
        Self {
            user: app.sign_in("user", PASSWORD).await,
            operator: app.sign_in("operator", PASSWORD).await,
            admin: app.sign_in("admin", PASSWORD).await,
            app,
            way,
            meanwhile: Arc::default(),
            systems: Arc::default(),
        }
    }

    /// The same people before a restored database.
    pub fn over(&self, restored: TestApp) -> Self {
        let there = |person: &Actor| restored.with_token(person.token().unwrap());
        Self {
            user: there(&self.user),
            operator: there(&self.operator),
            admin: there(&self.admin),
            app: restored,
            ..self.clone()
        }
    }

    pub fn shows(&self, part: Part) -> bool {
        self.way.shows(part)
    }

    /// A system that has taken everything of a feed of the demo event; it sees no secrets.
    pub async fn system(&self, service_type: &str) -> System {
        self.system_of("READ_CONFIG", "demo", service_type).await
    }

    /// A system with a key of these scopes that has taken everything.
    pub async fn system_of(&self, scopes: &str, event: &str, service_type: &str) -> System {
        let mut system = System::connect(self, scopes, event, service_type).await;
        system.begins().await;
        system
    }

    /// Names one more consumer of a feed, with a key of its own.
    pub async fn consumer(&self, scopes: &str, event: &str, service_type: &str) -> Desk {
        let create = format!(
            "mutation {{ createApiKey(input: {{label: \"k\", scopes: [{scopes}], serviceTypes: [\"{service_type}\"], allEvents: true}}) \
             {{ apiKey {{ id }} secret errors {{ code message }} }} }}"
        );
        let key = self.admin.execute_ok(&create, json!({})).await;
        let name = format!("{service_type}-{}", self.systems.fetch_add(1, Ordering::SeqCst) + 1);
        let create = format!(
            "mutation {{ createFeedConsumer(input: {{name: \"{name}\", event: \"{event}\", serviceType: \"{service_type}\", apiKey: {}}}) \
             {{ consumer {{ id }} errors {{ code message }} }} }}",
            key["apiKey"]["id"]
        );
        let made = self.admin.execute_ok(&create, json!({})).await;
        let key = self.app.with_token(key["secret"].as_str().unwrap()).client;
        let feed = Feed { meanwhile: Arc::clone(&self.meanwhile), ..Feed::new(key, event, service_type) };
        Desk {
            ground: self.clone(),
            feed,
            consumer: name,
            consumer_id: made["consumer"]["id"].as_str().unwrap().to_owned(),
            scopes: scopes.to_owned(),
        }
    }

    /// What operators see of a consumer.
    pub async fn seen(&self, name: &str) -> Value {
        let query = "{ feedConsumers { name lagRecords acknowledged errors { number } webHook { state attempts nextAttemptAt lastError } } }";
        let seen = self.operator.execute_ok(query, json!({})).await;
        let found = seen.as_array().unwrap().iter().find(|consumer| consumer["name"] == name);
        found.unwrap_or_else(|| panic!("{name}: {seen}")).clone()
    }
}

/// What a telephone system was given: a feed with a key, and a name.
#[derive(Clone)]
pub struct Desk {
    pub ground: ServicesInner,
    pub feed: Feed,
    pub consumer: String,
    pub consumer_id: String,
    pub scopes: String,
}

impl Deref for Desk {
    type Target = Feed;
    fn deref(&self) -> &Feed {
        &self.feed
    }
}

impl Desk {
    /// Says how far a system has come that says it itself.
    pub async fn acknowledges(&self, cursor: &str, digest: Value, errors: Value) {
        let input = json!({ "event": self.event, "serviceType": self.service_type, "consumer": self.consumer, "cursor": cursor,
            "digest": digest, "errors": errors });
        let say = "mutation($i: AcknowledgeProvisioningInput!) { acknowledgeProvisioning(input: $i) { errors { code message } } }";
        self.key.execute_ok(say, json!({ "i": input })).await;
    }
}
