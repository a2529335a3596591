//! One extension as files carry it in and out: the row that CSV and JSON have in common.
//!
//! A row keeps everything that an operator may set and no secret. What it refers to (service type, owner, permissions) is
//! checked for form here; whether it exists is for the import to say.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::label::Label;
use crate::visibility::Visibility;
use numbering::number::Number;
use platform::error::{UserError, UserErrorKind};

/// The columns, in the order in which they are written.
pub const COLUMNS: [&str; 9] = [
    "number",
    "service_type",
    "owner",
    "label",
    "visibility",
    "permissions",
    "fallback_number",
    "parameters",
    "members",
];

/// The longest delay of a group's member, in seconds.
pub const MAX_DELAY_SECONDS: u16 = 600;

/// The longest slug or username that a row may name, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// The largest `parameters` or `members`, in bytes.
const MAX_JSON_BYTES: usize = 1024 * 1024;

/// One extension of an event, without its secrets.
#[derive(Clone, PartialEq, Debug)]
pub struct ExtensionRow {
    /// Its number on the event's plan.
    pub number: Number,
    /// The slug of its service type.
    pub service_type: String,
    /// The username of its owner.
    pub owner: String,
    /// What the phonebook shows.
    pub label: Label,
    /// Who finds it in the phonebook.
    pub visibility: Visibility,
    /// The slugs of its call permissions, sorted, each once.
    pub permissions: Vec<String>,
    /// Where calls go when it does not answer.
    pub fallback_number: Option<Number>,
    /// Its parameters, secrets left out.
    pub parameters: Map<String, Value>,
    /// The members of a call group, by number; `None` for what is no group, and for a group whose members stay.
    pub members: Option<Vec<MemberRow>>,
}

/// A member of a call group, as a row names it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct MemberRow {
    /// The member's number.
    pub number: Number,
    /// Seconds before it rings, 0 to [`MAX_DELAY_SECONDS`].
    pub delay_seconds: u16,
    /// Whether it is paused.
    pub paused: bool,
    /// Whether its owner has yet to accept.
    pub pending: bool,
}

/// What is wrong with a file, and where.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RowFailure {
    /// The line of the file, from 1, which is the header in CSV. For a row over several lines, where it begins.
    pub line: u64,
    /// The column; `None` where it concerns the whole row or file.
    pub column: Option<String>,
    /// What is wrong.
    pub kind: UserErrorKind,
    /// One sentence for a person.
    pub message: String,
}

/// `line 7, column label: This cannot be a label. …`
impl fmt::Display for RowFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            Some(column) => write!(f, "line {}, column {column}: {}", self.line, self.message),
            None => write!(f, "line {}: {}", self.line, self.message),
        }
    }
}

/// What a file holds: the rows that can be read, and what is wrong with the others. Either may be empty.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct RowFile {
    /// The sound rows, each with its line.
    pub rows: Vec<(u64, ExtensionRow)>,
    /// What is wrong, by line; several columns of one row may be.
    pub failures: Vec<RowFailure>,
}

/// How much a file may hold.
#[derive(Clone, Copy, Debug)]
pub struct RowLimits {
    /// The size of the file in bytes.
    pub bytes: usize,
    /// The rows, the header apart.
    pub rows: usize,
}

impl RowLimits {
    /// For the mutation `importExtensions`.
    pub const REQUEST: Self = Self { bytes: 4 << 20, rows: 1_000 };
    /// For the command `import`.
    pub const COMMAND: Self = Self { bytes: 1 << 30, rows: 1_000_000 };
}

impl RowFile {
    /// The text of a file: UTF-8, behind a byte order mark or none. `None` where it is no text or too long, which is told.
    pub(super) fn text<'a>(&mut self, bytes: &'a [u8], limits: RowLimits) -> Option<&'a str> {
        if bytes.len() > limits.bytes {
            self.fail(1, None, format!("The file holds more than {} bytes.", limits.bytes));
            return None;
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Some(text.strip_prefix('\u{feff}').unwrap_or(text)),
            Err(error) => {
                self.fail(1 + newlines(&bytes[..error.valid_up_to()]), None, "The file is not UTF-8.");
                None
            }
        }
    }

    pub(super) fn fail(&mut self, line: u64, column: Option<&str>, message: impl Into<String>) {
        self.failures.push(RowFailure {
            line,
            column: column.map(str::to_owned),
            kind: UserErrorKind::Invalid,
            message: message.into(),
        });
    }

    /// Takes one row in, or all that is wrong with it.
    pub(super) fn take(&mut self, line: u64, raw: &RawRow) {
        match raw.read() {
            Ok(row) => self.rows.push((line, row)),
            Err(failures) => {
                let at = |(column, problem): (&str, UserError)| RowFailure {
                    line,
                    column: Some(column.to_owned()),
                    kind: problem.kind,
                    message: problem.message,
                };
                self.failures.extend(failures.into_iter().map(at));
            }
        }
    }

    /// Refuses every row whose number an earlier row has.
    pub(super) fn refuse_duplicates(&mut self) {
        let mut first_lines = std::collections::HashMap::new();
        let mut duplicates = Vec::new();
        self.rows.retain(|(line, row)| match first_lines.get(&row.number) {
            None => {
                first_lines.insert(row.number.clone(), *line);
                true
            }
            Some(first) => {
                duplicates.push((*line, format!("Line {first} has this number already.")));
                false
            }
        });
        for (line, message) in duplicates {
            self.fail(line, Some("number"), message);
        }
        self.failures.sort_by_key(|failure| failure.line);
    }
}

/// How many lines end in these bytes.
pub(super) fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().map(|&byte| u64::from(byte == b'\n')).sum()
}

/// The cells of a row before they are understood.
#[derive(Default)]
pub(super) struct RawRow {
    pub number: String,
    pub service_type: String,
    pub owner: String,
    pub label: String,
    pub visibility: String,
    pub permissions: Vec<String>,
    pub fallback_number: Option<String>,
    /// JSON text of an object.
    pub parameters: String,
    /// JSON text of an array.
    pub members: Option<String>,
}

type ColumnFailure = (&'static str, UserError);

impl RawRow {
    fn read(&self) -> Result<ExtensionRow, Vec<ColumnFailure>> {
        let mut failures = Vec::new();
        let number = kept(&mut failures, "number", Number::clean(&self.number).and_then(of_an_event));
        let service_type = kept(&mut failures, "service_type", reference(&self.service_type));
        let owner = kept(&mut failures, "owner", reference(&self.owner));
        let label = kept(&mut failures, "label", Label::parse(&self.label));
        let visibility = kept(&mut failures, "visibility", read_visibility(&self.visibility));
        let permissions = kept(
            &mut failures,
            "permissions",
            self.permissions.iter().map(|slug| reference(slug)).collect::<Result<Vec<_>, _>>(),
        );
        let fallback = self.fallback_number.as_deref().map(Number::clean).transpose();
        let fallback_number = kept(&mut failures, "fallback_number", fallback);
        let parameters = kept(&mut failures, "parameters", read_parameters(&self.parameters));
        let members = kept(&mut failures, "members", self.members.as_deref().map(read_members).transpose());
        let all = (number, service_type, owner, label, visibility, permissions, fallback_number, parameters, members);
        let (
            Some(number),
            Some(service_type),
            Some(owner),
            Some(label),
            Some(visibility),
            Some(mut permissions),
            Some(fallback_number),
            Some(parameters),
            Some(members),
        ) = all
        else {
            return Err(failures);
        };
        permissions.sort();
        permissions.dedup();
        Ok(ExtensionRow {
            number,
            service_type,
            owner,
            label,
            visibility,
            permissions,
            fallback_number,
            parameters,
            members,
        })
    }
}

fn kept<T>(failures: &mut Vec<ColumnFailure>, column: &'static str, read: Result<T, UserError>) -> Option<T> {
    read.map_err(|problem| failures.push((column, problem))).ok()
}

fn of_an_event(number: Number) -> Result<Number, UserError> {
    if number.is_e164() {
        Err(UserError::invalid("number", "An event's own numbers are digits without a plus sign."))
    } else {
        Ok(number)
    }
}

/// A slug or username, folded to lower case as accounts fold it. Its exact form is the business of what it names.
fn reference(text: &str) -> Result<String, UserError> {
    let name = text.trim().to_ascii_lowercase();
    if name.is_empty() {
        return Err(UserError::new(UserErrorKind::Required, "", "This must not be empty."));
    }
    let sound =
        name.len() <= MAX_NAME_BYTES && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if sound {
        Ok(name)
    } else {
        Err(UserError::invalid("", "A name here has letters, digits, dots, hyphens and underscores only."))
    }
}

/// Empty is HIDDEN, as in the API.
fn read_visibility(text: &str) -> Result<Visibility, UserError> {
    match text.trim() {
        "" => Ok(Visibility::default()),
        name => name
            .to_ascii_uppercase()
            .parse::<Visibility>()
            .ok()
            .ok_or_else(|| UserError::invalid("", "The visibility is PUBLIC, MEMBERS, STAFF or HIDDEN.")),
    }
}

/// Empty is no parameters.
fn read_parameters(text: &str) -> Result<Map<String, Value>, UserError> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    read_json(text, "a JSON object")
}

/// Members as JSON, the keys named as in GraphQL.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MemberJson {
    number: String,
    #[serde(default)]
    delay_seconds: u16,
    #[serde(default)]
    paused: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pending: bool,
}

fn read_members(text: &str) -> Result<Vec<MemberRow>, UserError> {
    let listed: Vec<MemberJson> =
        read_json(text, "a JSON array of objects with number, delaySeconds, paused and pending")?;
    let mut members = listed.into_iter().map(read_member).collect::<Result<Vec<_>, _>>()?;
    members.sort();
    match members.windows(2).find(|pair| pair[0].number == pair[1].number) {
        Some(pair) => Err(UserError::invalid("", format!("{} is a member twice.", pair[0].number))),
        None => Ok(members),
    }
}

fn read_member(member: MemberJson) -> Result<MemberRow, UserError> {
    if member.delay_seconds > MAX_DELAY_SECONDS {
        return Err(UserError::invalid("", "A member rings after 0 to 600 seconds."));
    }
    let number = Number::clean(&member.number)?;
    Ok(MemberRow { number, delay_seconds: member.delay_seconds, paused: member.paused, pending: member.pending })
}

/// The members as JSON text; reads back as the same members.
pub(super) fn members_json(members: &[MemberRow]) -> Value {
    let json = |member: &MemberRow| MemberJson {
        number: member.number.as_str().to_owned(),
        delay_seconds: member.delay_seconds,
        paused: member.paused,
        pending: member.pending,
    };
    serde_json::to_value(members.iter().map(json).collect::<Vec<_>>()).unwrap_or_default()
}

fn read_json<T: serde::de::DeserializeOwned>(text: &str, what: &str) -> Result<T, UserError> {
    if text.len() > MAX_JSON_BYTES {
        return Err(UserError::invalid("", "This holds at most 1 MiB."));
    }
    // What the parser says may quote the cell, which could hold what should not be shown: the place is enough.
    serde_json::from_str(text).map_err(|error| {
        UserError::invalid("", format!("This is not {what} (line {}, character {}).", error.line(), error.column()))
    })
}
