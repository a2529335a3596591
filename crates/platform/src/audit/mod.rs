//! The audit log: a row for every action, appended in the action's transaction and later sealed into a hash chain.
//!
//! Rows are immutable (enforced by triggers) and have a MAC, so that forged rows are recognised. A background task seals
//! them, so that transactions do not wait for the hash of another transaction's row. The end of the chain is also in a
//! file beside the database, so that rows cannot be cut off unnoticed.

mod anchor;
mod chain;
mod log;
mod model;
mod queries;
mod sealing;

pub use anchor::{Anchor, AnchorFile};
pub use chain::Link;
pub use log::AuditLog;
pub use model::{AuditEvent, NewAuditEvent};
pub use queries::{Filter, append, append_all, by_seq, concerning, count, newest};
pub use sealing::{Verification, seal, seal_all, verify};
