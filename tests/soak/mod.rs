//! Twenty consumers over all transports, four writers, and random kills of every component: in the end every replica
//! equals the database. `SWITCHBOARD_SOAK_SECONDS` sets the duration; the default is 20 seconds.

mod agents;
mod readers;
mod replica;
mod servers;
mod web_hooks;
mod writers;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use platform::clock::{Rng, SystemRng};

use crate::postgres::Cluster;
use crate::telephony::within;
use agents::Agents;
use readers::{Reader, Transport};
use replica::Rows;
use servers::Servers;
use web_hooks::WebHookConsumer;

/// The limit for all replicas to catch up after the last write and the last kill.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(90);
const WRITERS: usize = 4;
const WEB_HOOKS: usize = 3;

/// The soak test on SQLite, and on PostgreSQL with two server processes.
pub fn trials(cluster: Option<&Cluster>, must_run: bool) -> Vec<Trial> {
    let on_postgres = cluster.cloned();
    vec![
        Trial::test("soak::sqlite", || run(None)),
        Trial::test("soak::postgres_with_two_instances", move || match on_postgres {
            Some(cluster) => run(Some(cluster)),
            None => Err("PostgreSQL's binaries are missing".into()),
        })
        .with_ignored_flag(cluster.is_none() && !must_run),
    ]
}

fn run(cluster: Option<Cluster>) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(soak(cluster));
    runtime.shutdown_timeout(Duration::from_secs(5));
    Ok(())
}

/// A random number in `0..bound`.
fn random_below(bound: usize) -> usize {
    let rng: &dyn Rng = &SystemRng;
    usize::try_from(rng.below(bound as u64)).unwrap()
}

async fn soak(cluster: Option<Cluster>) {
    let seconds = std::env::var("SWITCHBOARD_SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let servers = Servers::start(cluster.as_ref()).await;
    let mut consumers = Consumers::start(&servers, cluster.as_ref()).await;
    assert_eq!(consumers.count(), 20);

    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS)
        .map(|index| tokio::spawn(writers::write(Arc::clone(&servers), Arc::clone(&stop), index)))
        .collect();
    let kills = kill_at_random(&servers, &mut consumers, Duration::from_secs(seconds)).await;
    stop.store(true, Ordering::SeqCst);
    let mut writes = 0;
    for writer in writers {
        writes += writer.await.unwrap();
    }
    assert!(writes > seconds, "too few writes: {writes}");

    let start = Instant::now();
    let expected = servers.rows().await;
    assert!(!expected.is_empty());
    consumers.assert_equal(&expected).await;
    within(CATCH_UP_TIMEOUT, "the acknowledgements", async || servers.lagging_consumers().await.is_empty()).await;
    println!(
        "soak on {}: {seconds} s, {writes} writes, {kills}, {} extensions; 20 replicas at the head after {:.1} s",
        if cluster.is_some() { "PostgreSQL" } else { "SQLite" },
        expected.len(),
        start.elapsed().as_secs_f64()
    );
}

/// The consumers of all kinds.
struct Consumers {
    readers: Vec<Reader>,
    web_hooks: Vec<WebHookConsumer>,
    agents: Agents,
}

impl Consumers {
    async fn start(servers: &Arc<Servers>, cluster: Option<&Cluster>) -> Self {
        let mut readers = Vec::new();
        for (transport, count) in
            [(Transport::Pages, 3), (Transport::LongPoll, 4), (Transport::EventStream, 3), (Transport::WebSocket, 3)]
        {
            for index in 0..count {
                let name = format!("{transport:?}-{index}");
                readers.push(Reader::start(servers, transport, servers.create_consumer(&name).await));
            }
        }
        let mut web_hooks = Vec::new();
        for index in 0..WEB_HOOKS {
            let consumer = servers.create_consumer(&format!("web-hook-{index}")).await;
            web_hooks.push(WebHookConsumer::start(servers, consumer).await);
        }
        Self { readers, web_hooks, agents: Agents::start(servers, cluster).await }
    }

    fn count(&self) -> usize {
        self.readers.len() + self.web_hooks.len() + self.agents.count()
    }

    /// Waits until every replica has these rows.
    async fn assert_equal(&self, expected: &Rows) {
        for reader in &self.readers {
            wait_for_rows(reader.name(), expected, async || reader.rows()).await;
        }
        for consumer in &self.web_hooks {
            wait_for_rows(&consumer.name, expected, async || consumer.rows()).await;
        }
        for index in 0..self.agents.count() {
            wait_for_rows(self.agents.name(index), expected, async || self.agents.rows(index).await).await;
        }
    }
}

/// Waits until a replica has these rows; panics with the differences.
async fn wait_for_rows(name: &str, expected: &Rows, mut rows: impl AsyncFnMut() -> Rows) {
    let start = Instant::now();
    loop {
        let found = rows().await;
        if found == *expected {
            return;
        }
        if start.elapsed() > CATCH_UP_TIMEOUT {
            let differences: Vec<_> = expected
                .keys()
                .chain(found.keys())
                .filter(|number| expected.get(*number) != found.get(*number))
                .map(|number| format!("{number}: expected {:?}, found {:?}", expected.get(number), found.get(number)))
                .take(10)
                .collect();
            panic!("{name} does not catch up: {differences:?}");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// How many components of each kind were killed.
#[derive(Default)]
struct Kills {
    readers: usize,
    web_hooks: usize,
    agents: usize,
    servers: usize,
}

impl fmt::Display for Kills {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { readers, web_hooks, agents, servers } = self;
        write!(formatter, "killed: {readers} readers, {web_hooks} web hooks, {agents} agents, {servers} servers")
    }
}

/// Kills and restarts random components for a time.
async fn kill_at_random(servers: &Arc<Servers>, consumers: &mut Consumers, duration: Duration) -> Kills {
    let start = Instant::now();
    let mut kills = Kills::default();
    while start.elapsed() < duration {
        tokio::time::sleep(Duration::from_millis(100 + random_below(400) as u64)).await;
        match random_below(20) {
            0..9 => {
                let index = random_below(consumers.readers.len());
                consumers.readers[index].restart();
                kills.readers += 1;
            }
            9..13 => {
                let index = random_below(consumers.web_hooks.len());
                consumers.web_hooks[index].restart().await;
                kills.web_hooks += 1;
            }
            13..19 => {
                consumers.agents.restart(random_below(consumers.agents.count()));
                kills.agents += 1;
            }
            _ => {
                servers.restart(random_below(servers.count())).await;
                kills.servers += 1;
            }
        }
    }
    kills
}
