//! A look-up by number, a page of the directory, a search. The baseline is the same SELECT with the same driver,
//! without GraphQL.

use std::cell::{Cell, RefCell};

use ::extensions::Extension;
use ::extensions::directory::{self, Audience, DirectoryFilter, EntryCursor};
use ::extensions::search::Query;
use diesel::{ExpressionMethods as _, JoinOnDsl as _, QueryDsl as _, QueryResult, Queryable, SelectableHelper as _};
use diesel_async::RunQueryDsl as _;
use platform::query;
use platform::store::Conn;
use platform::store::schema::{events, extensions, service_types};
use serde_json::{Value, json};

use super::fixture::{FIRST_NUMBER, Fixture};
use super::measure::{Comparison, compare};
use super::table::Table;

const LOOK_UP: &str = "query($number: PhoneNumber!) { extension(event: \"camp\", number: $number) \
    { id slot number label visibility \
    parameters serviceType { slug name } createdAt updatedAt version } }";
const PAGE: &str = "query($after: String, $search: String) \
    { directory(event: \"camp\", search: $search, first: 50, after: $after) { \
    nodes { number label highlighted serviceType { slug name } } pageInfo { hasNextPage endCursor } } }";

/// Measures the rows of reads.
pub async fn measure(fixture: &Fixture, table: &mut Table) {
    let name = "look-up by number";
    if table.includes(name) {
        report(table, name, &look_up(fixture).await);
    }
    for (name, search, units) in
        [("directory page of 50", None, 200), ("search for a common word, top 50", Some("tent"), 10)]
    {
        if table.includes(name) {
            report(table, name, &page(fixture, search, units).await);
        }
    }
}

fn report(table: &mut Table, name: &str, comparison: &Comparison) {
    table.at_most(name, 3.0, comparison.cpu_measurement("the same SELECT"));
}

async fn look_up(fixture: &Fixture) -> Comparison {
    let (subject_count, baseline_count) = (Cell::new(0), Cell::new(0));
    let next = |counter: &Cell<u32>| {
        counter.set(counter.get() + 1);
        // A stride that is coprime to the size visits every number.
        (FIRST_NUMBER + counter.get().wrapping_mul(7919) % fixture.size).to_string()
    };
    let subject = async |units| {
        for _ in 0..units {
            let number = next(&subject_count);
            let body = fixture.execute(&fixture.operator, LOOK_UP, json!({ "number": number })).await;
            assert!(body.windows(number.len()).any(|part| part == number.as_bytes()));
        }
    };
    let baseline = async |units| {
        for _ in 0..units {
            let number = next(&baseline_count);
            let mut conn = fixture.app.services.store.read().await.unwrap();
            assert_eq!(select(&mut conn, &number).await.unwrap().extension.number, number);
        }
    };
    compare(2000, subject, baseline).await
}

/// The columns of a look-up.
#[derive(Queryable)]
struct LookUpRow {
    extension: Extension,
    _slug: String,
    _name: String,
}

async fn select(conn: &mut Conn, number: &str) -> QueryResult<LookUpRow> {
    query!(conn, |c| extensions::table
        .inner_join(events::table.on(events::id.eq(extensions::event_id)))
        .inner_join(service_types::table.on(service_types::id.eq(extensions::service_type_id)))
        .filter(events::slug.eq("camp"))
        .filter(extensions::number.eq(number))
        .select((Extension::as_select(), service_types::slug, service_types::name))
        .get_result(c)
        .await)
}

/// Reads consecutive pages, so no page is read twice.
async fn page(fixture: &Fixture, search: Option<&str>, units: u32) -> Comparison {
    let cursor = RefCell::new(Value::Null);
    let subject = async |units| {
        for _ in 0..units {
            let after = cursor.borrow().clone();
            let body = fixture.execute(&fixture.guest, PAGE, json!({ "after": after, "search": search })).await;
            let response: Response = serde_json::from_slice(&body).unwrap();
            assert_eq!(response.data.directory.nodes.len(), 50);
            cursor.replace(response.data.directory.page_info.end_cursor.into());
        }
    };
    let filter = DirectoryFilter {
        search: search.and_then(Query::parse),
        ..DirectoryFilter::all(fixture.event, Audience::Guests)
    };
    let after = RefCell::new(None::<EntryCursor>);
    let baseline = async |units| {
        for _ in 0..units {
            let mut conn = fixture.app.services.store.read().await.unwrap();
            let key = after.borrow().clone();
            let entries = directory::entries(&mut conn, &filter, key.as_ref(), 51).await.unwrap();
            after.replace(entries.into_iter().nth(49).map(|(key, _)| key));
        }
    };
    compare(units, subject, baseline).await
}

/// The part of a response that has the next page's cursor.
#[derive(serde::Deserialize)]
struct Response {
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
