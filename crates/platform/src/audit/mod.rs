//! The audit: who did what, when, appended in the transaction that did it, and sealed into a chain afterwards.
//!
//! Rows are never changed (triggers refuse it). One job chains them in an order of its own, so that no transaction waits
//! for another's hash.

pub mod chain;
mod model;
mod queries;
mod sealing;

pub use model::{AuditEvent, NewAuditEvent};
pub use queries::{Filter, append, append_all, by_seq, concerning, count, newest};
pub use sealing::{Verification, seal, seal_all, verify};
