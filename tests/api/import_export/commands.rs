//! `export` and `import`, run beside a server on the same database.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use extensions::import_export::row::{ExtensionRow, MemberRow, RowLimits};
use extensions::import_export::{csv, row_json};
use extensions::label::Label;
use extensions::visibility::Visibility;
use numbering::number::Number;
use platform::secrets::{Secret, open_with_passphrase};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use super::HEADER;
use crate::command::PASSPHRASE;
use crate::support::{Actor, TestApp, string};

/// Creates an event with the ranges and service types of the demo event.
async fn copy_demo_event(app: &TestApp, slug: &str) {
    app.admin().await.creates_event(slug, json!({ "copyFrom": "demo" })).await.ok();
}

/// A random value of a strategy.
fn random<S: Strategy>(runner: &mut TestRunner, strategy: S) -> S::Value {
    strategy.new_tree(runner).unwrap().current()
}

/// Valid parameters of a service type; unique ones are derived from the index.
fn parameters(runner: &mut TestRunner, service_type: &str, index: usize) -> Map<String, Value> {
    let flag = random(runner, any::<bool>());
    let value = match service_type {
        "sip" if flag => json!({ "max_contacts": random(runner, 1..=5), "codec": "G722" }),
        "dect" => json!({ "encryption": flag, "ipei": format!("{index:012}*") }),
        "cellular" => json!({ "data": flag, "imsi": format!("00101{index:010}"), "algorithm": "xor" }),
        "pots" => json!({ "line_port": format!("1/{}/{index}", index % 9 + 1) }),
        "pager" => json!({ "ric": index, "alphanumeric": flag, "baud": 512 }),
        "deskphone" => {
            json!({ "mac": format!("00:15:65:00:{:02x}:{:02x}", index / 256, index % 256), "model": "snom" })
        }
        "group" => json!({ "ring_seconds": random(runner, 5..=600) }),
        _ => json!({}),
    };
    value.as_object().cloned().unwrap()
}

/// Up to ten members of a group.
fn members(runner: &mut TestRunner, candidates: &[Number]) -> Vec<MemberRow> {
    let numbers = random(runner, proptest::sample::subsequence(candidates.to_vec(), 0..=candidates.len().min(10)));
    let member = |number| MemberRow {
        number,
        delay_seconds: random(runner, 0..=600_u16),
        paused: random(runner, any::<bool>()),
        pending: random(runner, any::<bool>()),
    };
    numbers.into_iter().map(member).collect()
}

/// Extensions of every service type, with labels of any script. Fallbacks and members are earlier rows.
fn random_rows(runner: &mut TestRunner, count: usize) -> Vec<ExtensionRow> {
    let service_types = vec!["sip", "dect", "cellular", "pots", "pager", "deskphone", "group"];
    let label = "\\PC{1,40}".prop_filter_map("a label", |text| Label::parse(&text).ok());
    let (mut rows, mut member_candidates) = (Vec::<ExtensionRow>::new(), Vec::new());
    for index in 0..count {
        let service_type = random(runner, proptest::sample::select(service_types.clone()));
        let number = Number::clean(&(2_100 + index).to_string()).unwrap();
        let fallback = match random(runner, 0..4) {
            0 => Some(Number::clean("+49 30 1234567").unwrap()),
            1 if index > 0 => Some(rows[random(runner, 0..index)].number.clone()),
            _ => None,
        };
        let visibilities = vec![Visibility::Public, Visibility::Members, Visibility::Staff, Visibility::Hidden];
        let permissions = vec!["external", "international", "orga"];
        let permissions = random(runner, proptest::sample::subsequence(permissions, 0..=3));
        rows.push(ExtensionRow {
            service_type: service_type.to_owned(),
            owner: random(runner, proptest::sample::select(vec!["admin", "operator", "user"])).to_owned(),
            label: random(runner, &label),
            visibility: random(runner, proptest::sample::select(visibilities)),
            permissions: permissions.into_iter().map(str::to_owned).collect(),
            fallback_number: fallback,
            parameters: parameters(runner, service_type, index),
            members: (service_type == "group").then(|| members(runner, &member_candidates)),
            number: number.clone(),
        });
        if ["sip", "dect", "cellular", "pots"].contains(&service_type) {
            member_candidates.push(number);
        }
    }
    rows
}

/// Whether a stored row is the imported one with the defaults filled in.
fn is_kept(row: &ExtensionRow, stored: &ExtensionRow) -> bool {
    let is_stored = |(name, value): (&String, &Value)| stored.parameters.get(name) == Some(value);
    let without_defaults = ExtensionRow { parameters: row.parameters.clone(), ..stored.clone() };
    row.parameters.iter().all(is_stored) && without_defaults == *row
}

pub async fn a_random_event_survives_export_and_import(app: TestApp) {
    let rows = random_rows(&mut TestRunner::default(), 120);
    let text = csv::write(&rows);
    let report = app.run_command_ok(&["import", &app.write_file("random.csv", &text), "--event", "demo"]).await;
    assert_eq!(report, "120 created, 0 updated, 0 unchanged\n", "{text}");

    let exported = app.run_command_ok(&["export", "--event", "demo"]).await;
    let stored = csv::read(exported.as_bytes(), RowLimits::COMMAND);
    assert_eq!((stored.failures, stored.rows.len()), (vec![], 132));
    let stored: HashMap<_, _> = stored.rows.into_iter().map(|(_, row)| (row.number.clone(), row)).collect();
    for row in &rows {
        assert!(is_kept(row, &stored[&row.number]), "{row:?} became {:?}", stored[&row.number]);
    }

    let json = app.run_command_ok(&["export", "--event", "demo", "--format", "json"]).await;
    let in_json = row_json::read(json.as_bytes(), RowLimits::COMMAND).rows.into_iter().map(|(_, row)| row);
    assert_eq!(in_json.filter(|row| stored[&row.number] == *row).count(), 132, "{json}");
    for (slug, file, content) in [("second", "again.csv", &exported), ("third", "again.json", &json)] {
        copy_demo_event(&app, slug).await;
        let file = app.write_file(file, content);
        let report = app.run_command_ok(&["import", &file, "--event", slug]).await;
        assert_eq!(report, "132 created, 0 updated, 0 unchanged\n", "{exported}");
        assert_eq!(app.run_command_ok(&["export", "--event", slug]).await, exported);
        let report = app.run_command_ok(&["import", &file, "--event", slug]).await;
        assert_eq!(report, "0 created, 0 updated, 132 unchanged\n", "{exported}");
    }
}

async fn password(operator: &Actor, event: &str) -> String {
    let query = "query($event: String!) { extension(event: $event, number: \"5000\") { credentials } }";
    let extension = operator.query_with(query, json!({ "event": event })).await.ok();
    string(&extension["credentials"]["password"]).to_owned()
}

fn open(sealed: &[u8]) -> String {
    let plain = open_with_passphrase(&Secret::new(PASSPHRASE), sealed).unwrap();
    String::from_utf8(plain.to_vec()).unwrap()
}

pub async fn exported_secrets_are_sealed(app: TestApp) {
    let operator = app.operator().await;
    let secret = password(&operator, "demo").await;
    let bare = app.run_command_ok(&["export", "--event", "demo"]).await;
    assert!(!bare.contains(&secret) && !bare.contains("password"), "an export contains secrets by default");
    let sealed = app.run_command(&["export", "--event", "demo", "--with-secrets"]).await;
    assert!(sealed.is_success, "{}", sealed.stderr);
    assert!(!sealed.stdout.contains("5000") && !sealed.stdout.contains(&secret), "the sealed file can be read");
    let plain = open(&sealed.raw_stdout);
    assert!(plain.contains(&format!("\"\"password\"\":\"\"{secret}\"\"")), "the secret is missing");

    let file = app.write_file("sealed", &sealed.raw_stdout);
    copy_demo_event(&app, "second").await;
    let mut wrong_passphrase = app.command(&["import", &file, "--event", "second"]);
    let refused = wrong_passphrase.env("SWITCHBOARD_PASSPHRASE", "don't panic").output().unwrap();
    assert!(!refused.status.success() && refused.stdout.is_empty(), "{refused:?}");
    assert_eq!(app.run_command_ok(&["export", "--event", "second"]).await, HEADER);
    app.run_command_ok(&["import", &file, "--event", "second"]).await;
    assert_eq!(password(&operator, "second").await, secret);
    let again = app.run_command(&["export", "--event", "second", "--with-secrets"]).await;
    assert_eq!(open(&again.raw_stdout), plain);
    // An import without secrets keeps existing ones and generates missing ones.
    let bare = app.write_file("bare.csv", bare);
    let report = app.run_command_ok(&["import", &bare, "--event", "second"]).await;
    assert_eq!(report, "0 created, 0 updated, 12 unchanged\n");
    copy_demo_event(&app, "third").await;
    app.run_command_ok(&["import", &bare, "--event", "third"]).await;
    assert_ne!(password(&operator, "third").await, secret);
}

/// A file that must not be imported.
struct InvalidFile {
    name: &'static str,
    content: Vec<u8>,
    /// Dependencies of the error messages.
    messages: &'static [&'static str],
}

fn invalid_files(valid: &str) -> Vec<InvalidFile> {
    let mut not_utf8 = valid.to_owned().into_bytes();
    not_utf8.extend_from_slice(b"2401,sip,user,\xff,,,,,\n");
    let with_row = |row: &str| format!("{valid}{row}\n").into_bytes();
    let with_long = |row: &str| with_row(&row.replace('@', &"x".repeat(1 << 20)));
    let file = |name, content, messages| InvalidFile { name, content, messages };
    vec![
        file("utf8.json", [b"[\"", &not_utf8[..]].concat(), &["The file is not UTF-8."]),
        file("utf8.csv", not_utf8, &["utf8.csv:3: The file is not UTF-8."]),
        file(
            "column.csv",
            valid.replace(",members", "").into_bytes(),
            &["column.csv:1: members: The column is missing."],
        ),
        file(
            "delimiter.csv",
            valid.replace(',', "|").into_bytes(),
            &["delimiter.csv:1: The first line names the columns, separated by commas, semicolons or tabs"],
        ),
        file("twice.csv", with_row("2400,dect,user,B,,,,,"), &["twice.csv:3: number: Line 2 has this number already."]),
        file(
            "owner.csv",
            with_row("2401,dect,ghost,B,,,,,"),
            &["owner.csv:3: owner: There is no account of this name."],
        ),
        file("label.csv", with_long("2401,sip,user,@,,,,,"), &["label.csv:3: label: "]),
        file("permissions.csv", with_long("2401,sip,user,A,,@,,,"), &["permissions.csv:3: permissions: "]),
        file("parameters.csv", with_long("2401,sip,user,A,,,,@,"), &["parameters.csv:3: parameters: "]),
        file("many.csv", with_long("2401,@,@,@,@,@,@,@,@\n@"), &["many.csv:3: owner: ", "many.csv:4: "]),
        file("nothing.csv", Vec::new(), &["nothing.csv:1: The file is empty"]),
        file("object.json", b"[{\"number\": 2400}]".to_vec(), &["object.json:1: "]),
    ]
}

pub async fn an_invalid_file_changes_nothing(app: TestApp) {
    let before = app.run_command_ok(&["export", "--event", "demo"]).await;
    let valid = format!("{HEADER}2400,sip,user,Arthur,,,,,\n");
    for InvalidFile { name, content, messages } in invalid_files(&valid) {
        let file = app.write_file(name, &content);
        for arguments in [vec![], vec!["--dry-run"]] {
            let refused = app.run_command(&[vec!["import", &file, "--event", "demo"], arguments].concat()).await;
            assert!(!refused.is_success && refused.stdout.is_empty(), "{name}: {refused:?}");
            let stderr = &refused.stderr;
            assert!(messages.iter().all(|message| stderr.contains(message)), "{name}: {stderr}");
            assert!(stderr.contains("nothing was imported"), "{name}: {stderr}");
            assert!(stderr.len() < 2_000, "{name}: the message repeats the invalid value");
        }
        assert_eq!(app.run_command_ok(&["export", "--event", "demo"]).await, before, "{name}");
    }
    let missing = app.run_command(&["import", "/nonexistent.csv", "--event", "demo"]).await;
    assert!(!missing.is_success && missing.stderr.contains("/nonexistent.csv"), "{missing:?}");
    let valid_file = app.write_file("valid.csv", &valid);
    let unknown_event = app.run_command(&["import", &valid_file, "--event", "nowhere"]).await;
    assert!(!unknown_event.is_success, "{unknown_event:?}");
    assert!(unknown_event.stderr.contains("There is no such event."), "{unknown_event:?}");
    assert!(!app.run_command(&["export", "--event", "nowhere"]).await.is_success);
}

pub async fn a_partial_import_keeps_the_valid_rows(app: TestApp) {
    let before = app.run_command_ok(&["export", "--event", "demo"]).await;
    let file = app.write_file("half.csv", format!("{HEADER}2400,sip,user,Arthur,,,,,\n2401,sip,ghost,B,,,,,\n"));
    let dry_run = app.run_command(&["import", &file, "--event", "demo", "--partial", "--dry-run"]).await;
    assert_eq!(dry_run.stdout, "1 would be created, 0 would be updated, 0 unchanged\n");
    assert_eq!(app.run_command_ok(&["export", "--event", "demo"]).await, before);
    let partial = app.run_command(&["import", &file, "--event", "demo", "--partial"]).await;
    assert!(!partial.is_success, "the exit status hides that rows were left out");
    assert_eq!(partial.stdout, "1 created, 0 updated, 0 unchanged\n");
    let after = app.run_command_ok(&["export", "--event", "demo"]).await;
    assert!(after.contains("\n2400,sip,user,Arthur,HIDDEN,,,"), "{after}");
}

/// Creates the event `camp` with ten thousand numbers, and returns a CSV file with an extension for each.
pub async fn ten_thousand_rows(app: &TestApp) -> String {
    let admin = app.admin().await;
    admin.creates_event("camp", json!({ "serviceTypes": ["sip"] })).await.ok();
    let range = json!({ "event": "camp", "first": "10000", "last": "19999", "label": "All" });
    admin.mutate("createNumberRange", range, "range { id }").await.ok();
    let row = |number| format!("{number},sip,user,Tent {number},PUBLIC,external,,,\n");
    HEADER.to_owned() + &(10_000..20_000).map(row).collect::<String>()
}

pub async fn ten_thousand_rows_are_imported_within_a_minute(app: TestApp) {
    let text = ten_thousand_rows(&app).await;
    let (head, _) = text.trim_end().rsplit_once('\n').unwrap();
    let invalid = app.write_file("invalid.csv", format!("{head}\n19999,sip,ghost,Tent,,,,,\n"));
    let refused = app.run_command(&["import", &invalid, "--event", "camp"]).await;
    assert!(!refused.is_success && refused.stderr.contains("invalid.csv:10001: owner: "), "{refused:?}");
    assert_eq!(app.run_command_ok(&["export", "--event", "camp"]).await, HEADER);

    let file = app.write_file("camp.csv", &text);
    let began = Instant::now();
    let report = app.run_command_ok(&["import", &file, "--event", "camp"]).await;
    assert_eq!(report, "10000 created, 0 updated, 0 unchanged\n");
    let elapsed = began.elapsed();
    println!("10,000 extensions imported in {:.1} s", elapsed.as_secs_f64());
    assert!(elapsed < Duration::from_secs(60), "{elapsed:?}");
    let report = app.run_command_ok(&["import", &file, "--event", "camp"]).await;
    assert_eq!(report, "0 created, 0 updated, 10000 unchanged\n");
    let exported = app.run_command_ok(&["export", "--event", "camp"]).await;
    assert_eq!(exported.lines().count(), 10_001);

    let query = "{ directory(event: \"camp\", search: \"tent 12345\") { nodes { number label } } }";
    let found = app.guest().query(query).await.ok();
    assert_eq!(found["nodes"], json!([{ "number": "12345", "label": "Tent 12345" }]), "{found}");
}

pub async fn an_import_shows_its_progress_on_a_terminal(app: TestApp) {
    let file = app.write_file("camp.csv", ten_thousand_rows(&app).await);
    let import = app.command(&["import", &file, "--event", "camp"]);
    let words = std::iter::once(import.get_program()).chain(import.get_args());
    let command_line: Vec<String> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    // `script` runs a command on a pseudo-terminal.
    let mut script = std::process::Command::new("script");
    script.args(["-qec", &command_line.join(" "), "/dev/null"]).env("TERM", "xterm").stdin(std::process::Stdio::null());
    let Ok(output) = tokio::task::spawn_blocking(move || script.output()).await.unwrap() else {
        println!("not tested: `script` is not installed");
        return;
    };
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && shown.contains(" %, ") && shown.contains("10000 created"), "{shown}");
}
