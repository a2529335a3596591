//! Registrations beside bare transactions with the same INSERTs, each acknowledged when it is on the disk.
//!
//! Registrations come many at once, as people do, and the store commits those that wait together. A bare transaction begins and
//! commits by itself, one after another, since SQLite has one writer. A second row takes the store's groups from the comparison: there
//! the INSERTs go through them too, and what is left is the price of the checks, the feed, the audit and GraphQL.

use std::cell::Cell;

use diesel::{ExpressionMethods as _, QueryDsl as _, QueryResult};
use diesel_async::{AsyncConnection as _, RunQueryDsl as _, SimpleAsyncConnection as _};
use futures_util::StreamExt as _;
use serde_json::json;
use switchboard::access::Actor;
use switchboard::clock::Timestamp;
use switchboard::extensions::Extension;
use switchboard::extensions::search::SearchTerms;
use switchboard::extensions::visibility::Visibility;
use switchboard::feed_log::Entry;
use switchboard::http::app_state::RequestContext;
use switchboard::ids::{AccountId, EventId, ExtensionId, FeedId, ServiceTypeId};
use switchboard::query;
use switchboard::store::schema::{
    audit_events, directory_terms, events, extensions, feed_entries, feed_keys, feed_revisions, feeds, number_history,
    numbers,
};
use switchboard::store::types::{Id, JsonValue};
use switchboard::store::{Conn, SqliteConn, begin_nested, end_nested};
use tokio::sync::Mutex;

use super::house::{FREE_FROM, House, parameters};
use super::measure::{Cost, alternate, show};
use super::table::Table;

/// How many wait for an answer at a time.
const AT_ONCE: usize = 64;
/// Bare transactions take their numbers from here on.
const BARE_FROM: u32 = FREE_FROM + 2_000_000;

const REGISTER: &str = "mutation($n: PhoneNumber!, $l: String!, $p: JSON) { registerExtension(input: { event: \"camp\", \
    serviceType: \"handset\", number: $n, label: $l, visibility: PUBLIC, parameters: $p }) { extension { id } errors { code } } }";

/// The rows of registrations.
pub async fn measure(house: &House, table: &mut Table) {
    let (registered, inserted) = (Cell::new(FREE_FROM), Cell::new(BARE_FROM));
    let next = |counter: &Cell<u32>| counter.replace(counter.get() + 1);
    let ours = async |units| {
        at_once(units, async || register(house, &house.user, next(&registered)).await).await;
    };
    let work = "registrations per second, durable";
    if table.wants(work) {
        let conn = Mutex::new(Conn::Sqlite(open(house).await));
        let beside = async |units| {
            for _ in 0..units {
                by_itself(&mut *conn.lock().await, &bare(house, next(&inserted))).await.unwrap();
            }
        };
        let found = alternate(2000, ours, beside).await;
        let (ours, beside) = (rate(found.ours), format!("bare transactions {}", rate(found.beside)));
        table.at_least(work, (100.0 / found.wall_ratio, " %"), 60.0, ours, beside);
    }
    let work = "registrations per second, beside INSERTs in the same groups of commits";
    if table.wants(work) {
        let beside = async |units| {
            at_once(units, async || in_a_group(house, bare(house, next(&inserted))).await).await;
        };
        let found = alternate(2000, ours, beside).await;
        let (ours, beside) = (rate(found.ours), format!("grouped INSERTs {}", rate(found.beside)));
        table.tell(work, (100.0 / found.wall_ratio, " %"), ours, beside);
    }
}

fn rate(cost: Cost) -> String {
    format!("{:.0}/s ({} CPU each)", 1.0 / cost.wall.as_secs_f64(), show(cost.cpu))
}

/// A connection of the program's own kind.
async fn open(house: &House) -> SqliteConn {
    let path = house.folder.path().join("switchboard.db");
    let mut conn = SqliteConn::establish(path.to_str().unwrap()).await.unwrap();
    let settings =
        "PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;";
    conn.batch_execute(settings).await.unwrap();
    conn
}

async fn by_itself(conn: &mut Conn, bare: &Bare) -> QueryResult<()> {
    begin_nested(conn).await?;
    bare.insert(conn).await?;
    end_nested(conn, true).await
}

async fn in_a_group(house: &House, bare: Bare) {
    house.app.services.store.write(move |conn| Box::pin(async move { Ok(bare.insert(conn).await?) })).await.unwrap();
}

async fn at_once(units: u32, one: impl AsyncFn()) {
    futures_util::stream::iter(0..units).for_each_concurrent(AT_ONCE, async |_| one().await).await;
}

fn label(n: u32) -> String {
    format!("Tent alpha {n}")
}

async fn register(house: &House, who: &RequestContext, n: u32) {
    let variables = json!({ "n": n.to_string(), "l": label(n), "p": parameters(n) });
    let body = house.ask(who, REGISTER, variables).await;
    assert!(
        body.starts_with(b"{\"data\":{\"registerExtension\":{\"extension\":{"),
        "{}",
        String::from_utf8_lossy(&body)
    );
}

/// What a bare transaction needs to know.
struct Bare {
    event: EventId,
    service_type: ServiceTypeId,
    feed: FeedId,
    owner: AccountId,
    id: ExtensionId,
    now: Timestamp,
    n: u32,
}

fn bare(house: &House, n: u32) -> Bare {
    let Actor::Person(owner) = &house.user.caller.actor else { panic!("the user is a person") };
    let (now, rng) = (house.app.services.now(), &*house.app.services.rng);
    let id = ExtensionId::new(rng, now);
    Bare { event: house.event, service_type: house.service_type, feed: house.feed, owner: owner.id, id, now, n }
}

impl Bare {
    async fn insert(&self, conn: &mut Conn) -> QueryResult<()> {
        self.extension(conn).await?;
        self.number(conn).await?;
        self.entry(conn).await?;
        query!(conn, |c| diesel::insert_into(audit_events::table)
            .values((
                audit_events::at.eq(self.now),
                audit_events::actor.eq("user"),
                audit_events::via.eq("graphql"),
                audit_events::action.eq("registerExtension"),
                audit_events::entity.eq(self.id.global()),
                audit_events::summary.eq(format!("{} on handset for user", self.n)),
                audit_events::request_id.eq(uuid::Uuid::nil().to_string()),
            ))
            .execute(c)
            .await)?;
        Ok(())
    }

    async fn extension(&self, conn: &mut Conn) -> QueryResult<()> {
        let slot: i32 = query!(conn, |c| diesel::update(events::table.find(self.event))
            .set(events::next_slot.eq(events::next_slot + 1))
            .returning(events::next_slot)
            .get_result(c)
            .await)?;
        let row = Extension {
            id: self.id,
            event_id: self.event,
            service_type_id: self.service_type,
            owner_id: self.owner,
            slot: slot - 1,
            number: self.n.to_string(),
            label: label(self.n),
            visibility: Visibility::Public,
            parameters: JsonValue(parameters(self.n)),
            secrets: None,
            status: JsonValue(json!({})),
            fallback_extension_id: None,
            fallback_number: None,
            created_at: self.now,
            updated_at: self.now,
            version: 1,
        };
        query!(conn, |c| diesel::insert_into(extensions::table).values(&row).execute(c).await)?;
        let terms = SearchTerms::of_label(&row.label);
        let words = terms.words.iter().map(|term| ("WORD", term));
        for (kind, term) in words.chain(terms.keypad.iter().map(|term| ("KEYPAD", term))) {
            query!(conn, |c| diesel::insert_into(directory_terms::table)
                .values((
                    directory_terms::event_id.eq(self.event),
                    directory_terms::kind.eq(kind),
                    directory_terms::term.eq(term),
                    directory_terms::number.eq(&row.number),
                    directory_terms::extension_id.eq(self.id),
                ))
                .execute(c)
                .await)?;
        }
        Ok(())
    }

    async fn number(&self, conn: &mut Conn) -> QueryResult<()> {
        query!(conn, |c| diesel::insert_into(numbers::table)
            .values((
                numbers::id.eq(Id(self.id.0)),
                numbers::event_id.eq(self.event),
                numbers::number.eq(self.n.to_string()),
                numbers::state.eq("IN_SERVICE"),
                numbers::account_id.eq(self.owner),
                numbers::extension_id.eq(self.id),
                numbers::version.eq(1),
            ))
            .execute(c)
            .await)?;
        query!(conn, |c| diesel::insert_into(number_history::table)
            .values((
                number_history::id.eq(Id(self.id.0)),
                number_history::number_id.eq(Id(self.id.0)),
                number_history::at.eq(self.now),
                number_history::from_state.eq("AVAILABLE"),
                number_history::to_state.eq("IN_SERVICE"),
                number_history::account_id.eq(self.owner),
                number_history::actor.eq("user"),
            ))
            .execute(c)
            .await)?;
        Ok(())
    }

    async fn entry(&self, conn: &mut Conn) -> QueryResult<()> {
        let revision: i64 = query!(conn, |c| diesel::update(feeds::table.find(self.feed))
            .set((
                feeds::head.eq(feeds::head + 1),
                feeds::entry_count.eq(feeds::entry_count + 1),
                feeds::digest.eq(vec![7; 32]),
            ))
            .returning(feeds::head)
            .get_result(c)
            .await)?;
        let tag = vec![7; 8];
        query!(conn, |c| diesel::insert_into(feed_revisions::table)
            .values((
                feed_revisions::feed_id.eq(self.feed),
                feed_revisions::revision.eq(revision),
                feed_revisions::tag.eq(&tag),
                feed_revisions::at.eq(self.now),
                feed_revisions::entries.eq(1),
            ))
            .execute(c)
            .await)?;
        let entry = Entry { extension_id: self.id, feed_id: self.feed, revision, tag, slot: 0, present: true };
        query!(conn, |c| diesel::insert_into(feed_entries::table).values(&entry).execute(c).await)?;
        query!(conn, |c| diesel::insert_into(feed_keys::table)
            .values((
                feed_keys::id.eq(Id(self.id.0)),
                feed_keys::extension_id.eq(self.id),
                feed_keys::feed_id.eq(self.feed),
                feed_keys::number.eq(self.n.to_string()),
                feed_keys::parameters.eq(JsonValue(json!({}))),
                feed_keys::from_revision.eq(revision),
            ))
            .execute(c)
            .await)?;
        Ok(())
    }
}
