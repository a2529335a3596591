//! SIP digests: what a registrar keeps instead of a password.
//!
//! HA1 is `MD5(username ":" realm ":" password)` (RFC 7616, section 3.4.2, as RFC 2617 had it), with SHA-256 the same
//! (RFC 8760); `ha1b` is Kamailio's form, in which the username holds the domain. They are derived when they are read,
//! since a new number or realm changes them all.

use std::collections::BTreeMap;
use std::fmt;

use md5::Md5;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use platform::error::UserError;

use super::{ParameterSchema, Parameters};

/// How user and realm of a digest are made: text with `{number}`, `{username}`, `{slot}`, `{settings.NAME}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestTemplate {
    username: Vec<Piece>,
    realm: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Number,
    Username,
    Slot,
    Setting(String),
}

/// What a digest's user and realm are made of.
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
    /// A setting that the template names is not there, or is no text.
    #[error("the service type has no setting `{0}`")]
    NoSetting(String),
    /// A colon would move the border between user, realm and password.
    #[error("the {0} of a digest may not contain a colon")]
    Colon(&'static str),
    /// Nothing would be left of the user or the realm.
    #[error("the {0} of a digest may not be empty")]
    Empty(&'static str),
}

/// What is wrong with a template: the member it is in, if in one, and a sentence.
type Mistake = (Option<String>, String);

impl DigestTemplate {
    pub(super) fn parse(value: &Value) -> Result<Self, Mistake> {
        let Some(map) = value.as_object() else {
            return Err((None, "It must be an object with `username` and `realm`.".to_owned()));
        };
        if let Some(other) = map.keys().find(|key| *key != "username" && *key != "realm") {
            return Err((Some(other.clone()), "It has only `username` and `realm`.".to_owned()));
        }
        Ok(Self { username: member(map, "username")?, realm: member(map, "realm")? })
    }

    fn settings(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.username
            .iter()
            .map(|piece| (piece, "username"))
            .chain(self.realm.iter().map(|piece| (piece, "realm")))
            .filter_map(|(piece, part)| match piece {
                Piece::Setting(name) => Some((name.as_str(), part)),
                _ => None,
            })
    }
}

fn member(map: &Map<String, Value>, name: &str) -> Result<Vec<Piece>, Mistake> {
    let wrong = |message: &str| (Some(name.to_owned()), message.to_owned());
    let text = map.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| wrong("It must be a text such as `{number}` or `{settings.realm}`."))?;
    if text.contains(':') {
        return Err(wrong("A colon is not allowed in it."));
    }
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(['{', '}']) {
        let end = rest[start..].find('}').filter(|end| *end > 0).map(|end| start + end);
        let end = end.ok_or_else(|| wrong("A brace in it has no partner."))?;
        if start > 0 {
            pieces.push(Piece::Text(rest[..start].to_owned()));
        }
        let placeholder = &rest[start + 1..end];
        pieces.push(piece(placeholder).ok_or_else(|| {
            wrong("It may hold `{number}`, `{username}`, `{slot}` and `{settings.NAME}`, and no other placeholder.")
        })?);
        rest = &rest[end + 1..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(pieces)
}

fn piece(placeholder: &str) -> Option<Piece> {
    match placeholder {
        "number" => Some(Piece::Number),
        "username" => Some(Piece::Username),
        "slot" => Some(Piece::Slot),
        _ => {
            let name = placeholder.strip_prefix("settings.")?;
            let fits = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
            fits.then(|| Piece::Setting(name.to_owned()))
        }
    }
}

fn render(pieces: &[Piece], part: &'static str, context: &DigestContext<'_>) -> Result<String, DigestError> {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(plain) => text.push_str(plain),
            Piece::Number => text.push_str(context.number),
            Piece::Username => text.push_str(context.username),
            Piece::Slot => text.push_str(&context.slot.to_string()),
            Piece::Setting(name) => text.push_str(&setting(context.settings, name)?),
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
    /// The digests of a password; user and realm hold no colon.
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
    /// Whether any parameter asks for digests.
    pub fn has_digests(&self) -> bool {
        self.parameters.iter().any(|parameter| parameter.digest.is_some())
    }

    /// The digests of the secrets that ask for them, by parameter; a secret that is not there has none.
    ///
    /// # Errors
    /// When a setting is missing, or user or realm would hold a colon.
    pub fn digests(
        &self,
        secrets: &Parameters,
        context: &DigestContext<'_>,
    ) -> Result<BTreeMap<String, DigestSet>, DigestError> {
        let mut found = BTreeMap::new();
        for parameter in &self.parameters {
            let (Some(template), Some(Value::String(password))) = (&parameter.digest, secrets.get(&parameter.name))
            else {
                continue;
            };
            let user = render(&template.username, "user", context)?;
            let realm = render(&template.realm, "realm", context)?;
            found.insert(parameter.name.clone(), DigestSet::of(&user, &realm, password));
        }
        Ok(found)
    }

    /// Checks that settings hold what the digests need: INVALID at `["settings", NAME]`.
    pub fn check_settings(&self, settings: &Value) -> Vec<UserError> {
        let mut problems: Vec<UserError> = Vec::new();
        for (name, part) in
            self.parameters.iter().filter_map(|parameter| parameter.digest.as_ref()).flat_map(DigestTemplate::settings)
        {
            let sentence = match setting(settings, name) {
                Err(_) => format!(
                    "The schema makes the {part} of digests from this setting: it must be a text that is not empty."
                ),
                Ok(text) if text.contains(':') => {
                    format!("The schema makes the {part} of digests from this setting: a colon is not allowed in it.")
                }
                Ok(_) => continue,
            };
            let problem = UserError::invalid("", sentence).at(["settings", name]);
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
        problems
    }
}
