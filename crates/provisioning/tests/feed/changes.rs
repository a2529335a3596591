//! Changes: order, positions, previous keys, resets and pruning.

use serde_json::json;

use platform::feed_log::EntryChange;
use provisioning::cursor::Cursor;
use provisioning::model::{Change, ResetReason};
use provisioning::previous_keys::UNASSIGNED_NUMBER;
use provisioning::prune;
use test_support::{Fixture, summary};

#[tokio::test]
async fn each_extension_appears_once_in_commit_order() {
    let fixture = Fixture::build().await;
    let start = fixture.head().await;
    assert_eq!((start.base, start.position), (0, 0));
    assert_eq!(fixture.head().await, start);
    let first = fixture.add(1, "2001", json!({})).await;
    fixture.add(2, "2002", json!({})).await;
    fixture.touch(first).await;
    let page = fixture.changes(start, 50).await;
    assert_eq!(summary(&page), ["+2002[]", "+2001[]"]);
    assert_eq!((page.cursor.base, page.cursor.position, page.has_more), (3, 3, false));
    let page = fixture.changes(page.cursor, 50).await;
    assert!(page.changes.is_empty());
    assert_eq!(page.cursor, fixture.head().await);
}

#[tokio::test]
async fn a_page_has_whole_transactions_and_the_base_stays_until_the_last_page() {
    let fixture = Fixture::build().await;
    let start = fixture.head().await;
    fixture.add(1, "2001", json!({})).await;
    let mut tx = fixture.begin();
    for slot in 2..6 {
        tx.add(slot, &format!("200{slot}"), json!({})).await;
    }
    tx.commit().await;
    fixture.add(6, "2006", json!({})).await;
    let page = fixture.changes(start, 2).await;
    assert_eq!(page.changes.len(), 5);
    assert!(page.has_more);
    assert_eq!((page.cursor.base, page.cursor.position), (0, 2));
    let page = fixture.changes(page.cursor, 2).await;
    assert_eq!(summary(&page), ["+2006[]"]);
    assert_eq!((page.cursor.base, page.cursor.position, page.has_more), (3, 3, false));
    let none = fixture.changes(start, 0).await;
    assert!(none.changes.is_empty() && none.has_more && none.cursor == start);
}

#[tokio::test]
async fn a_removal_lists_every_key_since_the_base() {
    let fixture = Fixture::build().await;
    let id = fixture.add(1, "2342", json!({ "mac": "aa:bb:cc:dd:ee:01" })).await;
    let seen = fixture.head().await;
    fixture.rekey(id, "2343", json!({ "mac": "aa:bb:cc:dd:ee:01" })).await;
    assert_eq!(summary(&fixture.changes(seen, 50).await), ["+2343[2342/aa:bb:cc:dd:ee:01]"]);
    let later = fixture.head().await;
    fixture.remove(id).await;
    assert_eq!(summary(&fixture.changes(seen, 50).await), ["-[2342/aa:bb:cc:dd:ee:01 2343/aa:bb:cc:dd:ee:01]"]);
    assert_eq!(summary(&fixture.changes(later, 50).await), ["-[2343/aa:bb:cc:dd:ee:01]"]);
}

#[tokio::test]
async fn an_extension_created_and_deleted_after_the_base_is_a_removal() {
    let fixture = Fixture::build().await;
    let start = fixture.head().await;
    let id = fixture.add(1, "2342", json!({})).await;
    fixture.remove(id).await;
    assert_eq!(summary(&fixture.changes(start, 50).await), ["-[2342]"]);
}

#[tokio::test]
async fn a_number_swap_lists_no_key_that_the_other_extension_holds() {
    let fixture = Fixture::build().await;
    let (a, b) = (fixture.add(1, "2001", json!({})).await, fixture.add(2, "2002", json!({})).await);
    let seen = fixture.head().await;
    let mut tx = fixture.begin();
    // Numbers are unique, so the swap needs a temporary one; the feed has only the result.
    tx.rekey(a, "9999", json!({})).await;
    tx.rekey(b, "2001", json!({})).await;
    tx.rekey(a, "2002", json!({})).await;
    tx.commit().await;
    let page = fixture.changes(seen, 50).await;
    assert_eq!(summary(&page), ["+2002[]", "+2001[]"]);
    assert_eq!(page.cursor.position, seen.position + 1);
}

#[tokio::test]
async fn a_keyset_partly_held_by_another_extension_lists_the_rest() {
    let fixture = Fixture::build().await;
    let mac = |n: u8| json!({ "mac": format!("aa:bb:cc:dd:ee:0{n}") });
    let a = fixture.add(1, "2001", mac(1)).await;
    let b = fixture.add(2, "2002", mac(2)).await;
    let seen = fixture.head().await;
    fixture.rekey(a, "2003", mac(3)).await;
    fixture.rekey(b, "2001", mac(4)).await;
    // 2001 belongs to b now; the MAC address that a had with it belongs to no extension.
    assert_eq!(
        summary(&fixture.changes(seen, 50).await),
        ["+2003[2003/aa:bb:cc:dd:ee:01]", "+2001[2002/aa:bb:cc:dd:ee:02]"]
    );
    fixture.rekey(b, "2004", mac(1)).await;
    assert_eq!(summary(&fixture.changes(seen, 50).await)[0], "+2003[2001]");
    fixture.rekey(b, "2001", mac(4)).await;
    fixture.remove(a).await;
    assert_eq!(summary(&fixture.changes(seen, 50).await)[1], "-[2003/aa:bb:cc:dd:ee:01 2003/aa:bb:cc:dd:ee:03]");
    let c = fixture.add(3, "2003", mac(3)).await;
    assert_eq!(summary(&fixture.changes(seen, 50).await)[1], format!("-[{UNASSIGNED_NUMBER}/aa:bb:cc:dd:ee:01]"));
    fixture.remove(c).await;
}

#[tokio::test]
async fn foreign_cursors_are_reset() {
    let fixture = Fixture::build().await;
    let id = fixture.add(1, "2001", json!({})).await;
    let here = fixture.head().await;
    assert_eq!(fixture.reset(here).await, None);
    assert_eq!(fixture.reset(Cursor { feed: uuid::Uuid::nil(), ..here }).await, Some(ResetReason::Epoch));
    assert_eq!(fixture.reset(Cursor { epoch: uuid::Uuid::nil(), ..here }).await, Some(ResetReason::Epoch));
    assert_eq!(fixture.reset(Cursor { position: 9, ..here }).await, Some(ResetReason::Epoch));
    assert_eq!(fixture.reset(Cursor { tag: [0; 8], ..here }).await, Some(ResetReason::Epoch));
    let copy = fixture.path.with_extension("copy");
    fixture.services.store.backup_into(&copy).await.unwrap();
    fixture.touch(id).await;
    let lost_head = fixture.head().await;
    // The restored database has the same epoch and issues the same revision again, with another tag.
    let restored = fixture.restored(copy).await;
    assert_eq!(restored.reset(lost_head).await, Some(ResetReason::Epoch));
    restored.touch(id).await;
    assert_eq!(restored.head().await.position, lost_head.position);
    assert_eq!(restored.reset(lost_head).await, Some(ResetReason::Epoch));
    assert_eq!(restored.reset(here).await, None);
    assert_ne!(restored.reader().await.digest().await.unwrap(), fixture.reader().await.digest().await.unwrap());
}

#[tokio::test]
async fn an_archived_event_closes_its_feeds() {
    let fixture = Fixture::build().await;
    let here = fixture.head().await;
    fixture.set_phase("ARCHIVED").await;
    assert_eq!(fixture.reset(here).await, Some(ResetReason::Closed));
    assert!(fixture.reader().await.snapshot(50, None).await.unwrap().is_none());
    fixture.set_phase("OPEN").await;
    assert_eq!(fixture.reset(here).await, None);
}

#[tokio::test]
async fn a_bulk_transaction_resets_cursors_before_it() {
    let fixture = Fixture::build().await;
    let start = fixture.head().await;
    fixture.add(1, "2001", json!({})).await;
    let mut tx = fixture.begin();
    for _ in 0..5001 {
        let id = platform::ids::ExtensionId::new(&*fixture.services.rng, test_support::NOW);
        tx.changes.record(fixture.feed, id, 0, EntryChange::Delete);
    }
    tx.commit().await;
    assert_eq!(fixture.reset(start).await, Some(ResetReason::Bulk));
    assert_eq!(fixture.reset(fixture.head().await).await, None);
}

#[tokio::test]
async fn pruning_keeps_a_week_after_the_next_revision() {
    let fixture = Fixture::build().await;
    let id = fixture.add(1, "2001", json!({})).await;
    let early = fixture.head().await;
    fixture.advance_days(30);
    assert_eq!(prune(&fixture.services).await.unwrap(), 1);
    assert_eq!(prune(&fixture.services).await.unwrap(), 0);
    // The newest revision is kept without changes for a month.
    assert_eq!(fixture.reset(early).await, None);
    fixture.rekey(id, "2002", json!({})).await;
    let late = fixture.head().await;
    fixture.advance_days(6);
    prune(&fixture.services).await.unwrap();
    assert_eq!(summary(&fixture.changes(early, 50).await), ["+2002[2001]"]);
    fixture.remove(id).await;
    fixture.advance_days(2);
    prune(&fixture.services).await.unwrap();
    assert_eq!(fixture.reset(early).await, Some(ResetReason::Expired));
    let page = fixture.changes(late, 50).await;
    assert!(matches!(page.changes[..], [Change::Removal { .. }]));
    assert_eq!(fixture.reset(Cursor { base: 0, ..late }).await, Some(ResetReason::Expired));
}
