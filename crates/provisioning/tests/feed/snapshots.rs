//! Snapshot pages, their content and the digest.

use serde_json::{Value, json};

use platform::access::{Actor, ApiKeyScope};
use platform::error::Error;
use platform::feed_log::digest::FeedDigest;
use platform::ids::ExtensionId;
use provisioning::cursor::SnapshotCursor;
use provisioning::feed::open;
use provisioning::model::{EntryContent, SnapshotPage};
use test_support::{Fixture, summary};

fn after(page: &SnapshotPage) -> SnapshotCursor {
    let head = page.head;
    SnapshotCursor {
        feed: head.feed,
        epoch: head.epoch,
        head: head.position,
        tag: head.tag,
        last: page.entries.last().unwrap().entity.id.0,
    }
}

fn numbers(page: &SnapshotPage) -> Vec<&str> {
    page.entries.iter().map(|content| content.number.as_str()).collect()
}

#[tokio::test]
async fn every_page_has_the_head_of_the_first() {
    let fixture = Fixture::build().await;
    for slot in 1..=5 {
        fixture.advance_days(0);
        fixture.clock.advance(std::time::Duration::from_millis(2));
        fixture.add(slot, &format!("200{slot}"), json!({})).await;
    }
    let reader = fixture.reader().await;
    let one = reader.snapshot(2, None).await.unwrap().unwrap();
    assert_eq!((numbers(&one), one.has_next, one.total), (vec!["2001", "2002"], true, 5));
    fixture.remove(ExtensionId(one.entries[0].entity.id.0)).await;
    let two = reader.snapshot(50, Some(after(&one))).await.unwrap().unwrap();
    assert_eq!((numbers(&two), two.has_next), (vec!["2003", "2004", "2005"], false));
    assert_eq!(two.head, one.head);
    assert_eq!(summary(&fixture.changes(one.head, 50).await), ["-[2001]"]);
    let foreign = SnapshotCursor { tag: [0; 8], ..after(&one) };
    assert!(matches!(reader.snapshot(2, Some(foreign)).await, Err(Error::BadRequest(_))));
}

#[tokio::test]
async fn the_digest_is_the_sum_over_the_entries() {
    let fixture = Fixture::build().await;
    for slot in 1..=3 {
        fixture.add(slot, &format!("200{slot}"), json!({})).await;
    }
    let reader = fixture.reader().await;
    let digest_of = |contents: &[EntryContent]| {
        let mut digest = FeedDigest::default();
        contents.iter().for_each(|content| digest.add(&content.entity.global(), &content.version));
        digest.to_hex()
    };
    let page = reader.snapshot(50, None).await.unwrap().unwrap();
    assert_eq!(reader.digest().await.unwrap(), digest_of(&page.entries));
    fixture.touch(ExtensionId(page.entries[0].entity.id.0)).await;
    fixture.remove(ExtensionId(page.entries[1].entity.id.0)).await;
    let page = reader.snapshot(50, None).await.unwrap().unwrap();
    assert_eq!((page.entries.len(), page.total), (2, 2));
    assert_eq!(reader.digest().await.unwrap(), digest_of(&page.entries));
}

#[tokio::test]
async fn content_is_limited_to_the_scope() {
    let fixture = Fixture::build().await;
    fixture.add(1, "2001", json!({ "imsi": "26201", "mac": "aa:bb:cc:dd:ee:01" })).await;
    let content = async |scopes: &[ApiKeyScope]| {
        let reader = open(&fixture.services, &fixture.actor(scopes), "camp", "sip").await.unwrap().unwrap();
        reader.snapshot(1, None).await.unwrap().unwrap().entries.remove(0)
    };
    let plain = content(&[ApiKeyScope::ReadConfig]).await;
    assert!(plain.secrets.is_empty() && plain.digests.is_empty());
    assert_eq!((plain.ascii_label.as_str(), plain.owner_username.as_str(), plain.active()), ("Zoe's", "zoe", true));
    assert!(plain.parameters.contains("26201"));
    let digests = content(&[ApiKeyScope::ReadDigests]).await;
    assert!(digests.secrets.is_empty());
    // printf 2001:camp.example:hunter22 | md5sum
    assert_eq!(digests.digests["password"].ha1, "46e309fa4fd273ad07f4bdf938ea1e5f");
    assert_eq!(content(&[ApiKeyScope::ReadSecrets]).await.secrets["password"], "hunter22");
    let reader = open(&fixture.services, &Actor::System("test"), "camp", "sip").await.unwrap().unwrap();
    let operator = reader.snapshot(1, None).await.unwrap().unwrap().entries.remove(0);
    assert_eq!(serde_json::from_str::<Value>(&operator.parameters).unwrap(), json!({ "mac": "aa:bb:cc:dd:ee:01" }));
    assert!(matches!(open(&fixture.services, &Actor::Guest, "nowhere", "sip").await, Err(Error::Auth(_))));
    assert!(open(&fixture.services, &Actor::System("test"), "nowhere", "sip").await.unwrap().is_none());
}
