//! CPU and wall time, and rounds that alternate.

use std::time::Duration;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

/// How many rounds each side runs; their median counts.
pub const ROUNDS: usize = 7;

/// The CPU time that the whole process has used.
pub fn cpu() -> Duration {
    since_start(ClockId::ProcessCPUTime)
}

/// A clock that only goes forward.
pub fn wall() -> Duration {
    since_start(ClockId::Monotonic)
}

fn since_start(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).unwrap()
}

/// What one side costs for each unit of its work.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub cpu: Duration,
    pub wall: Duration,
}

/// Both sides' medians, and the medians of their rounds' ratios.
pub struct Comparison {
    pub ours: Cost,
    pub beside: Cost,
    /// CPU of ours over CPU of what stands beside.
    pub cpu_ratio: f64,
    /// Wall time of ours over that of what stands beside.
    pub wall_ratio: f64,
}

/// Runs `work` on one core, with a runtime of its own: what two threads cost that hand each other a few microseconds of work is
/// otherwise decided by whether the kernel wakes them on the same core.
pub fn on_one_core<T: Send>(work: impl AsyncFnOnce() -> T + Send) -> T {
    let pinned = || {
        let ours = sched_getaffinity(None).unwrap();
        let last = (0..CpuSet::MAX_CPU).rev().find(|core| ours.is_set(*core)).unwrap();
        let mut core = CpuSet::new();
        core.set(last);
        // Of this thread, and of all that the runtime begins.
        sched_setaffinity(None, &core).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(work())
    };
    tokio::task::block_in_place(|| std::thread::scope(|scope| scope.spawn(pinned).join().unwrap()))
}

/// Runs both sides in alternating rounds after one round that warms up. Each side does `units` of work in a round.
pub async fn alternate(units: u32, ours: impl AsyncFn(u32), beside: impl AsyncFn(u32)) -> Comparison {
    alternate_after(units, async || {}, ours, beside).await
}

/// The same, with something before each round that is not measured.
pub async fn alternate_after(
    units: u32,
    before: impl AsyncFn(),
    ours: impl AsyncFn(u32),
    beside: impl AsyncFn(u32),
) -> Comparison {
    ours(units).await;
    beside(units).await;
    let mut rounds = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        before().await;
        // Whoever comes second finds warmer caches: that is each side in turn.
        rounds.push(if round % 2 == 0 {
            let ours = cost(units, &ours).await;
            (ours, cost(units, &beside).await)
        } else {
            let beside = cost(units, &beside).await;
            (cost(units, &ours).await, beside)
        });
    }
    let of = |pick: fn(&(Cost, Cost)) -> f64| median(rounds.iter().map(pick).collect());
    let seconds = |pick: fn(&(Cost, Cost)) -> f64| Duration::from_secs_f64(of(pick));
    Comparison {
        ours: Cost {
            cpu: seconds(|(ours, _)| ours.cpu.as_secs_f64()),
            wall: seconds(|(ours, _)| ours.wall.as_secs_f64()),
        },
        beside: Cost {
            cpu: seconds(|(_, beside)| beside.cpu.as_secs_f64()),
            wall: seconds(|(_, beside)| beside.wall.as_secs_f64()),
        },
        cpu_ratio: of(|(ours, beside)| ours.cpu.as_secs_f64() / beside.cpu.as_secs_f64()),
        wall_ratio: of(|(ours, beside)| ours.wall.as_secs_f64() / beside.wall.as_secs_f64()),
    }
}

async fn cost(units: u32, side: &impl AsyncFn(u32)) -> Cost {
    let (cpu_before, wall_before) = (cpu(), wall());
    side(units).await;
    Cost { cpu: (cpu() - cpu_before) / units, wall: (wall() - wall_before) / units }
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The value that `share` of all do not exceed.
pub fn percentile(mut values: Vec<Duration>, share: f64) -> Duration {
    values.sort();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place in a short list"
    )]
    let place = (values.len() as f64 * share).ceil() as usize;
    values.get(place.saturating_sub(1)).copied().unwrap_or_default()
}

/// `12.3 µs` or `4.5 ms`.
pub fn show(duration: Duration) -> String {
    let micros = duration.as_secs_f64() * 1e6;
    if micros < 1000.0 { format!("{micros:.1} µs") } else { format!("{:.2} ms", micros / 1000.0) }
}
