//! One change and its reading, in a small installation and in one a hundred times as large.

use std::cell::{Cell, RefCell};

use serde_json::json;

use super::followers::relabel;
use super::house::House;
use super::measure::{alternate, show};
use super::table::Table;

const SMALL: u32 = 10_000;
const LARGE: u32 = 1_000_000;

const CHANGES: &str = "query($s: FeedCursor!) { provisioning(event: \"camp\", serviceType: \"handset\") { changes(since: $s) { \
    ... on FeedPage { cursor changes { ... on FeedUpsert { extension { number label parameters version } previous { number } } } } } } }";
const HEAD: &str = "{ provisioning(event: \"camp\", serviceType: \"handset\") { snapshot(first: 1) { head } } }";

/// The row of sizes.
pub async fn measure(table: &mut Table) {
    let work = "one change and its reading, 1,000,000 rows beside 10,000";
    if !table.wants(work) {
        return;
    }
    let (small, large) = (Follower::new(SMALL).await, Follower::new(LARGE).await);
    let ours = async |units| large.follow(units).await;
    let beside = async |units| small.follow(units).await;
    let found = alternate(500, ours, beside).await;
    let beside = format!("at 10,000 {}", show(found.beside.cpu));
    table.at_most(work, (found.cpu_ratio, " × CPU"), 1.5, show(found.ours.cpu), beside);
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

/// The first text under a key of an answer.
fn text(body: &[u8], key: &str) -> String {
    let body = std::str::from_utf8(body).unwrap();
    let (_, rest) = body.split_once(&format!("\"{key}\":\"")).unwrap_or_else(|| panic!("no {key} in {body}"));
    rest.split_once('"').unwrap().0.to_owned()
}
