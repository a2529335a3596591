//! Twenty consumers of all ways of reading, four writers, and everything killed at random: in the end every copy is the
//! database's. `SWITCHBOARD_SOAK_SECONDS` says how long it goes on, 20 where it is left out.

mod agents;
mod called;
mod copy;
mod instances;
mod readers;
mod writers;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use platform::clock::{Rng, SystemRng};
use serde_json::{Value, json};

use crate::postgres::Cluster;
use crate::telephony::within;
use agents::Agents;
use called::Called;
use copy::Shown;
use instances::Instances;
use readers::{Reader, Way};

/// How long the copies may take to come into step when nobody writes or kills any more.
const SETTLING: Duration = Duration::from_secs(90);
const WRITERS: usize = 4;

/// The soak on SQLite, and on PostgreSQL with two instances of the server.
pub fn trials(cluster: Option<&Cluster>, must_be_there: bool) -> Vec<Trial> {
    let on_postgres = cluster.cloned();
    vec![
        Trial::test("soak::sqlite", || run(None)),
        Trial::test("soak::postgres_with_two_instances", move || match on_postgres {
            Some(cluster) => run(Some(cluster)),
            None => Err("PostgreSQL's binaries are missing".into()),
        })
        .with_ignored_flag(cluster.is_none() && !must_be_there),
    ]
}

fn run(cluster: Option<Cluster>) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(soak(cluster));
    runtime.shutdown_timeout(Duration::from_secs(5));
    Ok(())
}

/// A number in `0..bound`.
fn below(bound: usize) -> usize {
    let rng: &dyn Rng = &SystemRng;
    usize::try_from(rng.below(bound as u64)).unwrap()
}

async fn soak(cluster: Option<Cluster>) {
    let seconds = std::env::var("SWITCHBOARD_SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let instances = Instances::start(cluster.as_ref()).await;
    let mut readers = Vec::new();
    for (way, count) in [(Way::Pages, 3), (Way::Polls, 4), (Way::Events, 3), (Way::Sockets, 3)] {
        for place in 0..count {
            let name = format!("{way:?}-{place}");
            readers.push(Reader::start(&instances, way, &name, instances.connect(&name).await));
        }
    }
    let mut called = Vec::new();
    for place in 0..3 {
        let name = format!("called-{place}");
        called.push(Called::start(&instances, &name, instances.connect(&name).await).await);
    }
    let mut agents = Agents::start(&instances, cluster.as_ref()).await;
    assert_eq!(readers.len() + called.len() + agents.count(), 20);

    let stopping = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS)
        .map(|place| tokio::spawn(writers::write(Arc::clone(&instances), Arc::clone(&stopping), place)))
        .collect();
    let kills = kill(&instances, &mut readers, &mut called, &mut agents, Duration::from_secs(seconds)).await;
    stopping.store(true, Ordering::SeqCst);
    let mut written = 0;
    for writer in writers {
        written += writer.await.unwrap();
    }
    assert!(written > seconds, "the writers have hardly written: {written}");

    let began = Instant::now();
    let expected = instances.whole().await;
    assert!(!expected.is_empty());
    for reader in &readers {
        same(&reader.name, &expected, async || reader.copy()).await;
    }
    for called in &called {
        same(&called.name, &expected, async || called.copy()).await;
    }
    for place in 0..agents.count() {
        same(&agents.name(place), &expected, async || agents.copy(place).await).await;
    }
    within(SETTLING, "the acknowledgements", async || instances.lagging().await.is_empty()).await;
    println!(
        "soak on {}: {seconds} s, {written} writes, {kills}, {} extensions; 20 copies in step after {:.1} s",
        if cluster.is_some() { "PostgreSQL" } else { "SQLite" },
        expected.len(),
        began.elapsed().as_secs_f64()
    );
}

/// Waits until a copy is the database's.
async fn same(name: &str, expected: &Shown, mut copy: impl AsyncFnMut() -> Shown) {
    let began = Instant::now();
    loop {
        let found = copy().await;
        if found == *expected {
            return;
        }
        if began.elapsed() > SETTLING {
            let differs: Vec<_> = expected
                .keys()
                .chain(found.keys())
                .filter(|number| expected.get(*number) != found.get(*number))
                .map(|number| (number, expected.get(number), found.get(number)))
                .take(10)
                .collect();
            panic!("{name} does not come into step: number, in the database, in the copy: {differs:?}");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Kills at random for a time; what was killed.
async fn kill(
    instances: &Arc<Instances>,
    readers: &mut [Reader],
    called: &mut [Called],
    agents: &mut Agents,
    time: Duration,
) -> Value {
    let began = Instant::now();
    let (mut of_readers, mut of_called, mut of_agents, mut of_servers) = (0, 0, 0, 0);
    while began.elapsed() < time {
        tokio::time::sleep(Duration::from_millis(100 + below(400) as u64)).await;
        match below(20) {
            0..9 => {
                let place = below(readers.len());
                readers[place].restart(instances);
                of_readers += 1;
            }
            9..13 => {
                let place = below(called.len());
                called[place].restart().await;
                of_called += 1;
            }
            13..19 => {
                agents.restart(below(agents.count()));
                of_agents += 1;
            }
            _ => {
                instances.restart(below(instances.count())).await;
                of_servers += 1;
            }
        }
    }
    json!({ "killed": { "readers": of_readers, "called": of_called, "agents": of_agents, "servers": of_servers } })
}
