//! Jobs in the database.

use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, QueryResult,
    SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;

use super::model::{Job, NewJob};
use crate::access::Permit;
use crate::clock::Timestamp;
use crate::ids::JobId;
use crate::query;
use crate::store::Conn;
use crate::store::schema::jobs;

/// How long a worker has a job for itself, in seconds; a worker that dies loses it then.
const CLAIM_SECONDS: i64 = 120;
/// The pause after the first failure, in seconds; it doubles up to [`LONGEST_PAUSE_SECONDS`].
const FIRST_PAUSE_SECONDS: i64 = 5;
const LONGEST_PAUSE_SECONDS: i64 = 3600;
/// After how many failures a job is given up: about a day.
const MOST_ATTEMPTS: i32 = 32;

/// Puts a job into the queue, unless one with its deduplication key waits already.
pub async fn enqueue(conn: &mut Conn, new: &NewJob, id: JobId, now: Timestamp) -> QueryResult<()> {
    let job = Job {
        id,
        kind: new.kind,
        payload: new.payload.clone(),
        deduplication: new.deduplication.clone(),
        run_at: now,
        attempts: 0,
        claimed_until: None,
        last_error: None,
        created_at: now,
        dead_at: None,
    };
    query!(conn, |c| diesel::insert_into(jobs::table)
        .values(&job)
        .on_conflict(jobs::deduplication)
        .do_nothing()
        .execute(c)
        .await)?;
    Ok(())
}

/// Takes the job that is due longest; no other worker gets it for two minutes.
pub async fn claim(conn: &mut Conn, now: Timestamp) -> QueryResult<Option<Job>> {
    let due = jobs::dead_at
        .is_null()
        .and(jobs::run_at.le(now))
        .and(jobs::claimed_until.is_null().or(jobs::claimed_until.lt(now)));
    let found = match conn {
        Conn::Sqlite(c) => {
            jobs::table.filter(due).order(jobs::run_at).select(Job::as_select()).first(c).await.optional()?
        }
        Conn::Postgres(c) => {
            let c: &mut crate::store::PgConn = c;
            jobs::table
                .filter(due)
                .order(jobs::run_at)
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

/// Forgets a job that is done.
pub async fn finish(conn: &mut Conn, id: JobId) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(jobs::table.find(id)).execute(c).await)?;
    Ok(())
}

/// Puts a job back for later, or gives it up: at once when `permanent`, else after many attempts.
pub async fn fail(conn: &mut Conn, job: &Job, error: &str, permanent: bool, now: Timestamp) -> QueryResult<()> {
    let attempts = job.attempts + 1;
    let doublings = u32::try_from(job.attempts.clamp(0, 16)).unwrap_or(0);
    let pause = (FIRST_PAUSE_SECONDS << doublings).min(LONGEST_PAUSE_SECONDS);
    let dead_at = (permanent || attempts >= MOST_ATTEMPTS).then_some(now);
    query!(conn, |c| diesel::update(jobs::table.find(job.id))
        .set((
            jobs::attempts.eq(attempts),
            jobs::run_at.eq(now.plus_seconds(pause)),
            jobs::claimed_until.eq(None::<Timestamp>),
            jobs::last_error.eq(Some(error)),
            jobs::dead_at.eq(dead_at),
        ))
        .execute(c)
        .await)?;
    Ok(())
}

/// A page of all jobs by id, for sealing their payloads anew.
pub async fn list(conn: &mut Conn, after: Option<JobId>, limit: i64) -> QueryResult<Vec<Job>> {
    if let Conn::Postgres(c) = conn {
        // Nobody may be about to commit a job that this page does not show.
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

/// Writes the same payload, sealed anew.
pub async fn save_payload(conn: &mut Conn, _: &Permit, id: JobId, payload: &[u8]) -> QueryResult<()> {
    query!(conn, |c| diesel::update(jobs::table.find(id)).set(jobs::payload.eq(payload)).execute(c).await)?;
    Ok(())
}

/// How many jobs wait, for metrics and tests.
pub async fn waiting(conn: &mut Conn) -> QueryResult<i64> {
    query!(conn, |c| jobs::table.filter(jobs::dead_at.is_null()).count().get_result(c).await)
}
