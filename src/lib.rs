//! Switchboard: number management and provisioning.

pub mod access;
pub mod accounts;
pub mod audit;
pub mod changes;
pub mod clock;
pub mod config;
pub mod directory;
pub mod extensions;
pub mod graphql;
pub mod groups;
pub mod http;
pub mod idempotency;
pub mod ids;
pub mod jobs;
pub mod mail;
pub mod numbers;
pub mod problem;
pub mod provisioning;
pub mod restrictions;
pub mod secrets;
pub mod service_types;
pub mod services;
pub mod store;
pub mod text;
pub mod transaction;
