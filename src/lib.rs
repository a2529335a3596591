//! Switchboard: number management and provisioning.

pub mod clock;
pub mod directory;
pub mod extensions;
pub mod groups;
pub mod numbers;
pub mod problem;
pub mod provisioning;
pub mod text;
