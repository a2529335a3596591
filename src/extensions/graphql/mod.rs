//! Numbers and extensions in the API.

mod inputs;
mod mutations;
mod number;
mod objects;
mod queries;

pub use mutations::ExtensionsMutation;
pub use number::Number;
pub use objects::{Extension, ExtensionConnection};
pub use queries::ExtensionsQuery;
