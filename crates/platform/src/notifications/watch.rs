//! Tells when something that is read has changed.
//!
//! The notifier says when to look, and a poll covers what it misses.

use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{Stream, stream};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::{Notification, Notifier};
use crate::error::Error;

/// When to look.
#[derive(Clone, Copy)]
struct Pace {
    /// How often without a ring.
    poll: Duration,
    /// How long to wait after a ring for others: a busy minute is told a few times a second, not for every change.
    settle: Duration,
}

const PACE: Pace = Pace { poll: Duration::from_secs(5), settle: Duration::from_millis(200) };

struct Watch<C, L, T> {
    pace: Pace,
    rings: Receiver<Notification>,
    concerns: C,
    look: L,
    last: T,
}

/// One item each time that what `look` finds is another thing than it was last, from now on: looked at after each ring that
/// `concerns` it, and from time to time. The stream ends with the program.
///
/// # Errors
/// When the first look fails. Later failures are items; the stream goes on behind them.
pub async fn watch<T, C, L>(
    notifier: &Notifier,
    concerns: C,
    look: L,
) -> Result<impl Stream<Item = Result<(), Error>> + Send + use<T, C, L>, Error>
where
    T: PartialEq + Send,
    C: Fn(&Notification) -> bool + Send,
    L: Fn() -> BoxFuture<'static, Result<T, Error>> + Send,
{
    paced(PACE, notifier, concerns, look).await
}

async fn paced<T, C, L>(
    pace: Pace,
    notifier: &Notifier,
    concerns: C,
    look: L,
) -> Result<impl Stream<Item = Result<(), Error>> + Send + use<T, C, L>, Error>
where
    T: PartialEq + Send,
    C: Fn(&Notification) -> bool + Send,
    L: Fn() -> BoxFuture<'static, Result<T, Error>> + Send,
{
    // Listening begins before the first look: what happens between them rings.
    let rings = notifier.listen();
    let last = look().await?;
    let watch = Watch { pace, rings, concerns, look, last };
    Ok(stream::unfold(watch, |mut watch| async move {
        let item = watch.next().await?;
        Some((item, watch))
    }))
}

impl<T, C, L> Watch<C, L, T>
where
    T: PartialEq,
    C: Fn(&Notification) -> bool,
    L: Fn() -> BoxFuture<'static, Result<T, Error>>,
{
    /// The next change; `None` when the program ends.
    async fn next(&mut self) -> Option<Result<(), Error>> {
        loop {
            // A poll that times out looks as well.
            if let Ok(heard) = tokio::time::timeout(self.pace.poll, self.hear()).await {
                heard?;
                tokio::time::sleep(self.pace.settle).await;
                self.forget_rings();
            }
            match (self.look)().await {
                Ok(now) if now == self.last => {}
                Ok(now) => {
                    self.last = now;
                    return Some(Ok(()));
                }
                Err(stop) => return Some(Err(stop)),
            }
        }
    }

    /// Waits for a ring that concerns it. One that was missed may have.
    async fn hear(&mut self) -> Option<()> {
        loop {
            match self.rings.recv().await {
                Ok(ring) if (self.concerns)(&ring) => return Some(()),
                Err(RecvError::Lagged(_)) => return Some(()),
                Ok(_) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// Passes over what has rung meanwhile: one look covers it.
    fn forget_rings(&mut self) {
        while matches!(self.rings.try_recv(), Ok(_) | Err(TryRecvError::Lagged(_))) {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures_util::stream::BoxStream;
    use futures_util::{FutureExt as _, StreamExt as _};

    use super::*;
    use crate::error::InternalError;

    /// What is watched, and how often it was looked at.
    #[derive(Clone, Default)]
    struct Thing {
        value: Arc<AtomicU32>,
        looks: Arc<AtomicU32>,
    }

    const BROKEN: u32 = 99;
    const SWIFT: Pace = Pace { poll: Duration::from_millis(400), settle: Duration::from_millis(20) };

    impl Thing {
        fn set(&self, value: u32) {
            self.value.store(value, Ordering::SeqCst);
        }

        fn look(&self) -> BoxFuture<'static, Result<u32, Error>> {
            self.looks.fetch_add(1, Ordering::SeqCst);
            let value = self.value.load(Ordering::SeqCst);
            let found = if value == BROKEN { Err(InternalError::new("broken").into()) } else { Ok(value) };
            std::future::ready(found).boxed()
        }
    }

    async fn watching(
        notifier: &Notifier,
        thing: &Thing,
        concerns: fn(&Notification) -> bool,
    ) -> Result<BoxStream<'static, Result<(), Error>>, Error> {
        let thing = thing.clone();
        Ok(paced(SWIFT, notifier, concerns, move || thing.look()).await?.boxed())
    }

    /// Whether the next item comes with the poll, or sooner.
    async fn is_polled(stream: &mut BoxStream<'static, Result<(), Error>>) -> bool {
        let began = tokio::time::Instant::now();
        assert!(stream.next().await.unwrap().is_ok());
        began.elapsed() >= SWIFT.poll
    }

    #[tokio::test]
    async fn rings_that_concern_it_are_looked_after_once_and_the_poll_finds_the_rest() {
        let (notifier, thing) = (Notifier::default(), Thing::default());
        let mut stream = watching(&notifier, &thing, |ring| *ring == Notification::Consumers).await.unwrap();
        thing.set(1);
        for _ in 0..10 {
            notifier.notify(Notification::Consumers);
        }
        assert!(!is_polled(&mut stream).await);
        assert_eq!(thing.looks.load(Ordering::SeqCst), 2, "ten rings, one look");
        // A ring of something else is no reason to look.
        thing.set(2);
        notifier.notify(Notification::Jobs);
        assert!(is_polled(&mut stream).await);
        // One that was missed may have concerned it.
        thing.set(3);
        for _ in 0..5000 {
            notifier.notify(Notification::Jobs);
        }
        assert!(!is_polled(&mut stream).await);
    }

    #[tokio::test]
    async fn a_failure_is_told_and_the_end_of_the_program_ends_it() {
        let (notifier, thing) = (Notifier::default(), Thing::default());
        let mut stream = watching(&notifier, &thing, |_| true).await.unwrap();
        thing.set(BROKEN);
        notifier.notify(Notification::Jobs);
        assert!(stream.next().await.unwrap().is_err());
        thing.set(1);
        notifier.notify(Notification::Jobs);
        assert!(stream.next().await.unwrap().is_ok());
        drop(notifier);
        assert!(stream.next().now_or_never().unwrap().is_none());
        thing.set(BROKEN);
        assert!(watching(&Notifier::default(), &thing, |_| true).await.is_err());
    }
}
