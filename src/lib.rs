//! Switchboard: number management and provisioning.

pub mod clock;
pub mod config;
pub mod ids;
pub mod problem;
pub mod access;
pub mod restrictions;
pub mod changes;
pub mod audit;
pub mod store;
