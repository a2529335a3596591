//! Rows of the job queue.

use diesel::prelude::{Insertable, Queryable, Selectable};

use super::JobKind;
use crate::clock::Timestamp;
use crate::ids::JobId;
use crate::store::schema::jobs;

/// A job to enqueue.
#[derive(Clone, Debug)]
pub struct NewJob {
    pub kind: &'static JobKind,
    /// Input of the handler, sealed if it contains secrets.
    pub payload: Vec<u8>,
    /// A job in the queue with the same key, also a dead one, makes this job redundant.
    pub deduplication: Option<String>,
    /// Earliest start; `None` to start at once.
    pub run_at: Option<Timestamp>,
}

impl NewJob {
    /// Creates a job that starts at once.
    pub const fn new(kind: &'static JobKind, payload: Vec<u8>) -> Self {
        Self { kind, payload, deduplication: None, run_at: None }
    }

    /// Sets the earliest start.
    pub const fn at(mut self, run_at: Timestamp) -> Self {
        self.run_at = Some(run_at);
        self
    }

    /// Sets the deduplication key.
    pub fn deduplicated(mut self, key: impl Into<String>) -> Self {
        self.deduplication = Some(key.into());
        self
    }
}

/// A row of `jobs`.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = jobs)]
pub struct Job {
    pub id: JobId,
    /// [`JobKind::name`].
    pub kind: String,
    pub payload: Vec<u8>,
    pub deduplication: Option<String>,
    /// Earliest start of the next attempt.
    pub run_at: Timestamp,
    /// Number of failed attempts.
    pub attempts: i32,
    /// End of the current worker's exclusive claim.
    pub claimed_until: Option<Timestamp>,
    pub last_error: Option<String>,
    pub created_at: Timestamp,
    /// Time at which the job was given up.
    pub dead_at: Option<Timestamp>,
    /// [`super::JobPriority::rank`].
    pub priority: i32,
}
