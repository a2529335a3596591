//! CPU time, wall time, and alternating rounds of a subject and a baseline.

use std::time::Duration;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

use super::table::{Figure, Measurement, format_duration};

/// How many rounds each side runs; the median is reported.
pub const ROUNDS: usize = 7;

/// The CPU time of the whole process.
pub fn cpu_time() -> Duration {
    read_clock(ClockId::ProcessCPUTime)
}

/// The time of a monotonic clock.
pub fn wall_time() -> Duration {
    read_clock(ClockId::Monotonic)
}

fn read_clock(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).unwrap()
}

/// The cost of one unit of work.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub cpu: Duration,
    pub wall: Duration,
}

/// The costs of both sides in one round.
struct Round {
    subject: Cost,
    baseline: Cost,
}

/// The medians of the costs of both sides, and the medians of the ratios of the rounds.
pub struct Comparison {
    pub subject: Cost,
    pub baseline: Cost,
    /// CPU time of the subject divided by that of the baseline.
    pub cpu_ratio: f64,
    /// Wall time of the subject divided by that of the baseline.
    pub wall_ratio: f64,
}

impl Comparison {
    /// The ratio of the CPU times; `baseline` names the baseline.
    pub fn cpu_measurement(&self, baseline: &str) -> Measurement {
        Measurement {
            figure: Figure::cpu_ratio(self.cpu_ratio),
            subject: format_duration(self.subject.cpu),
            baseline: format!("{baseline} {}", format_duration(self.baseline.cpu)),
        }
    }
}

/// Runs `work` on one core with its own runtime. Otherwise the cost of two threads that exchange a few microseconds of
/// work depends on whether the kernel wakes them on the same core.
pub fn on_one_core<T: Send>(work: impl AsyncFnOnce() -> T + Send) -> T {
    let pinned = || {
        let available = sched_getaffinity(None).unwrap();
        let last = (0..CpuSet::MAX_CPU).rev().find(|core| available.is_set(*core)).unwrap();
        let mut core = CpuSet::new();
        core.set(last);
        // The threads of the runtime inherit the affinity of this thread.
        sched_setaffinity(None, &core).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(work())
    };
    tokio::task::block_in_place(|| std::thread::scope(|scope| scope.spawn(pinned).join().unwrap()))
}

/// Runs both sides in alternating rounds after a warm-up. Each side does `units` of work in a round.
pub async fn compare(units: u32, subject: impl AsyncFn(u32), baseline: impl AsyncFn(u32)) -> Comparison {
    compare_after(units, async || {}, subject, baseline).await
}

/// As [`compare`], with a preparation before each round that is not measured.
pub async fn compare_after(
    units: u32,
    prepare: impl AsyncFn(),
    subject: impl AsyncFn(u32),
    baseline: impl AsyncFn(u32),
) -> Comparison {
    subject(units).await;
    baseline(units).await;
    let mut rounds = Vec::with_capacity(ROUNDS);
    for number in 0..ROUNDS {
        prepare().await;
        // The second side of a round has warmer caches, so the order alternates.
        rounds.push(if number % 2 == 0 {
            let subject = cost(units, &subject).await;
            Round { subject, baseline: cost(units, &baseline).await }
        } else {
            let baseline = cost(units, &baseline).await;
            Round { subject: cost(units, &subject).await, baseline }
        });
    }
    let median_of = |value: fn(&Round) -> f64| median(rounds.iter().map(value).collect());
    let duration = |value: fn(&Round) -> f64| Duration::from_secs_f64(median_of(value));
    Comparison {
        subject: Cost {
            cpu: duration(|round| round.subject.cpu.as_secs_f64()),
            wall: duration(|round| round.subject.wall.as_secs_f64()),
        },
        baseline: Cost {
            cpu: duration(|round| round.baseline.cpu.as_secs_f64()),
            wall: duration(|round| round.baseline.wall.as_secs_f64()),
        },
        cpu_ratio: median_of(|round| round.subject.cpu.as_secs_f64() / round.baseline.cpu.as_secs_f64()),
        wall_ratio: median_of(|round| round.subject.wall.as_secs_f64() / round.baseline.wall.as_secs_f64()),
    }
}

async fn cost(units: u32, side: &impl AsyncFn(u32)) -> Cost {
    let (cpu_before, wall_before) = (cpu_time(), wall_time());
    side(units).await;
    Cost { cpu: (cpu_time() - cpu_before) / units, wall: (wall_time() - wall_before) / units }
}

/// The median; the upper one of an even number of values.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The percentile by the nearest-rank method; `share` is between 0 and 1.
pub fn percentile(mut values: Vec<Duration>, share: f64) -> Duration {
    values.sort();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a rank in a short list"
    )]
    let rank = (values.len() as f64 * share).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}
