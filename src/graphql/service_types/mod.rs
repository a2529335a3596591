//! GraphQL of service types.

mod inputs;
mod mutations;
mod objects;
mod payloads;
mod queries;

pub use mutations::ServiceTypesMutation;
pub use objects::{ServiceType, ServiceTypeCache};
pub use queries::ServiceTypesQuery;
