//! Rendering of a service type's instructions for one extension.

use minijinja::{Environment, UndefinedBehavior};
use platform::error::InternalError;
use service_types::ServiceType;
use service_types::schema::Parameters;

use super::model::Extension;

/// The instruction limit of a template. Shipped templates need a few hundred.
const FUEL: u64 = 50_000;

/// Renders the instructions with the visible parameters. Returns the unrendered text of a template that fails.
///
/// # Errors
/// An internal error for parameters that cannot be converted to a template value.
pub fn render(service_type: &ServiceType, row: &Extension, visible: Parameters) -> Result<String, InternalError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_fuel(Some(FUEL));
    let context = serde_json::json!({
        "number": row.number,
        "label": row.label,
        "parameters": visible,
        "service_type": { "slug": service_type.slug, "name": service_type.name, "settings": service_type.settings.0 },
    });
    let context: minijinja::Value = serde_json::from_value(context).map_err(InternalError::new)?;
    Ok(environment.render_str(&service_type.instructions, context).unwrap_or_else(|error| {
        tracing::debug!(service_type = service_type.slug, error = %error, "instructions could not be rendered");
        service_type.instructions.clone()
    }))
}
