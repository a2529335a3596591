//! GraphQL of events, number ranges and call permissions.

mod inputs;
mod mutations;
mod objects;
mod payloads;
mod queries;

pub use mutations::EventsMutation;
pub use objects::{CallPermission, Event, NumberRange, missing_row};
pub use queries::EventsQuery;
