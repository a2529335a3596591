//! Input types of templates.

use async_graphql::{ID, InputObject};

use crate::graphql::enums;

/// A template to be made, or to be replaced under its name.
#[derive(InputObject)]
pub struct SaveTemplateInput {
    /// The service type's slug.
    pub service_type: String,
    /// 1 to 64 letters, digits, dots, hyphens and underscores.
    pub name: String,
    /// The media type of what it yields, such as `text/plain; charset=utf-8`.
    pub content_type: String,
    /// The kind of text that it yields.
    pub format: enums::TemplateFormat,
    /// The template itself, MiniJinja.
    pub source: String,
}

/// Which template.
#[derive(InputObject)]
pub struct DeleteTemplateInput {
    /// The template's id.
    pub id: ID,
}
