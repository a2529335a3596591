//! Switchboard: number management and provisioning.

pub mod clock;
pub mod graphql;
pub mod http;
pub mod problem;
