//! What remains of a document when its values do not count: sections, elements, columns, commands. Two documents made from
//! different values by one template have the same outline, or a value has escaped.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::model::TemplateFormat;

/// The outline of a document.
///
/// # Errors
/// With a sentence when the document is none of its format.
pub fn outline(format: TemplateFormat, document: &str) -> Result<Vec<String>, String> {
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
    match document.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        Some(c) => Err(format!("it holds the control character U+{:04X}", u32::from(c))),
        None => Ok(document.lines().map(|_| "line".to_owned()).collect()),
    }
}

fn json(document: &str) -> Result<Vec<String>, String> {
    fn walk(value: &serde_json::Value, path: &str, into: &mut Vec<String>) {
        match value {
            serde_json::Value::Array(items) => {
                items.iter().enumerate().for_each(|(place, item)| walk(item, &format!("{path}/{place}"), into));
            }
            serde_json::Value::Object(members) => {
                members.iter().for_each(|(name, member)| walk(member, &format!("{path}/{name}"), into));
            }
            _ => into.push(path.to_owned()),
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

/// Sections, and keys before `=`, as Asterisk reads them: a semicolon begins a comment unless a backslash stands before it.
fn ini(document: &str) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for (place, line) in document.lines().enumerate() {
        let line = without_comment(line).trim();
        if line.is_empty() {
            continue;
        }
        let name = match line.strip_prefix('[') {
            Some(rest) => rest.split_once(']').map(|(name, _)| format!("[{name}]")),
            None if line.starts_with('#') => Some(line.to_owned()),
            None => line.split_once('=').map(|(key, _)| key.trim().to_owned()).filter(|key| !key.is_empty()),
        };
        found.push(name.ok_or_else(|| format!("line {} is neither a section nor `key = value`", place + 1))?);
    }
    Ok(found)
}

fn without_comment(line: &str) -> &str {
    let comment = line.char_indices().find(|(at, c)| *c == ';' && !line[..*at].ends_with('\\'));
    comment.map_or(line, |(at, _)| &line[..at])
}

/// The words and signs of standard SQL; literals count as one sign each.
fn sql(document: &str) -> Result<Vec<String>, String> {
    let mut found: Vec<String> = Vec::new();
    let (mut rest, mut depth) = (document, 0_i32);
    while let Some(first) = rest.chars().next() {
        let (token, length) = if first.is_whitespace() {
            (None, first.len_utf8())
        } else if rest.starts_with("--") {
            (None, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            (None, rest.find("*/").ok_or("a comment has no end")? + 2)
        } else if matches!(first, '\'' | '"' | '`') {
            let length = quoted(rest, first).ok_or("a quotation mark has no partner")?;
            (Some(if first == '\'' { "literal" } else { &rest[..length] }), length)
        } else if first.is_ascii_digit() {
            (Some("literal"), rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(rest.len()))
        } else if first.is_alphabetic() || first == '_' {
            let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            (Some(&rest[..length]), length)
        } else {
            depth += i32::from(first == '(') - i32::from(first == ')');
            (Some(&rest[..first.len_utf8()]), first.len_utf8())
        };
        if depth < 0 {
            return Err("a bracket has no partner".to_owned());
        }
        // Two literals side by side are one that was cut in two.
        if token == Some("literal") && found.last().is_some_and(|last| last == "literal") {
            return Err("two values stand side by side: the escaper writes the quotation marks itself".to_owned());
        }
        found.extend(token.map(str::to_owned));
        rest = &rest[length..];
    }
    match (depth, found.last().map(String::as_str)) {
        (0, None | Some(";")) => Ok(found),
        (0, _) => Err("the last statement does not end with a semicolon".to_owned()),
        _ => Err("a bracket has no partner".to_owned()),
    }
}

/// The length of what stands in quotation marks, in which a doubled mark is one.
fn quoted(text: &str, mark: char) -> Option<usize> {
    let mut at = 1;
    loop {
        at += text[at..].find(mark)? + 1;
        if !text[at..].starts_with(mark) {
            return Some(at);
        }
        at += 1;
    }
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
    for (place, line) in document.lines().enumerate() {
        if line.is_empty() {
            found.push(String::new());
        } else if !line.starts_with(['#', ' ', '-']) {
            let broken = || format!("line {} is not `attribute: value`", place + 1);
            let (attribute, value) = line.split_once(':').ok_or_else(broken)?;
            if let Some(encoded) = value.strip_prefix(':') {
                STANDARD.decode(encoded.trim()).map_err(|_| format!("line {} is not in base64", place + 1))?;
            } else if !value.is_ascii() {
                return Err(format!("line {} must be in base64", place + 1));
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
    for (place, line) in document.replace("\r\n ", "").replace("\n ", "").lines().enumerate() {
        let (property, value) =
            line.split_once(':').ok_or_else(|| format!("line {} is not `property:value`", place + 1))?;
        let name = property.split(';').next().unwrap_or_default().to_ascii_uppercase();
        match (name.as_str(), is_inside) {
            ("BEGIN", false) | ("END", true) if value.eq_ignore_ascii_case("vcard") => is_inside = !is_inside,
            ("BEGIN" | "END", _) | (_, false) => return Err(format!("line {} is outside a card", place + 1)),
            _ => {}
        }
        found.push(name);
    }
    if is_inside { Err("the last card has no end".to_owned()) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(format: TemplateFormat, document: &str) -> Result<String, String> {
        outline(format, document).map(|found| found.join(" "))
    }

    #[test]
    fn values_do_not_count() {
        use TemplateFormat as F;
        for (format, document, expected) in [
            (F::Text, "a\nb\n", "line line"),
            (F::Json, r#"{"a": [1, {"b": null}]}"#, "/a/0 /a/1/b"),
            (F::Xml, "<a x='1'>t<b/></a>", "2 a x 3 b "),
            (F::Ini, "; c\n[a]\nk = v\\; w ; c\nk=>v\n", "[a] k k"),
            (F::Sql, "INSERT INTO t VALUES ('a;''b', 42); -- x", "INSERT INTO t VALUES ( literal , literal ) ;"),
            (F::Csv, "a,\"b\n,\"\nc,d\n", "2 fields 2 fields"),
            (F::Ldif, "dn: a\ncn:: eA==\n\n# c\n", "dn cn "),
            (F::Vcard, "BEGIN:VCARD\r\nFN:a:b\r\nTEL;TYPE=x:1\r\nEND:VCARD\r\n", "BEGIN FN TEL END"),
        ] {
            assert_eq!(of(format, document).as_deref(), Ok(expected), "{document}");
        }
    }

    #[test]
    fn what_is_none_of_its_format_is_refused() {
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
            (F::Csv, "a,b\nc\n"),
            (F::Ldif, "dn\n"),
            (F::Ldif, "cn: Zoë\n"),
            (F::Ldif, "cn:: %\n"),
            (F::Vcard, "FN:a\n"),
            (F::Vcard, "BEGIN:VCARD\nFN:a\n"),
        ] {
            assert!(of(format, document).is_err(), "{document}");
        }
    }
}
