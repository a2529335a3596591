//! Renders every shipped template with hostile labels, parameters, secrets and settings. Each document is parsed as its
//! telephone system parses it, and must have the same structure as with harmless texts.

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::Text;
use diesel::{Connection as _, RunQueryDsl as _, SqliteConnection, sql_query};
use libtest_mimic::Trial;
use minijinja::value::Serde;
use serde_json::{Value, json};
use templates::TemplateFormat;
use templates::{Limits, SHIPPED_TEMPLATES, ShippedTemplate, render};

/// Texts that try to leave their value: syntax of every target format.
const HOSTILE: [&str; 12] = [
    "Bob \"B\" <x>;\n[evil]\ntype=endpoint",
    "x\" <112>",
    "'); DROP TABLE subscriber; --",
    "\\'; DROP TABLE subscriber; --\\",
    "]]><evil/><!--",
    "</variable><variable name='evil' value='1'/>",
    "\"},{\"evil\":\"1\",\"x\":\"",
    "\r\nenable\r\nsubscriber imsi 1 delete\r\n",
    "#exec /bin/sh\n#include evil.conf\nauto_provision.server.url = http://evil/",
    "${system(rm -rf /)} $${evil} {{ 7*7 }} {% raw %}",
    "a,\"b\"\nc;d\u{2028}e\u{85}f",
    ";--\\;--; \\",
];

/// One test for each shipped template.
pub fn trials() -> Vec<Trial> {
    SHIPPED_TEMPLATES
        .iter()
        .map(|shipped| {
            Trial::test(format!("shipped_templates::{}", shipped.name), move || hostile_texts_stay_data(shipped))
        })
        .collect()
}

/// The texts that come from outside: from people, telephone systems and admins.
#[derive(Clone, Copy)]
struct Texts<'texts> {
    label: &'texts str,
    parameter: &'texts str,
    realm: &'texts str,
}

/// The variables of a template with these texts.
fn context(Texts { label, parameter, realm }: Texts<'_>) -> Value {
    let extension = json!({
        "id": "Extension:01", "slot": 1, "number": "2342", "previous_numbers": [], "label": label, "ascii_label": "label",
        "parameters": {
            "codec": parameter, "max_contacts": 2, "imsi": "001010000000001", "algorithm": parameter, "data": true,
            "ric": parameter, "function": parameter, "baud": 1200, "alphanumeric": true, "mac": "00:15:65:12:34:56",
        },
        "secrets": { "password": parameter, "ki": "00112233445566778899aabbccddeeff", "opc": "00112233445566778899aabbccddeeff" },
        "digests": { "password": { "ha1": "0a".repeat(16), "ha1b": "0b".repeat(16), "ha1_sha256": "0c".repeat(32) } },
        "permissions": [], "fallback_number": null, "active": true, "members": null, "owner_username": "ada",
    });
    let service_type = json!({ "slug": "sip", "name": "SIP", "settings": { "registrar": "sip.example", "port": 5060, "realm": realm } });
    json!({
        "extensions": [extension], "extension": extension, "service_type": service_type, "event": "camp", "mode": "snapshot",
        "head": "x", "generated_at": "2026-08-20T09:30:00Z", "removed": [],
        "device": { "mac": "00:15:65:12:34:56", "address": "https://switchboard.example/device/x/" },
    })
}

fn rendered(shipped: &ShippedTemplate, texts: Texts<'_>) -> Result<String, String> {
    let context = context(texts);
    render(shipped.format, shipped.source, Serde(&context).into(), Limits::SMALL)
        .map_err(|error| format!("{}: {error}", shipped.name))
}

/// Harmless texts that occur nowhere else in a document, so each marks the values that it is part of.
const PLACEHOLDERS: Texts<'_> = Texts { label: "LABEL", parameter: "PARAMETER", realm: "REALM" };

/// A value of a parsed document, with its path.
struct Leaf {
    path: String,
    value: String,
}

impl Leaf {
    fn new(path: impl Into<String>, value: impl Into<String>) -> Self {
        Self { path: path.into(), value: value.into() }
    }
}

fn hostile_texts_stay_data(shipped: &ShippedTemplate) -> Result<(), libtest_mimic::Failed> {
    let harmless = leaves(shipped, &rendered(shipped, PLACEHOLDERS)?);
    assert!(!harmless.is_empty());
    for text in HOSTILE {
        let Texts { label, parameter, realm } = PLACEHOLDERS;
        let hostile = Texts { label: text, parameter: text, realm: text };
        // A template that writes the realm as a host name rejects every other text.
        let (document, replaced) = match rendered(shipped, hostile) {
            Err(error) if error.contains("host name") => {
                (rendered(shipped, Texts { realm, ..hostile })?, vec![label, parameter])
            }
            other => (other?, vec![label, parameter, realm]),
        };
        let found = leaves(shipped, &document);
        let paths = |leaves: &[Leaf]| leaves.iter().map(|leaf| leaf.path.clone()).collect::<Vec<_>>();
        assert_eq!(paths(&found), paths(&harmless), "{text:?} changes the structure of {}:\n{document}", shipped.name);
        for (before, after) in harmless.iter().zip(&found) {
            let with_form = |form: &String| {
                replaced.iter().fold(before.value.clone(), |value, placeholder| value.replace(placeholder, form))
            };
            assert!(
                permitted_forms(text).iter().any(|form| with_form(form) == after.value),
                "{text:?} leaves its value in {}: {} is {:?}, was {:?}",
                shipped.name,
                after.path,
                after.value,
                before.value
            );
        }
    }
    Ok(())
}

/// The forms in which a text may appear: unchanged, on one line, or without the characters that the format cannot
/// represent.
fn permitted_forms(text: &str) -> BTreeSet<String> {
    let is_break = |character: char| character.is_control() || character == '\u{2028}';
    let line: String = text.chars().map(|character| if is_break(character) { ' ' } else { character }).collect();
    let mut forms = BTreeSet::from([text.to_owned(), line]);
    for form in forms.clone() {
        forms.insert(form.trim().to_owned());
        forms.insert(form.replace('$', ""));
        forms.insert(form.replace('"', "'").replace('<', "(").replace('>', ")").replace('\\', "/"));
    }
    forms
}

/// Every value of a document, parsed as the telephone system parses it.
fn leaves(shipped: &ShippedTemplate, document: &str) -> Vec<Leaf> {
    match shipped.format {
        TemplateFormat::Sql => sql_leaves(document),
        TemplateFormat::Ini => asterisk_leaves(document),
        TemplateFormat::Xml => xml_leaves(document),
        TemplateFormat::Csv => csv_leaves(document),
        TemplateFormat::Json => json_leaves(&serde_json::from_str(document).unwrap(), ""),
        TemplateFormat::Text => text_leaves(document),
        other => panic!("no shipped template has the format {other:?}"),
    }
}

#[derive(diesel::QueryableByName)]
struct ValueRow {
    #[diesel(sql_type = Text)]
    value: String,
}

/// Executes the statements; the values are the tables and rows afterwards.
fn sql_leaves(document: &str) -> Vec<Leaf> {
    let mut conn = SqliteConnection::establish(":memory:").unwrap();
    conn.batch_execute(
        "CREATE TABLE subscriber (username TEXT, domain TEXT, password TEXT, ha1 TEXT, ha1b TEXT, \
        PRIMARY KEY (username, domain));",
    )
    .unwrap();
    conn.batch_execute(document).unwrap();
    // Twice, because a snapshot replaces the rows of an earlier one.
    conn.batch_execute(document).unwrap();
    let mut found = Vec::new();
    for (path, query) in [
        ("table", "SELECT name AS value FROM sqlite_master WHERE type = 'table'"),
        ("username", "SELECT username AS value FROM subscriber"),
        ("domain", "SELECT domain AS value FROM subscriber"),
        ("password", "SELECT password AS value FROM subscriber"),
        ("ha1", "SELECT ha1 AS value FROM subscriber"),
        ("ha1b", "SELECT ha1b AS value FROM subscriber"),
    ] {
        let rows: Vec<ValueRow> = sql_query(query).load(&mut conn).unwrap();
        found.extend(rows.into_iter().map(|row| Leaf::new(path, row.value)));
    }
    assert_eq!(found.len(), 6, "one table with one row");
    found
}

/// Sections and values as Asterisk's `main/config.c` parses them: `;` starts a comment, `\;` is a semicolon, `;--`
/// starts a multi-line comment, `#` at the start of a line is a directive.
fn asterisk_leaves(document: &str) -> Vec<Leaf> {
    let (mut found, mut section) = (Vec::new(), String::new());
    for line in document.lines() {
        let (mut text, mut rest) = (String::new(), line);
        while let Some(index) = rest.find(';') {
            if !rest[..index].ends_with('\\') {
                assert!(!rest[index..].starts_with(";--"), "a multi-line comment: {line}");
                rest = &rest[..index];
                break;
            }
            text += &rest[..index - 1];
            text.push(';');
            rest = &rest[index + 1..];
        }
        text += rest;
        let text = text.trim();
        assert!(!text.starts_with('#'), "a directive: {line}");
        if let Some(name) = text.strip_prefix('[') {
            section = name.split(']').next().unwrap().to_owned();
            found.push(Leaf::new(format!("[{section}]"), ""));
        } else if !text.is_empty() {
            let (key, value) = text.split_once('=').unwrap_or_else(|| panic!("no value: {line}"));
            found.push(Leaf::new(format!("[{section}] {}", key.trim()), value.trim()));
        }
    }
    // A caller id is a name between two quotation marks, then the number.
    for leaf in found.iter().filter(|leaf| leaf.path.ends_with("callerid")) {
        let parts: Vec<&str> = leaf.value.split('"').collect();
        assert_eq!(parts.len(), 3, "{}", leaf.path);
        assert_eq!([parts[0], parts[2]], ["", " <2342>"], "{}", leaf.path);
    }
    found
}

fn xml_leaves(document: &str) -> Vec<Leaf> {
    let parsed = roxmltree::Document::parse(document).unwrap();
    let mut found = Vec::new();
    for node in parsed.descendants() {
        assert!(!node.is_comment() && !node.is_pi(), "{document}");
        let path: Vec<_> = node.ancestors().map(|node| node.tag_name().name()).collect();
        let path = path.join("<");
        let leaf = |attribute: roxmltree::Attribute<'_, '_>| {
            Leaf::new(format!("{path}@{}", attribute.name()), attribute.value())
        };
        found.extend(node.attributes().map(leaf));
        if node.is_text() {
            found.push(Leaf::new(path, node.text().unwrap()));
        }
    }
    for leaf in found.iter().filter(|leaf| leaf.value.contains("<sip:2342@")) {
        assert_eq!(leaf.value.matches('"').count(), 2, "{}: {}", leaf.path, leaf.value);
    }
    found
}

fn csv_leaves(document: &str) -> Vec<Leaf> {
    let mut reader = csv::Reader::from_reader(document.as_bytes());
    let names = reader.headers().unwrap().clone();
    let rows = reader.records().map(Result::unwrap);
    rows.enumerate()
        .flat_map(|(row, record)| {
            let cells: Vec<_> =
                names.iter().zip(&record).map(|(name, cell)| Leaf::new(format!("{row} {name}"), cell)).collect();
            cells
        })
        .collect()
}

fn json_leaves(value: &Value, path: &str) -> Vec<Leaf> {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(index, item)| json_leaves(item, &format!("{path}/{index}"))).collect()
        }
        Value::Object(members) => {
            members.iter().flat_map(|(name, member)| json_leaves(member, &format!("{path}/{name}"))).collect()
        }
        Value::String(text) => vec![Leaf::new(path, text.as_str())],
        other => vec![Leaf::new(path, other.to_string())],
    }
}

/// Lines of `key = value`, or of a single word.
fn text_leaves(document: &str) -> Vec<Leaf> {
    let is_unexpected_break =
        |character: char| (character.is_control() && character != '\n') || character == '\u{2028}';
    assert!(!document.contains(is_unexpected_break), "{document:?}");
    let leaf = |(index, line): (usize, &str)| match line.split_once(" = ") {
        Some((key, value)) => Leaf::new(format!("{index} {key}"), value),
        None => Leaf::new(format!("{index} {line}"), ""),
    };
    document.lines().enumerate().map(leaf).collect()
}
