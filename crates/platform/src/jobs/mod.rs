//! The job queue: work that runs after the commit of the transaction that enqueued it.
//!
//! A job is claimed by one worker at a time, retried with exponential backoff, and deduplicated by an optional key. A
//! crash can repeat a job, so handlers must be idempotent. The domain that owns a kind of jobs declares it as a
//! [`JobKind`]; the program registers one [`JobHandler`] for each kind in its [`JobRegistry`].

mod kind;
mod model;
mod queries;
mod registry;
mod runner;

pub use kind::{JobError, JobKind, JobPriority};
pub use model::{Job, NewJob};
pub use queries::{enqueue, list, save_payload, waiting};
pub use registry::{JobHandler, JobRegistry};
pub use runner::run_due;
