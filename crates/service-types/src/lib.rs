//! Service types: the JSON Schema of their extensions' parameters, the events that offer them and the ranges limited to
//! them.
//!
//! [`schema`] compiles and applies a type's `parameterSchema`; [`compiled`] caches each compiled version.

pub mod actions;
mod compiled;
pub mod demo;
pub mod hooks;
pub mod instructions;
mod migrate;
mod model;
mod queries;
pub mod rules;
pub mod schema;
pub mod typing;
pub mod unique_values;

#[cfg(test)]
mod demo_types;

pub use compiled::compiled;
pub use migrate::SchemaChange;
pub use model::{RangeLimit, ServiceBehaviour, ServiceType};
pub use queries::{
    all_service_types, event_offers, range_limits, service_type_by_id, service_type_by_slug, service_types_of_event,
};
