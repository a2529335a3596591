//! Payload of the mutation that saves a template.

use async_graphql::SimpleObject;

use super::objects::Template;
use crate::graphql::error::UserError;

/// A template, or why not.
#[derive(SimpleObject)]
pub struct TemplatePayload {
    /// The template as it is now.
    pub template: Option<Template>,
    /// The template applied to sample data.
    pub sample: Option<String>,
    /// Why not.
    pub errors: Vec<UserError>,
}
