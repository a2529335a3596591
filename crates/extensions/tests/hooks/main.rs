//! Tests of the hooks: changes of events, permissions and service types with the extensions and numbers that they concern.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod events;
mod fixture;
mod service_types;
