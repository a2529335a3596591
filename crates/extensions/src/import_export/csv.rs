//! The CSV of extensions (RFC 4180): the form of `export`, `import` and `importExtensions`.
//!
//! One column per field: `permissions` are slugs with spaces between them, `parameters` a JSON object, `members` a JSON
//! array of `{number, delaySeconds, paused, pending}` (empty for what is no group, and for a group whose members stay),
//! `fallback_number` may be empty. Columns may
//! stand in any order, and each must be there: a column left out could mean "leave it" or "clear it". Reading what was
//! written gives exactly the same rows. Therefore nothing is put in front of cells that a spreadsheet might take for a
//! formula (`+44…`, `=1+1`) either: who opens an export in one should import its columns as text, which leading zeros
//! of numbers need anyway.

use std::str::Chars;

use crate::import_export::row::{COLUMNS, ExtensionRow, RawRow, RowFile, RowLimits, members_json};

/// The rows as CSV with a header, lines ended by LF.
pub fn write<'a>(rows: impl IntoIterator<Item = &'a ExtensionRow>) -> String {
    let mut text = header();
    for row in rows {
        text.push_str(&line(row));
    }
    text
}

/// The first line, with its end.
pub fn header() -> String {
    COLUMNS.join(",") + "\n"
}

/// One row as a line, with its end: for writing an export row by row.
pub fn line(row: &ExtensionRow) -> String {
    let cells = [
        row.number.as_str().to_owned(),
        row.service_type.clone(),
        row.owner.clone(),
        row.label.as_str().to_owned(),
        row.visibility.as_str().to_owned(),
        row.permissions.join(" "),
        row.fallback_number.as_ref().map(ToString::to_string).unwrap_or_default(),
        serde_json::Value::Object(row.parameters.clone()).to_string(),
        row.members.as_deref().map(|members| members_json(members).to_string()).unwrap_or_default(),
    ];
    cells.map(quoted).join(",") + "\n"
}

/// The cell, in quotes where it needs them.
fn quoted(cell: String) -> String {
    let plain = !cell.contains(['"', ',', '\r', '\n']) && cell.trim().len() == cell.len();
    if plain { cell } else { format!("\"{}\"", cell.replace('"', "\"\"")) }
}

/// Reads rows from CSV: UTF-8, a byte order mark or none, lines ended by LF, CRLF or CR, blank lines skipped. What is wrong
/// is told with line and column; the rows that are sound are there all the same, unless the header is not.
pub fn read(bytes: &[u8], limits: RowLimits) -> RowFile {
    let mut file = RowFile::default();
    let Some(text) = file.text(bytes, limits) else { return file };
    let mut records = Records::new(text);
    let Some(columns) = read_header(&mut records, &mut file) else { return file };
    let mut count = 0;
    while let Some(record) = records.next() {
        count += 1;
        match record {
            Ok((line, _)) if count > limits.rows => {
                file.fail(line, None, format!("The file holds more than {} rows.", limits.rows));
                break;
            }
            Ok((line, cells)) if cells.len() != columns.len() => {
                file.fail(line, None, format!("The row has {} cells, the header has {}.", cells.len(), columns.len()));
            }
            Ok((line, cells)) => file.take(line, &raw_row(&columns, cells)),
            // After a misplaced quotation mark nobody can tell where rows begin.
            Err((line, message)) => {
                file.fail(line, None, message);
                break;
            }
        }
    }
    file.refuse_duplicates();
    file
}

/// For each cell the place of its column in [`COLUMNS`]; `None` when the header is not what it must be.
fn read_header(records: &mut Records<'_>, file: &mut RowFile) -> Option<Vec<usize>> {
    let (line, names) = match records.next() {
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
    let mut columns = Vec::with_capacity(names.len());
    for name in &names {
        let name = name.trim();
        match COLUMNS.iter().position(|column| *column == name) {
            None => {
                // Only as much of a name is repeated as can be a slip of the pen.
                let shown: String = name.chars().filter(|character| !character.is_control()).take(40).collect();
                file.fail(
                    line,
                    Some(&shown),
                    format!("There is no such column. The columns are {}.", COLUMNS.join(", ")),
                );
            }
            Some(place) if columns.contains(&place) => file.fail(line, Some(name), "The column is there twice."),
            Some(place) => columns.push(place),
        }
    }
    for (place, column) in COLUMNS.iter().enumerate() {
        if !columns.contains(&place) {
            file.fail(line, Some(column), "The column is missing.");
        }
    }
    file.failures.is_empty().then_some(columns)
}

fn raw_row(columns: &[usize], cells: Vec<String>) -> RawRow {
    let mut raw = RawRow::default();
    let filled = |cell: String| (!cell.trim().is_empty()).then_some(cell);
    for (&column, cell) in columns.iter().zip(cells) {
        match COLUMNS[column] {
            "number" => raw.number = cell,
            "service_type" => raw.service_type = cell,
            "owner" => raw.owner = cell,
            "label" => raw.label = cell,
            "visibility" => raw.visibility = cell,
            "permissions" => raw.permissions = cell.split_whitespace().map(str::to_owned).collect(),
            "fallback_number" => raw.fallback_number = filled(cell),
            "parameters" => raw.parameters = cell,
            _ => raw.members = filled(cell),
        }
    }
    raw
}

/// The records of a CSV text, each with the line on which it begins. Counted are the lines that an editor shows, those
/// inside quotes too; the parser is our own because that count is what a person needs to find a mistake.
struct Records<'a> {
    rest: Chars<'a>,
    line: u64,
}

type Record = Result<(u64, Vec<String>), (u64, &'static str)>;

impl<'a> Records<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text.chars(), line: 1 }
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    /// The next character, a line's end as one LF.
    fn take(&mut self) -> Option<char> {
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
            self.take();
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
            if self.take() != Some(',') {
                return Some(Ok((line, cells)));
            }
        }
    }

    /// A cell without quotes, up to its comma or line's end.
    fn plain_cell(&mut self) -> Result<String, &'static str> {
        let mut cell = String::new();
        while let Some(character) = self.peek().filter(|character| !matches!(character, ',' | '\r' | '\n')) {
            if character == '"' {
                return Err(
                    "A cell that holds quotation feed_changes must be in quotation feed_changes, and those inside doubled.",
                );
            }
            self.rest.next();
            cell.push(character);
        }
        Ok(cell)
    }

    /// A cell in quotes, which are gone; line ends inside stay as they are.
    fn quoted_cell(&mut self) -> Result<String, &'static str> {
        self.rest.next();
        let mut cell = String::new();
        loop {
            match self.rest.next() {
                None => return Err("The quotation feed_changes of a cell in this row are never closed."),
                Some('"') if self.peek() == Some('"') => {
                    self.rest.next();
                    cell.push('"');
                }
                Some('"') if matches!(self.peek(), None | Some(',' | '\r' | '\n')) => return Ok(cell),
                Some('"') => return Err("After a cell's closing quotation mark comes a comma or the end of the line."),
                Some(character) => {
                    let counts = character == '\n' || (character == '\r' && self.peek() != Some('\n'));
                    self.line += u64::from(counts);
                    cell.push(character);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
