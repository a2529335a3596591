//! Escapes a value for each format, so that it cannot change the structure of the document.
//!
//! In JSON, SQL and CSV the escaper writes the literal with its quotation marks; a template must not add its own.

use std::io;

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Value};

use super::format::TemplateFormat;
use super::guard::{Guard, limit_error};
use super::values::check_content;

/// Writes a value as a literal of the format.
///
/// # Errors
/// For an undefined value, for lists and objects except in JSON, for null except in JSON and SQL, for a text that LDIF
/// requires in base64, and for JSON of more than `most` bytes.
pub fn literal(format: TemplateFormat, value: &Value, most: usize) -> Result<String, Error> {
    let invalid = |message: &'static str| Error::new(ErrorKind::InvalidOperation, message);
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    if format == TemplateFormat::Json {
        return json(value, most);
    }
    match value.kind() {
        ValueKind::None if format == TemplateFormat::Sql => return Ok("NULL".to_owned()),
        ValueKind::None => return Err(invalid("a value is null: write a default, as in {{ value or '' }}")),
        ValueKind::Bool if format == TemplateFormat::Sql => {
            return Ok(if value.is_true() { "TRUE" } else { "FALSE" }.to_owned());
        }
        // MiniJinja prints booleans as Python does.
        ValueKind::Bool => return Ok(if value.is_true() { "true" } else { "false" }.to_owned()),
        ValueKind::Number => return Ok(value.to_string()),
        ValueKind::String => {}
        _ => return Err(invalid("this is several values, not one")),
    }
    let text = value.to_string();
    Ok(match format {
        TemplateFormat::Json | TemplateFormat::Text => one_line(&text),
        TemplateFormat::Xml => xml(&text),
        TemplateFormat::Ini => one_line(&text).replace(';', "\\;"),
        TemplateFormat::Sql => sql(&text),
        TemplateFormat::Csv => format!("\"{}\"", text.replace('"', "\"\"")),
        TemplateFormat::Vcard => vcard(&text),
        TemplateFormat::Ldif => {
            if !is_safe_string(&text) {
                return Err(invalid("LDIF cannot hold every text as it is: write {{ value|base64 }} after two colons"));
            }
            text
        }
    })
}

/// Writes a text as a value that PostgreSQL, SQLite, MySQL and MariaDB read alike, in every mode.
///
/// In MySQL's default mode a backslash escapes the next character of a literal, in standard SQL it does not. Therefore
/// no literal holds one: a character that the text does not have stands for it, and `REPLACE` puts it back. The first
/// character of `'\\'` is a backslash in both readings. U+0000 is left out.
fn sql(text: &str) -> String {
    let text = text.replace('\0', "");
    let literal = |text: &str| format!("'{}'", text.replace('\'', "''"));
    if !text.contains('\\') {
        return literal(&text);
    }
    let is_free = |character: &char| !matches!(character, '\'' | '\\') && !text.contains(*character);
    // ASCII, since the connection may use another encoding. A text with all of them holds control characters too.
    let placeholder = "~^|`".chars().chain('!'..='~').chain('\u{1}'..='\u{1F}').find(is_free).unwrap_or('\u{7F}');
    let escaped = literal(&text.replace('\\', placeholder.encode_utf8(&mut [0; 4])));
    format!("REPLACE({escaped}, '{placeholder}', SUBSTR('\\\\', 1, 1))")
}

/// Writes a value of instructions, which have no format: an undefined value is empty.
///
/// # Errors
/// For a value that is too large.
pub fn plain(value: &Value, guard: &Guard) -> Result<String, Error> {
    if value.as_object().is_some() {
        check_content(value, guard)?;
    }
    Ok(value.to_string())
}

/// Writes a value as JSON of at most `most` bytes.
fn json(value: &Value, most: usize) -> Result<String, Error> {
    let mut out = BoundedText { bytes: Vec::new(), most, is_full: false };
    let written = serde_json::to_writer(&mut out, value);
    if out.is_full {
        return Err(limit_error("the document would be too long"));
    }
    written.ok().and_then(|()| String::from_utf8(out.bytes).ok()).ok_or_else(|| limit_error("a value is not JSON"))
}

/// A writer that fails behind a number of bytes.
struct BoundedText {
    bytes: Vec<u8>,
    most: usize,
    is_full: bool,
}

impl io::Write for BoundedText {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.most {
            self.is_full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Replaces control characters and line separators by spaces.
fn one_line(text: &str) -> String {
    text.replace(|character: char| character.is_control() || matches!(character, '\u{2028}' | '\u{2029}'), " ")
}

/// Escapes character data and attribute values of XML 1.0. Section 2.2 defines the valid characters.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // References also preserve white space in attributes, which parsers normalise.
            '\t' | '\n' | '\r' => out.push_str(&format!("&#{};", u32::from(character))),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

/// Escapes TEXT of vCard 4 (RFC 6350, section 3.4).
fn vcard(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.replace("\r\n", "\n").chars() {
        match character {
            '\\' | ',' | ';' => out.extend(['\\', character]),
            '\n' | '\r' => out.push_str("\\n"),
            other => out.push_str(&one_line(other.encode_utf8(&mut [0; 4]))),
        }
    }
    out
}

/// Whether the text is a SAFE-STRING of LDIF (RFC 2849) without a trailing space, which many parsers drop.
fn is_safe_string(text: &str) -> bool {
    !text.starts_with([' ', ':', '<']) && !text.ends_with(' ') && text.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(format: TemplateFormat, text: &str) -> String {
        literal(format, &Value::from(text), usize::MAX).unwrap()
    }

    #[test]
    fn a_hostile_label_is_escaped() {
        let label = "Bob \"B\" <x>;\n[evil]\ntype='endpoint', \\";
        for (format, expected) in [
            (TemplateFormat::Text, "Bob \"B\" <x>; [evil] type='endpoint', \\"),
            (TemplateFormat::Ini, "Bob \"B\" <x>\\; [evil] type='endpoint', \\"),
            (TemplateFormat::Xml, "Bob &quot;B&quot; &lt;x&gt;;&#10;[evil]&#10;type=&#39;endpoint&#39;, \\"),
            (TemplateFormat::Json, r#""Bob \"B\" <x>;\n[evil]\ntype='endpoint', \\""#),
            (TemplateFormat::Sql, "REPLACE('Bob \"B\" <x>;\n[evil]\ntype=''endpoint'', ~', '~', SUBSTR('\\\\', 1, 1))"),
            (TemplateFormat::Csv, "\"Bob \"\"B\"\" <x>;\n[evil]\ntype='endpoint', \\\""),
            (TemplateFormat::Vcard, "Bob \"B\" <x>\\;\\n[evil]\\ntype='endpoint'\\, \\\\"),
        ] {
            assert_eq!(escaped(format, label), expected, "{format:?}");
        }
        assert!(literal(TemplateFormat::Ldif, &Value::from(label), usize::MAX).is_err());
        assert_eq!(escaped(TemplateFormat::Ldif, "Bob"), "Bob");
    }

    #[test]
    fn other_values_are_literals_or_errors() {
        assert_eq!(literal(TemplateFormat::Sql, &Value::from(()), usize::MAX).unwrap(), "NULL");
        assert_eq!(literal(TemplateFormat::Sql, &Value::from(true), usize::MAX).unwrap(), "TRUE");
        assert_eq!(literal(TemplateFormat::Csv, &Value::from(42), usize::MAX).unwrap(), "42");
        assert_eq!(literal(TemplateFormat::Json, &Value::from(()), usize::MAX).unwrap(), "null");
        for format in [TemplateFormat::Text, TemplateFormat::Xml, TemplateFormat::Csv] {
            assert!(literal(format, &Value::from(()), usize::MAX).is_err());
            assert!(literal(format, &Value::from(vec![1]), usize::MAX).is_err());
            assert!(literal(format, &Value::UNDEFINED, usize::MAX).is_err());
        }
    }

    /// The literals of an expression, in a dialect in which a backslash escapes or not.
    fn sql_literals(sql: &str, backslash_escapes: bool) -> Vec<String> {
        let mut literals = Vec::new();
        let mut characters = sql.chars().peekable();
        while let Some(character) = characters.next() {
            if character != '\'' {
                continue;
            }
            let mut literal = String::new();
            loop {
                match characters.next().expect("an open literal") {
                    '\'' if characters.peek() == Some(&'\'') => {
                        characters.next();
                        literal.push('\'');
                    }
                    '\'' => break,
                    '\\' if backslash_escapes => literal.push(characters.next().unwrap()),
                    other => literal.push(other),
                }
            }
            literals.push(literal);
        }
        literals
    }

    fn evaluated_sql(sql: &str, backslash_escapes: bool) -> String {
        match sql_literals(sql, backslash_escapes).as_slice() {
            [text] => text.clone(),
            [text, placeholder, backslashes] => text.replace(placeholder, &backslashes[..1]),
            other => panic!("{other:?} of {sql}"),
        }
    }

    proptest! {
        #[test]
        fn every_text_can_be_parsed_back(text in "[\\PC\n\r\t;,'\"<>&\\\\\u{0}\u{85}]{0,40}") {
            let json: String = serde_json::from_str(&escaped(TemplateFormat::Json, &text)).unwrap();
            prop_assert_eq!(&json, &text);
            let sql = escaped(TemplateFormat::Sql, &text);
            for backslash_escapes in [false, true] {
                prop_assert_eq!(evaluated_sql(&sql, backslash_escapes), text.replace('\0', ""));
            }
            let document = format!("<x>{}</x>", escaped(TemplateFormat::Xml, &text));
            let xml = roxmltree::Document::parse(&document).unwrap();
            prop_assert_eq!(xml.root_element().text().unwrap_or_default(), text.replace('\0', "\u{fffd}"));
            let csv = escaped(TemplateFormat::Csv, &text);
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv.as_bytes());
            let record = reader.records().next().unwrap().unwrap();
            prop_assert_eq!(record.get(0).unwrap(), &text);
            prop_assert_eq!(reader.records().count(), 0);
            for format in [TemplateFormat::Text, TemplateFormat::Ini, TemplateFormat::Vcard] {
                let is_one_line = !escaped(format, &text).contains(['\n', '\r', '\u{85}', '\0']);
                prop_assert!(is_one_line, "{:?}", format);
            }
        }
    }
}
