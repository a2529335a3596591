//! Entities of a second kind in a feed: the feed log and its readers know no kind, only the source of each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use platform::error::Error;
use platform::feed_log::digest::FeedDigest;
use platform::feed_log::{Entity, EntityKind, Entry, EntryChange, EntryKeys, FeedRef};
use platform::ids::EntityId;
use platform::store::Conn;
use provisioning::model::{Change, EntryContent};
use provisioning::source::{ContentReader, FeedSource, KeyHolders};
use serde_json::json;
use test_support::{Fixture, NOW, summary};

const TRUNK: EntityKind = EntityKind::new("Trunk");

/// Trunks in memory: their numbers by id.
#[derive(Clone, Default)]
struct TrunkSource(Arc<Mutex<HashMap<EntityId, String>>>);

impl FeedSource for TrunkSource {
    fn kind(&self) -> EntityKind {
        TRUNK
    }

    fn contents<'t>(
        &'t self,
        _: &'t mut Conn,
        _: &'t ContentReader<'t>,
        entries: &'t [&'t Entry],
    ) -> BoxFuture<'t, Result<Vec<EntryContent>, Error>> {
        let numbers = self.0.lock().unwrap();
        let known = entries.iter().filter_map(|entry| Some(trunk(entry, numbers.get(&entry.entity_id)?)));
        let contents = known.collect();
        async move { Ok(contents) }.boxed()
    }

    fn key_holders<'t>(
        &'t self,
        _: &'t mut Conn,
        _: FeedRef,
        numbers: &'t [&'t str],
        _: &'t [&'t str],
    ) -> BoxFuture<'t, Result<KeyHolders, Error>> {
        let trunks = self.0.lock().unwrap();
        let held = trunks.iter().filter(|(_, number)| numbers.contains(&number.as_str()));
        let numbers = held.map(|(id, number)| (number.clone(), *id)).collect();
        async move { Ok(KeyHolders { numbers, values: HashMap::new() }) }.boxed()
    }
}

fn trunk(entry: &Entry, number: &str) -> EntryContent {
    EntryContent {
        entity: entry.entity(),
        slot: entry.slot,
        number: number.to_owned(),
        label: format!("Trunk {number}"),
        ascii_label: format!("Trunk {number}"),
        parameters: "{}".to_owned(),
        secrets: Default::default(),
        digests: Default::default(),
        permissions: Vec::new(),
        fallback_number: None,
        restrictions: Vec::new(),
        effects: Vec::new(),
        members: None,
        owner_username: String::new(),
        visibility: extensions::visibility::Visibility::Hidden,
        version: entry.version(),
        updated_at: NOW,
    }
}

struct Trunks {
    fixture: Fixture,
    source: TrunkSource,
}

impl Trunks {
    async fn build() -> Self {
        let source = TrunkSource::default();
        let registered = source.clone();
        let fixture = Fixture::build_with(|hooks| hooks.register::<dyn FeedSource>(Arc::new(registered))).await;
        Self { fixture, source }
    }

    fn id(&self) -> Entity {
        Entity { kind: TRUNK, id: EntityId(self.fixture.services.rng.uuid(self.fixture.services.now())) }
    }

    async fn upsert(&self, entity: &Entity, number: &str) {
        self.source.0.lock().unwrap().insert(entity.id, number.to_owned());
        let keys = EntryKeys { number: number.to_owned(), parameters: json!({}) };
        self.record(entity, EntryChange::Upsert(keys)).await;
    }

    async fn remove(&self, entity: &Entity) {
        self.source.0.lock().unwrap().remove(&entity.id);
        self.record(entity, EntryChange::Delete).await;
    }

    async fn record(&self, entity: &Entity, change: EntryChange) {
        let mut tx = self.fixture.begin();
        tx.changes.record(self.fixture.feed, entity.clone(), 7, change);
        tx.commit().await;
    }
}

#[tokio::test]
async fn a_snapshot_holds_entities_of_both_kinds_in_one_order() {
    let trunks = Trunks::build().await;
    let fixture = &trunks.fixture;
    let mut ids = Vec::new();
    for (slot, number) in (1..).zip(["2001", "2002", "2003"]) {
        fixture.clock.advance(std::time::Duration::from_millis(2));
        ids.push(Entity::from(fixture.add(slot, number, json!({})).await));
        fixture.clock.advance(std::time::Duration::from_millis(2));
        let trunk = trunks.id();
        trunks.upsert(&trunk, &format!("+49{number}")).await;
        ids.push(trunk);
    }
    let page = fixture.reader().await.snapshot(50, None).await.unwrap().unwrap();
    let entities: Vec<Entity> = page.entries.iter().map(|content| content.entity.clone()).collect();
    assert_eq!(entities, ids);
    let mut digest = FeedDigest::default();
    page.entries.iter().for_each(|content| digest.add(&content.entity.global(), &content.version));
    assert_eq!(fixture.reader().await.digest().await.unwrap(), digest.to_hex());
}

#[tokio::test]
async fn changes_name_the_keys_that_an_entity_of_another_kind_does_not_hold() {
    let trunks = Trunks::build().await;
    let fixture = &trunks.fixture;
    let start = fixture.head().await;
    let trunk = trunks.id();
    trunks.upsert(&trunk, "2001").await;
    trunks.upsert(&trunk, "2002").await;
    let moved = fixture.head().await;
    assert_eq!(summary(&fixture.changes(start, 50).await), ["+2002[2001]"]);
    fixture.add(1, "2001", json!({})).await;
    // 2001 now belongs to an extension: a system that deletes by it would delete the extension.
    assert_eq!(summary(&fixture.changes(start, 50).await), ["+2002[]", "+2001[]"]);
    trunks.remove(&trunk).await;
    let page = fixture.changes(moved, 50).await;
    assert_eq!(summary(&page), ["+2001[]", "-[2002]"]);
    let removed = page.changes.iter().find_map(|change| match change {
        Change::Removal { entity, .. } => Some(entity.global()),
        Change::Upsert { .. } => None,
    });
    assert_eq!(removed, Some(trunk.global()));
}

#[tokio::test]
async fn an_entity_without_a_source_is_left_out_and_blocks_no_other() {
    let fixture = Fixture::build().await;
    fixture.add(1, "2001", json!({})).await;
    let unknown = Entity { kind: TRUNK, id: EntityId(fixture.services.rng.uuid(NOW)) };
    let mut tx = fixture.begin();
    let keys = EntryKeys { number: "2002".to_owned(), parameters: json!({}) };
    tx.changes.record(fixture.feed, unknown, 7, EntryChange::Upsert(keys));
    tx.commit().await;
    let page = fixture.reader().await.snapshot(50, None).await.unwrap().unwrap();
    assert_eq!(page.entries.iter().map(|content| content.number.as_str()).collect::<Vec<_>>(), ["2001"]);
}
