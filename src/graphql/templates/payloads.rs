//! Payload of the mutation that saves a template.

use async_graphql::SimpleObject;

use super::objects::Template;
use crate::graphql::error::UserError;

/// The template, or errors.
#[derive(SimpleObject)]
pub struct TemplatePayload {
    /// The template after the change.
    pub template: Option<Template>,
    /// The template rendered with sample data.
    pub sample: Option<String>,
    /// The errors; nothing changed if there are any.
    pub errors: Vec<UserError>,
}
