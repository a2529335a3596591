//! The audit: who did what, when, appended in the transaction that did it, and sealed into a chain afterwards.
//!
//! Rows are never changed (triggers refuse it). One job chains them in an order of its own, so that no transaction waits
//! for another's hash.

pub mod chain;
pub mod graphql;
mod model;
mod queries;
mod sealing;

pub use model::{AuditEvent, NewAuditEvent};
pub use queries::{append, append_all, concerning};
pub use sealing::{Verification, seal, seal_all, verify};
