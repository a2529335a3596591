//! Commands that run beside a server on the same database.

pub mod backup;
pub mod rotate_key;
