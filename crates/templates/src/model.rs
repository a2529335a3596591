//! Rows of templates.

use diesel::prelude::{Insertable, Queryable, Selectable};

use platform::ids::{ServiceTypeId, TemplateId};
use platform::store::schema::templates;
use template_engine::TemplateFormat;

/// A template of a service type.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = templates)]
pub struct Template {
    pub id: TemplateId,
    pub service_type_id: ServiceTypeId,
    /// Unique in its service type; part of a URL path.
    pub name: String,
    /// The media type of the response (RFC 9110, section 8.3.1).
    pub content_type: String,
    pub format: TemplateFormat,
    /// The source text, in MiniJinja.
    pub source: String,
}
