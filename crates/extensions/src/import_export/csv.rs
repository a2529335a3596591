//! The CSV format of extensions (RFC 4180), for `export`, `import` and `importExtensions`.
//!
//! One column per field: `permissions` is a list of slugs separated by spaces, `parameters` a JSON object, `members` a JSON
//! array of `{number, delaySeconds, paused, pending}` (empty for an extension that is no group, and for a group whose members
//! stay unchanged), `fallback_number` may be empty. The columns can have any order. All are required, since an absent column
//! would be ambiguous between "keep" and "clear".
//!
//! [`read`] returns exactly the rows that [`write`] received. A free text that a spreadsheet would evaluate as a formula
//! (`=1+1`) has an apostrophe in front, which [`read`] removes. A spreadsheet must import the columns as text, which the
//! leading zeros and plus signs of numbers require.
//!
//! [`read`] also takes what spreadsheets write: semicolons or tabs between the cells, a first line `sep=;`, rows of empty
//! cells, column names in capitals.

use std::str::Chars;

use platform::text::characters::without_format;

use crate::import_export::formula;
use crate::import_export::row::{COLUMNS, ExtensionRow, RawRow, RowFile, RowLimits, members_json};

/// Serializes rows as CSV with a header and LF line breaks.
pub fn write<'a>(rows: impl IntoIterator<Item = &'a ExtensionRow>) -> String {
    let mut text = header();
    for row in rows {
        text.push_str(&line(row));
    }
    text
}

/// Returns the header with its line break.
pub fn header() -> String {
    COLUMNS.join(",") + "\n"
}

/// Serializes a row with its line break.
pub fn line(row: &ExtensionRow) -> String {
    let cells = [
        row.number.as_str().to_owned(),
        row.service_type.clone(),
        row.owner.clone(),
        formula::make_inert(row.label.as_str()),
        row.visibility.as_str().to_owned(),
        row.permissions.join(" "),
        row.fallback_number.as_ref().map(ToString::to_string).unwrap_or_default(),
        formula::make_inert(&serde_json::Value::Object(row.parameters.clone()).to_string()),
        row.members.as_deref().map(|members| members_json(members).to_string()).unwrap_or_default(),
    ];
    cells.map(quoted).join(",") + "\n"
}

/// Quotes a cell where the format requires it.
fn quoted(cell: String) -> String {
    let plain = !cell.contains(['"', ',', ';', '\t', '\r', '\n']) && cell.trim().len() == cell.len();
    if plain { cell } else { format!("\"{}\"", cell.replace('"', "\"\"")) }
}

/// Parses rows from CSV: UTF-8 with or without a byte order mark; LF, CRLF or CR line breaks; cells between commas,
/// semicolons or tabs, as the header has them; ignores blank lines and rows of empty cells. Failures have a line and a column. The valid rows are returned next to the failures, except after a failure of the header.
pub fn read(bytes: &[u8], limits: RowLimits) -> RowFile {
    let mut file = RowFile::default();
    let Some(text) = file.text(bytes, limits) else { return file };
    let mut records = Records::detect(text);
    let Some(columns) = read_header(&mut records, &mut file) else { return file };
    let mut count = 0;
    while let Some(record) = records.next() {
        if record.as_ref().is_ok_and(|(_, cells)| cells.iter().all(|cell| is_blank(cell))) {
            continue;
        }
        count += 1;
        match record {
            Ok((line, _)) if count > limits.rows => {
                file.fail(line, None, format!("The file holds more than {} rows.", limits.rows));
                break;
            }
            Ok((line, mut cells)) => {
                // Cells of columns without a name.
                while cells.len() > columns.len() && cells.last().is_some_and(|cell| is_blank(cell)) {
                    cells.pop();
                }
                if cells.len() == columns.len() {
                    file.push(line, &raw_row(&columns, cells));
                } else {
                    let (found, expected) = (cells.len(), columns.len());
                    file.fail(line, None, format!("The row has {found} cells, the header has {expected}."));
                }
            }
            // After a misplaced quotation mark the start of the next row is unknown.
            Err((line, message)) => {
                file.fail(line, None, message);
                break;
            }
        }
    }
    file.reject_duplicates();
    file
}

/// Parses the header. Returns for each cell the index of its column in [`COLUMNS`]; `None` for an invalid header.
fn read_header(records: &mut Records<'_>, file: &mut RowFile) -> Option<Vec<usize>> {
    let (line, mut names) = match records.next() {
        Some(Ok(header)) => header,
        Some(Err((line, message))) => {
            file.fail(line, None, message);
            return None;
        }
        None => {
            file.fail(1, None, "The file is empty: it begins with a line that names the columns.");
            return None;
        }
    };
    // A spreadsheet writes as many cells as the longest row has.
    while names.len() > 1 && names.last().is_some_and(|name| is_blank(name)) {
        names.pop();
    }
    let mut columns = Vec::with_capacity(names.len());
    let names: Vec<String> = names.iter().map(|name| column_name(name)).collect();
    if let [only] = names.as_slice()
        && !COLUMNS.contains(&only.as_str())
    {
        let message = "The first line names the columns, separated by commas, semicolons or tabs; this one has none.";
        file.fail(line, None, message);
        return None;
    }
    for name in &names {
        match COLUMNS.iter().position(|column| column == name) {
            None => {
                // Truncates the name, since the file is untrusted input.
                let shown: String = name.chars().filter(|character| !character.is_control()).take(40).collect();
                file.fail(
                    line,
                    Some(&shown),
                    format!("There is no such column. The columns are {}.", COLUMNS.join(", ")),
                );
            }
            Some(index) if columns.contains(&index) => file.fail(line, Some(name), "The column is there twice."),
            Some(index) => columns.push(index),
        }
    }
    for (index, column) in COLUMNS.iter().enumerate() {
        if !columns.contains(&index) {
            file.fail(line, Some(column), "The column is missing.");
        }
    }
    file.failures.is_empty().then_some(columns)
}

/// The name of a column as in [`COLUMNS`]: in lower case, with underscores for spaces and hyphens.
fn column_name(cell: &str) -> String {
    without_format(cell).trim().to_lowercase().replace([' ', '-'], "_")
}

/// Whether a cell shows nothing.
fn is_blank(cell: &str) -> bool {
    without_format(cell).trim().is_empty()
}

/// Assigns the cells of a record to their columns.
fn raw_row(columns: &[usize], cells: Vec<String>) -> RawRow {
    let mut raw = RawRow::default();
    let non_empty = |cell: String| (!is_blank(&cell)).then_some(cell);
    for (&column, cell) in columns.iter().zip(cells) {
        let cell = formula::restore(&cell);
        match COLUMNS[column] {
            "number" => raw.number = cell,
            "service_type" => raw.service_type = cell,
            "owner" => raw.owner = cell,
            "label" => raw.label = cell,
            "visibility" => raw.visibility = cell,
            "permissions" => raw.permissions = cell.split_whitespace().map(str::to_owned).collect(),
            "fallback_number" => raw.fallback_number = non_empty(cell),
            "parameters" => raw.parameters = cell,
            _ => raw.members = non_empty(cell),
        }
    }
    raw
}

/// Iterator over the records of a CSV text, each with its first line. Counts lines as an editor does, including line breaks
/// inside quotes; a general CSV parser does not provide this count.
struct Records<'a> {
    rest: Chars<'a>,
    line: u64,
    separator: char,
}

/// The separators between cells, the most frequent first.
const SEPARATORS: [char; 3] = [',', ';', '\t'];

/// First line and cells of a record, or the line and message of a failure.
type Record = Result<(u64, Vec<String>), (u64, &'static str)>;

impl<'a> Records<'a> {
    fn new(text: &'a str, separator: char) -> Self {
        Self { rest: text.chars(), line: 1, separator }
    }

    /// The records of a text with the separator that its first line declares (`sep=;`, which Excel writes), else the one
    /// by which its header has the most cells.
    fn detect(text: &'a str) -> Self {
        let first_line = text.lines().next().unwrap_or_default().trim_end_matches('\r');
        let declared = first_line.strip_prefix("sep=").and_then(|rest| {
            SEPARATORS.into_iter().find(|separator| {
                rest.strip_prefix(*separator).is_some_and(|rest| rest.chars().all(|other| SEPARATORS.contains(&other)))
            })
        });
        if let Some(separator) = declared {
            let mut records = Self::new(text, separator);
            while records.peek().is_some_and(|character| !matches!(character, '\r' | '\n')) {
                records.next_char();
            }
            return records;
        }
        let cells = |separator| match Self::new(text, separator).next() {
            Some(Ok((_, cells))) => cells.len(),
            _ => 0,
        };
        // The first of equals.
        let separator = SEPARATORS.into_iter().rev().max_by_key(|separator| cells(*separator)).unwrap_or(',');
        Self::new(text, separator)
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    /// Consumes the next character. Returns every line break as one LF.
    fn next_char(&mut self) -> Option<char> {
        let character = self.rest.next()?;
        if character != '\r' && character != '\n' {
            return Some(character);
        }
        if character == '\r' && self.peek() == Some('\n') {
            self.rest.next();
        }
        self.line += 1;
        Some('\n')
    }

    fn next(&mut self) -> Option<Record> {
        while matches!(self.peek(), Some('\r' | '\n')) {
            self.next_char();
        }
        self.peek()?;
        let line = self.line;
        let mut cells = Vec::new();
        loop {
            let cell = if self.peek() == Some('"') { self.quoted_cell() } else { self.plain_cell() };
            match cell {
                Ok(cell) => cells.push(cell),
                Err(message) => return Some(Err((line, message))),
            }
            if self.next_char() != Some(self.separator) {
                return Some(Ok((line, cells)));
            }
        }
    }

    /// Whether a cell ends before a character.
    fn ends_cell(&self, character: Option<char>) -> bool {
        character.is_none_or(|character| character == self.separator || matches!(character, '\r' | '\n'))
    }

    /// Parses a cell without quotes, up to its separator or line break.
    fn plain_cell(&mut self) -> Result<String, &'static str> {
        let mut cell = String::new();
        while let Some(character) = self.peek().filter(|character| !self.ends_cell(Some(*character))) {
            if character == '"' {
                return Err("A cell that holds quotation marks must be in quotation marks, and those inside doubled.");
            }
            self.rest.next();
            cell.push(character);
        }
        Ok(cell)
    }

    /// Parses a quoted cell and removes the quotes. Line breaks inside stay unchanged.
    fn quoted_cell(&mut self) -> Result<String, &'static str> {
        self.rest.next();
        let mut cell = String::new();
        loop {
            match self.rest.next() {
                None => return Err("The quotation marks of a cell in this row are never closed."),
                Some('"') if self.peek() == Some('"') => {
                    self.rest.next();
                    cell.push('"');
                }
                Some('"') if self.ends_cell(self.peek()) => return Ok(cell),
                Some('"') => return Err("After a cell's closing quotation mark comes a comma or the end of the line."),
                Some(character) => {
                    let ends_line = character == '\n' || (character == '\r' && self.peek() != Some('\n'));
                    self.line += u64::from(ends_line);
                    cell.push(character);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
