//! The cost of one change and its read in a small and in a large installation, and with one and with many consumers.

use std::cell::{Cell, RefCell};

use diesel_async::SimpleAsyncConnection as _;
use platform::access::Actor;
use platform::store::Conn;
use serde_json::json;

use super::fixture::{Fixture, text};
use super::measure::{compare, compare_after};
use super::subscribers::relabel;
use super::table::Table;

const SMALL: u32 = 10_000;
const LARGE: u32 = 1_000_000;
/// The ratio that noise and one more level in each index explain.
const LIMIT: f64 = 1.5;
/// A prime that is coprime to the sizes, so that consecutive changes are far apart.
const STRIDE: u32 = 7919;

const CHANGES: &str = "query($since: FeedCursor!) { provisioning(event: \"camp\", serviceType: \"handset\") \
    { changes(since: $since) { \
    ... on FeedPage { cursor changes { \
    ... on FeedUpsert { extension { number label parameters version } previous { number } } } } } } }";
const HEAD: &str = "{ provisioning(event: \"camp\", serviceType: \"handset\") { snapshot(first: 1) { head } } }";
const CREATE_CONSUMER: &str = "mutation($name: String!, $key: ID!) { createFeedConsumer(input: \
    { name: $name, event: \"camp\", serviceType: \"handset\", apiKey: $key }) { consumer { id } errors { message } } }";

/// Measures the rows of scaling.
pub async fn measure(table: &mut Table) {
    extensions(table).await;
    consumers(table).await;
}

async fn consumers(table: &mut Table) {
    let name = "one change and its read, 100 consumers vs. 1";
    if !table.includes(name) {
        return;
    }
    let (many, one) = (FeedReader::new(SMALL).await, FeedReader::new(SMALL).await);
    many.create_consumers(100).await;
    one.create_consumers(1).await;
    let acknowledge = async || {
        many.acknowledge().await;
        one.acknowledge().await;
    };
    let subject = async |units| many.change_and_read(units).await;
    let baseline = async |units| one.change_and_read(units).await;
    let comparison = compare_after(200, acknowledge, subject, baseline).await;
    table.at_most(name, LIMIT, comparison.cpu_measurement("with 1"));
}

async fn extensions(table: &mut Table) {
    let name = "one change and its read, 1,000,000 extensions vs. 10,000";
    if !table.includes(name) {
        return;
    }
    let (small, large) = (FeedReader::new(SMALL).await, FeedReader::new(LARGE).await);
    let subject = async |units| large.change_and_read(units).await;
    let baseline = async |units| small.change_and_read(units).await;
    let comparison = compare(500, subject, baseline).await;
    table.at_most(name, LIMIT, comparison.cpu_measurement("at 10,000"));
}

/// A fixture with a reader of its feed.
struct FeedReader {
    fixture: Fixture,
    cursor: RefCell<String>,
    change_count: Cell<u32>,
}

impl FeedReader {
    async fn new(size: u32) -> Self {
        let fixture = Fixture::build(size).await;
        let head = text(&fixture.execute(&fixture.key, HEAD, json!({})).await, "head");
        Self { fixture, cursor: RefCell::new(head), change_count: Cell::new(0) }
    }

    async fn create_consumers(&self, count: u32) {
        let fixture = &self.fixture;
        let Actor::Key(key) = &fixture.key.caller.actor else { panic!("the caller is not an API key") };
        let key = key.id.global();
        for index in 0..count {
            let variables = json!({ "name": format!("sip-{index}"), "key": key });
            let created = fixture.execute(&fixture.admin, CREATE_CONSUMER, variables).await;
            text(&created, "id");
        }
    }

    /// Moves the acknowledged position of every consumer to the head, past the API: the cost of later changes depends
    /// on it.
    async fn acknowledge(&self) {
        let statement =
            "UPDATE feed_consumers SET acknowledged_base = feeds.head, acknowledged_position = feeds.head FROM feeds";
        let store = &self.fixture.app.services.store;
        let written = store.write(move |conn| {
            Box::pin(async move {
                let Conn::Sqlite(conn) = conn else { panic!("this bench runs on SQLite") };
                Ok(conn.batch_execute(statement).await?)
            })
        });
        written.await.unwrap();
    }

    /// Changes one extension after another, and reads each change.
    async fn change_and_read(&self, units: u32) {
        for _ in 0..units {
            let count = self.change_count.replace(self.change_count.get() + 1);
            let label = format!("Changed {count}");
            relabel(&self.fixture, count.wrapping_mul(STRIDE), &label).await;
            let since = self.cursor.borrow().clone();
            let page = self.fixture.execute(&self.fixture.key, CHANGES, json!({ "since": since })).await;
            assert_eq!(text(&page, "label"), label);
            self.cursor.replace(text(&page, "cursor"));
        }
    }
}
