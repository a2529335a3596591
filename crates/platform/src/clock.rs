//! Injected clock and random number generator.
//!
//! Only this module reads the system's time and random bytes, so tests control both. `clippy.toml` forbids other
//! sources.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use uuid::Uuid;

/// An instant in microseconds since 1970-01-01T00:00:00Z, the stored form in both databases.
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
    /// Returns the instant `seconds` later, or earlier for a negative number.
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Returns the whole seconds since `earlier`; zero if `earlier` is later.
    pub const fn seconds_since(self, earlier: Self) -> i64 {
        let micros = self.0.saturating_sub(earlier.0);
        if micros > 0 { micros / 1_000_000 } else { 0 }
    }

    /// Returns the milliseconds since 1970, for UUIDv7 and HTTP dates.
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The last whole second that can be formatted: 9999-12-30T22:00:00Z.
    pub const MAX: Self = Self(253_402_207_200_000_000);

    /// Parses an instant of RFC 3339, section 5.6 (`2026-08-20T09:30:00Z`, any offset). The few hours after
    /// [`Self::MAX`] become it: `9999-12-31T23:59:59Z` is a usual notation for “never”.
    ///
    /// # Errors
    /// When the text is not an RFC 3339 instant.
    pub fn parse(text: &str) -> Result<Self, jiff::Error> {
        if !has_rfc_3339_shape(text) {
            return Err(jiff::Error::from_args(format_args!("not an instant of RFC 3339")));
        }
        match text.parse::<jiff::Timestamp>() {
            Ok(at) => Ok(Self(at.as_microsecond())),
            Err(_) if text.starts_with("9999-12-3") && text[..19].parse::<jiff::civil::DateTime>().is_ok() => {
                Ok(Self::MAX)
            }
            Err(error) => Err(error),
        }
    }

    /// Parses an HTTP date in its preferred form (RFC 9110, section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
    pub fn parse_http_date(text: &str) -> Option<Self> {
        let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        Some(Self(at.as_microsecond()))
    }
}

/// Whether a text has the characters of an RFC 3339 instant: four digits of the year, seconds, and an offset.
fn has_rfc_3339_shape(text: &str) -> bool {
    let Some((date_time, rest)) = text.split_at_checked(19) else { return false };
    let matches_pattern = |text: &str, pattern: &str| {
        text.len() == pattern.len()
            && text.bytes().zip(pattern.bytes()).all(|(byte, expected)| match expected {
                b'0' => byte.is_ascii_digit(),
                b'T' => matches!(byte, b'T' | b't' | b' '),
                other => byte == other,
            })
    };
    let offset = rest.strip_prefix('.').map_or(rest, |fraction| {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 { &fraction[digits..] } else { rest }
    });
    matches_pattern(date_time, "0000-00-00T00:00:00")
        && (matches!(offset, "Z" | "z") || matches_pattern(offset, "+00:00") || matches_pattern(offset, "-00:00"))
}

/// Formats as RFC 3339 in UTC with the necessary fractional digits: `2026-08-20T09:30:00Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(at) => write!(f, "{at}"),
            Err(_) => write!(f, "{}µs", self.0),
        }
    }
}

/// An instant of the monotonic clock, for the age of values in memory. Not affected by changes of the system time, and
/// never stored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Monotonic(std::time::Instant);

impl Monotonic {
    /// Returns the current instant.
    pub fn now() -> Self {
        Self(std::time::Instant::now())
    }

    /// Returns whether this instant is less than `age` before `now`.
    pub fn is_within(self, age: std::time::Duration, now: Self) -> bool {
        now.0.saturating_duration_since(self.0) < age
    }
}

/// A source of time.
pub trait Clock: Send + Sync {
    /// Returns the current instant.
    fn now(&self) -> Timestamp;
}

/// A cryptographically secure random number generator.
pub trait Rng: Send + Sync {
    /// Fills the slice with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

impl dyn Rng + '_ {
    /// Returns `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// Returns a uniformly distributed number in `0..bound` (rejection sampling); zero for a bound of zero.
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

    /// Generates a UUIDv7 (RFC 9562, section 5.7). It sorts by creation time, so an id is a cursor.
    pub fn uuid(&self, now: Timestamp) -> Uuid {
        let millis = u64::try_from(now.millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes()).into_uuid()
    }

    /// Generates a UUIDv7 that sorts by `counter` within its millisecond, so the rows of one transaction keep their
    /// order (RFC 9562, section 6.2, method 1: a counter of twelve bits).
    pub fn uuid_in_order(&self, now: Timestamp, counter: u16) -> Uuid {
        let millis = u64::try_from(now.millis()).unwrap_or(0);
        let mut random: [u8; 10] = self.bytes();
        let [high, low] = (counter & 0x0fff).to_be_bytes();
        random[0] = high;
        random[1] = low;
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

/// The system's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the only use of the system's clock")]
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_microsecond())
    }
}

/// The operating system's random number generator.
pub struct SystemRng;

impl Rng for SystemRng {
    #[expect(
        clippy::disallowed_methods,
        clippy::panic,
        reason = "the only use of the system's generator; no caller can continue safely after its failure"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            panic!("the operating system's random number generator failed: {error}");
        }
    }
}

/// A clock that tests advance manually.
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Creates a clock that is stopped at `now`.
    pub const fn new(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// Advances the clock.
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

/// A deterministic generator for tests and benches.
pub struct SeededRng(Mutex<ChaCha20Rng>);

impl SeededRng {
    /// Creates a generator whose output depends only on the seed.
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
    fn parses_its_own_output() {
        let at = Timestamp::parse("2026-08-20T09:30:00Z").unwrap();
        assert_eq!(at.to_string(), "2026-08-20T09:30:00Z");
        assert_eq!(Timestamp::parse("2026-08-20T11:30:00+02:00").unwrap(), at);
        assert_eq!(Timestamp::parse("2026-08-20t09:30:00.000z").unwrap(), at);
        assert_eq!(Timestamp::parse(&Timestamp::MAX.to_string()).unwrap(), Timestamp::MAX);
    }

    #[test]
    fn only_rfc_3339_is_parsed() {
        for text in [
            "",
            "2026-08-20",
            "2026-08-20T09:30Z",
            "2026-08-20T09:30:00",
            "20260820T093000Z",
            "-000001-01-01T00:00:00Z",
            "+002026-08-20T09:30:00Z",
            "2026-08-20T09:30:00.Z",
            "2026-08-20T09:30:00+0200",
            "2026-08-20T09:30:00+02:00[Europe/Berlin]",
            "2026-13-20T09:30:00Z",
            "9999-12-32T00:00:00Z",
            "9999-12-31T24:00:00Z",
            "2026-08-20T09:30:00Ä",
        ] {
            assert!(Timestamp::parse(text).is_err(), "{text}");
        }
        for never in ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999Z", "9999-12-31T00:00:00+01:00"] {
            assert_eq!(Timestamp::parse(never).unwrap(), Timestamp::MAX, "{never}");
        }
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-30T22:00:00Z");
    }

    #[test]
    fn http_dates_are_parsed() {
        let at = Timestamp::parse("1994-11-06T08:49:37Z").unwrap();
        assert_eq!(Timestamp::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(at));
        assert_eq!(Timestamp::parse_http_date("soon"), None);
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
    fn ids_of_one_millisecond_sort_by_the_counter() {
        let rng: &dyn Rng = &SeededRng::new(1);
        let steps: Vec<_> = (0..4096).map(|step| rng.uuid_in_order(Timestamp(1_000_000_000), step)).collect();
        assert!(steps.is_sorted());
        assert!(steps.last() < Some(&rng.uuid_in_order(Timestamp(1_000_001_000), 0)));
        assert_eq!(steps[5].get_version_num(), 7);
    }
}
