//! Provisioning: what telephone systems read, and how far they have read it.

pub mod cursor;
pub mod digest;
