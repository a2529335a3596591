//! Service types.

pub mod create;
