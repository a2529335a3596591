//! Subscriptions.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::json;

use platform::access::ApiKeyScope;
use platform::error::Error;
use platform::notifications::Notification;
use provisioning::feed::{FeedReader, open};
use provisioning::model::{Change, ChangesPage, ChangesResponse, ResetReason};
use provisioning::subscribers::Subscribers;
use provisioning::subscription::subscribe;
use test_support::{Fixture, summary};

fn page(item: Option<Result<ChangesResponse, Error>>) -> Arc<ChangesPage> {
    match item {
        Some(Ok(ChangesResponse::Page(page))) => page,
        other => panic!("no page: {other:?}"),
    }
}

#[tokio::test]
async fn a_subscription_replays_changes_follows_commits_and_ends_with_the_event() {
    let fixture = Fixture::build().await;
    let start = fixture.head().await;
    fixture.add(1, "2001", json!({})).await;
    let subscribers = Arc::<Subscribers>::default();
    let mut fresh = Box::pin(subscribe(fixture.reader().await, None, Arc::clone(&subscribers)).await.unwrap());
    let mut replay = Box::pin(subscribe(fixture.reader().await, Some(start), subscribers).await.unwrap());
    let first = page(fresh.next().await);
    assert!(first.changes.is_empty() && first.cursor == fixture.head().await);
    assert_eq!(summary(&page(replay.next().await)), ["+2001[]"]);
    fixture.add(2, "2002", json!({})).await;
    for stream in [&mut fresh, &mut replay] {
        let next = tokio::time::timeout(Duration::from_millis(1500), stream.next()).await.unwrap();
        assert_eq!(summary(&page(next)), ["+2002[]"]);
    }
    // This change is not notified: the poll finds it.
    fixture.set_phase("ARCHIVED").await;
    assert!(matches!(fresh.next().await, Some(Ok(ChangesResponse::Reset(ResetReason::Closed)))));
    assert!(fresh.next().await.is_none());
}

/// A reader without secrets in its scope, whose reads are shared.
async fn shared_reader(fixture: &Fixture) -> FeedReader {
    open(&fixture.services, &fixture.actor(&[ApiKeyScope::ReadConfig]), "camp", "sip").await.unwrap().unwrap()
}

#[tokio::test]
async fn a_late_reader_gets_no_page_from_before_its_notification() {
    let fixture = Fixture::build().await;
    let subscribers = Arc::<Subscribers>::default();
    let mut quick = Box::pin(subscribe(shared_reader(&fixture).await, None, Arc::clone(&subscribers)).await.unwrap());
    let mut slow = Box::pin(subscribe(shared_reader(&fixture).await, None, subscribers).await.unwrap());
    for stream in [&mut quick, &mut slow] {
        assert!(page(stream.next().await).changes.is_empty());
    }
    fixture.add(1, "2001", json!({})).await;
    assert_eq!(summary(&page(quick.next().await)), ["+2001[]"]);
    fixture.add(2, "2002", json!({})).await;
    assert_eq!(summary(&page(slow.next().await)), ["+2001[]", "+2002[]"]);
    assert_eq!(summary(&page(quick.next().await)), ["+2002[]"]);
}

#[tokio::test]
async fn subscribers_at_one_position_share_a_page_within_their_scope() {
    let fixture = Fixture::build().await;
    let subscribers = Arc::<Subscribers>::default();
    let digests = fixture.actor(&[ApiKeyScope::ReadConfig, ApiKeyScope::ReadDigests]);
    let digests = open(&fixture.services, &digests, "camp", "sip").await.unwrap().unwrap();
    let mut streams = Vec::new();
    for reader in [shared_reader(&fixture).await, shared_reader(&fixture).await, digests, fixture.reader().await] {
        let mut stream = Box::pin(subscribe(reader, None, Arc::clone(&subscribers)).await.unwrap());
        page(stream.next().await);
        streams.push(stream);
    }
    fixture.add(1, "2001", json!({ "password": "swordfish" })).await;
    let mut pages = Vec::new();
    for stream in &mut streams {
        pages.push(page(stream.next().await));
    }
    assert!(Arc::ptr_eq(&pages[0], &pages[1]), "two subscribers with the same position and scope share one page");
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
async fn the_subscription_of_a_revoked_key_ends() {
    let fixture = Fixture::build().await;
    let subscribers = Arc::<Subscribers>::default();
    let mut notified =
        Box::pin(subscribe(shared_reader(&fixture).await, None, Arc::clone(&subscribers)).await.unwrap());
    let mut polled = Box::pin(subscribe(shared_reader(&fixture).await, None, subscribers).await.unwrap());
    for stream in [&mut notified, &mut polled] {
        page(stream.next().await);
    }
    fixture.add(1, "2001", json!({})).await;
    assert_eq!(summary(&page(notified.next().await)), ["+2001[]"]);
    // The key was valid at the last check. A revocation by this process is notified and takes effect at once.
    fixture.revoke_key().await;
    fixture.services.notifier.notify(Notification::KeyRevoked(fixture.key));
    fixture.add(2, "2002", json!({})).await;
    assert!(notified.next().await.is_none());
    assert!(polled.next().await.is_none());
}

#[tokio::test]
async fn the_subscription_of_a_key_revoked_elsewhere_ends_within_a_second() {
    let fixture = Fixture::build().await;
    let subscribers = Arc::<Subscribers>::default();
    let mut stream = Box::pin(subscribe(shared_reader(&fixture).await, None, Arc::clone(&subscribers)).await.unwrap());
    page(stream.next().await);
    // The cached validity is fresh, and the revocation is not notified.
    assert!(subscribers.keys.is_valid(&fixture.services, fixture.key).await.unwrap());
    fixture.revoke_key().await;
    let ended = tokio::time::timeout(Duration::from_secs(1), stream.next()).await;
    assert!(ended.expect("the stream ends within a second").is_none());
}
