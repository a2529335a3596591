//! From a change to the last of many subscribers, beside the same change and a bare local channel.

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

use super::house::{House, on_postgres};
use super::measure::{ROUNDS, median, percentile, show, wall};
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
        on_postgres(work, async |house| {
            let told = compare(house, async |round| with_listen(house, round).await).await;
            report(table, work, "the change and LISTEN", told);
        })
        .await;
    }
}

/// The 99th percentiles of each round, in seconds: ours, and what stands beside.
async fn compare(house: &House, beside: impl AsyncFn(u32) -> Vec<Duration>) -> Vec<(f64, f64)> {
    let p99 = |times| percentile(times, 0.99).as_secs_f64();
    let mut rounds = Vec::new();
    for round in (0..).take(ROUNDS) {
        rounds.push((p99(with_subscribers(house, round).await), p99(beside(round).await)));
    }
    rounds
}

fn report(table: &mut Table, work: &str, name: &str, rounds: Vec<(f64, f64)>) {
    let of = |pick: fn(&(f64, f64)) -> f64| median(rounds.iter().map(pick).collect());
    let seconds = |seconds| show(Duration::from_secs_f64(seconds));
    let more = of(|(ours, beside)| (ours - beside) * 1e3);
    let (ours, beside) = (seconds(of(|(ours, _)| *ours)), seconds(of(|(_, beside)| *beside)));
    table.at_most(work, (more, " ms more"), 50.0, ours, format!("{name} {beside}"));
}

/// Changes the label of one extension.
pub async fn relabel(house: &House, n: u32, label: &str) {
    let variables = json!({ "i": house.extension(n), "l": label });
    let body = house.ask(&house.operator, RELABEL, variables).await;
    assert!(body.starts_with(b"{\"data\":{\"updateExtension\":{\"extension\":{"), "{}", String::from_utf8_lossy(&body));
}

/// Changes one label after another; each time from the change until `heard` gives the instant at which the last had heard of it.
async fn each_change(house: &House, round: &str, mut heard: impl AsyncFnMut() -> Duration) -> Vec<Duration> {
    let mut times = Vec::new();
    for n in 0..CHANGES {
        let began = wall();
        relabel(house, n * 97, &format!("{round} {n}")).await;
        times.push(heard().await - began);
    }
    times
}

/// Everyone who listens tells here when they have heard.
struct Ears {
    told: UnboundedSender<Duration>,
    heard: UnboundedReceiver<Duration>,
    tasks: JoinSet<()>,
}

impl Ears {
    fn new() -> Self {
        let (told, heard) = mpsc::unbounded_channel();
        Self { told, heard, tasks: JoinSet::new() }
    }

    /// One more, who hears whatever comes out of `events`.
    fn listen<T: Send + 'static>(&mut self, events: impl Stream<Item = T> + Send + 'static) {
        let told = self.told.clone();
        self.tasks.spawn(events.for_each(move |_| {
            let _ = told.send(wall());
            std::future::ready(())
        }));
    }

    /// When the last has heard the next.
    async fn last(&mut self) -> Duration {
        let mut last = Duration::ZERO;
        for _ in 0..SUBSCRIBERS {
            last = last.max(self.heard.recv().await.unwrap());
        }
        last
    }
}

async fn with_subscribers(house: &House, round: u32) -> Vec<Duration> {
    let mut ears = Ears::new();
    for _ in 0..SUBSCRIBERS {
        let schema = house.app.schema.load().schema().clone();
        let request = Request::new(FOLLOW).data(Arc::clone(&house.key.caller));
        let events = schema.execute_stream(request);
        ears.listen(events.inspect(|event| assert!(event.errors.is_empty(), "{:?}", event.errors)));
    }
    // Each is told the head at once.
    ears.last().await;
    each_change(house, &format!("Heard {round}"), async || ears.last().await).await
}

async fn with_channel(house: &House, round: u32) -> Vec<Duration> {
    let mut ears = Ears::new();
    let (channel, _) = broadcast::channel(16);
    for _ in 0..SUBSCRIBERS {
        ears.listen(BroadcastStream::new(channel.subscribe()));
    }
    let heard = async || {
        channel.send(()).unwrap();
        ears.last().await
    };
    each_change(house, &format!("Sent {round}"), heard).await
}

async fn with_listen(house: &House, round: u32) -> Vec<Duration> {
    let mut heard = house.app.services.store.listen(CHANNEL).await.unwrap().unwrap();
    let heard = async || {
        // The change of the directory rings too.
        while !matches!(serde_json::from_str(&heard.recv().await.unwrap()), Ok(Notification::Feed(_))) {}
        wall()
    };
    each_change(house, &format!("Listened {round}"), heard).await
}
