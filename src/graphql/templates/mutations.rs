//! Mutations of templates, for admins.

use async_graphql::{Context, Object};

use super::inputs::{DeleteTemplateInput, SaveTemplateInput};
use super::objects::Template;
use super::payloads::TemplatePayload;
use crate::graphql::accounts::AcceptedPayload;
use crate::graphql::context::{caller, services};
use crate::graphql::error::{ApiError, into_payload};
use templates::rules;

/// Mutations of templates, for admins.
#[derive(Default)]
pub struct TemplatesMutation;

#[Object]
impl TemplatesMutation {
    /// Creates a template, or replaces the one with the same name, after rendering sample data with it.
    async fn save_template(&self, ctx: &Context<'_>, input: SaveTemplateInput) -> Result<TemplatePayload, ApiError> {
        let SaveTemplateInput { service_type, name, content_type, format, source } = input;
        let input = rules::SaveTemplate { service_type, name, content_type, format: format.into(), source };
        Ok(match into_payload(rules::save_template(services(ctx)?, &caller(ctx)?, input).await)? {
            Ok(saved) => TemplatePayload {
                template: Template::load(ctx, saved.id).await?,
                sample: saved.sample,
                errors: Vec::new(),
            },
            Err(errors) => TemplatePayload { template: None, sample: None, errors },
        })
    }

    /// Deletes a template.
    async fn delete_template(
        &self,
        ctx: &Context<'_>,
        input: DeleteTemplateInput,
    ) -> Result<AcceptedPayload, ApiError> {
        AcceptedPayload::of(rules::delete_template(services(ctx)?, &caller(ctx)?, input.id.0).await)
    }
}
