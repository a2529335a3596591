//! Order, positions, keys and resets.

use serde_json::json;

use super::house::{House, told};
use platform::feed_log::EntryChange;
use crate::cursor::Cursor;
use crate::keys::NOBODY;
use crate::model::{Change, ResetReason};
use crate::prune;

#[tokio::test]
async fn each_extension_once_in_the_order_of_commits() {
    let house = House::build().await;
    let start = house.head().await;
    assert_eq!((start.base, start.position), (0, 0));
    assert_eq!(house.head().await, start);
    let first = house.add(1, "2001", json!({})).await;
    house.add(2, "2002", json!({})).await;
    house.touch(first).await;
    let page = house.changes(start, 50).await;
    assert_eq!(told(&page), ["+2002[]", "+2001[]"]);
    assert_eq!((page.cursor.base, page.cursor.position, page.has_more), (3, 3, false));
    let page = house.changes(page.cursor, 50).await;
    assert!(page.changes.is_empty());
    assert_eq!(page.cursor, house.head().await);
}

#[tokio::test]
async fn a_transaction_is_never_cut_and_the_base_stays_until_the_end() {
    let house = House::build().await;
    let start = house.head().await;
    house.add(1, "2001", json!({})).await;
    let mut step = house.step();
    for slot in 2..6 {
        step.add(slot, &format!("200{slot}"), json!({})).await;
    }
    step.commit().await;
    house.add(6, "2006", json!({})).await;
    let page = house.changes(start, 2).await;
    assert_eq!(page.changes.len(), 5);
    assert!(page.has_more);
    assert_eq!((page.cursor.base, page.cursor.position), (0, 2));
    let page = house.changes(page.cursor, 2).await;
    assert_eq!(told(&page), ["+2006[]"]);
    assert_eq!((page.cursor.base, page.cursor.position, page.has_more), (3, 3, false));
    let none = house.changes(start, 0).await;
    assert!(none.changes.is_empty() && none.has_more && none.cursor == start);
}

#[tokio::test]
async fn a_removal_tells_every_key_since_the_base() {
    let house = House::build().await;
    let id = house.add(1, "2342", json!({ "mac": "aa:bb:cc:dd:ee:01" })).await;
    let seen = house.head().await;
    house.rekey(id, "2343", json!({ "mac": "aa:bb:cc:dd:ee:01" })).await;
    assert_eq!(told(&house.changes(seen, 50).await), ["+2343[2342/aa:bb:cc:dd:ee:01]"]);
    let later = house.head().await;
    house.remove(id).await;
    assert_eq!(told(&house.changes(seen, 50).await), ["-[2342/aa:bb:cc:dd:ee:01 2343/aa:bb:cc:dd:ee:01]"]);
    assert_eq!(told(&house.changes(later, 50).await), ["-[2343/aa:bb:cc:dd:ee:01]"]);
}

#[tokio::test]
async fn what_came_and_went_after_the_base_is_told_as_removed() {
    let house = House::build().await;
    let start = house.head().await;
    let id = house.add(1, "2342", json!({})).await;
    house.remove(id).await;
    assert_eq!(told(&house.changes(start, 50).await), ["-[2342]"]);
}

#[tokio::test]
async fn a_swap_tells_no_key_that_the_other_holds() {
    let house = House::build().await;
    let (a, b) = (house.add(1, "2001", json!({})).await, house.add(2, "2002", json!({})).await);
    let seen = house.head().await;
    let mut step = house.step();
    // The rows take a detour, since numbers are unique; the feed is told of the outcome.
    step.rekey(a, "9999", json!({})).await;
    step.rekey(b, "2001", json!({})).await;
    step.rekey(a, "2002", json!({})).await;
    step.commit().await;
    let page = house.changes(seen, 50).await;
    assert_eq!(told(&page), ["+2002[]", "+2001[]"]);
    assert_eq!(page.cursor.position, seen.position + 1);
}

#[tokio::test]
async fn of_a_keyset_that_is_anothers_in_part_the_rest_is_told() {
    let house = House::build().await;
    let mac = |n: u8| json!({ "mac": format!("aa:bb:cc:dd:ee:0{n}") });
    let a = house.add(1, "2001", mac(1)).await;
    let b = house.add(2, "2002", mac(2)).await;
    let seen = house.head().await;
    house.rekey(a, "2003", mac(3)).await;
    house.rekey(b, "2001", mac(4)).await;
    // 2001 is b's now; what a bore with it is nobody's.
    assert_eq!(
        told(&house.changes(seen, 50).await),
        ["+2003[2003/aa:bb:cc:dd:ee:01]", "+2001[2002/aa:bb:cc:dd:ee:02]"]
    );
    house.rekey(b, "2004", mac(1)).await;
    assert_eq!(told(&house.changes(seen, 50).await)[0], "+2003[2001]");
    house.rekey(b, "2001", mac(4)).await;
    house.remove(a).await;
    assert_eq!(told(&house.changes(seen, 50).await)[1], "-[2003/aa:bb:cc:dd:ee:01 2003/aa:bb:cc:dd:ee:03]");
    let c = house.add(3, "2003", mac(3)).await;
    assert_eq!(told(&house.changes(seen, 50).await)[1], format!("-[{NOBODY}/aa:bb:cc:dd:ee:01]"));
    house.remove(c).await;
}

#[tokio::test]
async fn cursors_that_do_not_belong_are_found_out() {
    let house = House::build().await;
    let id = house.add(1, "2001", json!({})).await;
    let here = house.head().await;
    assert_eq!(house.reset(here).await, None);
    assert_eq!(house.reset(Cursor { feed: uuid::Uuid::nil(), ..here }).await, Some(ResetReason::Epoch));
    assert_eq!(house.reset(Cursor { epoch: uuid::Uuid::nil(), ..here }).await, Some(ResetReason::Epoch));
    assert_eq!(house.reset(Cursor { position: 9, ..here }).await, Some(ResetReason::Epoch));
    assert_eq!(house.reset(Cursor { tag: [0; 8], ..here }).await, Some(ResetReason::Epoch));
    let copy = house.path.with_extension("copy");
    house.services.store.backup_into(&copy).await.unwrap();
    house.touch(id).await;
    let lost = house.head().await;
    // The restored database has the same epoch and issues the same revision again, under another tag.
    let restored = house.restored(copy).await;
    assert_eq!(restored.reset(lost).await, Some(ResetReason::Epoch));
    restored.touch(id).await;
    assert_eq!(restored.head().await.position, lost.position);
    assert_eq!(restored.reset(lost).await, Some(ResetReason::Epoch));
    assert_eq!(restored.reset(here).await, None);
    assert_ne!(restored.reader().await.digest().await.unwrap(), house.reader().await.digest().await.unwrap());
}

#[tokio::test]
async fn an_archived_event_closes_its_feeds() {
    let house = House::build().await;
    let here = house.head().await;
    house.set_phase("ARCHIVED").await;
    assert_eq!(house.reset(here).await, Some(ResetReason::Closed));
    assert!(house.reader().await.snapshot(50, None).await.unwrap().is_none());
    house.set_phase("OPEN").await;
    assert_eq!(house.reset(here).await, None);
}

#[tokio::test]
async fn more_than_a_page_holds_is_told_at_once() {
    let house = House::build().await;
    let start = house.head().await;
    house.add(1, "2001", json!({})).await;
    let mut step = house.step();
    for _ in 0..5001 {
        let id = platform::ids::ExtensionId::new(&*house.services.rng, super::house::NOW);
        step.changes.mark(house.feed, id, 0, EntryChange::Delete);
    }
    step.commit().await;
    assert_eq!(house.reset(start).await, Some(ResetReason::Bulk));
    assert_eq!(house.reset(house.head().await).await, None);
}

#[tokio::test]
async fn pruning_keeps_a_week_after_the_next_revision() {
    let house = House::build().await;
    let id = house.add(1, "2001", json!({})).await;
    let early = house.head().await;
    house.days_pass(30);
    assert_eq!(prune(&house.services).await.unwrap(), 1);
    assert_eq!(prune(&house.services).await.unwrap(), 0);
    // A quiet month harms nobody: the newest stays.
    assert_eq!(house.reset(early).await, None);
    house.rekey(id, "2002", json!({})).await;
    let late = house.head().await;
    house.days_pass(6);
    prune(&house.services).await.unwrap();
    assert_eq!(told(&house.changes(early, 50).await), ["+2002[2001]"]);
    house.remove(id).await;
    house.days_pass(2);
    prune(&house.services).await.unwrap();
    assert_eq!(house.reset(early).await, Some(ResetReason::Expired));
    let page = house.changes(late, 50).await;
    assert!(matches!(page.changes[..], [Change::Removal { .. }]));
    assert_eq!(house.reset(Cursor { base: 0, ..late }).await, Some(ResetReason::Expired));
}
