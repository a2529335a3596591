//! Subscribers.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::json;

use super::house::{House, told};
use platform::access::ApiKeyScope;
use platform::error::Error;
use platform::notifications::Notification;
use crate::feed::{Reader, open};
use crate::follow::follow;
use crate::followers::Followers;
use crate::model::{Change, ChangesPage, FeedAnswer, ResetReason};

fn page(answer: Option<Result<FeedAnswer, Error>>) -> Arc<ChangesPage> {
    match answer {
        Some(Ok(FeedAnswer::Page(page))) => page,
        other => panic!("no page: {other:?}"),
    }
}

#[tokio::test]
async fn a_subscriber_hears_what_was_and_what_comes_until_the_end() {
    let house = House::build().await;
    let start = house.head().await;
    house.add(1, "2001", json!({})).await;
    let followers = Arc::<Followers>::default();
    let mut fresh = Box::pin(follow(house.reader().await, None, Arc::clone(&followers)).await.unwrap());
    let mut replay = Box::pin(follow(house.reader().await, Some(start), followers).await.unwrap());
    let first = page(fresh.next().await);
    assert!(first.changes.is_empty() && first.cursor == house.head().await);
    assert_eq!(told(&page(replay.next().await)), ["+2001[]"]);
    house.add(2, "2002", json!({})).await;
    for stream in [&mut fresh, &mut replay] {
        let next = tokio::time::timeout(Duration::from_millis(1500), stream.next()).await.unwrap();
        assert_eq!(told(&page(next)), ["+2002[]"]);
    }
    // Nobody rings for this: the poll finds it.
    house.set_phase("ARCHIVED").await;
    assert!(matches!(fresh.next().await, Some(Ok(FeedAnswer::Reset(ResetReason::Closed)))));
    assert!(fresh.next().await.is_none());
}

/// A key that reads no secrets: it shares its reading.
async fn bare(house: &House) -> Reader {
    open(&house.services, &house.actor(&[ApiKeyScope::ReadConfig]), "camp", "sip").await.unwrap().unwrap()
}

#[tokio::test]
async fn who_reads_later_is_not_given_an_answer_of_before() {
    let house = House::build().await;
    let followers = Arc::<Followers>::default();
    let mut quick = Box::pin(follow(bare(&house).await, None, Arc::clone(&followers)).await.unwrap());
    let mut slow = Box::pin(follow(bare(&house).await, None, followers).await.unwrap());
    for stream in [&mut quick, &mut slow] {
        assert!(page(stream.next().await).changes.is_empty());
    }
    house.add(1, "2001", json!({})).await;
    assert_eq!(told(&page(quick.next().await)), ["+2001[]"]);
    house.add(2, "2002", json!({})).await;
    assert_eq!(told(&page(slow.next().await)), ["+2001[]", "+2002[]"]);
    assert_eq!(told(&page(quick.next().await)), ["+2002[]"]);
}

#[tokio::test]
async fn those_in_step_are_given_the_same_page_and_each_sees_what_its_key_may() {
    let house = House::build().await;
    let followers = Arc::<Followers>::default();
    let digests = house.actor(&[ApiKeyScope::ReadConfig, ApiKeyScope::ReadDigests]);
    let digests = open(&house.services, &digests, "camp", "sip").await.unwrap().unwrap();
    let mut streams = Vec::new();
    for reader in [bare(&house).await, bare(&house).await, digests, house.reader().await] {
        let mut stream = Box::pin(follow(reader, None, Arc::clone(&followers)).await.unwrap());
        page(stream.next().await);
        streams.push(stream);
    }
    house.add(1, "2001", json!({ "password": "swordfish" })).await;
    let mut pages = Vec::new();
    for stream in &mut streams {
        pages.push(page(stream.next().await));
    }
    assert!(Arc::ptr_eq(&pages[0], &pages[1]), "the second of two in step takes the first one's page");
    let seen: Vec<(bool, bool)> = pages
        .iter()
        .map(|page| match &page.changes[0] {
            Change::Upsert { content, .. } => (!content.digests.is_empty(), !content.secrets.is_empty()),
            other => panic!("no upsert: {other:?}"),
        })
        .collect();
    assert_eq!(seen, [(false, false), (false, false), (true, false), (true, true)]);
}

#[tokio::test]
async fn a_revoked_key_follows_no_further() {
    let house = House::build().await;
    let followers = Arc::<Followers>::default();
    let mut rung = Box::pin(follow(bare(&house).await, None, Arc::clone(&followers)).await.unwrap());
    let mut silent = Box::pin(follow(bare(&house).await, None, followers).await.unwrap());
    for stream in [&mut rung, &mut silent] {
        page(stream.next().await);
    }
    house.add(1, "2001", json!({})).await;
    assert_eq!(told(&page(rung.next().await)), ["+2001[]"]);
    // The key was found good a moment ago. Its revocation here rings, and is known at once.
    house.revoke_key().await;
    house.services.notifier.notify(Notification::KeyRevoked(house.key));
    house.add(2, "2002", json!({})).await;
    assert!(rung.next().await.is_none());
    assert!(silent.next().await.is_none());
}

#[tokio::test]
async fn a_key_that_was_revoked_elsewhere_follows_no_further_within_a_second() {
    let house = House::build().await;
    let followers = Arc::<Followers>::default();
    let mut stream = Box::pin(follow(bare(&house).await, None, Arc::clone(&followers)).await.unwrap());
    page(stream.next().await);
    // The answer is as fresh as can be, and no bell rings.
    assert!(followers.keys.is_good(&house.services, house.key).await.unwrap());
    house.revoke_key().await;
    let ended = tokio::time::timeout(Duration::from_secs(1), stream.next()).await;
    assert!(ended.expect("the stream ends within a second").is_none());
}
