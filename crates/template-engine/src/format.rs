//! The formats of documents.

use platform::text_enum;

text_enum! {
    /// The format of the rendered document, which determines how values are escaped.
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
