//! Threads for operations that may read much from an embedded database.
//!
//! A SQLite statement occupies the thread that runs it. An operation that may read many rows therefore runs as a whole
//! on a thread of its own, so the threads of the asynchronous runtime stay free for others. Guests and authenticated
//! callers have places of their own: guests that read much delay other guests only. On PostgreSQL such operations need
//! no threads, but they share few connections.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::deadline::{self, Deadline};
use crate::error::InternalError;

/// The kinds of callers that have places of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerKind {
    /// Callers without credentials.
    Guest,
    /// Callers with a session or an API key.
    Authenticated,
}

/// The places for operations that read much.
#[derive(Clone, Debug)]
pub struct Workers {
    guests: Places,
    authenticated: Places,
}

/// The places of one kind of callers.
#[derive(Clone, Debug)]
struct Places {
    threads: Arc<Semaphore>,
    connections: Arc<Semaphore>,
}

impl Places {
    fn new(threads: usize, connections: usize) -> Self {
        Self { threads: Arc::new(Semaphore::new(threads)), connections: Arc::new(Semaphore::new(connections)) }
    }
}

/// The maximal number of places of one kind of callers. Together they leave readers of the database for short reads.
const MAX_PLACES: usize = 3;

/// The maximal number of connections that operations of guests use at a time, and those of authenticated callers. The
/// rest of the pool is for short reads and for writes.
const GUEST_CONNECTIONS: usize = 4;
const AUTHENTICATED_CONNECTIONS: usize = 6;

impl Default for Workers {
    /// One place for each processor and kind of callers, at least one and at most three.
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, |count| count.get().min(MAX_PLACES));
        Self {
            guests: Places::new(threads, GUEST_CONNECTIONS),
            authenticated: Places::new(threads, AUTHENTICATED_CONNECTIONS),
        }
    }
}

impl Workers {
    const fn places(&self, kind: CallerKind) -> &Places {
        match kind {
            CallerKind::Guest => &self.guests,
            CallerKind::Authenticated => &self.authenticated,
        }
    }

    /// The deadline of an operation that begins now and shares the connections of its kind of callers.
    pub fn deadline(&self, kind: CallerKind, timeout: Duration) -> Arc<Deadline> {
        Deadline::sharing(timeout, Arc::clone(&self.places(kind).connections))
    }

    /// Runs a future on a thread of its own until it completes or its deadline passes. Waits for a place first, in the
    /// order of the calls.
    ///
    /// # Errors
    /// [`InternalError::Overloaded`] when the deadline passes; an invariant when the future panics.
    pub async fn run<F>(
        &self,
        kind: CallerKind,
        deadline: &Arc<Deadline>,
        future: F,
    ) -> Result<F::Output, InternalError>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let threads = Arc::clone(&self.places(kind).threads);
        let place = tokio::select! {
            place = threads.acquire_owned() => place.map_err(InternalError::new)?,
            () = deadline.over() => return Err(InternalError::Overloaded(deadline::PASSED)),
        };
        let (runtime, deadline) = (Handle::current(), Arc::clone(deadline));
        let task = tokio::task::spawn_blocking(move || {
            let _place = place;
            let bounded = async {
                tokio::select! {
                    biased;
                    output = deadline::within(Some(Arc::clone(&deadline)), future) => Ok(output),
                    () = deadline.over() => Err(InternalError::Overloaded(deadline::PASSED)),
                }
            };
            runtime.block_on(bounded)
        });
        task.await.unwrap_or_else(|error| Err(InternalError::new(error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_place_is_free_again_when_the_deadline_passes() {
        let workers = Workers { guests: Places::new(1, 1), authenticated: Places::new(1, 1) };
        let never = Deadline::after(Duration::MAX);
        let waits = workers.clone();
        let short = Deadline::after(Duration::from_millis(50));
        let stuck =
            tokio::spawn(async move { waits.run(CallerKind::Guest, &short, std::future::pending::<()>()).await });
        tokio::task::yield_now().await;
        assert_eq!(workers.run(CallerKind::Authenticated, &never, async { 1 }).await.unwrap(), 1);
        assert_eq!(workers.run(CallerKind::Guest, &never, async { 2 }).await.unwrap(), 2);
        assert!(matches!(stuck.await.unwrap(), Err(InternalError::Overloaded(_))));
        let passed = Deadline::after(Duration::ZERO);
        assert!(workers.run(CallerKind::Guest, &passed, std::future::pending::<()>()).await.is_err());
    }
}
