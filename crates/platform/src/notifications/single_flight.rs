//! Coalesces concurrent identical reads.
//!
//! The first caller reads; callers with the same key that arrive meanwhile wait and share the value. No caller receives
//! a value that was read before the notification that woke it: the generation is incremented before a notification is
//! sent, and the notification is sent after its commit ([`Notifier`](super::Notifier)), so a read that started at this
//! generation sees the commit.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex;

use crate::clock::Monotonic;

/// The newest value of each key. A key must hold everything that its value depends on, apart from the database.
pub struct SingleFlight<K, V> {
    slots: SyncMutex<HashMap<K, Slot<V>>>,
    max_age: Duration,
}

type Slot<V> = Arc<Mutex<Option<CachedRead<V>>>>;

struct CachedRead<V> {
    /// The generation at which the read started.
    generation: u64,
    started_at: Monotonic,
    /// `None` for a result that is not cacheable: every waiting caller then reads for itself.
    value: Option<V>,
}

/// The generations between which a caller accepts a value.
pub struct Generation<C> {
    /// The lowest generation at which the read of the value may have started.
    pub required: u64,
    /// Returns the generation at this moment.
    pub current: C,
}

/// The conversion between what a read returns and what is cached.
pub struct Conversion<P, U> {
    /// The cacheable value of a result; `None` for a result that must not be shared.
    pub to_cached: P,
    /// The result that a cached value stands for.
    pub from_cached: U,
}

impl<K: Clone + Eq + Hash, V: Clone> SingleFlight<K, V> {
    /// An empty cache whose values are shared for `max_age` after their read started.
    pub fn new(max_age: Duration) -> Self {
        Self { slots: SyncMutex::default(), max_age }
    }

    /// The result of `read`, or a cached one.
    ///
    /// A cached value is used when its read started at `generation.required` or later and either is younger than
    /// `max_age` or started after this call. The second rule lets all callers that wait for one slow read share the
    /// next.
    ///
    /// # Errors
    /// The error of `read`. An error is not shared: the waiting callers read for themselves, in parallel.
    pub async fn get<R, E>(
        &self,
        key: &K,
        generation: Generation<impl Fn() -> u64>,
        read: impl AsyncFnOnce() -> Result<R, E>,
        conversion: Conversion<impl Fn(&R) -> Option<V>, impl Fn(V) -> R>,
    ) -> Result<R, E> {
        let called_at = Monotonic::now();
        let slot = self.slot(key);
        let (mut cached, now) = match slot.try_lock() {
            Ok(cached) => (cached, called_at),
            // After waiting for a long read the age is measured from the present moment.
            Err(_) => (slot.lock().await, Monotonic::now()),
        };
        let is_usable = |cached: &CachedRead<V>| {
            cached.generation >= generation.required
                && (cached.started_at >= called_at || cached.started_at.is_within(self.max_age, now))
        };
        // The future of a read is large, and most callers find a cached value: boxing keeps the waiting futures small.
        match &*cached {
            Some(found) if is_usable(found) => match &found.value {
                Some(value) => Ok((conversion.from_cached)(value.clone())),
                None => {
                    drop(cached);
                    Box::pin(read()).await
                }
            },
            _ => {
                // The generation is taken before the read starts: a commit during the read makes the value stale.
                let (generation, started_at) = ((generation.current)(), Monotonic::now());
                // A caller that is dropped during its read leaves an empty slot.
                *cached = None;
                let result = Box::pin(read()).await;
                let value = result.as_ref().ok().and_then(conversion.to_cached);
                *cached = Some(CachedRead { generation, started_at, value });
                result
            }
        }
    }

    /// The slot of a key. Adding a slot removes those whose value is too old to be used.
    fn slot(&self, key: &K) -> Slot<V> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(key) {
            return Arc::clone(slot);
        }
        let now = Monotonic::now();
        slots.retain(|_, slot| {
            // A second reference means that a caller is reading or waiting.
            Arc::strong_count(slot) > 1
                || slot.try_lock().is_ok_and(|cached| {
                    cached.as_ref().is_some_and(|read| read.started_at.is_within(self.max_age, now))
                })
        });
        Arc::clone(slots.entry(key.clone()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures_util::future::{join, join_all};
    use tokio::sync::oneshot;

    use super::*;

    type Outcome = Result<u32, &'static str>;

    const MAX_AGE: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(60);

    async fn get(
        flight: &SingleFlight<&'static str, u32>,
        required: u64,
        current: u64,
        read: impl AsyncFnOnce() -> Outcome,
    ) -> Outcome {
        get_at(flight, "key", Generation { required, current: || current }, read).await
    }

    async fn get_at(
        flight: &SingleFlight<&'static str, u32>,
        key: &'static str,
        generation: Generation<impl Fn() -> u64>,
        read: impl AsyncFnOnce() -> Outcome,
    ) -> Outcome {
        let conversion = Conversion { to_cached: |value: &u32| Some(*value), from_cached: |value| value };
        flight.get(&key, generation, read, conversion).await
    }

    async fn must_not_read() -> Outcome {
        panic!("the value is cached")
    }

    #[tokio::test]
    async fn a_read_that_started_before_a_notification_is_not_shared_with_callers_woken_by_it() {
        let flight = SingleFlight::new(LONG);
        let generation = Cell::new(1);
        let current = || generation.get();
        let (release, released) = oneshot::channel::<()>();
        let early = get_at(&flight, "key", Generation { required: 1, current }, async || {
            // The second commit is notified while the read for the first one is still running.
            generation.set(2);
            released.await.map_err(|_| "dropped")?;
            Ok(1)
        });
        let late = async {
            let reading = get_at(&flight, "key", Generation { required: 2, current }, async || Ok(2));
            let releasing = async {
                tokio::task::yield_now().await;
                release.send(()).unwrap();
            };
            join(reading, releasing).await.0
        };
        assert_eq!(join(early, late).await, (Ok(1), Ok(2)));
        // A late caller that was woken by the first notification receives the newer value.
        assert_eq!(get(&flight, 1, 2, must_not_read).await, Ok(2));
    }

    #[tokio::test]
    async fn concurrent_callers_share_one_read() {
        let flight = SingleFlight::new(LONG);
        let reads = Cell::new(0);
        let read = async || {
            tokio::task::yield_now().await;
            reads.set(reads.get() + 1);
            Ok(reads.get())
        };
        let (one, other) = join(get(&flight, 1, 1, read), get(&flight, 1, 1, read)).await;
        assert_eq!((one, other, reads.get()), (Ok(1), Ok(1), 1));
    }

    #[tokio::test]
    async fn old_values_and_errors_are_read_again() {
        let flight = SingleFlight::new(MAX_AGE);
        assert_eq!(get(&flight, 1, 1, async || Ok(1)).await, Ok(1));
        tokio::time::sleep(MAX_AGE).await;
        assert_eq!(get(&flight, 1, 1, async || Err("no")).await, Err("no"));
        // The error is not shared, and the next caller does not wait for the slot.
        assert_eq!(get(&flight, 1, 1, async || Ok(2)).await, Ok(2));
        assert_eq!(get(&flight, 2, 2, async || Ok(3)).await, Ok(3));
        assert_eq!(get(&flight, 2, 2, must_not_read).await, Ok(3));
        // Adding another key removes the values that are too old.
        tokio::time::sleep(MAX_AGE).await;
        let other = get_at(&flight, "other", Generation { required: 1, current: || 1 }, async || Ok(4));
        assert_eq!(other.await, Ok(4));
        assert_eq!(flight.slots.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_caller_dropped_during_its_read_leaves_the_read_to_the_next() {
        let flight = SingleFlight::new(LONG);
        {
            let reading = std::pin::pin!(get(&flight, 1, 1, std::future::pending::<Outcome>));
            assert!(futures_util::poll!(reading).is_pending());
        }
        assert_eq!(get(&flight, 1, 1, async || Ok(1)).await, Ok(1));
    }

    #[tokio::test]
    async fn callers_that_wait_for_a_slow_read_share_the_next() {
        let (flight, reads) = (SingleFlight::new(Duration::from_millis(1)), Cell::new(0));
        let slow = async || {
            reads.set(reads.get() + 1);
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok(reads.get())
        };
        // The first value is too old when it arrives and its read started before the other calls; the second serves
        // them all.
        let results = join_all((0..5).map(|_| get(&flight, 0, 0, slow))).await;
        assert_eq!((results, reads.get()), (vec![Ok(1), Ok(2), Ok(2), Ok(2), Ok(2)], 2));
    }
}
