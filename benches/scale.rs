//! One change and its reading, in a small installation and in one a hundred times as large.

use std::cell::{Cell, RefCell};

use diesel_async::SimpleAsyncConnection as _;
use platform::access::Actor;
use platform::store::Conn;
use serde_json::json;

use super::followers::relabel;
use super::house::{House, text};
use super::measure::{alternate, alternate_after, show};
use super::table::Table;

const SMALL: u32 = 10_000;
const LARGE: u32 = 1_000_000;
/// The same within the noise, and a level more of each index.
const SAME: f64 = 1.5;

const CHANGES: &str = "query($s: FeedCursor!) { provisioning(event: \"camp\", serviceType: \"handset\") { changes(since: $s) { \
    ... on FeedPage { cursor changes { ... on FeedUpsert { extension { number label parameters version } previous { number } } } } } } }";
const HEAD: &str = "{ provisioning(event: \"camp\", serviceType: \"handset\") { snapshot(first: 1) { head } } }";

const NAME: &str = "mutation($n: String!, $k: ID!) { createFeedConsumer(input: { name: $n, event: \"camp\", \
    serviceType: \"handset\", apiKey: $k }) { consumer { id } errors { message } } }";

/// The rows of sizes.
pub async fn measure(table: &mut Table) {
    rows(table).await;
    consumers(table).await;
}

async fn consumers(table: &mut Table) {
    let work = "one change and its reading, 100 consumers beside 1";
    if !table.wants(work) {
        return;
    }
    let (many, one) = (Follower::new(SMALL).await, Follower::new(SMALL).await);
    many.name_consumers(100).await;
    one.name_consumers(1).await;
    let up_to_date = async || {
        many.acknowledge().await;
        one.acknowledge().await;
    };
    let ours = async |units| many.follow(units).await;
    let beside = async |units| one.follow(units).await;
    let found = alternate_after(200, up_to_date, ours, beside).await;
    let beside = format!("with 1 {}", show(found.beside.cpu));
    table.at_most(work, (found.cpu_ratio, " × CPU"), SAME, show(found.ours.cpu), beside);
}

async fn rows(table: &mut Table) {
    let work = "one change and its reading, 1,000,000 rows beside 10,000";
    if !table.wants(work) {
        return;
    }
    let (small, large) = (Follower::new(SMALL).await, Follower::new(LARGE).await);
    let ours = async |units| large.follow(units).await;
    let beside = async |units| small.follow(units).await;
    let found = alternate(500, ours, beside).await;
    let beside = format!("at 10,000 {}", show(found.beside.cpu));
    table.at_most(work, (found.cpu_ratio, " × CPU"), SAME, show(found.ours.cpu), beside);
}

struct Follower {
    house: House,
    cursor: RefCell<String>,
    changed: Cell<u32>,
}

impl Follower {
    async fn new(size: u32) -> Self {
        let house = House::build(size).await;
        let head = text(&house.ask(&house.key, HEAD, json!({})).await, "head");
        Self { house, cursor: RefCell::new(head), changed: Cell::new(0) }
    }

    /// Names so many telephone systems.
    async fn name_consumers(&self, count: u32) {
        let house = &self.house;
        let Actor::Key(key) = &house.key.caller.actor else { panic!("the key is a key") };
        let key = key.id.global();
        for n in 0..count {
            let named = house.ask(&house.admin, NAME, json!({ "n": format!("sip-{n}"), "k": key })).await;
            text(&named, "id");
        }
    }

    /// Has every telephone system acknowledge what there is, as far as costs of later changes can depend on it.
    async fn acknowledge(&self) {
        let statement =
            "UPDATE feed_consumers SET acknowledged_base = feeds.head, acknowledged_position = feeds.head FROM feeds";
        let store = &self.house.app.services.store;
        let written = store.write(move |conn| {
            Box::pin(async move {
                let Conn::Sqlite(conn) = conn else { panic!("the benches run on SQLite") };
                Ok(conn.batch_execute(statement).await?)
            })
        });
        written.await.unwrap();
    }

    /// Changes one extension after another, and reads each change.
    async fn follow(&self, units: u32) {
        for _ in 0..units {
            let n = self.changed.replace(self.changed.get() + 1);
            let label = format!("Changed {n}");
            relabel(&self.house, n.wrapping_mul(7919), &label).await;
            let since = self.cursor.borrow().clone();
            let page = self.house.ask(&self.house.key, CHANGES, json!({ "s": since })).await;
            assert_eq!(text(&page, "label"), label);
            self.cursor.replace(text(&page, "cursor"));
        }
    }
}
