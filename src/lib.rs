//! Switchboard: number management and provisioning.

pub mod access;
pub mod accounts;
pub mod audit;
pub mod clock;
pub mod http;
pub mod problem;
pub mod secrets;
