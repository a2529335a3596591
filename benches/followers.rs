//! From a change to the last of many subscribers, beside the same change and a bare local channel.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Request, Variables};
use futures_util::StreamExt as _;
use serde_json::json;
use switchboard::changes::doorbell::{CHANNEL, Ring};
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinSet;

use super::house::House;
use super::measure::{ROUNDS, median, percentile, show, wall};
use super::postgres::Cluster;
use super::table::Table;

const SUBSCRIBERS: usize = 500;
/// Changes in each round.
const CHANGES: u32 = 50;

const FOLLOW: &str = "subscription { provisioningChanges(event: \"camp\", serviceType: \"handset\") { ... on FeedPage { cursor changes { \
    ... on FeedUpsert { extension { id number label parameters version } previous { number } } } } } }";
/// Changes a label.
pub const RELABEL: &str = "mutation($i: ID!, $l: String!) { updateExtension(input: { id: $i, label: $l }) { extension { id } errors { code } } }";

/// The rows of subscribers.
pub async fn measure(house: &House, table: &mut Table) {
    let work = "change → event at the last of 500 subscribers, p99";
    if table.wants(work) {
        let told = compare(house, async |round| with_channel(house, round).await).await;
        report(table, work, "the change and a local channel", told);
    }
    let work = "change → event at the last of 500 subscribers, p99, PostgreSQL";
    if table.wants(work) {
        let Some(cluster) = Cluster::find() else { return println!("not measured, PostgreSQL is missing: {work}") };
        let house = House::on_postgres(&cluster.database(), 500).await;
        let told = compare(&house, async |round| with_listen(&house, round).await).await;
        report(table, work, "the change and LISTEN", told);
        drop(house);
        cluster.stop();
    }
}

/// The 99th percentiles of each round, in seconds: ours, and what stands beside.
async fn compare(house: &House, beside: impl AsyncFn(u32) -> Vec<Duration>) -> Vec<(f64, f64)> {
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let round = u32::try_from(round).unwrap();
        let ours = percentile(with_subscribers(house, round).await, 0.99);
        rounds.push((ours.as_secs_f64(), percentile(beside(round).await, 0.99).as_secs_f64()));
    }
    rounds
}

fn report(table: &mut Table, work: &str, name: &str, rounds: Vec<(f64, f64)>) {
    let of = |pick: fn(&(f64, f64)) -> f64| median(rounds.iter().map(pick).collect());
    let seconds = |seconds| show(Duration::from_secs_f64(seconds));
    let beside = format!("{name} {}", seconds(of(|(_, beside)| *beside)));
    table.at_most(
        work,
        (of(|(ours, beside)| (ours - beside) * 1e3), " ms more"),
        50.0,
        seconds(of(|(ours, _)| *ours)),
        beside,
    );
}

/// Changes the label of one extension.
pub async fn relabel(house: &House, n: u32, label: &str) {
    let variables = json!({ "i": house.extension(n), "l": label });
    let body = house.ask(&house.operator, RELABEL, variables).await;
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

async fn with_listen(house: &House, round: u32) -> Vec<Duration> {
    let mut heard = house.app.services.store.listen(CHANNEL).await.unwrap().unwrap();
    let mut times = Vec::new();
    for n in 0..CHANGES {
        let began = wall();
        relabel(house, n * 97, &format!("Listened {round} {n}")).await;
        // The change of the directory rings too.
        while !matches!(serde_json::from_str(&heard.recv().await.unwrap()), Ok(Ring::Feed(_))) {}
        times.push(wall() - began);
    }
    times
}
