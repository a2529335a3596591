//! The configuration in the API.

mod inputs;
mod mutations;
mod objects;
mod payloads;
mod queries;
mod type_objects;

pub use mutations::ConfigMutation;
pub use objects::{CallPermission, Event, NumberRange, gone};
pub use queries::ConfigQuery;
pub use type_objects::{ReadTypes, ServiceType, Template};
