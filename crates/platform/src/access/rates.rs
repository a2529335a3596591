//! Token buckets for rate limits.
//!
//! A bucket is stored as the instant at which it is full again (generic cell rate algorithm, ITU-T I.371, annex A), so
//! a full bucket needs no entry.
//!
//! The crate `governor` is not used: it does not bound the number of its keys.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;

/// The address that identifies a client for rates: an IPv4 address, or the /64 network of an IPv6 address, whose
/// addresses one host can choose freely (RFC 4291, section 2.5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RateAddress(IpAddr);

impl From<IpAddr> for RateAddress {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.into()),
            IpAddr::V6(address) => Self(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()),
        }
    }
}

impl fmt::Display for RateAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The time after which a refused request may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter {
    /// Seconds for the header `Retry-After`, at least 1.
    pub seconds: u32,
}

/// The size of a bucket and the time in which it fills.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// The size of a bucket, in requests, cost or rows.
    pub amount: u32,
    /// The time in which an empty bucket fills.
    pub per: Duration,
}

impl Rate {
    /// A bucket of this size that fills in a minute.
    pub const fn per_minute(amount: u32) -> Self {
        Self { amount, per: Duration::from_secs(60) }
    }

    /// A bucket of this size that fills in an hour.
    pub const fn per_hour(amount: u32) -> Self {
        Self { amount, per: Duration::from_secs(3600) }
    }

    /// The microseconds in which `amount` flows in, rounded up; at most the time of the whole bucket.
    fn micros(&self, amount: u32) -> i64 {
        let whole = self.per.as_micros();
        let part = whole.saturating_mul(u128::from(amount)).div_ceil(u128::from(self.amount.max(1)));
        i64::try_from(part.min(whole)).unwrap_or(i64::MAX)
    }
}

/// Buckets of one rate, one for each key. They are in memory, so each instance counts for itself.
pub struct Buckets<K> {
    rate: Rate,
    max_keys: usize,
    /// The instant at which each bucket is full again, in microseconds since 1970.
    full_at: Mutex<HashMap<K, i64>>,
    clock: Arc<dyn Clock>,
}

/// The default maximum of keys.
const MAX_KEYS: usize = 100_000;

impl<K: Eq + Hash + Clone> Buckets<K> {
    /// Buckets of this size that fill in a minute.
    pub fn per_minute(amount: u32, clock: &Arc<dyn Clock>) -> Self {
        Self::new(Rate::per_minute(amount), MAX_KEYS, Arc::clone(clock))
    }

    /// Buckets of this size that fill in an hour.
    pub fn per_hour(amount: u32, clock: &Arc<dyn Clock>) -> Self {
        Self::new(Rate::per_hour(amount), MAX_KEYS, Arc::clone(clock))
    }

    /// Buckets that begin full. Above `max_keys` keys the fullest buckets are dropped, so a flood of new keys does not
    /// reset the bucket of a busy one.
    pub fn new(rate: Rate, max_keys: usize, clock: Arc<dyn Clock>) -> Self {
        Self { rate, max_keys: max_keys.max(4), full_at: Mutex::new(HashMap::new()), clock }
    }

    /// Takes `amount` from the bucket of `key`. An amount above the size of a bucket counts as the whole bucket;
    /// otherwise it would never be granted.
    ///
    /// # Errors
    /// When the bucket holds less. Then nothing is taken.
    pub fn take(&self, key: K, amount: u32) -> Result<(), RetryAfter> {
        let now = self.clock.now().0;
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let before = full_at.get(&key).copied().unwrap_or(now).max(now);
        let after = before.saturating_add(self.rate.micros(amount));
        let too_long = after.saturating_sub(now).saturating_sub(self.rate.micros(self.rate.amount));
        if too_long > 0 {
            let seconds = u32::try_from(too_long.unsigned_abs().div_ceil(1_000_000)).unwrap_or(u32::MAX);
            return Err(RetryAfter { seconds });
        }
        if full_at.len() >= self.max_keys && !full_at.contains_key(&key) {
            drop_fullest(&mut full_at, now);
        }
        full_at.insert(key, after);
        Ok(())
    }

    /// Puts `amount` back into the bucket of `key`.
    pub fn give_back(&self, key: &K, amount: u32) {
        let micros = self.rate.micros(amount);
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = full_at.get_mut(key) {
            *at = at.saturating_sub(micros);
        }
    }

    /// The number of keys with an entry.
    pub fn len(&self) -> usize {
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether no key has an entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Drops the buckets that are full, or the fullest quarter where few are full. Dropping a quarter at a time keeps the
/// amortised cost of a new key constant.
fn drop_fullest<K: Eq + Hash + Clone>(full_at: &mut HashMap<K, i64>, now: i64) {
    let target = full_at.len() * 3 / 4;
    full_at.retain(|_, at| *at > now);
    if full_at.len() <= target {
        return;
    }
    let mut buckets: Vec<(i64, K)> = full_at.drain().map(|(key, at)| (at, key)).collect();
    let excess = buckets.len() - target;
    if excess < buckets.len() {
        buckets.select_nth_unstable_by_key(excess, |(at, _)| *at);
    }
    full_at.extend(buckets.into_iter().skip(excess).map(|(at, key)| (key, at)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::{ManualClock, Timestamp};

    fn buckets(rate: Rate, max_keys: usize) -> (Buckets<u32>, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(Timestamp(1_700_000_000_000_000)));
        (Buckets::new(rate, max_keys, Arc::clone(&clock) as Arc<dyn Clock>), clock)
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        let of = |text: &str| RateAddress::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let (buckets, clock) = buckets(Rate::per_minute(60), 10);
        for _ in 0..60 {
            buckets.take(1, 1).unwrap();
        }
        assert_eq!(buckets.take(1, 1), Err(RetryAfter { seconds: 1 }));
        assert_eq!(buckets.take(1, 30), Err(RetryAfter { seconds: 30 }));
        assert_eq!(buckets.take(2, 60), Ok(()));
        clock.advance(Duration::from_millis(1500));
        assert_eq!(buckets.take(1, 1), Ok(()));
        assert_eq!(buckets.take(1, 1), Err(RetryAfter { seconds: 1 }));
        clock.advance(Duration::from_secs(3600));
        assert_eq!(buckets.take(1, 60), Ok(()));
        assert!(buckets.take(1, 1).is_err());
    }

    #[test]
    fn an_amount_above_the_size_takes_the_whole_bucket() {
        let (buckets, clock) = buckets(Rate::per_minute(100), 10);
        buckets.take(1, 5000).unwrap();
        assert_eq!(buckets.take(1, 5000), Err(RetryAfter { seconds: 60 }));
        clock.advance(Duration::from_secs(60));
        buckets.take(1, 5000).unwrap();
    }

    #[test]
    fn the_number_of_keys_is_bounded_and_a_busy_key_keeps_its_bucket() {
        let (buckets, clock) = buckets(Rate::per_minute(60), 100);
        buckets.take(0, 60).unwrap();
        for key in 1..10_000 {
            buckets.take(key, 1).unwrap();
            assert!(buckets.len() <= 100);
        }
        assert!(buckets.take(0, 1).is_err());
        clock.advance(Duration::from_secs(61));
        for key in 20_000..20_101 {
            buckets.take(key, 1).unwrap();
        }
        assert_eq!(buckets.take(0, 60), Ok(()));
    }

    proptest! {
        /// Within any time, at most a full bucket and what flows in is granted.
        #[test]
        fn never_more_than_the_rate(steps in proptest::collection::vec((0u64..5_000, 1u32..20), 1..200)) {
            let (buckets, clock) = buckets(Rate::per_minute(60), 10);
            let (mut millis, mut granted) = (0, 0u64);
            for (pause, amount) in steps {
                clock.advance(Duration::from_millis(pause));
                millis += pause;
                if buckets.take(1, amount).is_ok() {
                    granted += u64::from(amount);
                }
                prop_assert!(granted <= 60 + millis / 1000 + 1);
            }
        }
    }
}
