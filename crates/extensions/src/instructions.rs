//! Rendering of a service type's instructions for one extension.

use platform::error::InternalError;
use service_types::ServiceType;
use service_types::instructions::{Reader, render as render_instructions};
use service_types::schema::Parameters;

use super::model::Extension;

/// Renders the instructions over the parameters that the reader may see. Instructions that fail are returned as they are
/// written: incomplete instructions serve the owner better than none.
///
/// # Errors
/// Only when the task that renders ends early.
pub async fn render(service_type: &ServiceType, row: &Extension, shown: Parameters) -> Result<String, InternalError> {
    if !service_type.instructions.contains('{') {
        return Ok(service_type.instructions.clone());
    }
    let (service_type, number, label) = (service_type.clone(), row.number.clone(), row.label.clone());
    let rendering = tokio::task::spawn_blocking(move || {
        let reader = Reader { number: &number, label: &label, parameters: &shown };
        render_instructions(&service_type, reader).unwrap_or_else(|error| {
            tracing::debug!(service_type = service_type.slug, error = %error, "instructions could not be rendered");
            service_type.instructions
        })
    });
    rendering.await.map_err(InternalError::new)
}
