//! The audit: what was done, by whom, and the proof that nobody changed the record.

pub mod chain;
