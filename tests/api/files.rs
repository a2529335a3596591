//! `export`, `import` and `backup`: the program beside a server, on the same database.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};
use switchboard::event_files::row::{ExtensionRow, MemberRow, RowLimits};
use switchboard::event_files::{csv, row_json};
use switchboard::extensions::label::Label;
use switchboard::extensions::visibility::Visibility;
use switchboard::numbers::number::Number;
use switchboard::secrets::{Secret, open_with_passphrase};

use crate::support::{Actor, Database, TestApp};

const HEADER: &str = "number,service_type,owner,label,visibility,permissions,fallback_number,parameters,members\n";

/// A new event with the ranges and service types of the demo event.
async fn copies_the_demo(app: &TestApp, slug: &str) {
    let admin = app.sign_in("admin", "numberwang").await;
    let query = "mutation($s: String!) { createEvent(input: {slug: $s, name: \"Copy\", phase: OPEN, copyFrom: \"demo\"}) { event { slug } errors { code } } }";
    let made = admin.execute(query, json!({ "s": slug })).await;
    assert_eq!(made["data"]["createEvent"]["event"]["slug"], slug, "{made}");
}

/// One value of a strategy.
fn some<S: Strategy>(runner: &mut TestRunner, strategy: S) -> S::Value {
    strategy.new_tree(runner).unwrap().current()
}

fn parameters(runner: &mut TestRunner, service_type: &str, place: usize) -> Map<String, Value> {
    let flag = some(runner, any::<bool>());
    let value = match service_type {
        "sip" if flag => json!({ "max_contacts": some(runner, 1..=5), "codec": "G722" }),
        "dect" => json!({ "encryption": flag, "ipei": format!("{place:012}*") }),
        "cellular" => json!({ "data": flag, "imsi": format!("00101{place:010}"), "algorithm": "xor" }),
        "pots" => json!({ "line_port": format!("1/{}/{place}", place % 9 + 1) }),
        "pager" => json!({ "ric": place, "alphanumeric": flag, "baud": 512 }),
        "deskphone" => {
            json!({ "mac": format!("00:15:65:00:{:02x}:{:02x}", place / 256, place % 256), "model": "snom" })
        }
        "group" => json!({ "ring_seconds": some(runner, 5..=600) }),
        _ => json!({}),
    };
    value.as_object().cloned().unwrap()
}

fn members(runner: &mut TestRunner, capable: &[Number]) -> Vec<MemberRow> {
    let picked = some(runner, proptest::sample::subsequence(capable.to_vec(), 0..=capable.len().min(10)));
    let member = |number| MemberRow {
        number,
        delay_seconds: some(runner, 0..=600_u16),
        paused: some(runner, any::<bool>()),
        pending: some(runner, any::<bool>()),
    };
    picked.into_iter().map(member).collect()
}

/// Extensions of every kind, with labels of any script. Where calls go, and who is a member, are earlier rows.
fn random_rows(runner: &mut TestRunner, wanted: usize) -> Vec<ExtensionRow> {
    let kinds = vec!["sip", "dect", "cellular", "pots", "pager", "deskphone", "group"];
    let label = "\\PC{1,40}".prop_filter_map("a label", |text| Label::parse(&text).ok());
    let (mut rows, mut capable) = (Vec::<ExtensionRow>::new(), Vec::new());
    for place in 0..wanted {
        let service_type = some(runner, proptest::sample::select(kinds.clone()));
        let number = Number::clean(&(2_100 + place).to_string()).unwrap();
        let fallback = match some(runner, 0..4) {
            0 => Some(Number::clean("+49 30 1234567").unwrap()),
            1 if place > 0 => Some(rows[some(runner, 0..place)].number.clone()),
            _ => None,
        };
        let visibilities = vec![Visibility::Public, Visibility::Members, Visibility::Staff, Visibility::Hidden];
        let permissions = vec!["external", "international", "orga"];
        let permissions = some(runner, proptest::sample::subsequence(permissions, 0..=3));
        rows.push(ExtensionRow {
            service_type: service_type.to_owned(),
            owner: some(runner, proptest::sample::select(vec!["admin", "operator", "user"])).to_owned(),
            label: some(runner, &label),
            visibility: some(runner, proptest::sample::select(visibilities)),
            permissions: permissions.into_iter().map(str::to_owned).collect(),
            fallback_number: fallback,
            parameters: parameters(runner, service_type, place),
            members: (service_type == "group").then(|| members(runner, &capable)),
            number: number.clone(),
        });
        if ["sip", "dect", "cellular", "pots"].contains(&service_type) {
            capable.push(number);
        }
    }
    rows
}

/// The same row as it is once the server has filled in what has a default.
fn is_kept(row: &ExtensionRow, stored: &ExtensionRow) -> bool {
    let is_there = |(name, value): (&String, &Value)| stored.parameters.get(name) == Some(value);
    let stored = ExtensionRow { parameters: row.parameters.clone(), ..stored.clone() };
    row.parameters.iter().all(is_there) && stored == *row
}

pub async fn a_random_event_comes_back_exactly(app: TestApp) {
    let rows = random_rows(&mut TestRunner::default(), 120);
    let text = csv::write(&rows);
    let told = app.run_command_ok(&["import", &app.file("random.csv", &text), "--event", "demo"]).await;
    assert_eq!(told, "120 created, 0 updated, 0 unchanged\n", "{text}");

    let exported = app.run_command_ok(&["export", "--event", "demo"]).await;
    let stored = csv::read(exported.as_bytes(), RowLimits::COMMAND);
    assert_eq!((stored.failures, stored.rows.len()), (vec![], 132));
    let stored: HashMap<_, _> = stored.rows.into_iter().map(|(_, row)| (row.number.clone(), row)).collect();
    for row in &rows {
        assert!(is_kept(row, &stored[&row.number]), "{row:?} became {:?}", stored[&row.number]);
    }

    let json = app.run_command_ok(&["export", "--event", "demo", "--format", "json"]).await;
    let mut in_json: Vec<_> =
        row_json::read(json.as_bytes(), RowLimits::COMMAND).rows.into_iter().map(|(_, row)| row).collect();
    in_json.retain(|row| stored[&row.number] == *row);
    assert_eq!(in_json.len(), 132, "{json}");
    for (slug, file, content) in [("second", "again.csv", &exported), ("third", "again.json", &json)] {
        copies_the_demo(&app, slug).await;
        let file = app.file(file, content);
        let told = app.run_command_ok(&["import", &file, "--event", slug]).await;
        assert_eq!(told, "132 created, 0 updated, 0 unchanged\n", "{exported}");
        assert_eq!(app.run_command_ok(&["export", "--event", slug]).await, exported);
        let told = app.run_command_ok(&["import", &file, "--event", slug]).await;
        assert_eq!(told, "0 created, 0 updated, 132 unchanged\n", "{exported}");
    }
}

async fn password(operator: &Actor, event: &str) -> String {
    let query = "query($e: String!) { extension(event: $e, number: \"5000\") { credentials } }";
    let answer = operator.execute(query, json!({ "e": event })).await;
    answer["data"]["extension"]["credentials"]["password"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

pub async fn secrets_travel_sealed(app: TestApp) {
    let operator = app.sign_in("operator", "numberwang").await;
    let secret = password(&operator, "demo").await;
    let bare = app.run_command_ok(&["export", "--event", "demo"]).await;
    assert!(!bare.contains(&secret) && !bare.contains("password"), "an export leaves secrets out");
    let sealed = app.run_command(&["export", "--event", "demo", "--with-secrets"]).await;
    assert!(sealed.is_success, "{}", sealed.stderr);
    assert!(!sealed.stdout.contains("5000") && !sealed.stdout.contains(&secret), "nothing in the file can be read");
    let opened = |output: &[u8]| {
        let plain = open_with_passphrase(&Secret::new("mostly harmless"), output).unwrap();
        String::from_utf8(plain.to_vec()).unwrap()
    };
    let plain = opened(&sealed.raw_stdout);
    assert!(plain.contains(&format!("\"\"password\"\":\"\"{secret}\"\"")), "the secret is in it");

    let file = app.file("sealed", &sealed.raw_stdout);
    copies_the_demo(&app, "second").await;
    let mut wrong = app.command(&["import", &file, "--event", "second"]);
    let wrong = wrong.env("SWITCHBOARD_PASSPHRASE", "don't panic").output().unwrap();
    assert!(!wrong.status.success() && wrong.stdout.is_empty(), "{wrong:?}");
    assert_eq!(app.run_command_ok(&["export", "--event", "second"]).await, HEADER);
    app.run_command_ok(&["import", &file, "--event", "second"]).await;
    assert_eq!(password(&operator, "second").await, secret);
    let again = app.run_command(&["export", "--event", "second", "--with-secrets"]).await;
    assert_eq!(opened(&again.raw_stdout), plain);
    // Without secrets, those that exist stay; where none exist, the server makes them.
    let bare = app.file("bare.csv", bare);
    assert_eq!(
        app.run_command_ok(&["import", &bare, "--event", "second"]).await,
        "0 created, 0 updated, 12 unchanged\n"
    );
    copies_the_demo(&app, "third").await;
    app.run_command_ok(&["import", &bare, "--event", "third"]).await;
    assert!(password(&operator, "third").await != secret);
}

pub async fn a_broken_file_changes_nothing(app: TestApp) {
    let before = app.run_command_ok(&["export", "--event", "demo"]).await;
    let good = format!("{HEADER}2400,sip,user,Arthur,,,,,\n");
    let mut broken = good.clone().into_bytes();
    broken.extend_from_slice(b"2401,sip,user,\xff,,,,,\n");
    let big = |row: &str| format!("{good}{}", row.replace('@', &"x".repeat(1 << 20))).into_bytes();
    let cases: [(&str, Vec<u8>, &[&str]); 12] = [
        ("utf8.csv", broken.clone(), &["utf8.csv:3: The file is not UTF-8."]),
        ("utf8.json", [b"[\"", &broken[..]].concat(), &["The file is not UTF-8."]),
        ("column.csv", good.replace(",members", "").into_bytes(), &["column.csv:1: members: The column is missing."]),
        (
            "delimiter.csv",
            good.replace(',', ";").into_bytes(),
            &["There is no such column.", "number: The column is missing."],
        ),
        (
            "twice.csv",
            format!("{good}2400,dect,user,B,,,,,\n").into_bytes(),
            &["twice.csv:3: number: Line 2 has this number already."],
        ),
        (
            "owner.csv",
            format!("{good}2401,dect,ghost,B,,,,,\n").into_bytes(),
            &["owner.csv:3: owner: There is no account of this name."],
        ),
        ("label.csv", big("2401,sip,user,@,,,,,\n"), &["label.csv:3: label: "]),
        ("permissions.csv", big("2401,sip,user,A,,@,,,\n"), &["permissions.csv:3: permissions: "]),
        ("parameters.csv", big("2401,sip,user,A,,,,@,\n"), &["parameters.csv:3: parameters: "]),
        ("many.csv", big("2401,@,@,@,@,@,@,@,@\n@\n"), &["many.csv:3: owner: ", "many.csv:4: "]),
        ("nothing.csv", Vec::new(), &["nothing.csv:1: The file is empty"]),
        ("object.json", b"[{\"number\": 2400}]".to_vec(), &["object.json:1: "]),
    ];
    for (name, content, expected) in cases {
        let file = app.file(name, &content);
        for arguments in [vec![], vec!["--dry-run"]] {
            let ran = app.run_command(&[vec!["import", &file, "--event", "demo"], arguments].concat()).await;
            assert!(!ran.is_success && ran.stdout.is_empty(), "{name}: {ran:?}");
            assert!(expected.iter().all(|text| ran.stderr.contains(text)), "{name}: {}", ran.stderr);
            assert!(ran.stderr.contains("nothing was imported"), "{name}: {}", ran.stderr);
            assert!(ran.stderr.len() < 2_000, "{name}: what is wrong is not repeated in full");
        }
        assert_eq!(app.run_command_ok(&["export", "--event", "demo"]).await, before, "{name}");
    }
    let missing = app.run_command(&["import", "/nonexistent.csv", "--event", "demo"]).await;
    assert!(!missing.is_success && missing.stderr.contains("/nonexistent.csv"), "{missing:?}");
    let nowhere = app.run_command(&["import", &app.file("good.csv", &good), "--event", "nowhere"]).await;
    assert!(!nowhere.is_success && nowhere.stderr.contains("There is no such event."), "{nowhere:?}");
    assert!(!app.run_command(&["export", "--event", "nowhere"]).await.is_success);

    let half = app.file("half.csv", format!("{good}2401,sip,ghost,B,,,,,\n"));
    let dry = app.run_command(&["import", &half, "--event", "demo", "--partial", "--dry-run"]).await;
    assert_eq!(dry.stdout, "1 would be created, 0 would be updated, 0 unchanged\n");
    assert_eq!(app.run_command_ok(&["export", "--event", "demo"]).await, before);
    let partly = app.run_command(&["import", &half, "--event", "demo", "--partial"]).await;
    assert!(!partly.is_success, "a script must see that rows were left out");
    assert_eq!(partly.stdout, "1 created, 0 updated, 0 unchanged\n");
    assert!(app.run_command_ok(&["export", "--event", "demo"]).await.contains("\n2400,sip,user,Arthur,HIDDEN,,,"));
}

/// An event with room for ten thousand, and a file that fills it.
async fn ten_thousand(app: &TestApp) -> String {
    let admin = app.sign_in("admin", "numberwang").await;
    let query = "mutation { createEvent(input: {slug: \"camp\", name: \"Camp\", phase: OPEN, serviceTypes: [\"sip\"]}) { errors { code } } \
                 createNumberRange(input: {event: \"camp\", first: \"10000\", last: \"19999\", label: \"All\"}) { errors { code } } }";
    let made = admin.execute(query, json!({})).await;
    assert_eq!(made["data"]["createNumberRange"]["errors"], json!([]), "{made}");
    let row = |number| format!("{number},sip,user,Tent {number},PUBLIC,external,,,\n");
    HEADER.to_owned() + &(10_000..20_000).map(row).collect::<String>()
}

pub async fn ten_thousand_rows(app: TestApp) {
    let text = ten_thousand(&app).await;
    let (head, _) = text.trim_end().rsplit_once('\n').unwrap();
    let spoilt = app.file("spoilt.csv", format!("{head}\n19999,sip,ghost,Tent,,,,,\n"));
    let ran = app.run_command(&["import", &spoilt, "--event", "camp"]).await;
    assert!(!ran.is_success && ran.stderr.contains("spoilt.csv:10001: owner: "), "{ran:?}");
    assert_eq!(app.run_command_ok(&["export", "--event", "camp"]).await, HEADER);

    let file = app.file("camp.csv", &text);
    let begun = Instant::now();
    assert_eq!(
        app.run_command_ok(&["import", &file, "--event", "camp"]).await,
        "10000 created, 0 updated, 0 unchanged\n"
    );
    let took = begun.elapsed();
    println!("10,000 extensions imported in {:.1} s", took.as_secs_f64());
    assert!(took < Duration::from_secs(60), "{took:?}");
    assert_eq!(
        app.run_command_ok(&["import", &file, "--event", "camp"]).await,
        "0 created, 0 updated, 10000 unchanged\n"
    );
    let exported = app.run_command_ok(&["export", "--event", "camp"]).await;
    assert_eq!(exported.lines().count(), 10_001);

    let query = "{ directory(event: \"camp\", search: \"tent 12345\") { nodes { number label } } }";
    let found = app.guest().execute(query, json!({})).await;
    assert_eq!(found["data"]["directory"]["nodes"], json!([{ "number": "12345", "label": "Tent 12345" }]), "{found}");
}

pub async fn a_terminal_sees_how_far_it_is(app: TestApp) {
    let file = app.file("camp.csv", ten_thousand(&app).await);
    let program = app.command(&["import", &file, "--event", "camp"]);
    let words = std::iter::once(program.get_program()).chain(program.get_args());
    let line: Vec<String> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    let mut terminal = std::process::Command::new("script");
    terminal.args(["-qec", &line.join(" "), "/dev/null"]).env("TERM", "xterm").stdin(std::process::Stdio::null());
    let Ok(output) = tokio::task::spawn_blocking(move || terminal.output()).await.unwrap() else {
        println!("no terminal could be made: `script` is missing");
        return;
    };
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && shown.contains(" %, ") && shown.contains("10000 created"), "{shown}");
}

pub async fn a_backup_is_whole_while_others_write(app: TestApp) {
    let copy = app.folder.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    let file = copy.join("switchboard.db").to_str().unwrap().to_owned();
    if !app.app.services.store.is_embedded() {
        let refused = app.run_command(&["backup", &file]).await;
        assert!(!refused.is_success && refused.stderr.contains("pg_dump"), "{refused:?}");
        return;
    }
    let text = ten_thousand(&app).await;
    app.run_command_ok(&["import", &app.file("camp.csv", &text), "--event", "camp"]).await;
    let (written, stop) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let user = app.sign_in("user", "numberwang").await;
    let writing = tokio::spawn({
        let (written, stop) = (Arc::clone(&written), Arc::clone(&stop));
        async move {
            while !stop.load(Ordering::SeqCst) {
                let number = 2_000 + written.load(Ordering::SeqCst);
                let made = user.registers("sip", &number.to_string()).await;
                assert_eq!(made["errors"], json!([]), "a write fails beside a backup");
                written.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    while written.load(Ordering::SeqCst) < 5 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let before = written.load(Ordering::SeqCst);
    let told = app.run_command_ok(&["backup", &file]).await;
    let after = written.load(Ordering::SeqCst);
    stop.store(true, Ordering::SeqCst);
    writing.await.unwrap();
    assert!(told.contains("sealing key is not in it"), "{told}");
    assert!(after > before + 1, "others wrote meanwhile: {before}, {after}");
    assert!(!app.run_command(&["backup", &file]).await.is_success, "a backup is not written over");

    // The copy, with the key beside it, is an installation.
    assert!(std::fs::read_dir(&copy).unwrap().count() == 1, "the database is all there is");
    let mut there = app.clone();
    there.database = Database::Sqlite(file.clone().into());
    let exported = there.run_command_ok(&["export", "--event", "demo"]).await;
    let rows = u32::try_from(exported.lines().count()).unwrap() - 13;
    assert!((before..=after + 1).contains(&rows), "{before} ≤ {rows} ≤ {after}");
    assert_eq!(there.run_command_ok(&["export", "--event", "camp"]).await.lines().count(), 10_001);
    assert!(there.run_command(&["export", "--event", "demo", "--with-secrets"]).await.is_success, "its secrets open");
    assert!(there.run_command_ok(&["audit", "verify"]).await.contains("The audit is whole"));
}
