//! The rows of templates.

use diesel::prelude::{Insertable, Queryable, Selectable};

use platform::ids::{ServiceTypeId, TemplateId};
use platform::store::schema::templates;
use platform::text_enum;

text_enum! {
    /// What a template yields: it decides how values are escaped.
    pub enum TemplateFormat {
        Text = "TEXT",
        Json = "JSON",
        Xml = "XML",
        Ini = "INI",
        Sql = "SQL",
        Csv = "CSV",
        Ldif = "LDIF",
        Vcard = "VCARD",
    }
}

/// A template of a service type.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = templates)]
pub struct Template {
    pub id: TemplateId,
    pub service_type_id: ServiceTypeId,
    /// Unique in its service type; part of an address.
    pub name: String,
    /// A media type (RFC 9110, section 8.3.1), as it is sent.
    pub content_type: String,
    pub format: TemplateFormat,
    /// MiniJinja.
    pub source: String,
}
