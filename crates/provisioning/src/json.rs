//! What a feed tells, written as JSON text: the one writer behind GraphQL, `GET /feed/…` and web hooks.
//!
//! A [`Plan`] says which fields are written under which keys. GraphQL compiles one from a selection; [`Plan::whole`] has every field
//! under its own name.

use std::io::Write as _;

use serde::Serialize;

use super::cursor::Cursor;
use super::model::{Change, ChangesPage, Content, FeedAnswer, Member};
use platform::error::InternalError;
use platform::feed_log::Keys;

/// Every field of an entry.
const ENTRY_FIELDS: [&str; 18] = [
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

/// What is selected of one type: response keys as JSON text, with the field behind each.
pub struct Plan {
    pub type_name: &'static str,
    pub items: Vec<Item>,
}

/// One field of a plan.
pub struct Item {
    /// `"key":`
    pub key: Vec<u8>,
    pub name: String,
    pub below: Option<Plan>,
}

/// One thing of a planned type.
pub trait Row {
    /// Writes the value of a field as JSON text.
    fn write(&self, field: &str, below: Option<&Plan>, out: &mut Vec<u8>) -> Result<(), InternalError>;
}

impl Plan {
    /// Every field of a type under its own name, in the order of the schema.
    pub fn whole(type_name: &'static str) -> Self {
        let item = |name: &&'static str| Item {
            key: format!("\"{name}\":").into_bytes(),
            name: (*name).to_owned(),
            below: nested(type_name, name).map(Self::whole),
        };
        Self { type_name, items: fields(type_name).iter().map(item).collect() }
    }

    /// Writes an object.
    ///
    /// # Errors
    /// For a field that the row does not have.
    pub fn write(&self, row: &dyn Row, out: &mut Vec<u8>) -> Result<(), InternalError> {
        out.push(b'{');
        for (place, item) in self.items.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&item.key);
            if item.name == "__typename" {
                json(self.type_name, out)?;
            } else {
                row.write(&item.name, item.below.as_ref(), out)?;
            }
        }
        out.push(b'}');
        Ok(())
    }

    fn write_list<'r, R: Row + 'r>(
        plan: Option<&Self>,
        rows: impl IntoIterator<Item = &'r R>,
        out: &mut Vec<u8>,
    ) -> Result<(), InternalError> {
        let plan = plan.ok_or_else(|| InternalError::new("a list of the feed was selected without fields"))?;
        out.push(b'[');
        for (place, row) in rows.into_iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            plan.write(row, out)?;
        }
        out.push(b']');
        Ok(())
    }
}

/// The fields of a type of the feed.
fn fields(type_name: &str) -> &'static [&'static str] {
    match type_name {
        "FeedExtension" => &ENTRY_FIELDS,
        "FeedMember" => &["number", "delaySeconds", "paused", "active"],
        "FeedKeys" => &["number", "parameters"],
        "FeedRemoval" => &["id", "slot", "keys"],
        _ => &[],
    }
}

/// The type of an object field of the feed.
pub fn nested(type_name: &str, field: &str) -> Option<&'static str> {
    match (type_name, field) {
        ("FeedUpsert", "extension") => Some("FeedExtension"),
        ("FeedUpsert", "previous") | ("FeedRemoval", "keys") => Some("FeedKeys"),
        ("FeedExtension", "members") => Some("FeedMember"),
        _ => None,
    }
}

fn json<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), InternalError> {
    serde_json::to_writer(out, value).map_err(InternalError::new)
}

fn unknown(type_name: &str, field: &str) -> InternalError {
    InternalError::new(format!("{type_name} has no field {field}"))
}

/// Ids and numbers need no escaping.
fn plain(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

fn names(names: impl Iterator<Item = &'static str>, out: &mut Vec<u8>) {
    out.push(b'[');
    for (place, name) in names.enumerate() {
        if place > 0 {
            out.push(b',');
        }
        plain(name, out);
    }
    out.push(b']');
}

impl Row for Content {
    fn write(&self, field: &str, below: Option<&Plan>, out: &mut Vec<u8>) -> Result<(), InternalError> {
        match field {
            "id" => write!(out, "\"Extension:{}\"", self.id.0.simple())?,
            "slot" => write!(out, "{}", self.slot)?,
            "number" => plain(&self.number, out),
            "label" => json(&self.label, out)?,
            "asciiLabel" => json(&self.ascii_label, out)?,
            "parameters" => out.extend_from_slice(self.parameters.as_bytes()),
            "secrets" => json(&self.secrets, out)?,
            "digests" => json(&self.digests, out)?,
            "permissions" => json(&self.permissions, out)?,
            "fallbackNumber" => json(&self.fallback_number, out)?,
            "active" => json(&self.active(), out)?,
            "restrictions" => names(self.restrictions.iter().map(|source| source.as_str()), out),
            "effects" => names(self.effects.iter().map(|effect| effect.as_str()), out),
            "members" => match &self.members {
                Some(members) => Plan::write_list(below, members, out)?,
                None => out.extend_from_slice(b"null"),
            },
            "ownerUsername" => json(&self.owner_username, out)?,
            "visibility" => plain(self.visibility.as_str(), out),
            "version" => plain(&self.version, out),
            "updatedAt" => write!(out, "\"{}\"", self.updated_at)?,
            other => return Err(unknown("FeedExtension", other)),
        }
        Ok(())
    }
}

impl Row for Member {
    fn write(&self, field: &str, _: Option<&Plan>, out: &mut Vec<u8>) -> Result<(), InternalError> {
        match field {
            "number" => plain(&self.number, out),
            "delaySeconds" => write!(out, "{}", self.delay_seconds)?,
            "paused" => json(&self.paused, out)?,
            "active" => json(&self.active, out)?,
            other => return Err(unknown("FeedMember", other)),
        }
        Ok(())
    }
}

impl Row for Keys {
    fn write(&self, field: &str, _: Option<&Plan>, out: &mut Vec<u8>) -> Result<(), InternalError> {
        match field {
            "number" => plain(&self.number, out),
            "parameters" => json(&self.parameters, out)?,
            other => return Err(unknown("FeedKeys", other)),
        }
        Ok(())
    }
}

impl Row for Change {
    fn write(&self, field: &str, below: Option<&Plan>, out: &mut Vec<u8>) -> Result<(), InternalError> {
        match (self, field) {
            (Self::Upsert { content, .. }, "extension") => {
                let plan = below.ok_or_else(|| unknown("FeedUpsert", field))?;
                plan.write(content.as_ref(), out)
            }
            (Self::Upsert { previous: keys, .. }, "previous") | (Self::Removal { keys, .. }, "keys") => {
                Plan::write_list(below, keys, out)
            }
            (Self::Removal { id, .. }, "id") => json(&id.global(), out),
            (Self::Removal { slot, .. }, "slot") => json(slot, out),
            (_, other) => Err(unknown("FeedChange", other)),
        }
    }
}

/// The lines of a whole feed, newline-delimited JSON.
pub struct Lines(Plan);

impl Default for Lines {
    fn default() -> Self {
        Self(Plan::whole("FeedExtension"))
    }
}

impl Lines {
    /// The first line: where the copy stands, and how many entries follow.
    ///
    /// # Errors
    /// Never into memory.
    pub fn begin(&self, head: &Cursor, count: i64, out: &mut Vec<u8>) -> Result<(), InternalError> {
        Ok(writeln!(out, "{{\"head\":\"{}\",\"count\":{count}}}", head.encode())?)
    }

    /// One entry.
    ///
    /// # Errors
    /// When its JSON cannot be written.
    pub fn entry(&self, content: &Content, out: &mut Vec<u8>) -> Result<(), InternalError> {
        self.0.write(content, out)?;
        out.push(b'\n');
        Ok(())
    }

    /// The last line: a copy without it was cut off.
    ///
    /// # Errors
    /// Never into memory.
    pub fn end(&self, head: &Cursor, out: &mut Vec<u8>) -> Result<(), InternalError> {
        Ok(writeln!(out, "{{\"end\":\"{}\"}}", head.encode())?)
    }
}

/// The answer to "what has changed since", as `GET /feed/…/changes` and web hooks write it.
///
/// # Errors
/// When the JSON of an entry cannot be written.
pub fn answer(answer: &FeedAnswer) -> Result<Vec<u8>, InternalError> {
    let mut out = vec![b'{'];
    match answer {
        FeedAnswer::Page(page) => page_members(page, &mut out)?,
        FeedAnswer::Reset(reason) => write!(out, "\"reset\":\"{}\"", reason.as_str())?,
    }
    out.push(b'}');
    Ok(out)
}

/// The members of a page without the braces around them, so that more may stand beside.
///
/// # Errors
/// When the JSON of an entry cannot be written.
pub fn page_members(page: &ChangesPage, out: &mut Vec<u8>) -> Result<(), InternalError> {
    let (entry, removal, keys) = (Plan::whole("FeedExtension"), Plan::whole("FeedRemoval"), Plan::whole("FeedKeys"));
    out.extend_from_slice(b"\"changes\":[");
    for (place, change) in page.changes.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        match change {
            Change::Upsert { content, previous } => {
                out.extend_from_slice(b"{\"upsert\":");
                entry.write(content.as_ref(), out)?;
                out.extend_from_slice(b",\"previous\":");
                Plan::write_list(Some(&keys), previous, out)?;
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
