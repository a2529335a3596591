//! The latency from a change to the last of many subscribers; the baseline is the same change and a local channel.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::Request;
use futures_util::{Stream, StreamExt as _};
use platform::notifications::{CHANNEL, Notification};
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinSet;
use tokio_stream::wrappers::BroadcastStream;

use super::fixture::{Fixture, on_postgres};
use super::measure::{ROUNDS, median, percentile, wall_time};
use super::table::{Figure, Measurement, Table, format_duration};

const SUBSCRIBERS: usize = 500;
/// How many changes a round makes.
const CHANGES: u32 = 50;
/// The extensions that are changed are this far apart.
const STRIDE: u32 = 97;

const SUBSCRIBE: &str = "subscription { provisioningChanges(event: \"camp\", serviceType: \"handset\") \
    { ... on FeedPage { cursor changes { \
    ... on FeedUpsert { extension { id number label parameters version } previous { number } } } } } }";
const RELABEL: &str = "mutation($id: ID!, $label: String!) { updateExtension(input: { id: $id, label: $label }) \
    { extension { id } errors { code } } }";

/// The 99th percentiles of a round, in seconds.
struct Latencies {
    subject: f64,
    baseline: f64,
}

/// Measures the rows of subscribers.
pub async fn measure(fixture: &Fixture, table: &mut Table) {
    let name = "change → event at the last of 500 subscribers, p99";
    if table.includes(name) {
        let rounds = compare(fixture, async |round| local_channel(fixture, round).await).await;
        report(table, name, "the change and a local channel", &rounds);
    }
    let name = "change → event at the last of 500 subscribers, p99, PostgreSQL";
    if table.includes(name) {
        on_postgres(name, async |fixture| {
            let rounds = compare(fixture, async |round| postgres_listen(fixture, round).await).await;
            report(table, name, "the change and LISTEN", &rounds);
        })
        .await;
    }
}

async fn compare(fixture: &Fixture, baseline: impl AsyncFn(u32) -> Vec<Duration>) -> Vec<Latencies> {
    let p99 = |times| percentile(times, 0.99).as_secs_f64();
    let mut rounds = Vec::new();
    for round in (0..).take(ROUNDS) {
        let subject = p99(subscriptions(fixture, round).await);
        rounds.push(Latencies { subject, baseline: p99(baseline(round).await) });
    }
    rounds
}

fn report(table: &mut Table, name: &str, baseline_name: &str, rounds: &[Latencies]) {
    let median_of = |value: fn(&Latencies) -> f64| median(rounds.iter().map(value).collect());
    let duration = |seconds| format_duration(Duration::from_secs_f64(seconds));
    let difference = median_of(|latencies| (latencies.subject - latencies.baseline) * 1e3);
    let measurement = Measurement {
        figure: Figure { value: difference, unit: " ms more" },
        subject: duration(median_of(|latencies| latencies.subject)),
        baseline: format!("{baseline_name} {}", duration(median_of(|latencies| latencies.baseline))),
    };
    table.at_most(name, 50.0, measurement);
}

/// Changes the label of one extension.
pub async fn relabel(fixture: &Fixture, index: u32, label: &str) {
    let variables = json!({ "id": fixture.extension_id(index), "label": label });
    let body = fixture.execute(&fixture.operator, RELABEL, variables).await;
    assert!(body.starts_with(b"{\"data\":{\"updateExtension\":{\"extension\":{"), "{}", String::from_utf8_lossy(&body));
}

/// Makes one change after another; each latency ends at the time that `last_receipt` returns.
async fn latencies(fixture: &Fixture, label: &str, mut last_receipt: impl AsyncFnMut() -> Duration) -> Vec<Duration> {
    let mut latencies = Vec::new();
    for index in 0..CHANGES {
        let start = wall_time();
        relabel(fixture, index * STRIDE, &format!("{label} {index}")).await;
        latencies.push(last_receipt().await - start);
    }
    latencies
}

/// Tasks that each consume a stream, and report the time of every item.
struct Listeners {
    sender: UnboundedSender<Duration>,
    receipts: UnboundedReceiver<Duration>,
    tasks: JoinSet<()>,
}

impl Listeners {
    fn new() -> Self {
        let (sender, receipts) = mpsc::unbounded_channel();
        Self { sender, receipts, tasks: JoinSet::new() }
    }

    /// Adds a listener to the items of `events`.
    fn add<T: Send + 'static>(&mut self, events: impl Stream<Item = T> + Send + 'static) {
        let sender = self.sender.clone();
        self.tasks.spawn(events.for_each(move |_| {
            let _ = sender.send(wall_time());
            std::future::ready(())
        }));
    }

    /// Waits until every listener has received an item; returns the time of the last one.
    async fn last_receipt(&mut self) -> Duration {
        let mut last = Duration::ZERO;
        for _ in 0..SUBSCRIBERS {
            last = last.max(self.receipts.recv().await.unwrap());
        }
        last
    }
}

async fn subscriptions(fixture: &Fixture, round: u32) -> Vec<Duration> {
    let mut listeners = Listeners::new();
    for _ in 0..SUBSCRIBERS {
        let schema = fixture.app.schema.load().schema().clone();
        let request = Request::new(SUBSCRIBE).data(Arc::clone(&fixture.key.caller));
        let events = schema.execute_stream(request);
        listeners.add(events.inspect(|event| assert!(event.errors.is_empty(), "{:?}", event.errors)));
    }
    // The first event of a subscription is the head.
    listeners.last_receipt().await;
    latencies(fixture, &format!("Subscriptions {round}"), async || listeners.last_receipt().await).await
}

async fn local_channel(fixture: &Fixture, round: u32) -> Vec<Duration> {
    let mut listeners = Listeners::new();
    let (channel, _) = broadcast::channel(16);
    for _ in 0..SUBSCRIBERS {
        listeners.add(BroadcastStream::new(channel.subscribe()));
    }
    let last_receipt = async || {
        channel.send(()).unwrap();
        listeners.last_receipt().await
    };
    latencies(fixture, &format!("Channel {round}"), last_receipt).await
}

async fn postgres_listen(fixture: &Fixture, round: u32) -> Vec<Duration> {
    let mut notifications = fixture.app.services.store.listen(CHANNEL).await.unwrap().unwrap();
    let last_receipt = async || {
        // A change of a label also notifies the directory.
        while !matches!(serde_json::from_str(&notifications.recv().await.unwrap()), Ok(Notification::Feed(_))) {}
        wall_time()
    };
    latencies(fixture, &format!("LISTEN {round}"), last_receipt).await
}
