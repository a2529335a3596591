//! What a template finds: the same names for a feed, for one extension, for one device, and for the sample.

use std::collections::BTreeMap;

use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;

use service_types::schema::{DigestSet, Parameters};

/// Where a document's extensions belong, and when it was made.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The event's slug.
    pub event: &'a str,
    pub service_type: TypeVariables<'a>,
    /// The cursor of the instant that the document shows.
    pub head: &'a str,
    /// An instant as RFC 3339 writes it.
    pub generated_at: &'a str,
}

/// The service type as templates see it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct TypeVariables<'a> {
    pub slug: &'a str,
    pub name: &'a str,
    pub settings: &'a serde_json::Value,
}

/// An extension as templates see it.
#[derive(Clone, Debug, Serialize)]
pub struct ExtensionVariables<'a> {
    pub id: String,
    pub slot: i32,
    pub number: &'a str,
    pub previous_numbers: &'a [String],
    pub label: &'a str,
    pub ascii_label: &'a str,
    pub parameters: &'a Parameters,
    /// `None` for a reader who may see none: a template that names them then fails, instead of leaving everybody out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secrets: Option<&'a Parameters>,
    /// As `secrets`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digests: Option<&'a BTreeMap<String, DigestSet>>,
    pub permissions: &'a [String],
    pub fallback_number: Option<&'a str>,
    pub active: bool,
    /// `None` unless it is a call group.
    pub members: Option<Vec<MemberVariables<'a>>>,
    pub owner_username: &'a str,
}

/// Whom a call group rings, as templates see it.
#[derive(Clone, Debug, Serialize)]
pub struct MemberVariables<'a> {
    pub number: &'a str,
    pub delay_seconds: i32,
    pub paused: bool,
    pub active: bool,
}

/// The device that a document is for, as templates see it.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceVariables<'a> {
    /// Twelve hexadecimal digits with colons; empty for a device without one.
    pub mac: &'a str,
    /// Where the device finds this document again; empty where it cannot.
    pub address: &'a str,
}

impl ExtensionVariables<'_> {
    /// As a template's value.
    pub fn to_value(&self) -> Value {
        Serde(self).into()
    }
}

/// The context of a document of these extensions: a whole feed's.
pub fn of_feed(around: &Surroundings<'_>, extensions: Value) -> Value {
    minijinja::context! { extensions => extensions, ..surroundings(around) }
}

/// The context of a document of one extension for one device: `extension` and `device` beside what a feed's has.
pub fn of_device(around: &Surroundings<'_>, extension: Value, device: &DeviceVariables<'_>) -> Value {
    minijinja::context! {
        extension => extension.clone(),
        device => Value::from(Serde(device)),
        ..of_feed(around, Value::from(vec![extension]))
    }
}

fn surroundings(around: &Surroundings<'_>) -> Value {
    minijinja::context! {
        event => around.event,
        service_type => Value::from(Serde(&around.service_type)),
        mode => "snapshot",
        head => around.head,
        generated_at => around.generated_at,
        removed => Vec::<Value>::new(),
    }
}
