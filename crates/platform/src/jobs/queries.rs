//! Queries of the job queue.

use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, QueryResult,
    SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;

use super::kind::JobError;
use super::model::{Job, NewJob};
use crate::access::Permit;
use crate::clock::Timestamp;
use crate::ids::JobId;
use crate::query;
use crate::store::Conn;
use crate::store::schema::jobs;

/// Duration of a worker's exclusive claim in seconds. Another worker can claim the job of a crashed worker afterwards.
const CLAIM_SECONDS: i64 = 120;
/// Backoff after the first failure in seconds; each further failure doubles it up to [`MAX_BACKOFF_SECONDS`].
const MIN_BACKOFF_SECONDS: i64 = 5;
const MAX_BACKOFF_SECONDS: i64 = 3600;

/// Enqueues a job, unless a job in the queue has the same deduplication key.
pub async fn enqueue(conn: &mut Conn, new: &NewJob, id: JobId, now: Timestamp) -> QueryResult<()> {
    let job = Job {
        id,
        kind: new.kind.name.to_owned(),
        payload: new.payload.clone(),
        deduplication: new.deduplication.clone(),
        run_at: new.run_at.unwrap_or(now),
        attempts: 0,
        claimed_until: None,
        last_error: None,
        created_at: now,
        dead_at: None,
        priority: new.kind.priority.rank(),
    };
    query!(conn, |c| diesel::insert_into(jobs::table)
        .values(&job)
        .on_conflict(jobs::deduplication)
        .do_nothing()
        .execute(c)
        .await)?;
    Ok(())
}

/// Claims the due job with the highest priority and the earliest start time, among the named kinds.
pub(super) async fn claim(conn: &mut Conn, kinds: &[&str], now: Timestamp) -> QueryResult<Option<Job>> {
    let due = jobs::dead_at
        .is_null()
        .and(jobs::kind.eq_any(kinds.iter().copied()))
        .and(jobs::run_at.le(now))
        .and(jobs::claimed_until.is_null().or(jobs::claimed_until.lt(now)));
    let found = match conn {
        Conn::Sqlite(c) => jobs::table
            .filter(due)
            .order((jobs::priority, jobs::run_at))
            .select(Job::as_select())
            .first(c)
            .await
            .optional()?,
        Conn::Postgres(c) => {
            let c: &mut crate::store::PgConn = c;
            jobs::table
                .filter(due)
                .order((jobs::priority, jobs::run_at))
                .select(Job::as_select())
                .for_update()
                .skip_locked()
                .first(c)
                .await
                .optional()?
        }
    };
    let Some(mut job) = found else { return Ok(None) };
    job.claimed_until = Some(now.plus_seconds(CLAIM_SECONDS));
    query!(conn, |c| diesel::update(jobs::table.find(job.id))
        .set(jobs::claimed_until.eq(job.claimed_until))
        .execute(c)
        .await)?;
    Ok(Some(job))
}

/// Deletes a completed job.
pub(super) async fn delete(conn: &mut Conn, id: JobId) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(jobs::table.find(id)).execute(c).await)?;
    Ok(())
}

/// Schedules the next attempt of a failed job, or marks it dead after a permanent error or the last attempt.
pub(super) async fn record_failure(
    conn: &mut Conn,
    job: &Job,
    max_attempts: i32,
    error: &JobError,
    now: Timestamp,
) -> QueryResult<()> {
    let attempts = job.attempts + 1;
    let doublings = u32::try_from(job.attempts.clamp(0, 16)).unwrap_or(0);
    let backoff = (MIN_BACKOFF_SECONDS << doublings).min(MAX_BACKOFF_SECONDS);
    let is_dead = matches!(error, JobError::Permanent(_)) || attempts >= max_attempts;
    let dead_at = is_dead.then_some(now);
    query!(conn, |c| diesel::update(jobs::table.find(job.id))
        .set((
            jobs::attempts.eq(attempts),
            jobs::run_at.eq(now.plus_seconds(backoff)),
            jobs::claimed_until.eq(None::<Timestamp>),
            jobs::last_error.eq(Some(error.to_string())),
            jobs::dead_at.eq(dead_at),
        ))
        .execute(c)
        .await)?;
    Ok(())
}

/// Loads a page of all jobs by id, for resealing.
pub async fn list(conn: &mut Conn, after: Option<JobId>, limit: i64) -> QueryResult<Vec<Job>> {
    if let Conn::Postgres(c) = conn {
        // Waits for transactions that have inserted a job which this page would miss.
        let c: &mut crate::store::PgConn = c;
        diesel::sql_query("LOCK TABLE jobs IN SHARE ROW EXCLUSIVE MODE").execute(c).await?;
    }
    query!(conn, |c| {
        let mut rows = jobs::table.select(Job::as_select()).into_boxed();
        if let Some(after) = after {
            rows = rows.filter(jobs::id.gt(after));
        }
        rows.order(jobs::id).limit(limit).load(c).await
    })
}

/// Replaces a payload after resealing.
pub async fn save_payload(conn: &mut Conn, _: &Permit, id: JobId, payload: &[u8]) -> QueryResult<()> {
    query!(conn, |c| diesel::update(jobs::table.find(id)).set(jobs::payload.eq(payload)).execute(c).await)?;
    Ok(())
}

/// Counts the jobs that are not dead, for metrics and tests.
pub async fn waiting(conn: &mut Conn) -> QueryResult<i64> {
    query!(conn, |c| jobs::table.filter(jobs::dead_at.is_null()).count().get_result(c).await)
}
