//! The variables of templates, with the same names for a feed, an extension, a device and the sample.

use std::collections::BTreeMap;

use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;

use service_types::schema::{DigestSet, Parameters};

/// The event, the service type and the revision that a document is rendered from.
#[derive(Clone, Copy, Debug)]
pub struct RenderContext<'a> {
    /// The event's slug.
    pub event: &'a str,
    pub service_type: TypeVariables<'a>,
    /// The cursor of the revision in the document.
    pub head: &'a str,
    /// In the format of RFC 3339.
    pub generated_at: &'a str,
}

/// The variables of a service type.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct TypeVariables<'a> {
    pub slug: &'a str,
    pub name: &'a str,
    pub settings: &'a serde_json::Value,
}

/// The variables of an extension.
#[derive(Clone, Debug, Serialize)]
pub struct ExtensionVariables<'a> {
    pub id: String,
    pub slot: i32,
    pub number: &'a str,
    pub previous_numbers: &'a [String],
    pub label: &'a str,
    pub ascii_label: &'a str,
    pub parameters: &'a Parameters,
    /// `None` for a reader without access to secrets. A template that uses them then fails instead of rendering no
    /// extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secrets: Option<&'a Parameters>,
    /// `None` in the same case as `secrets`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digests: Option<&'a BTreeMap<String, DigestSet>>,
    pub permissions: &'a [String],
    pub fallback_number: Option<&'a str>,
    pub active: bool,
    /// `None` unless the extension is a call group.
    pub members: Option<Vec<MemberVariables<'a>>>,
    pub owner_username: &'a str,
}

/// The variables of a member of a call group.
#[derive(Clone, Debug, Serialize)]
pub struct MemberVariables<'a> {
    pub number: &'a str,
    pub delay_seconds: i32,
    pub paused: bool,
    pub active: bool,
}

/// The variables of the device that a document is rendered for.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceVariables<'a> {
    /// Twelve hexadecimal digits with colons; empty if unknown.
    pub mac: &'a str,
    /// The URL of this document; empty if there is none.
    pub address: &'a str,
}

impl ExtensionVariables<'_> {
    /// Converts to a value of the template engine.
    pub fn to_value(&self) -> Value {
        Serde(self).into()
    }
}

/// The variables of the document of a feed.
pub fn feed_context(context: &RenderContext<'_>, extensions: Value) -> Value {
    minijinja::context! { extensions => extensions, ..base_variables(context) }
}

/// The variables of the document of one device: those of a feed, with `extension` and `device`.
pub fn device_context(context: &RenderContext<'_>, extension: Value, device: &DeviceVariables<'_>) -> Value {
    minijinja::context! {
        extension => extension.clone(),
        device => Value::from(Serde(device)),
        ..feed_context(context, Value::from(vec![extension]))
    }
}

fn base_variables(context: &RenderContext<'_>) -> Value {
    minijinja::context! {
        event => context.event,
        service_type => Value::from(Serde(&context.service_type)),
        mode => "snapshot",
        head => context.head,
        generated_at => context.generated_at,
        removed => Vec::<Value>::new(),
    }
}
