//! From a change to the last of many subscribers, beside the same change and a bare local channel.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Request, Variables};
use futures_util::StreamExt as _;
use serde_json::json;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinSet;

use super::house::House;
use super::measure::{ROUNDS, median, percentile, show, wall};
use super::table::Table;

const SUBSCRIBERS: usize = 500;
/// Changes in each round.
const CHANGES: u32 = 50;

const FOLLOW: &str = "subscription { provisioningChanges(event: \"camp\", serviceType: \"handset\") { ... on FeedPage { cursor changes { \
    ... on FeedUpsert { extension { id number label parameters version } previous { number } } } } } }";
/// Changes a label.
pub const RELABEL: &str = "mutation($i: ID!, $l: String!) { updateExtension(input: { id: $i, label: $l }) { extension { id } errors { code } } }";

/// The row of subscribers.
pub async fn measure(house: &House, table: &mut Table) {
    let work = "change → event at the last of 500 subscribers, p99";
    if !table.wants(work) {
        return;
    }
    let (mut ours, mut beside) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let round = u32::try_from(round).unwrap();
        ours.push(percentile(with_subscribers(house, round).await, 0.99).as_secs_f64());
        beside.push(percentile(with_channel(house, round).await, 0.99).as_secs_f64());
    }
    let more = ours.iter().zip(&beside).map(|(ours, beside)| (ours - beside) * 1e3).collect();
    let (ours, beside) = (median(ours), median(beside));
    let beside = format!("the change and a local channel {}", show(Duration::from_secs_f64(beside)));
    table.at_most(work, (median(more), " ms more"), 50.0, show(Duration::from_secs_f64(ours)), beside);
}

/// Changes the label of one extension.
pub async fn relabel(house: &House, n: u32, label: &str) {
    let id = format!("Extension:01920000000070008000{:012x}", n % house.size + 1);
    let body = house.ask(&house.operator, RELABEL, json!({ "i": id, "l": label })).await;
    assert!(body.starts_with(b"{\"data\":{\"updateExtension\":{\"extension\":{"), "{}", String::from_utf8_lossy(&body));
}

async fn with_subscribers(house: &House, round: u32) -> Vec<Duration> {
    let (told, mut heard) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    for _ in 0..SUBSCRIBERS {
        let told = told.clone();
        let schema = house.app.schema.load().schema().clone();
        let request = Request::new(FOLLOW).variables(Variables::default()).data(Arc::clone(&house.key.caller));
        tasks.spawn(async move {
            let mut events = Box::pin(schema.execute_stream(request));
            while let Some(event) = events.next().await {
                assert!(event.errors.is_empty(), "{:?}", event.errors);
                let _ = told.send(wall());
            }
        });
    }
    // Each is told the head at once.
    for _ in 0..SUBSCRIBERS {
        heard.recv().await.unwrap();
    }
    let mut times = Vec::new();
    for n in 0..CHANGES {
        let began = wall();
        relabel(house, n * 97, &format!("Heard {round} {n}")).await;
        let mut last = began;
        for _ in 0..SUBSCRIBERS {
            last = last.max(heard.recv().await.unwrap());
        }
        times.push(last - began);
    }
    tasks.shutdown().await;
    times
}

async fn with_channel(house: &House, round: u32) -> Vec<Duration> {
    let (told, mut heard) = mpsc::unbounded_channel();
    let (channel, _) = broadcast::channel(16);
    let mut tasks = JoinSet::new();
    for _ in 0..SUBSCRIBERS {
        let (told, mut events) = (told.clone(), channel.subscribe());
        tasks.spawn(async move {
            while events.recv().await.is_ok() {
                let _ = told.send(wall());
            }
        });
    }
    let mut times = Vec::new();
    for n in 0..CHANGES {
        let began = wall();
        relabel(house, n * 97, &format!("Sent {round} {n}")).await;
        channel.send(n).unwrap();
        let mut last = began;
        for _ in 0..SUBSCRIBERS {
            last = last.max(heard.recv().await.unwrap());
        }
        times.push(last - began);
    }
    tasks.shutdown().await;
    times
}
