//! Worker of the job queue.

use super::{JobRegistry, queries};
use crate::clock::Clock;
use crate::error::{Error, InternalError};
use crate::store::Store;

/// Runs every due job of the registered kinds, in the order of priority and start time.
///
/// # Errors
/// When the database fails. A job's failure is recorded in its row.
pub async fn run_due<C: Sync + 'static>(
    store: &Store,
    clock: &dyn Clock,
    registry: &JobRegistry<C>,
    context: &C,
) -> Result<(), Error> {
    loop {
        let (kinds, now) = (registry.names(), clock.now());
        let claimed =
            store.write(move |conn| Box::pin(async move { Ok(queries::claim(conn, &kinds, now).await?) })).await?;
        let Some(job) = claimed else { return Ok(()) };
        let handler = registry.find(&job.kind).ok_or_else(|| InternalError::new("a claimed job has no handler"))?;
        let result = (handler.run)(context, &job).await;
        let (max_attempts, now) = (handler.kind.max_attempts, clock.now());
        store
            .write(move |conn| {
                Box::pin(async move {
                    match &result {
                        Ok(()) => queries::delete(conn, job.id).await?,
                        Err(error) => queries::record_failure(conn, &job, max_attempts, error, now).await?,
                    }
                    Ok(())
                })
            })
            .await?;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use futures_util::future::BoxFuture;

    use super::*;
    use crate::clock::{ManualClock, Rng, SeededRng, Timestamp};
    use crate::ids::JobId;
    use crate::jobs::{Job, JobError, JobHandler, JobKind, JobPriority, NewJob};
    use crate::store::DatabaseUrl;

    const fn kind(name: &'static str, priority: JobPriority) -> JobKind {
        JobKind { name, priority, max_attempts: 2, sealed_payload: None }
    }

    static URGENT: JobKind = kind("urgent", JobPriority::High);
    static USUAL: JobKind = kind("usual", JobPriority::Normal);
    static BULK: JobKind = kind("bulk", JobPriority::Low);
    static FAILING: JobKind = kind("failing", JobPriority::Normal);
    static UNREGISTERED: JobKind = kind("unregistered", JobPriority::High);

    /// Payloads in the order of execution.
    #[derive(Default)]
    struct Executed(Mutex<Vec<String>>);

    impl Executed {
        fn record(&self, job: &Job) {
            let payload = String::from_utf8_lossy(&job.payload).into_owned();
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(payload);
        }

        fn take(&self) -> Vec<String> {
            std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
        }
    }

    fn succeed<'a>(executed: &'a Executed, job: &'a Job) -> BoxFuture<'a, Result<(), JobError>> {
        executed.record(job);
        async { Ok(()) }.boxed()
    }

    fn fail<'a>(executed: &'a Executed, job: &'a Job) -> BoxFuture<'a, Result<(), JobError>> {
        executed.record(job);
        async { Err(JobError::Transient("unavailable".to_owned())) }.boxed()
    }

    static HANDLERS: [JobHandler<Executed>; 4] = [
        JobHandler { kind: &URGENT, run: succeed },
        JobHandler { kind: &USUAL, run: succeed },
        JobHandler { kind: &BULK, run: succeed },
        JobHandler { kind: &FAILING, run: fail },
    ];

    struct Fixture {
        _folder: tempfile::TempDir,
        store: Store,
        clock: ManualClock,
        rng: SeededRng,
        executed: Executed,
    }

    impl Fixture {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(&DatabaseUrl::Sqlite(folder.path().join("switchboard.db"))).await.unwrap();
            let clock = ManualClock::new(Timestamp::parse("2026-08-20T09:30:00Z").unwrap());
            Self { _folder: folder, store, clock, rng: SeededRng::new(1), executed: Executed::default() }
        }

        async fn enqueue(&self, job: NewJob) {
            let now = self.clock.now();
            let id = JobId((&self.rng as &dyn Rng).uuid(now));
            let enqueue =
                self.store.write(move |conn| Box::pin(async move { Ok(queries::enqueue(conn, &job, id, now).await?) }));
            enqueue.await.unwrap();
        }

        async fn run_due(&self) -> Vec<String> {
            run_due(&self.store, &self.clock, &JobRegistry::new(&HANDLERS), &self.executed).await.unwrap();
            self.executed.take()
        }

        async fn waiting(&self) -> i64 {
            queries::waiting(&mut self.store.read().await.unwrap()).await.unwrap()
        }
    }

    fn job(kind: &'static JobKind, payload: &str) -> NewJob {
        NewJob::new(kind, payload.as_bytes().to_vec())
    }

    #[tokio::test]
    async fn runs_by_priority_then_start_time() {
        let fixture = Fixture::new().await;
        let now = fixture.clock.now();
        fixture.enqueue(job(&BULK, "bulk")).await;
        fixture.enqueue(job(&USUAL, "second").at(now.plus_seconds(-1))).await;
        fixture.enqueue(job(&USUAL, "first").at(now.plus_seconds(-2))).await;
        fixture.enqueue(job(&URGENT, "urgent")).await;
        assert_eq!(fixture.run_due().await, ["urgent", "first", "second", "bulk"]);
        assert_eq!(fixture.waiting().await, 0);
    }

    #[tokio::test]
    async fn waits_for_the_start_time() {
        let fixture = Fixture::new().await;
        fixture.enqueue(job(&URGENT, "later").at(fixture.clock.now().plus_seconds(60))).await;
        fixture.enqueue(job(&BULK, "now")).await;
        assert_eq!(fixture.run_due().await, ["now"]);
        fixture.clock.advance(Duration::from_secs(60));
        assert_eq!(fixture.run_due().await, ["later"]);
    }

    #[tokio::test]
    async fn ignores_unregistered_kinds_and_duplicates() {
        let fixture = Fixture::new().await;
        fixture.enqueue(job(&UNREGISTERED, "unregistered")).await;
        fixture.enqueue(job(&USUAL, "one").deduplicated("key")).await;
        fixture.enqueue(job(&USUAL, "two").deduplicated("key")).await;
        assert_eq!(fixture.run_due().await, ["one"]);
        assert_eq!(fixture.waiting().await, 1);
    }

    #[tokio::test]
    async fn retries_up_to_the_maximum_of_the_kind() {
        let fixture = Fixture::new().await;
        fixture.enqueue(job(&FAILING, "attempt")).await;
        assert_eq!(fixture.run_due().await, ["attempt"]);
        assert_eq!(fixture.run_due().await, [""; 0], "the backoff has not elapsed");
        fixture.clock.advance(Duration::from_secs(5));
        assert_eq!(fixture.run_due().await, ["attempt"]);
        assert_eq!(fixture.waiting().await, 0, "the job is dead");
    }
}
