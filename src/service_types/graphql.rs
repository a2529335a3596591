//! The configuration in the API.

mod inputs;
mod mutations;
mod objects;
mod payloads;
mod queries;

pub use mutations::ConfigMutation;
pub use objects::{CallPermission, Event, NumberRange, ReadTypes, ServiceType, Template, gone};
pub use queries::ConfigQuery;
