//! An event with one service type, over a temporary SQLite database; rows are put in directly, feeds move through
//! [`feed_log::record`].

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use diesel::{ExpressionMethods as _, QueryDsl as _};
use diesel_async::RunQueryDsl as _;
use serde_json::{Value, json};

use platform::access::rates::{Buckets, Rate};
use platform::access::{Actor, ApiKeyScope, Caller, Key};
use platform::passwords::Hasher;
use platform::clock::{Clock as _, ManualClock, Rng, SeededRng, Timestamp};
use platform::store::DatabaseUrl;
use platform::feed_log::{self, ChangeSet, EntryChange, FeedRef, Keys, Recorded};
use platform::ids::{AccountId, ApiKeyId, EventId, ExtensionId, ServiceTypeId};
use platform::notifications::{Notification, Notifier};
use crate::cursor::Cursor;
use crate::feed::{Reader, open};
use crate::model::{Change, ChangesPage, FeedAnswer, ResetReason};
use platform::query;
use platform::secrets::{SealContext, Sealer};
use service_types::schema::ParameterSchema;
use platform::services::{Services, ServicesInner};
use platform::store::schema::{
    accounts, api_key_service_types, api_keys, events, extension_unique_values, extensions, service_types,
};
use platform::store::types::{Id, JsonValue};
use platform::store::{Conn, Store};

pub const NOW: Timestamp = Timestamp(1_787_000_000_000_000);

pub struct House {
    pub services: Services,
    pub clock: Arc<ManualClock>,
    pub feed: FeedRef,
    pub owner: AccountId,
    pub key: ApiKeyId,
    pub path: PathBuf,
    _folder: Arc<tempfile::TempDir>,
}

/// What a step of a test does to the rows; the feed is told of it in the same transaction.
pub struct Step {
    house: House,
    pub changes: ChangeSet,
}

pub fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "password": { "type": "string", "x-secret": true, "x-digest": { "username": "{number}", "realm": "{settings.realm}" } },
            "mac": { "type": "string", "format": "mac", "x-unique": "SERVICE_TYPE" },
            "imsi": { "type": "string", "x-editable-by": "CONSUMER", "x-visible-to": "CONSUMER" },
            "last_registered": { "type": "string", "x-status": true }
        }
    })
}

impl Clone for House {
    fn clone(&self) -> Self {
        Self {
            services: self.services.clone(),
            clock: Arc::clone(&self.clock),
            path: self.path.clone(),
            _folder: Arc::clone(&self._folder),
            ..*self
        }
    }
}

impl House {
    pub async fn build() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("switchboard.db");
        Self::over(Arc::new(folder), path, 1, true).await
    }

    /// The same database, restored from a copy that was made with [`Store::backup_into`].
    pub async fn restored(&self, copy: PathBuf) -> Self {
        let other = Self::over(Arc::clone(&self._folder), copy, 2, false).await;
        Self { feed: self.feed, owner: self.owner, key: self.key, ..other }
    }

    async fn over(folder: Arc<tempfile::TempDir>, path: PathBuf, seed: u64, fill: bool) -> Self {
        let clock = Arc::new(ManualClock::new(NOW));
        let rng: Arc<dyn Rng> = Arc::new(SeededRng::new(seed));
        let store = Store::open(&DatabaseUrl::Sqlite(path.clone())).await.unwrap();
        let services = Services::from(ServicesInner {
            store,
            clock: Arc::clone(&clock) as _,
            sealer: Arc::new(Sealer::load_or_create(folder.path(), None, Arc::clone(&rng)).unwrap()),
            hasher: Arc::new(Hasher::cheap(Arc::clone(&rng)).unwrap()),
            sign_ins: Buckets::new(Rate::per_minute(600), 100, Arc::clone(&clock) as _),
            rng: Arc::clone(&rng),
            notifier: Notifier::default(),
            hooks: platform::hooks::Hooks::default(),
        });
        let feed = FeedRef { event: EventId::new(&*rng, NOW), service_type: ServiceTypeId::new(&*rng, NOW) };
        let house = Self {
            services,
            clock,
            feed,
            owner: AccountId::new(&*rng, NOW),
            key: ApiKeyId::new(&*rng, NOW),
            path,
            _folder: folder,
        };
        if fill {
            house.fill().await;
        }
        house
    }

    async fn fill(&self) {
        let house = self.clone();
        self.write(move |conn| Box::pin(async move { house.fill_in(conn).await })).await;
    }

    async fn fill_in(&self, conn: &mut Conn) {
        let Conn::Sqlite(c) = conn else { panic!("the tests are on SQLite") };
        let none = JsonValue(json!([]));
        diesel::insert_into(accounts::table)
            .values((
                accounts::id.eq(self.owner),
                accounts::username.eq("zoe"),
                accounts::display_name.eq("Zoe"),
                accounts::email.eq("zoe@example.org"),
                accounts::password_hash.eq(""),
                accounts::role.eq("USER"),
                accounts::search.eq("zoe"),
                accounts::created_at.eq(NOW),
            ))
            .execute(c)
            .await
            .unwrap();
        diesel::insert_into(events::table)
            .values((
                events::id.eq(self.feed.event),
                events::slug.eq("camp"),
                events::name.eq("Camp"),
                events::phase.eq("OPEN"),
                events::time_zone.eq("UTC"),
                events::hold_seconds.eq(1800),
                events::reserved_prefixes.eq(&none),
                events::next_slot.eq(1),
                events::created_at.eq(NOW),
            ))
            .execute(c)
            .await
            .unwrap();
        diesel::insert_into(service_types::table)
            .values((
                service_types::id.eq(self.feed.service_type),
                service_types::slug.eq("sip"),
                service_types::name.eq("SIP"),
                service_types::description.eq(""),
                service_types::instructions.eq(""),
                service_types::parameter_schema.eq(JsonValue(schema())),
                service_types::schema_version.eq(1),
                service_types::behaviour.eq("ENDPOINT"),
                service_types::privileged.eq(false),
                service_types::group_capable.eq(true),
                service_types::retired.eq(false),
                service_types::settings.eq(JsonValue(json!({ "realm": "camp.example" }))),
                service_types::created_at.eq(NOW),
            ))
            .execute(c)
            .await
            .unwrap();
        diesel::insert_into(api_keys::table)
            .values((
                api_keys::id.eq(self.key),
                api_keys::prefix.eq("abc"),
                api_keys::secret_hash.eq(vec![0u8; 32]),
                api_keys::label.eq("registrar"),
                api_keys::scopes.eq("READ_SECRETS"),
                api_keys::all_events.eq(true),
                api_keys::created_at.eq(NOW),
            ))
            .execute(c)
            .await
            .unwrap();
        diesel::insert_into(api_key_service_types::table)
            .values((
                api_key_service_types::api_key_id.eq(self.key),
                api_key_service_types::service_type_id.eq(self.feed.service_type),
            ))
            .execute(c)
            .await
            .unwrap();
    }

    pub async fn write<T: Send + 'static>(
        &self,
        work: impl for<'c> FnOnce(&'c mut Conn) -> futures_util::future::BoxFuture<'c, T> + Send + 'static,
    ) -> T {
        self.services.store.write(move |conn| Box::pin(async move { Ok(work(conn).await) })).await.unwrap()
    }

    pub fn actor(&self, scopes: &[ApiKeyScope]) -> Actor {
        Actor::Key(Arc::new(Key {
            id: self.key,
            prefix: "abc".to_owned(),
            scopes: scopes.to_vec(),
            service_types: vec![self.feed.service_type],
            events: Vec::new(),
            all_events: true,
        }))
    }

    pub fn caller(&self, actor: Actor) -> Arc<Caller> {
        Arc::new(Caller {
            actor,
            request_id: None,
            idempotency: None,
            address: None,
            user_agent: None,
            is_rated: false,
        })
    }

    pub async fn reader(&self) -> Reader {
        let actor = self.actor(&[ApiKeyScope::ReadSecrets, ApiKeyScope::ReadDigests]);
        open(&self.services, &actor, "camp", "sip").await.unwrap().unwrap()
    }

    pub async fn head(&self) -> Cursor {
        let FeedAnswer::Page(page) = self.reader().await.head().await.unwrap() else { panic!("the feed is closed") };
        page.cursor
    }

    pub async fn changes(&self, since: Cursor, first: usize) -> Arc<ChangesPage> {
        match self.reader().await.changes(since, first).await.unwrap() {
            FeedAnswer::Page(page) => page,
            FeedAnswer::Reset(reason) => panic!("a reset: {reason:?}"),
        }
    }

    pub async fn reset(&self, since: Cursor) -> Option<ResetReason> {
        match self.reader().await.changes(since, 50).await.unwrap() {
            FeedAnswer::Page(_) => None,
            FeedAnswer::Reset(reason) => Some(reason),
        }
    }

    pub fn step(&self) -> Step {
        Step { house: self.clone(), changes: ChangeSet::default() }
    }

    /// One extension in a transaction of its own.
    pub async fn add(&self, slot: i32, number: &str, parameters: Value) -> ExtensionId {
        let mut step = self.step();
        let id = step.add(slot, number, parameters).await;
        step.commit().await;
        id
    }

    pub async fn touch(&self, id: ExtensionId) {
        let mut step = self.step();
        step.changes.mark(self.feed, id, 0, EntryChange::Touch);
        step.commit().await;
    }

    pub async fn remove(&self, id: ExtensionId) {
        let mut step = self.step();
        step.remove(id).await;
        step.commit().await;
    }

    pub async fn rekey(&self, id: ExtensionId, number: &str, parameters: Value) {
        let mut step = self.step();
        step.rekey(id, number, parameters).await;
        step.commit().await;
    }

    pub async fn set_phase(&self, phase: &'static str) {
        let event = self.feed.event;
        self.write(move |conn| {
            Box::pin(async move {
                query!(conn, |c| diesel::update(events::table.find(event))
                    .set(events::phase.eq(phase))
                    .execute(c)
                    .await)
                .unwrap();
            })
        })
        .await;
    }

    pub async fn revoke_key(&self) {
        let key = self.key;
        self.write(move |conn| {
            Box::pin(async move {
                query!(conn, |c| diesel::update(api_keys::table.find(key))
                    .set(api_keys::revoked_at.eq(Some(NOW)))
                    .execute(c)
                    .await)
                .unwrap();
            })
        })
        .await;
    }

    pub fn days_pass(&self, days: u64) {
        self.clock.advance(Duration::from_secs(days * 24 * 3600));
    }
}

impl Step {
    pub async fn add(&mut self, slot: i32, number: &str, parameters: Value) -> ExtensionId {
        let house = self.house.clone();
        let id = ExtensionId::new(&*house.services.rng, house.clock.now());
        let sealed = house
            .services
            .sealer
            .seal(&SealContext::of("extensions", &id.0, "secrets"), br#"{"password":"hunter22"}"#)
            .unwrap();
        let (text, feed, at) = (number.to_owned(), house.feed, house.clock.now());
        let stored = JsonValue(parameters.clone());
        house
            .clone()
            .write(move |conn| {
                Box::pin(async move {
                    query!(&mut *conn, |c| diesel::insert_into(extensions::table)
                        .values((
                            extensions::id.eq(id),
                            extensions::event_id.eq(feed.event),
                            extensions::service_type_id.eq(feed.service_type),
                            extensions::owner_id.eq(house.owner),
                            extensions::slot.eq(slot),
                            extensions::number.eq(&text),
                            extensions::label.eq("Zoë's"),
                            extensions::visibility.eq("PUBLIC"),
                            extensions::parameters.eq(&stored),
                            extensions::secrets.eq(Some(&sealed)),
                            extensions::status.eq(JsonValue(json!({}))),
                            extensions::created_at.eq(at),
                            extensions::updated_at.eq(at),
                            extensions::version.eq(1),
                        ))
                        .execute(c)
                        .await)
                    .unwrap();
                    claim(conn, feed, id, &stored.0).await;
                })
            })
            .await;
        self.present(id, slot, number, &parameters);
        id
    }

    /// New number and parameters; the old number may be taken in the same step.
    pub async fn rekey(&mut self, id: ExtensionId, number: &str, parameters: Value) {
        let (text, feed, stored) = (number.to_owned(), self.house.feed, JsonValue(parameters.clone()));
        self.house
            .write(move |conn| {
                Box::pin(async move {
                    query!(&mut *conn, |c| diesel::update(extensions::table.find(id))
                        .set((extensions::number.eq(&text), extensions::parameters.eq(&stored)))
                        .execute(c)
                        .await)
                    .unwrap();
                    claim(conn, feed, id, &stored.0).await;
                })
            })
            .await;
        self.present(id, 0, number, &parameters);
    }

    pub async fn remove(&mut self, id: ExtensionId) {
        self.house
            .write(move |conn| {
                Box::pin(async move {
                    query!(conn, |c| diesel::delete(extensions::table.find(id)).execute(c).await).unwrap();
                })
            })
            .await;
        self.changes.mark(self.house.feed, id, 0, EntryChange::Delete);
    }

    fn present(&mut self, id: ExtensionId, slot: i32, number: &str, parameters: &Value) {
        let schema = ParameterSchema::compile(&schema()).unwrap();
        let parameters = Value::Object(schema.feed_keys(parameters.as_object().unwrap()));
        self.changes.mark(
            self.house.feed,
            id,
            slot,
            EntryChange::Upsert(Keys { number: number.to_owned(), parameters }),
        );
    }

    pub async fn commit(self) -> Recorded {
        let (rng, now) = (Arc::clone(&self.house.services.rng), self.house.clock.now());
        let changes = self.changes;
        let recorded = self
            .house
            .services
            .store
            .write(move |conn| Box::pin(async move { feed_log::record(conn, changes, &*rng, now).await }))
            .await;
        let recorded = recorded.unwrap();
        self.house.services.notifier.notify(Notification::Feed(recorded[0].id));
        recorded[0]
    }
}

async fn claim(conn: &mut Conn, feed: FeedRef, id: ExtensionId, parameters: &Value) {
    query!(&mut *conn, |c| diesel::delete(
        extension_unique_values::table.filter(extension_unique_values::extension_id.eq(id))
    )
    .execute(c)
    .await)
    .unwrap();
    if let Some(mac) = parameters["mac"].as_str() {
        let value = mac.to_lowercase().replace([':', '-'], "");
        query!(conn, |c| diesel::insert_into(extension_unique_values::table)
            .values((
                extension_unique_values::scope_id.eq(Id(feed.service_type.0)),
                extension_unique_values::parameter.eq("mac"),
                extension_unique_values::value.eq(&value),
                extension_unique_values::extension_id.eq(id),
            ))
            .execute(c)
            .await)
        .unwrap();
    }
}

/// What a page tells, in short: `+number[previous]` and `-[keys]`; a parameter stands behind its number.
pub fn told(page: &Arc<ChangesPage>) -> Vec<String> {
    let keys = |keys: &[Keys]| {
        let text = |keys: &Keys| match keys.parameters["mac"].as_str() {
            Some(mac) => format!("{}/{mac}", keys.number),
            None => keys.number.clone(),
        };
        keys.iter().map(text).collect::<Vec<_>>().join(" ")
    };
    page.changes
        .iter()
        .map(|change| match change {
            Change::Upsert { content, previous } => format!("+{}[{}]", content.number, keys(previous)),
            Change::Removal { keys: told, .. } => format!("-[{}]", keys(told)),
        })
        .collect()
}
