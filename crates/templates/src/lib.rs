//! Templates that render the feed of a service type as configuration for a telephone system.

pub mod actions;
mod engine;
mod escape;
mod filters;
mod model;
mod queries;
pub mod rules;
mod sample;
mod shipped;
mod structure;
mod variables;

#[cfg(test)]
mod tests;

pub use engine::{Limits, TemplateError, is_device_template, render};
pub use filters::parse_mac;
pub use model::{Template, TemplateFormat};
pub use queries::{template_by_id, template_by_name, templates_of};
pub use shipped::{SHIPPED_TEMPLATES, ShippedTemplate};
pub use structure::document_structure;
pub use variables::{
    DeviceVariables, ExtensionVariables, MemberVariables, RenderContext, TypeVariables, device_context, feed_context,
};
