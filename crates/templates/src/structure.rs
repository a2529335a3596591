//! The structure of a document without its values: sections, elements, columns, statements.
//!
//! A template that renders different values must produce the same structure. Otherwise a value is not escaped.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::TemplateFormat;

/// Parses a document and lists the elements of its structure.
///
/// # Errors
/// With a description of the syntax error when the document is not valid in its format.
pub fn document_structure(format: TemplateFormat, document: &str) -> Result<Vec<String>, String> {
    match format {
        TemplateFormat::Text => text(document),
        TemplateFormat::Json => json(document),
        TemplateFormat::Xml => xml(document),
        TemplateFormat::Ini => ini(document),
        TemplateFormat::Sql => sql(document),
        TemplateFormat::Csv => csv(document),
        TemplateFormat::Ldif => ldif(document),
        TemplateFormat::Vcard => vcard(document),
    }
}

fn text(document: &str) -> Result<Vec<String>, String> {
    match document.chars().find(|character| character.is_control() && !matches!(character, '\n' | '\r' | '\t')) {
        Some(character) => Err(format!("it contains the control character U+{:04X}", u32::from(character))),
        None => Ok(document.lines().map(|_| "line".to_owned()).collect()),
    }
}

fn json(document: &str) -> Result<Vec<String>, String> {
    fn walk(value: &serde_json::Value, path: &str, found: &mut Vec<String>) {
        match value {
            serde_json::Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, item)| walk(item, &format!("{path}/{index}"), found));
            }
            serde_json::Value::Object(members) => {
                members.iter().for_each(|(name, member)| walk(member, &format!("{path}/{name}"), found));
            }
            _ => found.push(path.to_owned()),
        }
    }
    let value = serde_json::from_str(document).map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    walk(&value, "", &mut found);
    Ok(found)
}

fn xml(document: &str) -> Result<Vec<String>, String> {
    let parsed = roxmltree::Document::parse(document).map_err(|error| error.to_string())?;
    let element = |node: roxmltree::Node<'_, '_>| {
        let attributes: Vec<_> = node.attributes().map(|attribute| attribute.name().to_owned()).collect();
        format!("{} {} {}", node.ancestors().count(), node.tag_name().name(), attributes.join(" "))
    };
    Ok(parsed.descendants().filter(roxmltree::Node::is_element).map(element).collect())
}

/// Sections, and keys before `=`, as Asterisk parses them: a semicolon begins a comment unless it follows a backslash.
fn ini(document: &str) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for (index, line) in document.lines().enumerate() {
        let line = without_comment(line).trim();
        if line.is_empty() {
            continue;
        }
        let name = match line.strip_prefix('[') {
            Some(rest) => rest.split_once(']').map(|(name, _)| format!("[{name}]")),
            None if line.starts_with('#') => Some(line.to_owned()),
            None => line.split_once('=').map(|(key, _)| key.trim().to_owned()).filter(|key| !key.is_empty()),
        };
        found.push(name.ok_or_else(|| format!("line {} is neither a section nor `key = value`", index + 1))?);
    }
    Ok(found)
}

fn without_comment(line: &str) -> &str {
    let comment = line.char_indices().find(|(at, character)| *character == ';' && !line[..*at].ends_with('\\'));
    comment.map_or(line, |(at, _)| &line[..at])
}

/// The tokens as standard SQL reads the document, then as MySQL does in its default mode, with `literal` in place of each
/// literal and of each value that the escaper writes.
fn sql(document: &str) -> Result<Vec<String>, String> {
    let mut found = sql_tokens(document, SqlDialect::Standard)?;
    let mysql = sql_tokens(document, SqlDialect::Mysql).map_err(|reason| format!("{reason} (read as MySQL)"))?;
    if mysql != found {
        found.extend(mysql);
    }
    Ok(found)
}

/// How literals and comments are read.
#[derive(Clone, Copy, PartialEq)]
enum SqlDialect {
    /// As PostgreSQL and SQLite do: a backslash is a character like others.
    Standard,
    /// As MySQL and MariaDB do in their default mode: a backslash escapes, `#` begins a comment, `--` only before white
    /// space.
    Mysql,
}

/// The tokens of a value with a backslash as the escaper writes it.
const ESCAPED_VALUE: [&str; 15] =
    ["REPLACE", "(", LITERAL, ",", LITERAL, ",", "SUBSTR", "(", LITERAL, ",", LITERAL, ",", LITERAL, ")", ")"];

fn sql_tokens(document: &str, dialect: SqlDialect) -> Result<Vec<String>, String> {
    let mut found: Vec<String> = Vec::new();
    let (mut rest, mut depth) = (document, 0_i32);
    while let Some(SqlToken { text, length }) = next_sql_token(rest, dialect)? {
        depth += match text {
            Some("(") => 1,
            Some(")") => -1,
            _ => 0,
        };
        if depth < 0 {
            return Err("the parentheses are not balanced".to_owned());
        }
        found.extend(text.map(str::to_owned));
        if found.len() >= ESCAPED_VALUE.len() && found[found.len() - ESCAPED_VALUE.len()..] == ESCAPED_VALUE {
            found.truncate(found.len() - ESCAPED_VALUE.len());
            found.push(LITERAL.to_owned());
        }
        // Two adjacent literals are one literal that a value has split.
        if text.is_some() && found.len() > 1 && found[found.len() - 2..] == [LITERAL, LITERAL] {
            return Err("two literals are adjacent: the escaper adds the quotation marks itself".to_owned());
        }
        rest = &rest[length..];
    }
    match (depth, found.last().map(String::as_str)) {
        (0, None | Some(";")) => Ok(found),
        (0, _) => Err("the last statement does not end with a semicolon".to_owned()),
        _ => Err("the parentheses are not balanced".to_owned()),
    }
}

/// The text of every SQL literal in the structure.
const LITERAL: &str = "literal";

/// A token of SQL, or white space or a comment.
struct SqlToken<'a> {
    /// `None` for white space and comments.
    text: Option<&'a str>,
    /// In bytes of the document.
    length: usize,
}

/// The token at the beginning of `rest`; `None` at the end.
fn next_sql_token(rest: &str, dialect: SqlDialect) -> Result<Option<SqlToken<'_>>, String> {
    let is_mysql = dialect == SqlDialect::Mysql;
    let Some(first) = rest.chars().next() else { return Ok(None) };
    let end_of = |is_outside: fn(char) -> bool| rest.find(is_outside).unwrap_or(rest.len());
    let (text, length) = if first.is_whitespace() {
        (None, first.len_utf8())
    } else if is_sql_comment(rest, is_mysql) {
        (None, rest.find('\n').unwrap_or(rest.len()))
    } else if rest.starts_with("/*") {
        (None, rest.find("*/").ok_or("a comment is not terminated")? + 2)
    } else if matches!(first, '\'' | '"' | '`') {
        let has_escapes = is_mysql && first != '`';
        let length = quoted_length(rest, first, has_escapes).ok_or("a quotation mark is not closed")?;
        (Some(if first == '\'' { LITERAL } else { &rest[..length] }), length)
    } else if first.is_ascii_digit() {
        (Some(LITERAL), end_of(|next| !next.is_ascii_alphanumeric() && next != '.'))
    } else if first.is_alphabetic() || first == '_' {
        let length = end_of(|next| !next.is_alphanumeric() && next != '_');
        (Some(&rest[..length]), length)
    } else {
        (Some(&rest[..first.len_utf8()]), first.len_utf8())
    };
    Ok(Some(SqlToken { text, length }))
}

/// Whether a comment up to the end of the line begins.
fn is_sql_comment(rest: &str, is_mysql: bool) -> bool {
    match rest.strip_prefix("--") {
        Some(text) => !is_mysql || text.chars().next().is_none_or(char::is_whitespace),
        None => is_mysql && rest.starts_with('#'),
    }
}

/// The length of a quoted text, in which a doubled quotation mark is an escaped one, and with `has_escapes` each
/// character after a backslash.
fn quoted_length(text: &str, mark: char, has_escapes: bool) -> Option<usize> {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if has_escapes && character == '\\' {
            characters.next()?;
        } else if character == mark {
            match characters.peek() {
                Some((_, next)) if *next == mark => drop(characters.next()),
                _ => return Some(at + mark.len_utf8()),
            }
        }
    }
    None
}

fn csv(document: &str) -> Result<Vec<String>, String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(document.as_bytes());
    let record = |record: Result<csv::StringRecord, csv::Error>| match record {
        Ok(record) => Ok(format!("{} fields", record.len())),
        Err(error) => Err(error.to_string()),
    };
    reader.records().map(record).collect()
}

/// Attributes of LDIF (RFC 2849).
fn ldif(document: &str) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for (index, line) in document.lines().enumerate() {
        if line.is_empty() {
            found.push(String::new());
        } else if !line.starts_with(['#', ' ', '-']) {
            let invalid = || format!("line {} is not `attribute: value`", index + 1);
            let (attribute, value) = line.split_once(':').ok_or_else(invalid)?;
            if let Some(encoded) = value.strip_prefix(':') {
                STANDARD.decode(encoded.trim()).map_err(|_| format!("line {} is not valid base64", index + 1))?;
            } else if !value.is_ascii() {
                return Err(format!("line {} must be in base64", index + 1));
            }
            found.push(attribute.to_owned());
        }
    }
    Ok(found)
}

/// Properties of vCards (RFC 6350, section 3.3).
fn vcard(document: &str) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut is_inside = false;
    for (index, line) in document.replace("\r\n ", "").replace("\n ", "").lines().enumerate() {
        let (property, value) =
            line.split_once(':').ok_or_else(|| format!("line {} is not `property:value`", index + 1))?;
        let name = property.split(';').next().unwrap_or_default().to_ascii_uppercase();
        match (name.as_str(), is_inside) {
            ("BEGIN", false) | ("END", true) if value.eq_ignore_ascii_case("vcard") => is_inside = !is_inside,
            ("BEGIN" | "END", _) | (_, false) => return Err(format!("line {} is outside a card", index + 1)),
            _ => {}
        }
        found.push(name);
    }
    if is_inside { Err("the last card is not terminated".to_owned()) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn structure(format: TemplateFormat, document: &str) -> Result<String, String> {
        document_structure(format, document).map(|found| found.join(" "))
    }

    #[test]
    fn the_structure_does_not_depend_on_values() {
        use TemplateFormat as F;
        for (format, document, expected) in [
            (F::Text, "a\nb\n", "line line"),
            (F::Json, r#"{"a": [1, {"b": null}]}"#, "/a/0 /a/1/b"),
            (F::Xml, "<a x='1'>t<b/></a>", "2 a x 3 b "),
            (F::Ini, "; c\n[a]\nk = v\\; w ; c\nk=>v\n", "[a] k k"),
            (F::Sql, "INSERT INTO t VALUES ('a;''b', 42); -- x", "INSERT INTO t VALUES ( literal , literal ) ;"),
            (F::Sql, "SELECT REPLACE('~x', '~', SUBSTR('\\\\', 1, 1));", "SELECT literal ;"),
            (F::Csv, "a,\"b\n,\"\nc,d\n", "2 fields 2 fields"),
            (F::Ldif, "dn: a\ncn:: eA==\n\n# c\n", "dn cn "),
            (F::Vcard, "BEGIN:VCARD\r\nFN:a:b\r\nTEL;TYPE=x:1\r\nEND:VCARD\r\n", "BEGIN FN TEL END"),
        ] {
            assert_eq!(structure(format, document).as_deref(), Ok(expected), "{document}");
        }
    }

    #[test]
    fn invalid_documents_are_errors() {
        use TemplateFormat as F;
        for (format, document) in [
            (F::Text, "a\u{1b}[31m"),
            (F::Json, "{\"a\": }"),
            (F::Xml, "<a><b></a>"),
            (F::Xml, "<a/><b/>"),
            (F::Ini, "[a]\nword\n"),
            (F::Sql, "SELECT 'a;"),
            (F::Sql, "SELECT (1;"),
            (F::Sql, "SELECT 1);"),
            (F::Sql, "SELECT 1"),
            (F::Sql, "SELECT ''2342'';"),
            (F::Sql, "SELECT '\\';"),
            (F::Csv, "a,b\nc\n"),
            (F::Ldif, "dn\n"),
            (F::Ldif, "cn: Zoë\n"),
            (F::Ldif, "cn:: %\n"),
            (F::Vcard, "FN:a\n"),
            (F::Vcard, "BEGIN:VCARD\nFN:a\n"),
        ] {
            assert!(structure(format, document).is_err(), "{document}");
        }
    }
}
