//! Hostile labels, parameters, secrets and settings through every shipped template: each document is read back as its system
//! reads it, and holds nothing but data.

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::Text;
use diesel::{Connection as _, RunQueryDsl as _, SqliteConnection, sql_query};
use libtest_mimic::Trial;
use minijinja::value::Serde;
use serde_json::{Value, json};
use templates::TemplateFormat;
use templates::{Limits, SHIPPED, Shipped, render};

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

/// The tests, by name.
pub fn trials() -> Vec<Trial> {
    SHIPPED
        .iter()
        .map(|shipped| Trial::test(format!("shipped_templates::{}", shipped.name), move || hostile(shipped)))
        .collect()
}

/// What a template sees, with these texts where people, systems and admins write.
fn context(label: &str, parameter: &str, realm: &str) -> Value {
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

fn rendered(shipped: &Shipped, label: &str, parameter: &str, realm: &str) -> Result<String, String> {
    let context = context(label, parameter, realm);
    render(shipped.format, shipped.source, Serde(&context).into(), Limits::SMALL)
        .map_err(|error| format!("{}: {error}", shipped.name))
}

/// Three texts that stand nowhere else, so that their places are found again.
const MARKS: [&str; 3] = ["LABEL", "PARAMETER", "REALM"];

fn hostile(shipped: &Shipped) -> Result<(), libtest_mimic::Failed> {
    let plain = leaves(shipped, &rendered(shipped, MARKS[0], MARKS[1], MARKS[2])?);
    assert!(!plain.is_empty());
    for text in HOSTILE {
        // Where a realm stands in a SIP address, what is no host name is refused.
        let (document, marks) = match rendered(shipped, text, text, text) {
            Err(error) if error.contains("no host name") => (rendered(shipped, text, text, MARKS[2])?, &MARKS[..2]),
            other => (other?, &MARKS[..]),
        };
        let read = leaves(shipped, &document);
        let places = |leaves: &[(String, String)]| leaves.iter().map(|(place, _)| place.clone()).collect::<Vec<_>>();
        assert_eq!(places(&read), places(&plain), "{text:?} changes what {} says:\n{document}", shipped.name);
        for ((place, before), (_, after)) in plain.iter().zip(&read) {
            let is_data = written(text)
                .iter()
                .any(|text| marks.iter().fold(before.clone(), |value, mark| value.replace(mark, text)) == *after);
            assert!(
                is_data,
                "{text:?} gets out of its place in {}: {place} is {after:?}, not {before:?}",
                shipped.name
            );
        }
    }
    Ok(())
}

/// How a text may come through: as it is, on one line, and without what its place cannot hold.
fn written(text: &str) -> BTreeSet<String> {
    let line: String = text.chars().map(|c| if c.is_control() || c == '\u{2028}' { ' ' } else { c }).collect();
    let mut forms = BTreeSet::from([text.to_owned(), line]);
    for form in forms.clone() {
        forms.insert(form.trim().to_owned());
        forms.insert(form.replace('$', ""));
        forms.insert(form.replace('"', "'").replace('<', "(").replace('>', ")").replace('\\', "/"));
    }
    forms
}

/// Every value of a document with its place, as the system that it is for would read it.
fn leaves(shipped: &Shipped, document: &str) -> Vec<(String, String)> {
    match shipped.format {
        TemplateFormat::Sql => executed(document),
        TemplateFormat::Ini => asterisk(document),
        TemplateFormat::Xml => xml(document),
        TemplateFormat::Csv => csv(document),
        TemplateFormat::Json => json_leaves(&serde_json::from_str(document).unwrap(), ""),
        TemplateFormat::Text => lines(document),
        other => panic!("no shipped template is {other:?}"),
    }
}

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    value: String,
}

/// Runs the statements, and tells every table and row that is there afterwards.
fn executed(document: &str) -> Vec<(String, String)> {
    let mut conn = SqliteConnection::establish(":memory:").unwrap();
    conn.batch_execute("CREATE TABLE subscriber (username TEXT, domain TEXT, password TEXT, ha1 TEXT, ha1b TEXT, PRIMARY KEY (username, domain));")
        .unwrap();
    conn.batch_execute(document).unwrap();
    // A second time: a whole feed replaces what was there.
    conn.batch_execute(document).unwrap();
    let mut found = Vec::new();
    for (place, query) in [
        ("table", "SELECT name AS value FROM sqlite_master WHERE type = 'table'"),
        ("username", "SELECT username AS value FROM subscriber"),
        ("domain", "SELECT domain AS value FROM subscriber"),
        ("password", "SELECT password AS value FROM subscriber"),
        ("ha1", "SELECT ha1 AS value FROM subscriber"),
        ("ha1b", "SELECT ha1b AS value FROM subscriber"),
    ] {
        let rows: Vec<Row> = sql_query(query).load(&mut conn).unwrap();
        found.extend(rows.into_iter().map(|row| (place.to_owned(), row.value)));
    }
    assert_eq!(found.len(), 6, "one table with one row: {found:?}");
    found
}

/// Sections and values as Asterisk's `main/config.c` reads them: `;` begins a comment unless a backslash stands before it,
/// which is then taken away; `;--` begins a comment of many lines; `#` at the beginning of a line is a directive.
fn asterisk(document: &str) -> Vec<(String, String)> {
    let (mut found, mut section) = (Vec::new(), String::new());
    for line in document.lines() {
        let (mut text, mut rest) = (String::new(), line);
        while let Some(at) = rest.find(';') {
            if !rest[..at].ends_with('\\') {
                assert!(!rest[at..].starts_with(";--"), "a comment of many lines: {line}");
                rest = &rest[..at];
                break;
            }
            text += &rest[..at - 1];
            text.push(';');
            rest = &rest[at + 1..];
        }
        text += rest;
        let text = text.trim();
        assert!(!text.starts_with('#'), "a directive: {line}");
        if let Some(name) = text.strip_prefix('[') {
            section = name.split(']').next().unwrap().to_owned();
            found.push((format!("[{section}]"), String::new()));
        } else if !text.is_empty() {
            let (key, value) = text.split_once('=').unwrap_or_else(|| panic!("no value: {line}"));
            found.push((format!("[{section}] {}", key.trim()), value.trim().to_owned()));
        }
    }
    // Whatever stands in a name ends with the second quotation mark, and the number follows.
    for (place, value) in found.iter().filter(|(place, _)| place.ends_with("callerid")) {
        let parts: Vec<&str> = value.split('"').collect();
        assert_eq!((parts.len(), parts[0], parts[2]), (3, "", " <2342>"), "{place}");
    }
    found
}

fn xml(document: &str) -> Vec<(String, String)> {
    let parsed = roxmltree::Document::parse(document).unwrap();
    let mut found = Vec::new();
    for node in parsed.descendants() {
        assert!(!node.is_comment() && !node.is_pi(), "{document}");
        let place: Vec<_> = node.ancestors().map(|node| node.tag_name().name()).collect();
        let place = place.join("<");
        found.extend(node.attributes().map(|a| (format!("{place}@{}", a.name()), a.value().to_owned())));
        if node.is_text() {
            found.push((place, node.text().unwrap().to_owned()));
        }
    }
    for (place, value) in found.iter().filter(|(_, value)| value.contains("<sip:2342@")) {
        assert_eq!(value.matches('"').count(), 2, "{place}: {value}");
    }
    found
}

fn csv(document: &str) -> Vec<(String, String)> {
    let mut reader = csv::Reader::from_reader(document.as_bytes());
    let names = reader.headers().unwrap().clone();
    let rows = reader.records().map(Result::unwrap);
    rows.enumerate()
        .flat_map(|(row, record)| {
            let cells: Vec<_> =
                names.iter().zip(&record).map(|(name, cell)| (format!("{row} {name}"), cell.to_owned())).collect();
            cells
        })
        .collect()
}

fn json_leaves(value: &Value, place: &str) -> Vec<(String, String)> {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(at, item)| json_leaves(item, &format!("{place}/{at}"))).collect()
        }
        Value::Object(members) => {
            members.iter().flat_map(|(name, member)| json_leaves(member, &format!("{place}/{name}"))).collect()
        }
        Value::String(text) => vec![(place.to_owned(), text.clone())],
        other => vec![(place.to_owned(), other.to_string())],
    }
}

/// Lines: a value behind ` = `, or a command.
fn lines(document: &str) -> Vec<(String, String)> {
    assert!(!document.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{2028}'), "{document:?}");
    let line = |(at, line): (usize, &str)| match line.split_once(" = ") {
        Some((key, value)) => (format!("{at} {key}"), value.to_owned()),
        None => (format!("{at} {line}"), String::new()),
    };
    document.lines().enumerate().map(line).collect()
}
