//! Switchboard: number management and provisioning.

pub mod clock;
pub mod graphql;
pub mod problem;
pub mod service_types;
