//! One reading for all who ask the same at the same moment.
//!
//! The first who asks reads; the others wait, and take what was read. Nobody is given an answer that was begun before the bell that
//! woke him: a bell is counted before it is heard and rings after its commit ([`Notifier`](super::Notifier)), so that a
//! reading which began at this count sees the commit.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex;

use crate::clock::Monotonic;

/// The newest answers, by question. A question must hold everything that its answer depends on beside the database.
pub struct SingleFlight<Q, A> {
    slots: Lock<HashMap<Q, Slot<A>>>,
    fresh: Duration,
}

type Slot<A> = Arc<Mutex<Option<Reading<A>>>>;

struct Reading<A> {
    /// How often the bell of what is read had rung when the reading began.
    rings: u64,
    began: Monotonic,
    /// `None` where it is not to be shared: everyone then reads for himself.
    answer: Option<A>,
}

impl<Q: Clone + Eq + Hash, A: Clone> SingleFlight<Q, A> {
    /// Answers are handed on for so long after they were read.
    pub fn new(fresh: Duration) -> Self {
        Self { slots: Lock::default(), fresh }
    }

    /// The answer of `read`, or of another's that began when the bell had rung `rung` times and is fresh, or began after this was
    /// asked: however slow the database is, those who wait for one reading share the next. `rings` tells how often it has rung now.
    /// Of what was read only that is kept which `sharing` gives.
    ///
    /// # Errors
    /// What `read` gives. An error is not shared: others then read for themselves, not one after another.
    pub async fn get<R, E>(
        &self,
        question: &Q,
        (rung, rings): (u64, impl Fn() -> u64),
        read: impl AsyncFnOnce() -> Result<R, E>,
        (sharing, shared): (impl Fn(&R) -> Option<A>, impl Fn(A) -> R),
    ) -> Result<R, E> {
        let asked = Monotonic::now();
        let slot = self.slot(question);
        let (mut kept, now) = match slot.try_lock() {
            Ok(kept) => (kept, asked),
            // What was fresh when this was asked is not any more after a long reading.
            Err(_) => (slot.lock().await, Monotonic::now()),
        };
        let serves = |reading: &Reading<A>| {
            reading.rings >= rung && (reading.began >= asked || reading.began.is_within(self.fresh, now))
        };
        // A reading is large, and most who ask find one: it is boxed, so that what waits for it stays small.
        match &*kept {
            Some(reading) if serves(reading) => match &reading.answer {
                Some(answer) => Ok(shared(answer.clone())),
                None => {
                    drop(kept);
                    Box::pin(read()).await
                }
            },
            _ => {
                // Counted before anything is read.
                let (rings, began) = (rings(), Monotonic::now());
                // Whoever is dropped while he reads leaves nothing.
                *kept = None;
                let found = Box::pin(read()).await;
                *kept = Some(Reading { rings, began, answer: found.as_ref().ok().and_then(sharing) });
                found
            }
        }
    }

    /// The slot of an answer; those that nobody can use any more make room for a new one.
    fn slot(&self, question: &Q) -> Slot<A> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(question) {
            return Arc::clone(slot);
        }
        let now = Monotonic::now();
        slots.retain(|_, slot| {
            // One that is in somebody's hands is being read.
            Arc::strong_count(slot) > 1
                || slot
                    .try_lock()
                    .is_ok_and(|kept| kept.as_ref().is_some_and(|reading| reading.began.is_within(self.fresh, now)))
        });
        Arc::clone(slots.entry(question.clone()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures_util::future::{join, join_all};
    use tokio::sync::oneshot;

    use super::*;

    type Answer = Result<u32, &'static str>;

    const FRESH: Duration = Duration::from_millis(50);

    async fn ask(
        flight: &SingleFlight<&'static str, u32>,
        rung: u64,
        now: u64,
        read: impl AsyncFnOnce() -> Answer,
    ) -> Answer {
        flight.get(&"what", (rung, || now), read, (|answer| Some(*answer), |answer| answer)).await
    }

    async fn nobody() -> Answer {
        panic!("it was read already")
    }

    #[tokio::test]
    async fn a_reading_begun_before_a_ring_is_not_given_to_whom_that_ring_woke() {
        let flight = SingleFlight::new(Duration::from_secs(60));
        let rings = Cell::new(1);
        let now = || rings.get();
        let sharing = (|answer: &u32| Some(*answer), |answer| answer);
        let (release, released) = oneshot::channel::<()>();
        let early = flight.get(
            &"what",
            (1, now),
            async || {
                // The second commit rings while the first one's reader still reads.
                rings.set(2);
                released.await.map_err(|_| "dropped")?;
                Ok::<_, &str>(1)
            },
            sharing,
        );
        let late = async {
            let asking = flight.get(&"what", (2, now), async || Ok::<_, &str>(2), sharing);
            let unlocking = async {
                tokio::task::yield_now().await;
                release.send(()).unwrap();
            };
            join(asking, unlocking).await.0
        };
        assert_eq!(join(early, late).await, (Ok(1), Ok(2)));
        // Who was woken by the first ring and comes late finds the newer answer.
        assert_eq!(ask(&flight, 1, 2, nobody).await, Ok(2));
    }

    #[tokio::test]
    async fn those_who_ask_at_once_wait_for_one_reading() {
        let flight = SingleFlight::new(Duration::from_secs(60));
        let reads = Cell::new(0);
        let read = async || {
            tokio::task::yield_now().await;
            reads.set(reads.get() + 1);
            Ok(reads.get())
        };
        let (one, other) = join(ask(&flight, 1, 1, read), ask(&flight, 1, 1, read)).await;
        assert_eq!((one, other, reads.get()), (Ok(1), Ok(1), 1));
    }

    #[tokio::test]
    async fn what_is_old_or_not_to_be_shared_is_read_anew() {
        let flight = SingleFlight::new(FRESH);
        assert_eq!(ask(&flight, 1, 1, async || Ok(1)).await, Ok(1));
        tokio::time::sleep(FRESH).await;
        assert_eq!(ask(&flight, 1, 1, async || Err("no")).await, Err("no"));
        // The failure is nobody else's, and is not waited for in a row.
        assert_eq!(ask(&flight, 1, 1, async || Ok(2)).await, Ok(2));
        assert_eq!(ask(&flight, 2, 2, async || Ok(3)).await, Ok(3));
        assert_eq!(ask(&flight, 2, 2, nobody).await, Ok(3));
        // Another question sweeps away what is old.
        tokio::time::sleep(FRESH).await;
        let other =
            flight.get(&"other", (1, || 1), async || Ok::<_, &str>(4), (|answer| Some(*answer), |answer| answer));
        assert_eq!(other.await, Ok(4));
        assert_eq!(flight.slots.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn who_goes_away_while_he_reads_leaves_the_reading_to_the_next() {
        let flight = SingleFlight::new(Duration::from_secs(60));
        {
            let reading = std::pin::pin!(ask(&flight, 1, 1, std::future::pending::<Answer>));
            assert!(futures_util::poll!(reading).is_pending());
        }
        assert_eq!(ask(&flight, 1, 1, async || Ok(1)).await, Ok(1));
    }

    #[tokio::test]
    async fn those_who_wait_for_a_slow_reading_share_the_next() {
        let (flight, reads) = (SingleFlight::new(Duration::from_millis(1)), Cell::new(0));
        let slow = async || {
            reads.set(reads.get() + 1);
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok(reads.get())
        };
        // The first answer is old when it is there, and was begun before the others asked; the second serves them all.
        let answers = join_all((0..5).map(|_| ask(&flight, 0, 0, slow))).await;
        assert_eq!((answers, reads.get()), (vec![Ok(1), Ok(2), Ok(2), Ok(2), Ok(2)], 2));
    }
}
