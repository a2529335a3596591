//! Pages of a feed. The baseline is a hand-written SELECT with serde_json that produces the same bytes.

use std::cell::{Cell, RefCell};

use ::extensions::visibility::Visibility;
use diesel::{ExpressionMethods as _, JoinOnDsl as _, QueryDsl as _, QueryResult, Queryable};
use diesel_async::RunQueryDsl as _;
use platform::clock::Timestamp;
use platform::feed_log::entry_version;
use platform::ids::{ExtensionId, FeedId};
use platform::query;
use platform::store::Conn;
use platform::store::schema::{accounts, extensions, feed_entries};
use platform::store::types::JsonText;
use platform::text::folding::ascii_label;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::fixture::Fixture;
use super::measure::compare;
use super::table::Table;

const SNAPSHOT: &str = "query($first: Int, $after: String) { provisioning(event: \"camp\", serviceType: \"handset\") { \
    snapshot(first: $first, after: $after) { pageInfo { endCursor } entries { \
    id slot number label asciiLabel parameters secrets digests permissions fallbackNumber active restrictions \
    effects members { number } \
    ownerUsername visibility version updatedAt } } } }";

/// An id before every other.
pub const FIRST_ID: ExtensionId = ExtensionId(uuid::Uuid::nil());

/// Measures the rows of feed pages.
pub async fn measure(fixture: &Fixture, table: &mut Table) {
    for (name, first, units) in [("feed page of 1,000", 1000, 20), ("feed page of 5,000, all fields", 5000, 5)] {
        if table.includes(name) {
            page(fixture, table, name, first, units).await;
        }
    }
}

async fn page(fixture: &Fixture, table: &mut Table, name: &str, first: u16, units: u32) {
    assert_same_bytes(fixture, first).await;
    let (cursor, last) = (RefCell::new(None::<String>), Cell::new(FIRST_ID));
    let (subject_pages, baseline_pages) = (Cell::new(0), Cell::new(0));
    // Each side reads consecutive pages, and starts again after the last complete one.
    let is_last = |counter: &Cell<u32>| {
        counter.set(counter.get() + 1);
        counter.get().is_multiple_of(fixture.size / u32::from(first))
    };
    let subject = async |units| {
        for _ in 0..units {
            let after = cursor.borrow().clone();
            let body = fixture.execute(&fixture.key, SNAPSHOT, json!({ "first": first, "after": after })).await;
            cursor.replace((!is_last(&subject_pages)).then(|| end_cursor(&body)));
        }
    };
    let baseline = async |units| {
        for _ in 0..units {
            let page = select_page(fixture, last.get(), first).await;
            std::hint::black_box(page.bytes);
            last.set(if is_last(&baseline_pages) { FIRST_ID } else { page.last });
        }
    };
    let comparison = compare(units, subject, baseline).await;
    table.at_most(name, 2.0, comparison.cpu_measurement("SELECT and serde_json"));
}

async fn assert_same_bytes(fixture: &Fixture, first: u16) {
    let subject = fixture.execute(&fixture.key, SNAPSHOT, json!({ "first": first, "after": null })).await;
    let baseline = select_page(fixture, FIRST_ID, first).await.bytes;
    let subject = String::from_utf8(subject).unwrap();
    let entries = &subject[subject.find("\"entries\":").unwrap() + 10..subject.rfind("}}},\"extensions\"").unwrap()];
    assert!(entries == String::from_utf8(baseline).unwrap(), "both sides must produce the same bytes");
}

/// The cursor at the start of a page, without parsing the rest.
fn end_cursor(body: &[u8]) -> String {
    let start = String::from_utf8_lossy(&body[..300.min(body.len())]).into_owned();
    let (_, rest) = start.split_once("\"endCursor\":\"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

/// The columns of an entry.
#[derive(Queryable)]
pub struct Row {
    pub id: ExtensionId,
    slot: i32,
    number: String,
    label: String,
    parameters: JsonText,
    fallback_number: Option<String>,
    username: String,
    visibility: Visibility,
    revision: i64,
    tag: Vec<u8>,
    updated_at: Timestamp,
}

/// An entry as the feed serialises it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    id: String,
    slot: i32,
    number: String,
    label: String,
    ascii_label: String,
    parameters: Box<RawValue>,
    secrets: Empty,
    digests: Empty,
    permissions: [&'static str; 0],
    fallback_number: Option<String>,
    active: bool,
    restrictions: [&'static str; 0],
    effects: [&'static str; 0],
    members: Option<()>,
    owner_username: String,
    visibility: Visibility,
    version: String,
    updated_at: String,
}

#[derive(Serialize)]
struct Empty {}

impl From<Row> for Entry {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.global(),
            slot: row.slot,
            ascii_label: ascii_label(&row.label, &row.number),
            number: row.number,
            label: row.label,
            parameters: RawValue::from_string(row.parameters.0).unwrap(),
            secrets: Empty {},
            digests: Empty {},
            permissions: [],
            fallback_number: row.fallback_number,
            active: true,
            restrictions: [],
            effects: [],
            members: None,
            owner_username: row.username,
            visibility: row.visibility,
            version: entry_version(row.revision, &row.tag),
            updated_at: row.updated_at.to_string(),
        }
    }
}

/// A page of the baseline.
struct Page {
    bytes: Vec<u8>,
    last: ExtensionId,
}

async fn select_page(fixture: &Fixture, after: ExtensionId, first: u16) -> Page {
    let mut conn = fixture.app.services.store.read().await.unwrap();
    let rows = select(&mut conn, fixture.feed, after, first).await.unwrap();
    let last = rows.last().unwrap().id;
    let entries: Vec<Entry> = rows.into_iter().map(Entry::from).collect();
    Page { bytes: serde_json::to_vec(&entries).unwrap(), last }
}

/// Selects the entries after the id `after`, in the order of ids.
pub async fn select(conn: &mut Conn, feed: FeedId, after: ExtensionId, first: u16) -> QueryResult<Vec<Row>> {
    query!(conn, |c| feed_entries::table
        .inner_join(extensions::table.on(extensions::id.eq(feed_entries::entity_id)))
        .inner_join(accounts::table.on(accounts::id.eq(extensions::owner_id)))
        .filter(feed_entries::feed_id.eq(feed))
        .filter(feed_entries::present)
        .filter(feed_entries::entity_id.gt(after))
        .order(feed_entries::entity_id)
        .limit(i64::from(first))
        .select((
            extensions::id,
            extensions::slot,
            extensions::number,
            extensions::label,
            extensions::parameters,
            extensions::fallback_number,
            accounts::username,
            extensions::visibility,
            feed_entries::revision,
            feed_entries::tag,
            extensions::updated_at,
        ))
        .load(c)
        .await)
}
