//! The row of an extension in a file, common to CSV and JSON.
//!
//! This module checks only the form of references (service type, owner, permissions); the import checks whether they exist.

use std::fmt;

use numbering::number::Number;
use platform::error::{UserError, UserErrorKind};
use platform::text::characters::without_format;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::import_export::json_text;
use crate::label::Label;
use crate::visibility::Visibility;

/// Columns in the order of an export.
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

/// Longest delay before a group calls a member, in seconds.
pub const MAX_DELAY_SECONDS: u16 = 600;

/// Maximum length of a slug or username, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// Maximum size of `parameters` or `members`, in bytes.
const MAX_JSON_BYTES: usize = 1024 * 1024;

/// An extension of an event.
#[derive(Clone, PartialEq, Debug)]
pub struct ExtensionRow {
    /// Number in the event's numbering plan.
    pub number: Number,
    /// Slug of the service type.
    pub service_type: String,
    /// Username of the owner.
    pub owner: String,
    /// Label in the directory.
    pub label: Label,
    /// Visibility in the directory.
    pub visibility: Visibility,
    /// Slugs of the call permissions, sorted and unique.
    pub permissions: Vec<String>,
    /// Number that receives calls which the extension does not answer.
    pub fallback_number: Option<Number>,
    /// Parameters; secrets only in an export with secrets.
    pub parameters: Map<String, Value>,
    /// Members of a call group, by number; `None` for an extension that is no group, and for a group whose members stay
    /// unchanged.
    pub members: Option<Vec<MemberRow>>,
}

/// A member of a call group in a row.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct MemberRow {
    /// The member's number.
    pub number: Number,
    /// Seconds before the group calls the member, 0 to [`MAX_DELAY_SECONDS`].
    pub delay_seconds: u16,
    /// Whether the group skips the member for now.
    pub paused: bool,
    /// Whether the owner of the member has not accepted yet.
    pub pending: bool,
}

/// Failure of a file or a row, with its position.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RowFailure {
    /// Line of the file, from 1, which is the header in CSV. For a row over several lines, its first line.
    pub line: u64,
    /// Column; `None` for a failure of the row or file as a unit.
    pub column: Option<String>,
    /// Kind of the failure.
    pub kind: UserErrorKind,
    /// Message for a user.
    pub message: String,
}

/// Formats as `line 7, column label: This cannot be a label. …`.
impl fmt::Display for RowFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            Some(column) => write!(f, "line {}, column {column}: {}", self.line, self.message),
            None => write!(f, "line {}: {}", self.line, self.message),
        }
    }
}

/// Content of a file: the valid rows, and the failures of the others.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct RowFile {
    /// Valid rows with their lines.
    pub rows: Vec<(u64, ExtensionRow)>,
    /// Failures by line; a row can have several.
    pub failures: Vec<RowFailure>,
}

/// Limits of a file.
#[derive(Clone, Copy, Debug)]
pub struct RowLimits {
    /// Maximum size of the file in bytes.
    pub bytes: usize,
    /// Maximum number of rows without the header.
    pub rows: usize,
}

impl RowLimits {
    /// Limits of the mutation `importExtensions`.
    pub const REQUEST: Self = Self { bytes: 4 << 20, rows: 1_000 };
    /// Limits of the command `import`.
    pub const COMMAND: Self = Self { bytes: 1 << 30, rows: 1_000_000 };
}

impl RowFile {
    /// Decodes a file as UTF-8 and removes a byte order mark. Records a failure and returns `None` for a file that is not UTF-8
    /// or too large.
    pub(super) fn text<'a>(&mut self, bytes: &'a [u8], limits: RowLimits) -> Option<&'a str> {
        if bytes.len() > limits.bytes {
            self.fail(1, None, format!("The file holds more than {} bytes.", limits.bytes));
            return None;
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Some(text.strip_prefix('\u{feff}').unwrap_or(text)),
            Err(error) => {
                self.fail(1 + count_newlines(&bytes[..error.valid_up_to()]), None, "The file is not UTF-8.");
                None
            }
        }
    }

    /// Records a failure of the kind INVALID.
    pub(super) fn fail(&mut self, line: u64, column: Option<&str>, message: impl Into<String>) {
        self.failures.push(RowFailure {
            line,
            column: column.map(str::to_owned),
            kind: UserErrorKind::Invalid,
            message: message.into(),
        });
    }

    /// Adds a row, or its failures.
    pub(super) fn push(&mut self, line: u64, raw: &RawRow) {
        match raw.parse() {
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

    /// Removes every row whose number an earlier row has, and records a failure for it.
    pub(super) fn reject_duplicates(&mut self) {
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

/// Counts the line feeds in `bytes`.
pub(super) fn count_newlines(bytes: &[u8]) -> u64 {
    bytes.iter().map(|&byte| u64::from(byte == b'\n')).sum()
}

/// Unparsed cells of a row.
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
    /// Parses all cells, or returns the failures of all columns.
    fn parse(&self) -> Result<ExtensionRow, Vec<ColumnFailure>> {
        let mut failures = Vec::new();
        let number = collect_failure(&mut failures, "number", Number::clean(&self.number).and_then(check_event_number));
        let service_type = collect_failure(&mut failures, "service_type", parse_reference(&self.service_type));
        let owner = collect_failure(&mut failures, "owner", parse_reference(&self.owner));
        let label = collect_failure(&mut failures, "label", Label::parse(&self.label));
        let visibility = collect_failure(&mut failures, "visibility", parse_visibility(&self.visibility));
        let permissions = collect_failure(
            &mut failures,
            "permissions",
            self.permissions.iter().map(|slug| parse_reference(slug)).collect::<Result<Vec<_>, _>>(),
        );
        let fallback = self.fallback_number.as_deref().map(Number::clean).transpose();
        let fallback_number = collect_failure(&mut failures, "fallback_number", fallback);
        let parameters = collect_failure(&mut failures, "parameters", parse_parameters(&self.parameters));
        let members = collect_failure(&mut failures, "members", self.members.as_deref().map(parse_members).transpose());
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

/// Returns the value, or records the failure of the column.
fn collect_failure<T>(
    failures: &mut Vec<ColumnFailure>,
    column: &'static str,
    read: Result<T, UserError>,
) -> Option<T> {
    read.map_err(|problem| failures.push((column, problem))).ok()
}

/// Checks that a number is not an E.164 number.
fn check_event_number(number: Number) -> Result<Number, UserError> {
    if number.is_e164() {
        Err(UserError::invalid("number", "An event's own numbers are digits without a plus sign."))
    } else {
        Ok(number)
    }
}

/// Parses a slug or username and converts it to lower case, as accounts do.
fn parse_reference(text: &str) -> Result<String, UserError> {
    let name = without_format(text).trim().to_ascii_lowercase();
    if name.is_empty() {
        return Err(UserError::new(UserErrorKind::Required, "", "This must not be empty."));
    }
    let is_valid =
        name.len() <= MAX_NAME_BYTES && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if is_valid {
        Ok(name)
    } else {
        Err(UserError::invalid("", "A name here has letters, digits, dots, hyphens and underscores only."))
    }
}

/// Parses a visibility. An empty cell is HIDDEN, as in the API.
fn parse_visibility(text: &str) -> Result<Visibility, UserError> {
    match without_format(text).trim() {
        "" => Ok(Visibility::default()),
        name => name
            .to_ascii_uppercase()
            .parse::<Visibility>()
            .ok()
            .ok_or_else(|| UserError::invalid("", "The visibility is PUBLIC, MEMBERS, STAFF or HIDDEN.")),
    }
}

/// Parses a JSON object. An empty cell is an empty object.
fn parse_parameters(text: &str) -> Result<Map<String, Value>, UserError> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    check_json_size(text)?;
    match json_text::parse(text) {
        Ok(Value::Object(parameters)) => Ok(parameters),
        Ok(_) => Err(not_json("a JSON object", 1, 0)),
        Err(error) if error.is_data() => {
            let place = format!("line {}, character {}", error.line(), error.column());
            Err(UserError::invalid("", format!("An object has a key twice ({place}).")))
        }
        Err(error) => Err(not_json("a JSON object", error.line(), error.column())),
    }
}

/// JSON representation of a member, with the names of the GraphQL fields.
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

fn parse_members(text: &str) -> Result<Vec<MemberRow>, UserError> {
    check_json_size(text)?;
    let what = "a JSON array of objects with number, delaySeconds, paused and pending";
    let listed: Vec<MemberJson> =
        serde_json::from_str(text).map_err(|error| not_json(what, error.line(), error.column()))?;
    let mut members = listed.into_iter().map(parse_member).collect::<Result<Vec<_>, _>>()?;
    members.sort();
    match members.windows(2).find(|pair| pair[0].number == pair[1].number) {
        Some(pair) => Err(UserError::invalid("", format!("{} is a member twice.", pair[0].number))),
        None => Ok(members),
    }
}

fn parse_member(member: MemberJson) -> Result<MemberRow, UserError> {
    if member.delay_seconds > MAX_DELAY_SECONDS {
        return Err(UserError::invalid("", "A member rings after 0 to 600 seconds."));
    }
    let number = Number::clean(&member.number)?;
    Ok(MemberRow { number, delay_seconds: member.delay_seconds, paused: member.paused, pending: member.pending })
}

/// Serializes members as JSON.
pub(super) fn members_json(members: &[MemberRow]) -> Value {
    let json = |member: &MemberRow| MemberJson {
        number: member.number.as_str().to_owned(),
        delay_seconds: member.delay_seconds,
        paused: member.paused,
        pending: member.pending,
    };
    serde_json::to_value(members.iter().map(json).collect::<Vec<_>>()).unwrap_or_default()
}

fn check_json_size(text: &str) -> Result<(), UserError> {
    if text.len() > MAX_JSON_BYTES { Err(UserError::invalid("", "This holds at most 1 MiB.")) } else { Ok(()) }
}

/// The failure of a cell that is not JSON, or has a key twice. A message of the parser can quote the cell, which may
/// contain a secret, so the failure names only the position.
fn not_json(what: &str, line: usize, column: usize) -> UserError {
    UserError::invalid("", format!("This is not {what} (line {line}, character {column})."))
}
