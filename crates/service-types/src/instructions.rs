//! Instructions: what the owner of an extension reads about its service, a template in Markdown.

use minijinja::Value as Variable;
use minijinja::value::Serde;
use serde_json::json;
use template_engine::{Limits, Purpose, TemplateError};

use crate::ServiceType;
use crate::schema::{GenerationContext, ParameterSchema, Parameters, Viewer};
use platform::clock::Rng;
use platform::error::{Error, InternalError, UserError};
use platform::services::Services;

const SAMPLE_NUMBER: &str = "2342";
const SAMPLE_LABEL: &str = "Front Desk";
const SAMPLE_USERNAME: &str = "sample";

/// The extension that instructions are rendered for.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    pub number: &'a str,
    pub label: &'a str,
    /// The parameters that the reader may see.
    pub parameters: &'a Parameters,
}

/// Renders the instructions of a service type. An undefined value is empty. The caller waits.
///
/// # Errors
/// When they are no template, or exceed the limits.
pub fn render(service_type: &ServiceType, reader: Reader<'_>) -> Result<String, TemplateError> {
    let variables = variables(service_type, reader);
    template_engine::render(Purpose::Instructions, &service_type.instructions, variables, Limits::INSTRUCTIONS)
}

/// Renders instructions that are going to be saved for a sample extension with every parameter that its owner can see.
///
/// # Errors
/// INVALID at `instructions`, with the line, for a template that does not compile, uses an undefined value or exceeds
/// the limits.
pub async fn try_out(
    services: &Services,
    service_type: ServiceType,
    schema: std::sync::Arc<ParameterSchema>,
) -> Result<(), Error> {
    let rng = std::sync::Arc::clone(&services.rng);
    let trying = tokio::task::spawn_blocking(move || try_here(&service_type, &schema, &*rng));
    Ok(trying.await.map_err(InternalError::new)??)
}

fn try_here(service_type: &ServiceType, schema: &ParameterSchema, rng: &dyn Rng) -> Result<(), UserError> {
    let context = GenerationContext { number: SAMPLE_NUMBER, username: SAMPLE_USERNAME, rng };
    let parameters = schema.visible(&schema.split(schema.full_sample(&context)).public, Viewer::Owner);
    let reader = Reader { number: SAMPLE_NUMBER, label: SAMPLE_LABEL, parameters: &parameters };
    let variables = variables(service_type, reader);
    let tried = template_engine::render(
        Purpose::TriedInstructions,
        &service_type.instructions,
        variables,
        Limits::INSTRUCTIONS,
    );
    tried.map(drop).map_err(|error| {
        let line = error.line.map(|line| format!(" in line {line}")).unwrap_or_default();
        UserError::invalid("instructions", format!("The instructions fail{line}: {}.", error.message))
    })
}

fn variables(service_type: &ServiceType, reader: Reader<'_>) -> Variable {
    let settings = &service_type.settings.0;
    Variable::from(Serde(&json!({
        "number": reader.number,
        "label": reader.label,
        "parameters": reader.parameters,
        "service_type": { "slug": service_type.slug, "name": service_type.name, "settings": settings },
    })))
}
