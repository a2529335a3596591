//! The deadline of an operation: the instant at which its database statements stop, whichever thread runs them.
//!
//! A deadline is the current one of a task while its future is polled ([`within`]). The store reads it: SQLite
//! statements are not begun after it, and those that visit many rows end with an error when it passes
//! ([`within_deadline`](crate::store::hints::within_deadline)); a PostgreSQL statement that still runs is cancelled.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

tokio::task_local! {
    static CURRENT: Option<Arc<Deadline>>;
}

/// The message of a statement that its operation's deadline ended. It is temporary: a later attempt may be faster.
pub const PASSED: &str = "the deadline of the operation passed";

/// The end of an operation: an instant, or earlier, when the caller no longer waits for the result.
#[derive(Debug)]
pub struct Deadline {
    at: Instant,
    is_abandoned: AtomicBool,
    abandoned: Notify,
    /// The connections of the database that the operation shares with others of its kind.
    connections: Option<Arc<Semaphore>>,
}

impl Deadline {
    /// The deadline of an operation that begins now.
    pub fn after(timeout: Duration) -> Arc<Self> {
        Self::new(timeout, None)
    }

    /// The deadline of an operation that begins now and shares these connections with others.
    pub fn sharing(timeout: Duration, connections: Arc<Semaphore>) -> Arc<Self> {
        Self::new(timeout, Some(connections))
    }

    fn new(timeout: Duration, connections: Option<Arc<Semaphore>>) -> Arc<Self> {
        // A timeout beyond the range of instants never ends.
        let at = Instant::now().checked_add(timeout).unwrap_or_else(|| Instant::now() + Duration::from_secs(1 << 31));
        Arc::new(Self { at, is_abandoned: AtomicBool::new(false), abandoned: Notify::new(), connections })
    }

    /// Waits for a connection that the operation may use; `None` where it shares none.
    pub async fn connection(&self) -> Option<OwnedSemaphorePermit> {
        let connections = self.connections.as_ref()?;
        Arc::clone(connections).acquire_owned().await.ok()
    }

    /// Ends the operation now.
    pub fn abandon(&self) {
        self.is_abandoned.store(true, Ordering::Relaxed);
        self.abandoned.notify_waiters();
    }

    /// Returns whether the operation must stop.
    pub fn is_over(&self) -> bool {
        self.is_abandoned.load(Ordering::Relaxed) || Instant::now() >= self.at
    }

    /// Completes when the operation must stop.
    pub async fn over(&self) {
        let mut abandoned = std::pin::pin!(self.abandoned.notified());
        abandoned.as_mut().enable();
        if self.is_abandoned.load(Ordering::Relaxed) {
            return;
        }
        tokio::select! {
            () = abandoned => {}
            () = tokio::time::sleep_until(self.at.into()) => {}
        }
    }

    /// The deadline of the running task; `None` outside operations.
    pub fn current() -> Option<Arc<Self>> {
        CURRENT.try_with(Clone::clone).ok().flatten()
    }
}

/// Abandons an operation when it is dropped.
#[derive(Debug)]
pub struct AbandonOnDrop(pub Arc<Deadline>);

impl Drop for AbandonOnDrop {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// Returns whether the operation of the running task must stop; never outside operations.
pub fn is_over() -> bool {
    CURRENT.try_with(|deadline| deadline.as_ref().is_some_and(|deadline| deadline.is_over())).unwrap_or(false)
}

/// Runs a future with `deadline` as the current one, or without any. The future itself is not ended: the caller drops
/// it.
pub async fn within<F: Future>(deadline: Option<Arc<Deadline>>, future: F) -> F::Output {
    CURRENT.scope(deadline, future).await
}

/// Runs a future with `deadline` as the current one, and abandons the operation when the caller drops the future.
pub async fn abandoned_on_drop<F: Future>(deadline: Arc<Deadline>, future: F) -> F::Output {
    let future = std::pin::pin!(within(Some(Arc::clone(&deadline)), future));
    // Declared last, so dropped first: what the future holds sees that it is abandoned.
    let _guard = AbandonOnDrop(deadline);
    future.await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_deadline_ends_by_time_and_by_its_caller() {
        let never = Deadline::after(Duration::MAX);
        assert!(!never.is_over() && !is_over());
        let passed = Deadline::after(Duration::ZERO);
        passed.over().await;
        assert!(passed.is_over());
        within(Some(passed), async { assert!(is_over()) }).await;
        let waiting = Arc::clone(&never);
        let over = tokio::spawn(async move { waiting.over().await });
        drop(AbandonOnDrop(Arc::clone(&never)));
        over.await.unwrap();
        assert!(never.is_over());
        never.over().await;
    }

    #[tokio::test]
    async fn a_dropped_operation_is_abandoned_before_its_parts_are_dropped() {
        struct Part(Arc<AtomicBool>);
        impl Drop for Part {
            fn drop(&mut self) {
                self.0.store(is_over(), Ordering::Relaxed);
            }
        }
        let was_over = Arc::new(AtomicBool::new(false));
        let part = Part(Arc::clone(&was_over));
        let mut operation = Box::pin(abandoned_on_drop(Deadline::after(Duration::MAX), async move {
            let _part = part;
            std::future::pending::<()>().await;
        }));
        assert!(futures_util::poll!(operation.as_mut()).is_pending());
        drop(operation);
        assert!(was_over.load(Ordering::Relaxed));
    }
}
