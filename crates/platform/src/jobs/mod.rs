//! Work that waits for the commit: claimed, retried with back-off, deduplicated, and harmless when run twice.

mod model;
mod queries;

pub use model::{Job, JobKind, NewJob};
pub use queries::{claim, enqueue, fail, finish, list, save_payload, waiting};
