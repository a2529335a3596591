//! The audit log: a row for every action, appended in the action's transaction and later sealed into a hash chain.
//!
//! Rows are immutable (enforced by triggers). A background task seals them, so that transactions do not wait for the
//! hash of another transaction's row.

pub mod chain;
mod model;
mod queries;
mod sealing;

pub use model::{AuditEvent, NewAuditEvent};
pub use queries::{Filter, append, append_all, by_seq, concerning, count, newest};
pub use sealing::{Verification, seal, seal_all, verify};
