//! The rows of jobs.

use diesel::prelude::{Insertable, Queryable, Selectable};

use crate::clock::Timestamp;
use crate::ids::JobId;
use crate::store::schema::jobs;
use crate::text_enum;

text_enum! {
    /// What kinds of job there are.
    pub enum JobKind {
        /// Sends one mail; the payload is the sealed [`crate::mail::Mail`].
        SendMail = "send_mail",
    }
}

/// A job that is to be done.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// What to do.
    pub kind: JobKind,
    /// With what: sealed where it holds anything secret.
    pub payload: Vec<u8>,
    /// A second job with the same key is the same job.
    pub deduplication: Option<String>,
}

/// A job's row.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = jobs)]
pub struct Job {
    pub id: JobId,
    pub kind: JobKind,
    pub payload: Vec<u8>,
    pub deduplication: Option<String>,
    pub run_at: Timestamp,
    pub attempts: i32,
    pub claimed_until: Option<Timestamp>,
    pub last_error: Option<String>,
    pub created_at: Timestamp,
    pub dead_at: Option<Timestamp>,
}
