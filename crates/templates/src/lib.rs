//! Templates that render the feed of a service type as configuration for a telephone system.

pub mod actions;
mod model;
mod queries;
pub mod rules;
mod sample;
mod shipped;
mod structure;
mod variables;

#[cfg(test)]
mod tests;

pub use model::Template;
pub use queries::{template_by_id, template_by_name, templates_of};
pub use shipped::{SHIPPED_TEMPLATES, ShippedTemplate};
pub use structure::document_structure;
pub use template_engine::{Limits, TemplateError, TemplateFormat};
pub use variables::{
    DeviceVariables, ExtensionVariables, MemberVariables, RenderContext, TypeVariables, device_context, feed_context,
};

/// Renders a document. The caller waits: an async caller uses `spawn_blocking`, outside of a transaction.
///
/// # Errors
/// As [`template_engine::render`].
pub fn render(
    format: TemplateFormat,
    source: &str,
    context: minijinja::Value,
    limits: Limits,
) -> Result<String, TemplateError> {
    template_engine::render(template_engine::Purpose::Document(format), source, context, limits)
}

/// Whether the template renders the document of one device: it uses `extension` or `device`.
pub fn is_device_template(source: &str) -> bool {
    template_engine::uses_variable(source, &["extension", "device"])
}
