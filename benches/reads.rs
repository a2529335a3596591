//! Looking up a number, a page of the directory, a search: beside the same SELECT through the same driver, without GraphQL.

use std::cell::{Cell, RefCell};

use diesel::{ExpressionMethods as _, JoinOnDsl as _, QueryDsl as _, QueryResult, SelectableHelper as _};
use diesel_async::RunQueryDsl as _;
use platform::query;
use platform::store::Conn;
use platform::store::schema::{events, extensions, service_types};
use serde_json::{Value, json};
use extensions::directory::{self, Audience, Key, Listing};
use extensions::Extension;
use extensions::search::Query;

use super::house::{FIRST_NUMBER, House};
use super::measure::{Comparison, alternate, show};
use super::table::Table;

const LOOK_UP: &str = "query($n: PhoneNumber!) { extension(event: \"camp\", number: $n) { id slot number label visibility \
    parameters serviceType { slug name } createdAt updatedAt version } }";
const PAGE: &str = "query($a: String, $s: String) { directory(event: \"camp\", search: $s, first: 50, after: $a) { \
    nodes { number label highlighted serviceType { slug name } } pageInfo { hasNextPage endCursor } } }";

/// The rows of reading.
pub async fn measure(house: &House, table: &mut Table) {
    let work = "look-up by number";
    if table.wants(work) {
        report(table, work, &look_up(house).await);
    }
    for (work, search, units) in
        [("directory page of 50", None, 200), ("search for a common word, top 50", Some("tent"), 10)]
    {
        if table.wants(work) {
            report(table, work, &page(house, search, units).await);
        }
    }
}

fn report(table: &mut Table, work: &str, found: &Comparison) {
    let (ours, beside) = (show(found.ours.cpu), format!("the same SELECT {}", show(found.beside.cpu)));
    table.at_most(work, (found.cpu_ratio, " × CPU"), 3.0, ours, beside);
}

async fn look_up(house: &House) -> Comparison {
    let (asked, selected) = (Cell::new(0), Cell::new(0));
    let next = |counter: &Cell<u32>| {
        counter.set(counter.get() + 1);
        // A stride that is prime to the size walks over all of them.
        (FIRST_NUMBER + counter.get().wrapping_mul(7919) % house.size).to_string()
    };
    let ours = async |units| {
        for _ in 0..units {
            let number = next(&asked);
            let body = house.ask(&house.operator, LOOK_UP, json!({ "n": number })).await;
            assert!(body.windows(number.len()).any(|part| part == number.as_bytes()));
        }
    };
    let beside = async |units| {
        for _ in 0..units {
            let number = next(&selected);
            let mut conn = house.app.services.store.read().await.unwrap();
            assert_eq!(select(&mut conn, &number).await.unwrap().0.number, number);
        }
    };
    alternate(2000, ours, beside).await
}

async fn select(conn: &mut Conn, number: &str) -> QueryResult<(Extension, String, String)> {
    query!(conn, |c| extensions::table
        .inner_join(events::table.on(events::id.eq(extensions::event_id)))
        .inner_join(service_types::table.on(service_types::id.eq(extensions::service_type_id)))
        .filter(events::slug.eq("camp"))
        .filter(extensions::number.eq(number))
        .select((Extension::as_select(), service_types::slug, service_types::name))
        .get_result(c)
        .await)
}

/// Page after page, so that each is read for the first time.
async fn page(house: &House, search: Option<&str>, units: u32) -> Comparison {
    let cursor = RefCell::new(Value::Null);
    let ours = async |units| {
        for _ in 0..units {
            let after = cursor.borrow().clone();
            let body = house.ask(&house.guest, PAGE, json!({ "a": after, "s": search })).await;
            let answer: Answer = serde_json::from_slice(&body).unwrap();
            assert_eq!(answer.data.directory.nodes.len(), 50);
            cursor.replace(answer.data.directory.page_info.end_cursor.into());
        }
    };
    let listing = Listing { search: search.and_then(Query::parse), ..Listing::all(house.event, Audience::Guests) };
    let after = RefCell::new(None::<Key>);
    let beside = async |units| {
        for _ in 0..units {
            let mut conn = house.app.services.store.read().await.unwrap();
            let behind = after.borrow().clone();
            let entries = directory::entries(&mut conn, &listing, behind.as_ref(), 51).await.unwrap();
            after.replace(entries.into_iter().nth(49).map(|(key, _)| key));
        }
    };
    alternate(units, ours, beside).await
}

/// As little of the answer as finds the next page.
#[derive(serde::Deserialize)]
struct Answer {
    data: Data,
}

#[derive(serde::Deserialize)]
struct Data {
    directory: Page,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    nodes: Vec<serde::de::IgnoredAny>,
    page_info: PageInfo,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    end_cursor: String,
}
