//! Switchboard: number management and provisioning.

pub mod clock;
pub mod problem;
