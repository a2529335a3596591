//! A transaction that changes extensions and appends the changes to the feed log.

use std::sync::Arc;

use diesel::{ExpressionMethods as _, QueryDsl as _};
use diesel_async::RunQueryDsl as _;
use platform::clock::Clock as _;
use platform::feed_log::{self, AppendedRevision, ChangeSet, EntryChange, EntryKeys, FeedRef};
use platform::ids::ExtensionId;
use platform::notifications::Notification;
use platform::query;
use platform::secrets::SealContext;
use platform::store::Conn;
use platform::store::schema::{extension_unique_values, extensions};
use platform::store::types::{Id, JsonValue};
use serde_json::{Value, json};
use service_types::schema::ParameterSchema;

use super::Fixture;
use super::seed::schema;

/// Row changes of a test, with the feed changes that [`TestTransaction::commit`] appends.
pub struct TestTransaction {
    pub fixture: Fixture,
    pub changes: ChangeSet,
}

impl TestTransaction {
    pub async fn add(&mut self, slot: i32, number: &str, parameters: Value) -> ExtensionId {
        let fixture = self.fixture.clone();
        let id = ExtensionId::new(&*fixture.services.rng, fixture.clock.now());
        let sealed = fixture
            .services
            .sealer
            .seal(&SealContext::of("extensions", &id.0, "secrets"), br#"{"password":"hunter22"}"#)
            .unwrap();
        let (text, feed, at) = (number.to_owned(), fixture.feed, fixture.clock.now());
        let stored = JsonValue(parameters.clone());
        fixture
            .clone()
            .write(move |conn| {
                Box::pin(async move {
                    query!(&mut *conn, |c| diesel::insert_into(extensions::table)
                        .values((
                            extensions::id.eq(id),
                            extensions::event_id.eq(feed.event),
                            extensions::service_type_id.eq(feed.service_type),
                            extensions::owner_id.eq(fixture.owner),
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
                    write_unique_values(conn, feed, id, &stored.0).await;
                })
            })
            .await;
        self.record_upsert(id, slot, number, &parameters);
        id
    }

    /// Changes number and parameters. The old number may be used again in the same transaction.
    pub async fn rekey(&mut self, id: ExtensionId, number: &str, parameters: Value) {
        let (text, feed, stored) = (number.to_owned(), self.fixture.feed, JsonValue(parameters.clone()));
        self.fixture
            .write(move |conn| {
                Box::pin(async move {
                    query!(&mut *conn, |c| diesel::update(extensions::table.find(id))
                        .set((extensions::number.eq(&text), extensions::parameters.eq(&stored)))
                        .execute(c)
                        .await)
                    .unwrap();
                    write_unique_values(conn, feed, id, &stored.0).await;
                })
            })
            .await;
        self.record_upsert(id, 0, number, &parameters);
    }

    pub async fn remove(&mut self, id: ExtensionId) {
        self.fixture
            .write(move |conn| {
                Box::pin(async move {
                    query!(conn, |c| diesel::delete(extensions::table.find(id)).execute(c).await).unwrap();
                })
            })
            .await;
        self.changes.record(self.fixture.feed, id, 0, EntryChange::Delete);
    }

    fn record_upsert(&mut self, id: ExtensionId, slot: i32, number: &str, parameters: &Value) {
        let schema = ParameterSchema::compile(&schema()).unwrap();
        let parameters = Value::Object(schema.feed_keys(parameters.as_object().unwrap()));
        self.changes.record(
            self.fixture.feed,
            id,
            slot,
            EntryChange::Upsert(EntryKeys { number: number.to_owned(), parameters }),
        );
    }

    pub async fn commit(self) -> AppendedRevision {
        let (rng, now) = (Arc::clone(&self.fixture.services.rng), self.fixture.clock.now());
        let changes = self.changes;
        let appended = self
            .fixture
            .services
            .store
            .write(move |conn| Box::pin(async move { feed_log::append(conn, changes, &*rng, now).await }))
            .await;
        let appended = appended.unwrap();
        self.fixture.services.notifier.notify(Notification::Feed(appended[0].id));
        appended[0]
    }
}

async fn write_unique_values(conn: &mut Conn, feed: FeedRef, id: ExtensionId, parameters: &Value) {
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
