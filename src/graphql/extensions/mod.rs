//! The GraphQL API of extensions.

mod inputs;
mod mutations;
mod objects;
mod queries;

pub use inputs::ExtensionPayload;
pub use mutations::ExtensionsMutation;
pub use objects::{Extension, ExtensionConnection, ExtensionEdge};
pub use queries::ExtensionsQuery;
