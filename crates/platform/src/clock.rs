//! Time and randomness, injected.
//!
//! Nothing else in the program may ask the time or draw random bytes: a test then decides both, and a
//! feature that forgets an expiry is found by moving a clock. `clippy.toml` forbids the ways around it.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use uuid::Uuid;

/// An instant: microseconds since 1970-01-01T00:00:00Z, as both databases store it.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    serde::Serialize,
    serde::Deserialize,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::BigInt)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The instant `seconds` later (earlier, when negative).
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Whole seconds from `earlier` to this instant; zero when `earlier` is later.
    pub const fn seconds_since(self, earlier: Self) -> i64 {
        let micros = self.0.saturating_sub(earlier.0);
        if micros > 0 { micros / 1_000_000 } else { 0 }
    }

    /// Milliseconds since 1970, as UUIDv7 and HTTP dates want them.
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Reads RFC 3339 (`2026-08-20T09:30:00Z`, any offset).
    ///
    /// # Errors
    /// When the text is not an RFC 3339 instant.
    pub fn parse(text: &str) -> Result<Self, jiff::Error> {
        text.parse::<jiff::Timestamp>().map(|at| Self(at.as_microsecond()))
    }
}

/// RFC 3339 in UTC, with as many fractional digits as are needed: `2026-08-20T09:30:00Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(at) => write!(f, "{at}"),
            Err(_) => write!(f, "{}µs", self.0),
        }
    }
}

/// A moment in the life of this process, to tell how old is what it has in memory. It only goes forward, whatever happens to the
/// time of day, and is never stored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Monotonic(std::time::Instant);

impl Monotonic {
    /// The present one.
    pub fn now() -> Self {
        Self(std::time::Instant::now())
    }

    /// Whether it is less than so long before `now`, or later.
    pub fn is_within(self, age: std::time::Duration, now: Self) -> bool {
        now.0.saturating_duration_since(self.0) < age
    }
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The instant now.
    fn now(&self) -> Timestamp;
}

/// Draws random bytes that nobody can guess.
pub trait Rng: Send + Sync {
    /// Fills the whole slice.
    fn fill(&self, bytes: &mut [u8]);
}

impl dyn Rng + '_ {
    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A number in `0..bound`, each equally likely (rejection sampling). Zero for a bound of zero.
    pub fn below(&self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        let zone = u64::MAX - (u64::MAX % bound);
        loop {
            let draw = u64::from_le_bytes(self.bytes());
            if draw < zone {
                return draw % bound;
            }
        }
    }

    /// A new UUIDv7 (RFC 9562, section 5.7): sortable by creation, so an id is a cursor.
    pub fn uuid(&self, now: Timestamp) -> Uuid {
        let millis = u64::try_from(now.millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes()).into_uuid()
    }

    /// A new UUIDv7 that sorts by `counter` within its millisecond: what one transaction does step by step stays in its
    /// order (RFC 9562, section 6.2, method 1: twelve bits of counter, so 4,096 steps).
    pub fn uuid_in_order(&self, now: Timestamp, counter: u16) -> Uuid {
        let millis = u64::try_from(now.millis()).unwrap_or(0);
        let mut random: [u8; 10] = self.bytes();
        let [high, low] = (counter & 0x0fff).to_be_bytes();
        random[0] = high;
        random[1] = low;
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

/// The machine's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_microsecond())
    }
}

/// The machine's random number generator.
pub struct SystemRng;

impl Rng for SystemRng {
    #[expect(
        clippy::disallowed_methods,
        clippy::panic,
        reason = "the one place that asks the machine; without it nothing is safe"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        // Without randomness no secret can be made, and nothing the caller could do would be safe.
        if let Err(error) = getrandom::fill(bytes) {
            panic!("the operating system gives no random numbers: {error}");
        }
    }
}

/// A clock that stands still until it is moved: for tests.
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `now`.
    pub const fn new(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// A generator that repeats itself from a seed: for tests and benches.
pub struct SeededRng(Mutex<ChaCha20Rng>);

impl SeededRng {
    /// A generator that always gives the same bytes for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(ChaCha20Rng::seed_from_u64(seed)))
    }
}

impl Rng for SeededRng {
    fn fill(&self, bytes: &mut [u8]) {
        let mut rng = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        rng.fill_bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_reads_back_what_it_prints() {
        let at = Timestamp::parse("2026-08-20T09:30:00Z").unwrap();
        assert_eq!(at.to_string(), "2026-08-20T09:30:00Z");
        assert_eq!(Timestamp::parse("2026-08-20T11:30:00+02:00").unwrap(), at);
    }

    #[test]
    fn ids_sort_by_time() {
        let rng: &dyn Rng = &SeededRng::new(1);
        let early = rng.uuid(Timestamp(1_000_000_000));
        let late = rng.uuid(Timestamp(1_000_001_000));
        assert!(early < late);
        assert_eq!(early.get_version_num(), 7);
    }

    #[test]
    fn steps_of_one_instant_sort_by_their_counter() {
        let rng: &dyn Rng = &SeededRng::new(1);
        let steps: Vec<_> = (0..4096).map(|step| rng.uuid_in_order(Timestamp(1_000_000_000), step)).collect();
        assert!(steps.is_sorted());
        assert!(steps.last() < Some(&rng.uuid_in_order(Timestamp(1_000_001_000), 0)));
        assert_eq!(steps[5].get_version_num(), 7);
    }
}
