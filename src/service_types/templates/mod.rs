//! Templates: what turns a service type's feed into the text that a particular telephone system reads.

mod model;
mod queries;
pub mod rules;
mod sample;

pub use model::{Template, TemplateFormat};
pub use queries::{template_by_id, template_by_name, templates_of};
