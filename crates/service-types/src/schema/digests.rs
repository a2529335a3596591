//! SIP digests, which a registrar stores instead of a password.
//!
//! HA1 is `MD5(username ":" realm ":" password)` (RFC 7616, section 3.4.2), and the same with SHA-256 (RFC 8760).
//! `ha1b` is Kamailio's variant with the domain in the username. Digests are derived on read, because a new number or
//! realm changes them.

use std::collections::BTreeMap;
use std::fmt;

use md5::Md5;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use platform::error::UserError;

use super::{ParameterSchema, Parameters};

/// The templates of a digest's user and realm: text with `{number}`, `{username}`, `{slot}`, `{settings.NAME}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestTemplate {
    username: Vec<Segment>,
    realm: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Text(String),
    Number,
    Username,
    Slot,
    Setting(String),
}

/// The values for the placeholders of a [`DigestTemplate`].
#[derive(Clone, Copy, Debug)]
pub struct DigestContext<'a> {
    /// The extension's number.
    pub number: &'a str,
    /// The owner's username.
    pub username: &'a str,
    /// The extension's slot in its event.
    pub slot: i32,
    /// The service type's settings.
    pub settings: &'a Value,
}

/// The digests of one secret, lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DigestSet {
    /// `md5(user:realm:password)`
    pub ha1: String,
    /// `md5(user@realm:realm:password)`
    pub ha1b: String,
    /// `sha256(user:realm:password)`
    pub ha1_sha256: String,
}

/// Why digests could not be derived.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// A setting that the template refers to is missing, or is neither a text nor a number.
    #[error("the service type has no setting `{0}`")]
    NoSetting(String),
    /// A colon in the user or the realm makes the digest ambiguous.
    #[error("the {0} of a digest may not contain a colon")]
    Colon(&'static str),
    /// The user or the realm is empty.
    #[error("the {0} of a digest may not be empty")]
    Empty(&'static str),
}

/// An error in the value of `x-digest`.
pub(super) struct TemplateError {
    /// The member that contains the error; `None` for the whole value.
    pub member: Option<String>,
    pub message: String,
}

impl TemplateError {
    fn new(member: Option<&str>, message: &str) -> Self {
        Self { member: member.map(str::to_owned), message: message.to_owned() }
    }
}

impl DigestTemplate {
    pub(super) fn parse(value: &Value) -> Result<Self, TemplateError> {
        let Some(map) = value.as_object() else {
            return Err(TemplateError::new(None, "It must be an object with `username` and `realm`."));
        };
        if let Some(other) = map.keys().find(|key| *key != "username" && *key != "realm") {
            return Err(TemplateError::new(Some(other), "It has only `username` and `realm`."));
        }
        Ok(Self { username: parse_member(map, "username")?, realm: parse_member(map, "realm")? })
    }

    /// The settings that the template refers to, each with the part that it is used in.
    fn settings(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.username
            .iter()
            .map(|segment| (segment, "username"))
            .chain(self.realm.iter().map(|segment| (segment, "realm")))
            .filter_map(|(segment, part)| match segment {
                Segment::Setting(name) => Some((name.as_str(), part)),
                _ => None,
            })
    }
}

fn parse_member(map: &Map<String, Value>, name: &str) -> Result<Vec<Segment>, TemplateError> {
    let error = |message: &str| TemplateError::new(Some(name), message);
    let text = map.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| error("It must be a text such as `{number}` or `{settings.realm}`."))?;
    if text.contains(':') {
        return Err(error("A colon is not allowed in it."));
    }
    let mut segments = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(['{', '}']) {
        let end = rest[start..].find('}').filter(|end| *end > 0).map(|end| start + end);
        let end = end.ok_or_else(|| error("A brace in it is not matched."))?;
        if start > 0 {
            segments.push(Segment::Text(rest[..start].to_owned()));
        }
        let placeholder = &rest[start + 1..end];
        segments.push(parse_placeholder(placeholder).ok_or_else(|| {
            error("It may hold `{number}`, `{username}`, `{slot}` and `{settings.NAME}`, and no other placeholder.")
        })?);
        rest = &rest[end + 1..];
    }
    if !rest.is_empty() {
        segments.push(Segment::Text(rest.to_owned()));
    }
    Ok(segments)
}

fn parse_placeholder(placeholder: &str) -> Option<Segment> {
    match placeholder {
        "number" => Some(Segment::Number),
        "username" => Some(Segment::Username),
        "slot" => Some(Segment::Slot),
        _ => {
            let name = placeholder.strip_prefix("settings.")?;
            let is_valid = !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
            is_valid.then(|| Segment::Setting(name.to_owned()))
        }
    }
}

fn render(segments: &[Segment], part: &'static str, context: &DigestContext<'_>) -> Result<String, DigestError> {
    let mut text = String::new();
    for segment in segments {
        match segment {
            Segment::Text(literal) => text.push_str(literal),
            Segment::Number => text.push_str(context.number),
            Segment::Username => text.push_str(context.username),
            Segment::Slot => text.push_str(&context.slot.to_string()),
            Segment::Setting(name) => text.push_str(&setting(context.settings, name)?),
        }
    }
    if text.contains(':') {
        return Err(DigestError::Colon(part));
    }
    if text.is_empty() {
        return Err(DigestError::Empty(part));
    }
    Ok(text)
}

fn setting(settings: &Value, name: &str) -> Result<String, DigestError> {
    match settings.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        _ => Err(DigestError::NoSetting(name.to_owned())),
    }
}

impl DigestSet {
    /// Computes the digests of a password. Neither user nor realm may contain a colon.
    pub fn of(user: &str, realm: &str, password: &str) -> Self {
        let md5 = |text: fmt::Arguments<'_>| hex::encode(Md5::digest(text.to_string()));
        Self {
            ha1: md5(format_args!("{user}:{realm}:{password}")),
            ha1b: md5(format_args!("{user}@{realm}:{realm}:{password}")),
            ha1_sha256: hex::encode(Sha256::digest(format!("{user}:{realm}:{password}"))),
        }
    }
}

impl ParameterSchema {
    /// Whether any parameter has the annotation `x-digest`.
    pub fn has_digests(&self) -> bool {
        self.parameters.iter().any(|parameter| parameter.digest.is_some())
    }

    /// Derives the digests of the secrets with the annotation `x-digest`, by parameter. A missing secret has none.
    ///
    /// # Errors
    /// When a setting is missing, or a user or realm is empty or contains a colon.
    pub fn digests(
        &self,
        secrets: &Parameters,
        context: &DigestContext<'_>,
    ) -> Result<BTreeMap<String, DigestSet>, DigestError> {
        let mut digests = BTreeMap::new();
        for parameter in &self.parameters {
            let (Some(template), Some(Value::String(password))) = (&parameter.digest, secrets.get(&parameter.name))
            else {
                continue;
            };
            let user = render(&template.username, "user", context)?;
            let realm = render(&template.realm, "realm", context)?;
            digests.insert(parameter.name.clone(), DigestSet::of(&user, &realm, password));
        }
        Ok(digests)
    }

    /// Checks the settings that the digests depend on and returns INVALID at `["settings", NAME]` for each unusable
    /// one.
    pub fn check_settings(&self, settings: &Value) -> Vec<UserError> {
        let mut problems: Vec<UserError> = Vec::new();
        for (name, part) in
            self.parameters.iter().filter_map(|parameter| parameter.digest.as_ref()).flat_map(DigestTemplate::settings)
        {
            let message = match setting(settings, name) {
                Err(_) => {
                    format!("The {part} of digests is derived from this setting: it must be a text that is not empty.")
                }
                Ok(text) if text.contains(':') => {
                    format!("The {part} of digests is derived from this setting: a colon is not allowed in it.")
                }
                Ok(_) => continue,
            };
            let problem = UserError::invalid("", message).at(["settings", name]);
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
        problems
    }
}
