//! Service types: the JSON Schema of their extensions' parameters, the events that offer them and the ranges limited to
//! them.
//!
//! [`schema`] compiles and applies a type's `parameterSchema`; [`compiled`] caches each compiled version.

pub mod actions;
mod cascade_queries;
mod compiled;
pub mod demo;
pub mod instructions;
mod migrate;
mod model;
mod queries;
pub mod rules;
pub mod schema;
pub mod sealed;
pub mod typing;

#[cfg(test)]
mod demo_types;
#[cfg(test)]
mod tests;

pub use compiled::compiled;
pub use model::{RangeLimit, ServiceBehaviour, ServiceType};
pub use queries::{
    all_service_types, event_offers, range_limits, service_type_by_id, service_type_by_slug, service_types_of_event,
};
