//! A fixture with one event and one service type, on a temporary SQLite database. Rows are inserted directly; feeds
//! change through [`feed_log::append`](platform::feed_log::append).

#![expect(clippy::unwrap_used, clippy::panic, reason = "a fixture of tests fails by panicking")]

mod seed;
mod services;
mod transaction;

use platform::hooks::Hooks;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use diesel::{ExpressionMethods as _, QueryDsl as _};
use diesel_async::RunQueryDsl as _;
use platform::access::{Actor, ApiKeyScope, Caller, Key};
use platform::clock::ManualClock;
use platform::feed_log::{ChangeSet, EntryChange, EntryKeys, FeedRef};
use platform::ids::{AccountId, ApiKeyId, EventId, ExtensionId, ServiceTypeId};
use platform::query;
use platform::services::Services;
use platform::store::Conn;
use platform::store::schema::{api_keys, events};
use provisioning::cursor::Cursor;
use provisioning::feed::{FeedReader, open};
use provisioning::model::{Change, ChangesPage, ChangesResponse, ResetReason};
use serde_json::Value;

pub use services::{NOW, services};
use services::{hooks, services_with};
pub use transaction::TestTransaction;

/// A database with one feed.
pub struct Fixture {
    pub services: Services,
    pub clock: Arc<ManualClock>,
    pub feed: FeedRef,
    pub owner: AccountId,
    pub key: ApiKeyId,
    pub path: PathBuf,
    _folder: Arc<tempfile::TempDir>,
}

impl Clone for Fixture {
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

impl Fixture {
    pub async fn build() -> Self {
        Self::build_with(|_| ()).await
    }

    /// A fixture with additional hooks.
    pub async fn build_with(register: impl FnOnce(&mut Hooks)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("switchboard.db");
        let mut hooks = hooks();
        register(&mut hooks);
        let fixture = Self::open(Arc::new(folder), path, 1, hooks).await;
        fixture.seed().await;
        fixture
    }

    /// The same database, restored from a copy that was made with [`Store::backup_into`].
    pub async fn restored(&self, copy: PathBuf) -> Self {
        let other = Self::open(Arc::clone(&self._folder), copy, 2, hooks()).await;
        Self { feed: self.feed, owner: self.owner, key: self.key, ..other }
    }

    async fn open(folder: Arc<tempfile::TempDir>, path: PathBuf, seed: u64, hooks: Hooks) -> Self {
        let (services, clock) = services_with(folder.path(), path.clone(), seed, hooks).await;
        let rng = Arc::clone(&services.rng);
        let feed = FeedRef { event: EventId::new(&*rng, NOW), service_type: ServiceTypeId::new(&*rng, NOW) };
        Self {
            services,
            clock,
            feed,
            owner: AccountId::new(&*rng, NOW),
            key: ApiKeyId::new(&*rng, NOW),
            path,
            _folder: folder,
        }
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
            has_session_cookie: false,
        })
    }

    pub async fn reader(&self) -> FeedReader {
        let actor = self.actor(&[ApiKeyScope::ReadSecrets, ApiKeyScope::ReadDigests]);
        open(&self.services, &actor, "camp", "sip").await.unwrap().unwrap()
    }

    pub async fn head(&self) -> Cursor {
        let ChangesResponse::Page(page) = self.reader().await.head().await.unwrap() else {
            panic!("the feed is closed")
        };
        page.cursor
    }

    pub async fn changes(&self, since: Cursor, first: usize) -> Arc<ChangesPage> {
        match self.reader().await.changes(since, first).await.unwrap() {
            ChangesResponse::Page(page) => page,
            ChangesResponse::Reset(reason) => panic!("a reset: {reason:?}"),
        }
    }

    pub async fn reset(&self, since: Cursor) -> Option<ResetReason> {
        match self.reader().await.changes(since, 50).await.unwrap() {
            ChangesResponse::Page(_) => None,
            ChangesResponse::Reset(reason) => Some(reason),
        }
    }

    pub fn begin(&self) -> TestTransaction {
        TestTransaction { fixture: self.clone(), changes: ChangeSet::default() }
    }

    /// Adds an extension in a transaction of its own.
    pub async fn add(&self, slot: i32, number: &str, parameters: Value) -> ExtensionId {
        let mut tx = self.begin();
        let id = tx.add(slot, number, parameters).await;
        tx.commit().await;
        id
    }

    pub async fn touch(&self, id: ExtensionId) {
        let mut tx = self.begin();
        tx.changes.record(self.feed, id, 0, EntryChange::Touch);
        tx.commit().await;
    }

    pub async fn remove(&self, id: ExtensionId) {
        let mut tx = self.begin();
        tx.remove(id).await;
        tx.commit().await;
    }

    pub async fn rekey(&self, id: ExtensionId, number: &str, parameters: Value) {
        let mut tx = self.begin();
        tx.rekey(id, number, parameters).await;
        tx.commit().await;
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

    pub fn advance_days(&self, days: u64) {
        self.clock.advance(Duration::from_secs(days * 24 * 3600));
    }
}

/// The changes of a page in short form: `+number[previous]` and `-[keys]`; a parameter follows its number after a
/// slash.
pub fn summary(page: &Arc<ChangesPage>) -> Vec<String> {
    let keys = |keys: &[EntryKeys]| {
        let text = |keys: &EntryKeys| match keys.parameters["mac"].as_str() {
            Some(mac) => format!("{}/{mac}", keys.number),
            None => keys.number.clone(),
        };
        keys.iter().map(text).collect::<Vec<_>>().join(" ")
    };
    page.changes
        .iter()
        .map(|change| match change {
            Change::Upsert { content, previous } => format!("+{}[{}]", content.number, keys(previous)),
            Change::Removal { keys: removed, .. } => format!("-[{}]", keys(removed)),
        })
        .collect()
}
