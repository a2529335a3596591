//! What an admin configures: events with their ranges, service types, call permissions.
//!
//! A type's `parameterSchema` says what an extension of it holds; [`schema`] is its engine, and [`compiled`] keeps each version
//! compiled.

mod adapt;
mod compiled;
mod effects;
pub mod actions;
mod model;
pub mod queries;
pub mod rules;
pub mod schema;
pub mod sealed;
pub mod templates;
pub mod typing;

#[cfg(test)]
mod demo_types;
#[cfg(test)]
mod tests;

pub use compiled::compiled;
pub use model::{CallPermission, Event, EventPhase, NumberRange, ServiceBehaviour, ServiceType};
pub use templates::{Template, TemplateFormat};
