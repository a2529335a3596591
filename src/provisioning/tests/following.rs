//! Subscribers.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::json;

use super::house::{House, told};
use crate::problem::Stop;
use crate::provisioning::follow::follow;
use crate::provisioning::model::{ChangesPage, FeedAnswer, ResetReason};

fn page(answer: Option<Result<FeedAnswer, Stop>>) -> ChangesPage {
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
    let mut fresh = Box::pin(follow(house.reader().await, None).await.unwrap());
    let mut replay = Box::pin(follow(house.reader().await, Some(start)).await.unwrap());
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
