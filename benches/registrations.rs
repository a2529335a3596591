//! Durable registrations. The baseline is the same INSERTs in plain transactions.
//!
//! Registrations are concurrent, and the store commits waiting writes in groups. The transactions of the first baseline
//! commit one by one, since SQLite has one writer. The INSERTs of the second baseline use the store's group commit too,
//! so the difference is the cost of validation, feed, audit log and GraphQL.

use std::cell::Cell;

use ::extensions::Extension;
use ::extensions::search::SearchTerms;
use ::extensions::visibility::Visibility;
use diesel::{ExpressionMethods as _, QueryDsl as _, QueryResult};
use diesel_async::{AsyncConnection as _, RunQueryDsl as _, SimpleAsyncConnection as _};
use futures_util::StreamExt as _;
use platform::access::Actor;
use platform::clock::Timestamp;
use platform::feed_log::{Entity, Entry};
use platform::ids::{AccountId, EventId, ExtensionId, FeedId, ServiceTypeId};
use platform::query;
use platform::store::schema::{
    audit_events, directory_terms, events, extensions, feed_entries, feed_keys, feed_revisions, feeds, number_history,
    numbers,
};
use platform::store::types::{Id, JsonValue};
use platform::store::{Conn, SqliteConn, begin_nested, end_nested};
use serde_json::json;
use switchboard::http::app_state::RequestContext;
use tokio::sync::Mutex;

use super::fixture::{FIRST_AVAILABLE_NUMBER, Fixture, parameters};
use super::measure::{Comparison, Cost, compare};
use super::table::{Figure, Measurement, Table, format_duration};

/// How many registrations are in flight.
const CONCURRENCY: usize = 64;
/// The first number of the baselines.
const FIRST_BASELINE_NUMBER: u32 = FIRST_AVAILABLE_NUMBER + 2_000_000;

const REGISTER: &str = "mutation($number: PhoneNumber!, $label: String!, $parameters: JSON) \
    { registerExtension(input: { event: \"camp\", \
    serviceType: \"handset\", number: $number, label: $label, visibility: PUBLIC, parameters: $parameters }) \
    { extension { id } errors { code } } }";

/// Measures the rows of registrations.
pub async fn measure(fixture: &Fixture, table: &mut Table) {
    let (registered, inserted) = (Cell::new(FIRST_AVAILABLE_NUMBER), Cell::new(FIRST_BASELINE_NUMBER));
    let next = |counter: &Cell<u32>| counter.replace(counter.get() + 1);
    let subject = async |units| {
        concurrently(units, async || register(fixture, &fixture.user, next(&registered)).await).await;
    };
    let name = "registrations per second, durable";
    if table.includes(name) {
        let conn = Mutex::new(Conn::Sqlite(open(fixture).await));
        let baseline = async |units| {
            for _ in 0..units {
                let registration = PlainRegistration::new(fixture, next(&inserted));
                insert_alone(&mut *conn.lock().await, &registration).await.unwrap();
            }
        };
        let comparison = compare(2000, subject, baseline).await;
        table.at_least(name, 60.0, rate_measurement(&comparison, "plain transactions"));
    }
    let name = "registrations per second, vs. INSERTs with the same group commit";
    if table.includes(name) {
        let baseline = async |units| {
            let insert = async || insert_in_group(fixture, PlainRegistration::new(fixture, next(&inserted))).await;
            concurrently(units, insert).await;
        };
        let comparison = compare(2000, subject, baseline).await;
        table.report(name, rate_measurement(&comparison, "grouped INSERTs"));
    }
}

/// The rate of registrations as a percentage of the baseline's rate.
fn rate_measurement(comparison: &Comparison, baseline: &str) -> Measurement {
    Measurement {
        figure: Figure { value: 100.0 / comparison.wall_ratio, unit: " %" },
        subject: rate(comparison.subject),
        baseline: format!("{baseline} {}", rate(comparison.baseline)),
    }
}

fn rate(cost: Cost) -> String {
    format!("{:.0}/s ({} CPU each)", 1.0 / cost.wall.as_secs_f64(), format_duration(cost.cpu))
}

/// A SQLite connection with the program's settings.
async fn open(fixture: &Fixture) -> SqliteConn {
    let path = fixture.folder.path().join("switchboard.db");
    let mut conn = SqliteConn::establish(path.to_str().unwrap()).await.unwrap();
    let settings =
        "PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;";
    conn.batch_execute(settings).await.unwrap();
    conn
}

async fn insert_alone(conn: &mut Conn, registration: &PlainRegistration) -> QueryResult<()> {
    begin_nested(conn).await?;
    registration.insert(conn).await?;
    end_nested(conn, true).await
}

async fn insert_in_group(fixture: &Fixture, registration: PlainRegistration) {
    let written =
        fixture.app.services.store.write(move |conn| Box::pin(async move { Ok(registration.insert(conn).await?) }));
    written.await.unwrap();
}

async fn concurrently(units: u32, operation: impl AsyncFn()) {
    futures_util::stream::iter(0..units).for_each_concurrent(CONCURRENCY, async |_| operation().await).await;
}

fn label(number: u32) -> String {
    format!("Tent alpha {number}")
}

async fn register(fixture: &Fixture, caller: &RequestContext, number: u32) {
    let variables = json!({ "number": number.to_string(), "label": label(number), "parameters": parameters(number) });
    let body = fixture.execute(caller, REGISTER, variables).await;
    assert!(
        body.starts_with(b"{\"data\":{\"registerExtension\":{\"extension\":{"),
        "{}",
        String::from_utf8_lossy(&body)
    );
}

/// The rows of a registration, inserted without validation.
struct PlainRegistration {
    event: EventId,
    service_type: ServiceTypeId,
    feed: FeedId,
    owner: AccountId,
    id: ExtensionId,
    now: Timestamp,
    number: u32,
}

impl PlainRegistration {
    fn new(fixture: &Fixture, number: u32) -> Self {
        let Actor::Person(owner) = &fixture.user.caller.actor else { panic!("the caller is not an account") };
        let (now, rng) = (fixture.app.services.now(), &*fixture.app.services.rng);
        Self {
            event: fixture.event,
            service_type: fixture.service_type,
            feed: fixture.feed,
            owner: owner.id,
            id: ExtensionId::new(rng, now),
            now,
            number,
        }
    }

    async fn insert(&self, conn: &mut Conn) -> QueryResult<()> {
        self.insert_extension(conn).await?;
        self.insert_number(conn).await?;
        self.insert_feed_entry(conn).await?;
        query!(conn, |c| diesel::insert_into(audit_events::table)
            .values((
                audit_events::at.eq(self.now),
                audit_events::actor.eq("user"),
                audit_events::via.eq("graphql"),
                audit_events::action.eq("registerExtension"),
                audit_events::entity.eq(self.id.global()),
                audit_events::summary.eq(format!("{} on handset for user", self.number)),
                audit_events::request_id.eq(uuid::Uuid::nil().to_string()),
            ))
            .execute(c)
            .await)?;
        Ok(())
    }

    async fn insert_extension(&self, conn: &mut Conn) -> QueryResult<()> {
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
            number: self.number.to_string(),
            label: label(self.number),
            visibility: Visibility::Public,
            parameters: JsonValue(parameters(self.number)),
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

    async fn insert_number(&self, conn: &mut Conn) -> QueryResult<()> {
        query!(conn, |c| diesel::insert_into(numbers::table)
            .values((
                numbers::id.eq(Id(self.id.0)),
                numbers::event_id.eq(self.event),
                numbers::number.eq(self.number.to_string()),
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

    async fn insert_feed_entry(&self, conn: &mut Conn) -> QueryResult<()> {
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
        let Entity { kind: entity_kind, id: entity_id } = self.id.into();
        let entry = Entry { entity_id, entity_kind, feed_id: self.feed, revision, tag, slot: 0, present: true };
        query!(conn, |c| diesel::insert_into(feed_entries::table).values(&entry).execute(c).await)?;
        query!(conn, |c| diesel::insert_into(feed_keys::table)
            .values((
                feed_keys::id.eq(Id(self.id.0)),
                feed_keys::entity_id.eq(entity_id),
                feed_keys::feed_id.eq(self.feed),
                feed_keys::number.eq(self.number.to_string()),
                feed_keys::parameters.eq(JsonValue(json!({}))),
                feed_keys::from_revision.eq(revision),
            ))
            .execute(c)
            .await)?;
        Ok(())
    }
}
