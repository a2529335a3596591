//! Streams that report when the result of a read has changed.
//!
//! A notification triggers the read, and a poll covers lost notifications.

use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{Stream, stream};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::{Notification, Notifier};
use crate::error::Error;

/// When the value is read.
#[derive(Clone, Copy)]
struct Debounce {
    /// The longest time between two reads.
    poll_interval: Duration,
    /// The time between a notification and the read, in which further notifications are collected: frequent changes
    /// cause a few reads a second, not one each.
    flush_delay: Duration,
}

const DEBOUNCE: Debounce = Debounce { poll_interval: Duration::from_secs(5), flush_delay: Duration::from_millis(200) };

struct Watch<F, R, T> {
    debounce: Debounce,
    notifications: Receiver<Notification>,
    is_relevant: F,
    read: R,
    last: T,
}

/// A stream with one item each time that `read` returns another value than before. The value is read after each
/// notification that `is_relevant` accepts, and at the poll interval. The stream ends when the notifier is dropped.
///
/// # Errors
/// The error of the first read. Later errors are items, and the stream goes on after them.
pub async fn watch<T, F, R>(
    notifier: &Notifier,
    is_relevant: F,
    read: R,
) -> Result<impl Stream<Item = Result<(), Error>> + Send + use<T, F, R>, Error>
where
    T: PartialEq + Send,
    F: Fn(&Notification) -> bool + Send,
    R: Fn() -> BoxFuture<'static, Result<T, Error>> + Send,
{
    watch_with(DEBOUNCE, notifier, is_relevant, read).await
}

async fn watch_with<T, F, R>(
    debounce: Debounce,
    notifier: &Notifier,
    is_relevant: F,
    read: R,
) -> Result<impl Stream<Item = Result<(), Error>> + Send + use<T, F, R>, Error>
where
    T: PartialEq + Send,
    F: Fn(&Notification) -> bool + Send,
    R: Fn() -> BoxFuture<'static, Result<T, Error>> + Send,
{
    // Listening starts before the first read, so that a commit between them is notified.
    let notifications = notifier.listen();
    let last = read().await?;
    let watch = Watch { debounce, notifications, is_relevant, read, last };
    Ok(stream::unfold(watch, |mut watch| async move {
        let item = watch.next_change().await?;
        Some((item, watch))
    }))
}

impl<F, R, T> Watch<F, R, T>
where
    T: PartialEq,
    F: Fn(&Notification) -> bool,
    R: Fn() -> BoxFuture<'static, Result<T, Error>>,
{
    /// Waits for the next change; `None` when the notifier is dropped.
    async fn next_change(&mut self) -> Option<Result<(), Error>> {
        loop {
            // The value is also read when the wait for a notification times out.
            if let Ok(event) = tokio::time::timeout(self.debounce.poll_interval, self.next_event()).await {
                event?;
                tokio::time::sleep(self.debounce.flush_delay).await;
                self.discard_pending();
            }
            match (self.read)().await {
                Ok(value) if value == self.last => {}
                Ok(value) => {
                    self.last = value;
                    return Some(Ok(()));
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Waits for a relevant notification. Missed notifications count as relevant.
    async fn next_event(&mut self) -> Option<()> {
        loop {
            match self.notifications.recv().await {
                Ok(notification) if (self.is_relevant)(&notification) => return Some(()),
                Err(RecvError::Lagged(_)) => return Some(()),
                Ok(_) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// Discards the notifications received so far: the read that follows covers them.
    fn discard_pending(&mut self) {
        while matches!(self.notifications.try_recv(), Ok(_) | Err(TryRecvError::Lagged(_))) {}
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

    /// A watched value that counts its reads.
    #[derive(Clone, Default)]
    struct Source {
        value: Arc<AtomicU32>,
        reads: Arc<AtomicU32>,
    }

    /// The value whose read fails.
    const BROKEN: u32 = 99;
    const FAST: Debounce =
        Debounce { poll_interval: Duration::from_millis(400), flush_delay: Duration::from_millis(20) };

    impl Source {
        fn set(&self, value: u32) {
            self.value.store(value, Ordering::SeqCst);
        }

        fn read(&self) -> BoxFuture<'static, Result<u32, Error>> {
            self.reads.fetch_add(1, Ordering::SeqCst);
            let value = self.value.load(Ordering::SeqCst);
            let found = if value == BROKEN { Err(InternalError::new("broken").into()) } else { Ok(value) };
            std::future::ready(found).boxed()
        }
    }

    async fn watch_source(
        notifier: &Notifier,
        source: &Source,
        is_relevant: fn(&Notification) -> bool,
    ) -> Result<BoxStream<'static, Result<(), Error>>, Error> {
        let source = source.clone();
        Ok(watch_with(FAST, notifier, is_relevant, move || source.read()).await?.boxed())
    }

    /// Whether the next item comes from the poll, not from a notification.
    async fn is_polled(stream: &mut BoxStream<'static, Result<(), Error>>) -> bool {
        let started_at = tokio::time::Instant::now();
        assert!(stream.next().await.unwrap().is_ok());
        started_at.elapsed() >= FAST.poll_interval
    }

    #[tokio::test]
    async fn relevant_notifications_are_coalesced_and_the_poll_finds_the_rest() {
        let (notifier, source) = (Notifier::default(), Source::default());
        let is_relevant = |notification: &Notification| *notification == Notification::Consumers;
        let mut stream = watch_source(&notifier, &source, is_relevant).await.unwrap();
        source.set(1);
        for _ in 0..10 {
            notifier.notify(Notification::Consumers);
        }
        assert!(!is_polled(&mut stream).await);
        assert_eq!(source.reads.load(Ordering::SeqCst), 2, "ten notifications, one read");
        // An irrelevant notification causes no read.
        source.set(2);
        notifier.notify(Notification::Jobs);
        assert!(is_polled(&mut stream).await);
        // A missed notification may have been relevant.
        source.set(3);
        for _ in 0..5000 {
            notifier.notify(Notification::Jobs);
        }
        assert!(!is_polled(&mut stream).await);
    }

    #[tokio::test]
    async fn errors_are_items_and_the_stream_ends_with_the_notifier() {
        let (notifier, source) = (Notifier::default(), Source::default());
        let mut stream = watch_source(&notifier, &source, |_| true).await.unwrap();
        source.set(BROKEN);
        notifier.notify(Notification::Jobs);
        assert!(stream.next().await.unwrap().is_err());
        source.set(1);
        notifier.notify(Notification::Jobs);
        assert!(stream.next().await.unwrap().is_ok());
        drop(notifier);
        assert!(stream.next().now_or_never().unwrap().is_none());
        source.set(BROKEN);
        assert!(watch_source(&Notifier::default(), &source, |_| true).await.is_err());
    }
}
