//! Token buckets: how often somebody may ask, and for how much.
//!
//! A bucket is kept as one instant, the time at which it will be full again (the generic cell rate algorithm, ITU-T
//! I.371, annex A): a bucket that is full has nothing to remember and can be forgotten.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;

/// What rates count as one client: an IPv4 address, or the /64 of an IPv6 address, within which anybody may take as
/// many addresses as there are (RFC 4291, section 2.5.4).
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

/// How long to wait before asking again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter {
    /// Whole seconds, at least one, for the header `Retry-After`.
    pub seconds: u32,
}

/// What a bucket holds.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// How much a full bucket holds: requests, or cost.
    pub amount: u32,
    /// How long an empty bucket takes to be full again.
    pub per: Duration,
}

impl Rate {
    /// So much a minute.
    pub const fn per_minute(amount: u32) -> Self {
        Self { amount, per: Duration::from_secs(60) }
    }

    /// Microseconds that `amount` takes to flow in, rounded up; never more than the whole bucket takes.
    fn micros(&self, amount: u32) -> i64 {
        let whole = self.per.as_micros();
        let part = whole.saturating_mul(u128::from(amount)).div_ceil(u128::from(self.amount.max(1)));
        i64::try_from(part.min(whole)).unwrap_or(i64::MAX)
    }
}

/// Buckets of one rate, one for each key. In memory: each instance counts for itself.
pub struct Buckets<K> {
    rate: Rate,
    most: usize,
    /// When each bucket will be full, in microseconds since 1970.
    full_at: Mutex<HashMap<K, i64>>,
    clock: Arc<dyn Clock>,
}

/// How many keys are remembered in each set of buckets, where nothing else is said.
const REMEMBERED: usize = 100_000;

impl<K: Eq + Hash + Clone> Buckets<K> {
    /// Buckets that hold what may be taken in a minute.
    pub fn per_minute(amount: u32, clock: &Arc<dyn Clock>) -> Self {
        Self::new(Rate::per_minute(amount), REMEMBERED, Arc::clone(clock))
    }

    /// Buckets that begin full. At most `most` keys are remembered; beyond that the fullest buckets are forgotten,
    /// those of the least busy, so a flood of new keys cannot free a busy one before all others.
    pub fn new(rate: Rate, most: usize, clock: Arc<dyn Clock>) -> Self {
        Self { rate, most: most.max(4), full_at: Mutex::new(HashMap::new()), clock }
    }

    /// Takes `amount` out of the bucket of `key`. More than a bucket holds counts as a whole bucket, or it would never
    /// be granted.
    ///
    /// # Errors
    /// When there is not enough in it; then nothing is taken.
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
        if full_at.len() >= self.most && !full_at.contains_key(&key) {
            make_room(&mut full_at, now);
        }
        full_at.insert(key, after);
        Ok(())
    }

    /// How many keys are remembered now.
    pub fn len(&self) -> usize {
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether no key is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Forgets the buckets that are full by now; where there are few of them, the fullest quarter. A quarter at a time
/// keeps the cost of a new key constant on average.
fn make_room<K: Eq + Hash + Clone>(full_at: &mut HashMap<K, i64>, now: i64) {
    let most = full_at.len() * 3 / 4;
    full_at.retain(|_, at| *at > now);
    if full_at.len() <= most {
        return;
    }
    let mut buckets: Vec<(i64, K)> = full_at.drain().map(|(key, at)| (at, key)).collect();
    let excess = buckets.len() - most;
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

    fn buckets(rate: Rate, most: usize) -> (Buckets<u32>, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(Timestamp(1_700_000_000_000_000)));
        (Buckets::new(rate, most, Arc::clone(&clock) as Arc<dyn Clock>), clock)
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
    fn more_than_a_bucket_takes_all_of_it() {
        let (buckets, clock) = buckets(Rate::per_minute(100), 10);
        buckets.take(1, 5000).unwrap();
        assert_eq!(buckets.take(1, 5000), Err(RetryAfter { seconds: 60 }));
        clock.advance(Duration::from_secs(60));
        buckets.take(1, 5000).unwrap();
    }

    #[test]
    fn few_keys_are_remembered_and_the_busy_one_among_them() {
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
        /// In no stretch of time is more granted than a full bucket and what flows in.
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
