//! A page of a feed beside one SELECT by hand and serde_json, to the same bytes.

use std::cell::{Cell, RefCell};

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
use extensions::visibility::Visibility;

use super::house::House;
use super::measure::{alternate, show};
use super::table::Table;

const SNAPSHOT: &str = "query($first: Int, $after: String) { provisioning(event: \"camp\", serviceType: \"handset\") { \
    snapshot(first: $first, after: $after) { pageInfo { endCursor } entries { \
    id slot number label asciiLabel parameters secrets digests permissions fallbackNumber active restrictions effects members { number } \
    ownerUsername visibility version updatedAt } } } }";

/// The rows of the feed's pages.
pub async fn measure(house: &House, table: &mut Table) {
    for (work, first, units) in [("feed page of 1,000", 1000, 20), ("feed page of 5,000, all fields", 5000, 5)] {
        if table.wants(work) {
            page(house, table, work, first, units).await;
        }
    }
}

async fn page(house: &House, table: &mut Table, work: &str, first: u16, units: u32) {
    the_bytes_are_the_same(house, first).await;
    let (cursor, last) = (RefCell::new(None::<String>), Cell::new(ExtensionId(uuid::Uuid::nil())));
    let pages = Cell::new(0);
    // Pages follow each other, and begin again before the last.
    let wraps = |counter: &Cell<u32>| {
        counter.set(counter.get() + 1);
        counter.get().is_multiple_of(house.size / u32::from(first))
    };
    let read = Cell::new(0);
    let ours = async |units| {
        for _ in 0..units {
            let after = cursor.borrow().clone();
            let body = house.ask(&house.key, SNAPSHOT, json!({ "first": first, "after": after })).await;
            cursor.replace((!wraps(&pages)).then(|| end_cursor(&body)));
        }
    };
    let beside = async |units| {
        for _ in 0..units {
            let (bytes, end) = by_hand(house, last.get(), first).await;
            std::hint::black_box(bytes);
            last.set(if wraps(&read) { ExtensionId(uuid::Uuid::nil()) } else { end });
        }
    };
    let found = alternate(units, ours, beside).await;
    let beside = format!("SELECT and serde_json {}", show(found.beside.cpu));
    table.at_most(work, (found.cpu_ratio, " × CPU"), 2.0, show(found.ours.cpu), beside);
}

async fn the_bytes_are_the_same(house: &House, first: u16) {
    let ours = house.ask(&house.key, SNAPSHOT, json!({ "first": first, "after": null })).await;
    let (beside, _) = by_hand(house, ExtensionId(uuid::Uuid::nil()), first).await;
    let ours = String::from_utf8(ours).unwrap();
    let entries = &ours[ours.find("\"entries\":").unwrap() + 10..ours.rfind("}}},\"extensions\"").unwrap()];
    assert!(entries == String::from_utf8(beside).unwrap(), "both sides must write the same bytes");
}

/// The cursor stands at the front of the page: nothing else has to be read for it.
fn end_cursor(body: &[u8]) -> String {
    let front = String::from_utf8_lossy(&body[..300.min(body.len())]).into_owned();
    let (_, rest) = front.split_once("\"endCursor\":\"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

/// An entry as one SELECT gives it.
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

/// The same as the feed shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
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

impl From<Row> for Shown {
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

async fn by_hand(house: &House, after: ExtensionId, first: u16) -> (Vec<u8>, ExtensionId) {
    let mut conn = house.app.services.store.read().await.unwrap();
    let rows = select(&mut conn, house.feed, after, first).await.unwrap();
    let last = rows.last().unwrap().id;
    let shown: Vec<Shown> = rows.into_iter().map(Shown::from).collect();
    (serde_json::to_vec(&shown).unwrap(), last)
}

/// The entries behind `after`, by id.
pub async fn select(conn: &mut Conn, feed: FeedId, after: ExtensionId, first: u16) -> QueryResult<Vec<Row>> {
    query!(conn, |c| feed_entries::table
        .inner_join(extensions::table.on(extensions::id.eq(feed_entries::extension_id)))
        .inner_join(accounts::table.on(accounts::id.eq(extensions::owner_id)))
        .filter(feed_entries::feed_id.eq(feed))
        .filter(feed_entries::present)
        .filter(feed_entries::extension_id.gt(after))
        .order(feed_entries::extension_id)
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
