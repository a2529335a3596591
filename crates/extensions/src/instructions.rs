//! The service type's instructions, rendered for one extension.

use minijinja::{Environment, UndefinedBehavior};

use super::model::Extension;
use platform::error::InternalError;
use service_types::ServiceType;
use service_types::schema::Parameters;

/// How much work a template may make; the shipped ones need a few hundred.
const FUEL: u64 = 50_000;

/// Renders the instructions over public fields. A template that fails leaves its text as it stands: the owner is better served by
/// half a manual than by none.
///
/// # Errors
/// Never for instructions that are no template.
pub fn render(service_type: &ServiceType, row: &Extension, shown: Parameters) -> Result<String, InternalError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_fuel(Some(FUEL));
    let context = serde_json::json!({
        "number": row.number,
        "label": row.label,
        "parameters": shown,
        "service_type": { "slug": service_type.slug, "name": service_type.name, "settings": service_type.settings.0 },
    });
    let context: minijinja::Value = serde_json::from_value(context).map_err(InternalError::new)?;
    Ok(environment.render_str(&service_type.instructions, context).unwrap_or_else(|error| {
        tracing::debug!(service_type = service_type.slug, error = %error, "instructions could not be rendered");
        service_type.instructions.clone()
    }))
}
