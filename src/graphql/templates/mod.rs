//! GraphQL of templates.

mod inputs;
mod mutations;
mod objects;
mod payloads;

pub use mutations::TemplatesMutation;
pub use objects::Template;
