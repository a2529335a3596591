//! Input types of templates.

use async_graphql::{ID, InputObject};

use crate::graphql::enums;

/// A new template, or a replacement of the one with the same name.
#[derive(InputObject)]
pub struct SaveTemplateInput {
    /// The service type's slug.
    pub service_type: String,
    /// 1 to 64 letters, digits, dots, hyphens and underscores.
    pub name: String,
    /// The media type of the rendered document, such as `text/plain; charset=utf-8`.
    pub content_type: String,
    /// The format of the rendered document.
    pub format: enums::TemplateFormat,
    /// The source text, in MiniJinja.
    pub source: String,
}

/// The template to delete.
#[derive(InputObject)]
pub struct DeleteTemplateInput {
    /// The template's id.
    pub id: ID,
}
