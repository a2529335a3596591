//! The JSON encoding of a feed, shared by GraphQL, `GET /feed/…` and web hooks.
//!
//! A [`Projection`] lists the fields to write and their keys. GraphQL compiles one from a selection set;
//! [`Projection::all_fields`] has every field under its own name.

use std::io::Write as _;

use serde::Serialize;

use super::cursor::Cursor;
use super::model::{Change, ChangesPage, ChangesResponse, EntryContent, MemberContent};
use platform::error::InternalError;
use platform::feed_log::EntryKeys;

/// Every field of `FeedExtension`, in the order of the schema.
const EXTENSION_FIELDS: [&str; 18] = [
    "id",
    "slot",
    "number",
    "label",
    "asciiLabel",
    "parameters",
    "secrets",
    "digests",
    "permissions",
    "fallbackNumber",
    "active",
    "restrictions",
    "effects",
    "members",
    "ownerUsername",
    "visibility",
    "version",
    "updatedAt",
];

/// The selected fields of one GraphQL type.
pub struct Projection {
    pub type_name: &'static str,
    pub fields: Vec<ProjectedField>,
}

/// One field of a projection.
pub struct ProjectedField {
    /// The response key as JSON text with a colon: `"key":`.
    pub key: Vec<u8>,
    /// The name of the field in the schema.
    pub name: String,
    /// The projection of the field's own type; `None` for a scalar.
    pub nested: Option<Projection>,
}

/// An object whose fields can be written by name.
pub trait FieldWriter {
    /// Writes the value of a field as JSON text.
    ///
    /// # Errors
    /// For a field that the type does not have, and for a value that cannot be encoded.
    fn write_field(&self, field: &str, nested: Option<&Projection>, out: &mut Vec<u8>) -> Result<(), InternalError>;
}

impl Projection {
    /// Every field of a type under its own name, in the order of the schema.
    pub fn all_fields(type_name: &'static str) -> Self {
        let field = |name: &&'static str| ProjectedField {
            key: format!("\"{name}\":").into_bytes(),
            name: (*name).to_owned(),
            nested: nested_type(type_name, name).map(Self::all_fields),
        };
        Self { type_name, fields: fields_of(type_name).iter().map(field).collect() }
    }

    /// Writes an object.
    ///
    /// # Errors
    /// For a field that the object does not have, and for a value that cannot be encoded.
    pub fn write(&self, object: &dyn FieldWriter, out: &mut Vec<u8>) -> Result<(), InternalError> {
        out.push(b'{');
        for (index, field) in self.fields.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&field.key);
            if field.name == "__typename" {
                write_json(self.type_name, out)?;
            } else {
                object.write_field(&field.name, field.nested.as_ref(), out)?;
            }
        }
        out.push(b'}');
        Ok(())
    }

    fn write_list<'r, W: FieldWriter + 'r>(
        projection: Option<&Self>,
        objects: impl IntoIterator<Item = &'r W>,
        out: &mut Vec<u8>,
    ) -> Result<(), InternalError> {
        let projection = projection.ok_or_else(|| InternalError::new("a list without a selection"))?;
        out.push(b'[');
        for (index, object) in objects.into_iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            projection.write(object, out)?;
        }
        out.push(b']');
        Ok(())
    }
}

/// The fields of a GraphQL type of the feed.
fn fields_of(type_name: &str) -> &'static [&'static str] {
    match type_name {
        "FeedExtension" => &EXTENSION_FIELDS,
        "FeedMember" => &["number", "delaySeconds", "paused", "active"],
        "FeedKeys" => &["number", "parameters"],
        "FeedRemoval" => &["id", "slot", "keys"],
        _ => &[],
    }
}

/// The type of an object field of the feed; `None` for a scalar field.
pub fn nested_type(type_name: &str, field: &str) -> Option<&'static str> {
    match (type_name, field) {
        ("FeedUpsert", "extension") => Some("FeedExtension"),
        ("FeedUpsert", "previous") | ("FeedRemoval", "keys") => Some("FeedKeys"),
        ("FeedExtension", "members") => Some("FeedMember"),
        _ => None,
    }
}

fn write_json<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), InternalError> {
    serde_json::to_writer(out, value).map_err(InternalError::new)
}

fn unknown_field(type_name: &str, field: &str) -> InternalError {
    InternalError::new(format!("{type_name} has no field {field}"))
}

/// Writes a string that needs no escaping: an id, a number, an enum value.
fn write_unescaped(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

fn write_enum_list(values: impl Iterator<Item = &'static str>, out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, value) in values.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_unescaped(value, out);
    }
    out.push(b']');
}

impl FieldWriter for EntryContent {
    fn write_field(&self, field: &str, nested: Option<&Projection>, out: &mut Vec<u8>) -> Result<(), InternalError> {
        match field {
            "id" => write!(out, "\"{}:{}\"", self.entity.kind.as_str(), self.entity.id.0.simple())?,
            "slot" => write!(out, "{}", self.slot)?,
            "number" => write_unescaped(&self.number, out),
            "label" => write_json(&self.label, out)?,
            "asciiLabel" => write_json(&self.ascii_label, out)?,
            "parameters" => out.extend_from_slice(self.parameters.as_bytes()),
            "secrets" => write_json(&self.secrets, out)?,
            "digests" => write_json(&self.digests, out)?,
            "permissions" => write_json(&self.permissions, out)?,
            "fallbackNumber" => write_json(&self.fallback_number, out)?,
            "active" => write_json(&self.active(), out)?,
            "restrictions" => write_enum_list(self.restrictions.iter().map(|source| source.as_str()), out),
            "effects" => write_enum_list(self.effects.iter().map(|effect| effect.as_str()), out),
            "members" => match &self.members {
                Some(members) => Projection::write_list(nested, members, out)?,
                None => out.extend_from_slice(b"null"),
            },
            "ownerUsername" => write_json(&self.owner_username, out)?,
            "visibility" => write_unescaped(self.visibility.as_str(), out),
            "version" => write_unescaped(&self.version, out),
            "updatedAt" => write!(out, "\"{}\"", self.updated_at)?,
            other => return Err(unknown_field("FeedExtension", other)),
        }
        Ok(())
    }
}

impl FieldWriter for MemberContent {
    fn write_field(&self, field: &str, _: Option<&Projection>, out: &mut Vec<u8>) -> Result<(), InternalError> {
        match field {
            "number" => write_unescaped(&self.number, out),
            "delaySeconds" => write!(out, "{}", self.delay_seconds)?,
            "paused" => write_json(&self.paused, out)?,
            "active" => write_json(&self.active, out)?,
            other => return Err(unknown_field("FeedMember", other)),
        }
        Ok(())
    }
}

impl FieldWriter for EntryKeys {
    fn write_field(&self, field: &str, _: Option<&Projection>, out: &mut Vec<u8>) -> Result<(), InternalError> {
        match field {
            "number" => write_unescaped(&self.number, out),
            "parameters" => write_json(&self.parameters, out)?,
            other => return Err(unknown_field("FeedKeys", other)),
        }
        Ok(())
    }
}

impl FieldWriter for Change {
    fn write_field(&self, field: &str, nested: Option<&Projection>, out: &mut Vec<u8>) -> Result<(), InternalError> {
        match (self, field) {
            (Self::Upsert { content, .. }, "extension") => {
                let projection = nested.ok_or_else(|| unknown_field("FeedUpsert", field))?;
                projection.write(content.as_ref(), out)
            }
            (Self::Upsert { previous: keys, .. }, "previous") | (Self::Removal { keys, .. }, "keys") => {
                Projection::write_list(nested, keys, out)
            }
            (Self::Removal { entity, .. }, "id") => write_json(&entity.global(), out),
            (Self::Removal { slot, .. }, "slot") => write_json(slot, out),
            (_, other) => Err(unknown_field("FeedChange", other)),
        }
    }
}

/// Writes the lines of a snapshot export: newline-delimited JSON.
pub struct SnapshotLines(Projection);

impl Default for SnapshotLines {
    fn default() -> Self {
        Self(Projection::all_fields("FeedExtension"))
    }
}

impl SnapshotLines {
    /// Writes the first line: the head and the number of the entries that follow.
    ///
    /// # Errors
    /// Never: writing to memory does not fail.
    pub fn begin(&self, head: &Cursor, count: i64, out: &mut Vec<u8>) -> Result<(), InternalError> {
        Ok(writeln!(out, "{{\"head\":\"{}\",\"count\":{count}}}", head.encode())?)
    }

    /// Writes the line of one entry.
    ///
    /// # Errors
    /// For a value that cannot be encoded.
    pub fn entry(&self, content: &EntryContent, out: &mut Vec<u8>) -> Result<(), InternalError> {
        self.0.write(content, out)?;
        out.push(b'\n');
        Ok(())
    }

    /// Writes the last line. An export without it is incomplete.
    ///
    /// # Errors
    /// Never: writing to memory does not fail.
    pub fn end(&self, head: &Cursor, out: &mut Vec<u8>) -> Result<(), InternalError> {
        Ok(writeln!(out, "{{\"end\":\"{}\"}}", head.encode())?)
    }
}

/// The response body of `GET /feed/…/changes`.
///
/// # Errors
/// For a value that cannot be encoded.
pub fn changes_body(response: &ChangesResponse) -> Result<Vec<u8>, InternalError> {
    let mut out = vec![b'{'];
    match response {
        ChangesResponse::Page(page) => write_page_members(page, &mut out)?,
        ChangesResponse::Reset(reason) => write!(out, "\"reset\":\"{}\"", reason.as_str())?,
    }
    out.push(b'}');
    Ok(out)
}

/// Writes the members of a page without the surrounding braces, so that the caller can add members of its own.
///
/// # Errors
/// For a value that cannot be encoded.
pub fn write_page_members(page: &ChangesPage, out: &mut Vec<u8>) -> Result<(), InternalError> {
    let extension = Projection::all_fields("FeedExtension");
    let (removal, keys) = (Projection::all_fields("FeedRemoval"), Projection::all_fields("FeedKeys"));
    out.extend_from_slice(b"\"changes\":[");
    for (index, change) in page.changes.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match change {
            Change::Upsert { content, previous } => {
                out.extend_from_slice(b"{\"upsert\":");
                extension.write(content.as_ref(), out)?;
                out.extend_from_slice(b",\"previous\":");
                Projection::write_list(Some(&keys), previous, out)?;
            }
            Change::Removal { .. } => {
                out.extend_from_slice(b"{\"removal\":");
                removal.write(change, out)?;
            }
        }
        out.push(b'}');
    }
    write!(out, "],\"cursor\":\"{}\",\"hasMore\":{}", page.cursor.encode(), page.has_more)?;
    Ok(())
}
