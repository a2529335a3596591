//! Escapes a value for each format, so that it cannot change the structure of the document.
//!
//! In JSON, SQL and CSV the escaper writes the literal with its quotation marks; a template must not add its own.

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Value};

use super::model::TemplateFormat;

/// Writes a value as a literal of the format.
///
/// # Errors
/// For an undefined value, for lists and objects except in JSON, for null except in JSON and SQL, and for a text that
/// LDIF requires in base64.
pub fn literal(format: TemplateFormat, value: &Value) -> Result<String, Error> {
    let invalid = |message: &'static str| Error::new(ErrorKind::InvalidOperation, message);
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    if format == TemplateFormat::Json {
        return serde_json::to_string(value).map_err(|_| invalid("a value is not JSON"));
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
        TemplateFormat::Sql => format!("'{}'", text.replace('\0', "").replace('\'', "''")),
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
        literal(format, &Value::from(text)).unwrap()
    }

    #[test]
    fn a_hostile_label_is_escaped() {
        let label = "Bob \"B\" <x>;\n[evil]\ntype='endpoint', \\";
        for (format, expected) in [
            (TemplateFormat::Text, "Bob \"B\" <x>; [evil] type='endpoint', \\"),
            (TemplateFormat::Ini, "Bob \"B\" <x>\\; [evil] type='endpoint', \\"),
            (TemplateFormat::Xml, "Bob &quot;B&quot; &lt;x&gt;;&#10;[evil]&#10;type=&#39;endpoint&#39;, \\"),
            (TemplateFormat::Json, r#""Bob \"B\" <x>;\n[evil]\ntype='endpoint', \\""#),
            (TemplateFormat::Sql, "'Bob \"B\" <x>;\n[evil]\ntype=''endpoint'', \\'"),
            (TemplateFormat::Csv, "\"Bob \"\"B\"\" <x>;\n[evil]\ntype='endpoint', \\\""),
            (TemplateFormat::Vcard, "Bob \"B\" <x>\\;\\n[evil]\\ntype='endpoint'\\, \\\\"),
        ] {
            assert_eq!(escaped(format, label), expected, "{format:?}");
        }
        assert!(literal(TemplateFormat::Ldif, &Value::from(label)).is_err());
        assert_eq!(escaped(TemplateFormat::Ldif, "Bob"), "Bob");
    }

    #[test]
    fn other_values_are_literals_or_errors() {
        assert_eq!(literal(TemplateFormat::Sql, &Value::from(())).unwrap(), "NULL");
        assert_eq!(literal(TemplateFormat::Sql, &Value::from(true)).unwrap(), "TRUE");
        assert_eq!(literal(TemplateFormat::Csv, &Value::from(42)).unwrap(), "42");
        assert_eq!(literal(TemplateFormat::Json, &Value::from(())).unwrap(), "null");
        for format in [TemplateFormat::Text, TemplateFormat::Xml, TemplateFormat::Csv] {
            assert!(literal(format, &Value::from(())).is_err());
            assert!(literal(format, &Value::from(vec![1])).is_err());
            assert!(literal(format, &Value::UNDEFINED).is_err());
        }
    }

    proptest! {
        #[test]
        fn every_text_can_be_parsed_back(text in "[\\PC\n\r\t;,'\"<>&\\\\\u{0}\u{85}]{0,40}") {
            let json: String = serde_json::from_str(&escaped(TemplateFormat::Json, &text)).unwrap();
            prop_assert_eq!(&json, &text);
            let sql = escaped(TemplateFormat::Sql, &text);
            prop_assert_eq!(sql[1..sql.len() - 1].replace("''", "'"), text.replace('\0', ""));
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
