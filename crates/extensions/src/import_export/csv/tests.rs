use numbering::number::Number;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::import_export::row::MemberRow;
use crate::import_export::row_json;
use crate::label::Label;
use crate::visibility::Visibility;

const HEADER: &str = "number,service_type,owner,label,visibility,permissions,fallback_number,parameters,members\n";
const LIMITS: RowLimits = RowLimits { bytes: 100_000, rows: 100 };

fn number(text: &str) -> Number {
    Number::clean(text).unwrap()
}

fn group() -> ExtensionRow {
    ExtensionRow {
        number: number("0800"),
        service_type: "group".into(),
        owner: "alice".into(),
        label: Label::parse("Bob \"B\", <x>;").unwrap(),
        visibility: Visibility::Public,
        permissions: vec!["external".into(), "international".into()],
        fallback_number: Some(number("+441144960123")),
        parameters: json!({"note": "two\nlines", "n": 5}).as_object().cloned().unwrap(),
        members: Some(vec![MemberRow { number: number("2342"), delay_seconds: 10, paused: true, pending: false }]),
    }
}

fn failures(text: &str) -> Vec<String> {
    read(text.as_bytes(), LIMITS).failures.iter().map(ToString::to_string).collect()
}

#[test]
fn a_group_is_written_and_read_back() {
    let text = write([&group()]);
    assert_eq!(
        text,
        HEADER.to_owned()
            + "0800,group,alice,\"Bob \"\"B\"\", <x>;\",PUBLIC,external international,+441144960123,\
               \"{\"\"n\"\":5,\"\"note\"\":\"\"two\\nlines\"\"}\",\"[{\"\"delaySeconds\"\":10,\"\"number\"\":\"\"2342\"\",\"\"paused\"\":true}]\"\n"
    );
    let file = read(text.as_bytes(), LIMITS);
    assert_eq!(file.failures, []);
    assert_eq!(file.rows, [(2, group())]);
    assert_eq!(row_json::read(row_json::write([&group()]).as_bytes(), LIMITS).rows, [(2, group())]);
}

#[test]
fn a_manually_written_file_is_valid() {
    let text = "\u{feff}owner,number,label,service_type,visibility,permissions,fallback_number,parameters,members\r\n\
                \r\nAlice,23-42,  Zebra ,SIP,public,b  a a,,,\r\nbob,zebra,Lion,sip,,,,{},[]";
    let file = read(text.as_bytes(), LIMITS);
    assert_eq!(file.failures, []);
    let (line, zebra) = &file.rows[0];
    assert_eq!(
        (*line, zebra.number.as_str(), zebra.owner.as_str(), zebra.label.as_str()),
        (3, "2342", "alice", "Zebra")
    );
    assert_eq!(
        (zebra.permissions.join(" "), zebra.members.clone(), zebra.visibility),
        ("a b".into(), None, Visibility::Public)
    );
    let (line, lion) = &file.rows[1];
    assert_eq!(
        (*line, lion.number.as_str(), lion.members.clone(), lion.visibility),
        (4, "93272", Some(vec![]), Visibility::Hidden)
    );
}

#[test]
fn every_failure_of_the_header_is_reported() {
    assert_eq!(failures(""), ["line 1: The file is empty: it begins with a line that names the columns."]);
    let text =
        "number,number,service_type,owner,label,visibility,permissions,fallback_number,parameters,secret\n2342\n";
    assert_eq!(
        failures(text),
        [
            "line 1, column number: The column is there twice.",
            "line 1, column secret: There is no such column. The columns are number, service_type, owner, label, visibility, \
             permissions, fallback_number, parameters, members.",
            "line 1, column members: The column is missing.",
        ]
    );
}

#[test]
fn files_of_spreadsheets_are_read() {
    let rows = read(write([&group()]).as_bytes(), LIMITS).rows;
    let expected = rows[0].1.clone();
    let cells = |separator: char| {
        let text = write([&group()]);
        let mut records = Records::new(&text, ',');
        let mut lines = Vec::new();
        while let Some(record) = records.next() {
            let quoted = |cell: String| format!("\"{}\"", cell.replace('"', "\"\""));
            lines.push(record.unwrap().1.into_iter().map(quoted).collect::<Vec<_>>().join(&separator.to_string()));
        }
        lines
    };
    for (separator, declaration) in
        [(',', ""), (';', ""), ('\t', ""), (';', "sep=;\r\n"), (',', "sep=,\n"), (';', "sep=;;;\n")]
    {
        let lines = cells(separator);
        let empty = separator.to_string().repeat(8);
        let (names, row) = (lines[0].to_uppercase().replace('_', " "), &lines[1]);
        let text = format!(
            "\u{feff}{declaration}{names}{separator}{separator}\r\n{empty}\r\n{row}{separator}\r\n{empty}{separator}\r\n\r\n"
        );
        let file = read(text.as_bytes(), LIMITS);
        assert_eq!(file.failures, [], "{text}");
        assert_eq!(file.rows.iter().map(|(_, row)| row).collect::<Vec<_>>(), [&expected], "{text}");
    }
    // Rows of empty cells do not count.
    let many = HEADER.to_owned() + &",,,,,,,,\n".repeat(200) + "2001,sip,alice,One,,,,,\n";
    let file = read(many.as_bytes(), LIMITS);
    assert_eq!((file.failures.len(), file.rows[0].0), (0, 202));
}

#[test]
fn an_unknown_separator_is_one_failure() {
    let text = HEADER.replace(',', "|") + "2001|sip|alice|One|||||\n";
    let message =
        "line 1: The first line names the columns, separated by commas, semicolons or tabs; this one has none.";
    assert_eq!(failures(&text), [message]);
    assert_eq!(failures("sep=|\n2001"), [message]);
}

#[test]
fn invisible_characters_of_copied_cells_are_dropped() {
    let text = HEADER.to_owned()
        + "\u{202d}7001\u{202c},\u{feff}sip,alice\u{200b},Tent,\u{200e}PUBLIC,,\u{202d}2342\u{202c},,\u{200b}\n";
    let file = read(text.as_bytes(), LIMITS);
    assert_eq!(file.failures, []);
    let row = &file.rows[0].1;
    assert_eq!((row.number.as_str(), row.service_type.as_str(), row.owner.as_str()), ("7001", "sip", "alice"));
    assert_eq!((row.visibility, row.members.is_none()), (Visibility::Public, true));
}

#[test]
fn formulas_are_inert_and_read_back() {
    for label in ["=1+1", "x;=1+1", "＝cmd|'/c calc'!A1", "'=1", "@a", "-b", "'tis"] {
        let row = ExtensionRow { label: Label::parse(label).unwrap(), fallback_number: None, ..group() };
        let text = write([&row]);
        assert_eq!(read(text.as_bytes(), LIMITS).rows[0].1, row, "{text}");
        for cell in text.lines().skip(1).flat_map(|line| line.split([',', ';', '\t'])) {
            let first = cell.trim_start_matches(['"', ' ']).chars().next();
            assert!(!matches!(first, Some('=' | '+' | '-' | '@' | '＝')), "{text}");
        }
    }
    let plain = HEADER.to_owned() + "2001,sip,alice,=1,,,+441144960123,,\n";
    assert_eq!(read(plain.as_bytes(), LIMITS).rows[0].1.label.as_str(), "=1");
}

#[test]
fn a_key_that_is_there_twice_is_refused() {
    let text = HEADER.to_owned() + "2001,sip,alice,One,,,,\"{\"\"a\"\":3,\"\"a\"\":4}\",\n";
    assert_eq!(failures(&text), ["line 2, column parameters: An object has a key twice (line 1, character 13)."]);
}

#[test]
fn every_failure_of_a_row_is_reported_with_its_line() {
    let text = HEADER.to_owned()
        + "2001,sip,alice,One,,,,\"{\n\n}\",\n"
        + "2.2,,a b,,LOUD,\"x,y\",++,[],{}\n"
        + "2003,sip\n"
        + "2001,sip,alice,Again,,,,,\n"
        + "+441144960123,sip,alice,World,,,,,\n"
        + "2004,group,alice,G,,,,,\"[{\"\"number\"\":\"\"2\"\",\"\"delaySeconds\"\":601}]\"\n"
        + "2005,group,alice,G,,,,,\"[{\"\"number\"\":\"\"2\"\"},{\"\"number\"\":\"\"2\"\"}]\"\n";
    assert_eq!(
        failures(&text),
        [
            "line 5, column number: A number holds digits, spaces, hyphens and the letters A to Z, nothing else.",
            "line 5, column service_type: This must not be empty.",
            "line 5, column owner: A name here has letters, digits, dots, hyphens and underscores only.",
            "line 5, column label: This cannot be a label. It must not be empty.",
            "line 5, column visibility: The visibility is PUBLIC, MEMBERS, STAFF or HIDDEN.",
            "line 5, column permissions: A name here has letters, digits, dots, hyphens and underscores only.",
            "line 5, column fallback_number: A plus sign may only stand in front of a number.",
            "line 5, column parameters: This is not a JSON object (line 1, character 0).",
            "line 5, column members: This is not a JSON array of objects with number, delaySeconds, paused and pending (line 1, character 0).",
            "line 6: The row has 2 cells, the header has 9.",
            "line 7, column number: Line 2 has this number already.",
            "line 8, column number: An event's own numbers are digits without a plus sign.",
            "line 9, column members: The delay is 0 to 600 seconds.",
            "line 10, column members: 2 is a member twice.",
        ]
    );
}

#[test]
fn failures_of_a_malformed_file_have_a_line() {
    assert_eq!(
        failures(&format!("{HEADER}2001,\"sip\"x")),
        ["line 2: After a cell's closing quotation mark comes a comma or the end of the line."]
    );
    assert_eq!(
        failures(&format!("{HEADER}\n2001,\"sip\n")),
        ["line 3: The quotation marks of a cell in this row are never closed."]
    );
    assert_eq!(
        failures(&format!("{HEADER}2001,si\"p\n")),
        ["line 2: A cell that holds quotation marks must be in quotation marks, and those inside doubled."]
    );
    let mut bytes = format!("{HEADER}2001,\n").into_bytes();
    bytes.push(0xff);
    assert_eq!(read(&bytes, LIMITS).failures[0].to_string(), "line 3: The file is not UTF-8.");
    assert_eq!(
        read(&[b'x'; 100_001], LIMITS).failures[0].to_string(),
        "line 1: The file holds more than 100000 bytes."
    );
    let many: String = (2000..2101).map(|number| format!("{number},sip,alice,A,,,,,\n")).collect();
    let file = read((HEADER.to_owned() + &many).as_bytes(), LIMITS);
    assert_eq!(
        (file.rows.len(), file.failures[0].to_string()),
        (100, "line 102: The file holds more than 100 rows.".to_owned())
    );
}

#[test]
fn failures_of_json_have_a_line() {
    let wrong = |text: &str| {
        row_json::read(text.as_bytes(), LIMITS).failures.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(wrong("[\n{]"), ["line 2: The file is not a JSON array of objects."]);
    assert_eq!(
        wrong("[\n\n{\"number\":\"2342\",\"service_type\":\"sip\",\"owner\":\"a\"}]"),
        ["line 3, column label: This key is missing."]
    );
    assert_eq!(wrong("[{\"secret\":1}]").len(), 1);
    assert_eq!(wrong("[]"), Vec::<String>::new());
    let row = "{\"number\":\"2342\",\"service_type\":\"sip\",\"owner\":\"a\",\"label\":\"A\",\"parameters\":[]}";
    assert_eq!(
        wrong(&format!("[{row}]")),
        ["line 1, column parameters: This is not a JSON object (line 1, character 0)."]
    );
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from)
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..3).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

prop_compose! {
    fn member()(number in "[0-9]{1,15}", delay_seconds in 0_u16..=600, paused: bool, pending: bool) -> MemberRow {
        MemberRow { number: Number::clean(&number).unwrap(), delay_seconds, paused, pending }
    }
}

prop_compose! {
    fn row()(
        number in "[0-9]{1,15}",
        (service_type, owner) in ("[a-z][a-z0-9-]{0,31}", "[a-z0-9._-]{3,32}"),
        label in "\\PC{1,64}|[\"', =+@-]{0,20}x".prop_filter_map("no label", |text| Label::parse(&text).ok()),
        visibility in prop::sample::select(Visibility::ALL.to_vec()),
        permissions in prop::collection::btree_set("[a-z][a-z0-9-]{0,9}", 0..4),
        fallback_number in prop::option::of("[0-9]{1,15}"),
        parameters in prop::collection::btree_map(".{0,8}", json_value(), 0..4),
        members in prop::option::of(prop::collection::vec(member(), 0..4)),
    ) -> ExtensionRow {
        let members = members.map(|mut members| {
            members.sort();
            members.dedup_by(|a, b| a.number == b.number);
            members
        });
        ExtensionRow {
            number: Number::clean(&number).unwrap(),
            service_type, owner, label, visibility,
            permissions: permissions.into_iter().collect(),
            fallback_number: fallback_number.map(|text| Number::clean(&text).unwrap()),
            parameters: parameters.into_iter().collect::<Map<_, _>>(),
            members,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn rows_round_trip(rows in prop::collection::vec(row(), 0..6)) {
        let mut rows = rows;
        rows.sort_by(|a, b| a.number.cmp(&b.number));
        rows.dedup_by(|a, b| a.number == b.number);
        for file in [read(write(&rows).as_bytes(), LIMITS), row_json::read(row_json::write(&rows).as_bytes(), LIMITS)] {
            prop_assert_eq!(&file.failures, &[]);
            prop_assert_eq!(file.rows.iter().map(|(_, row)| row.clone()).collect::<Vec<_>>(), rows.clone());
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "([a-z\",\r\n ]|\"\"){0,80}") {
        let after_header = [HEADER.as_bytes(), &bytes].concat();
        for input in [&bytes, &after_header, &(HEADER.to_owned() + &text).into_bytes()] {
            read(input, LIMITS);
            row_json::read(input, LIMITS);
        }
    }

    /// Compares the cells of a well-formed text with those of the crate `csv`, and counts the lines separately.
    #[test]
    fn records_agree_with_another_parser(cells in prop::collection::vec(prop::collection::vec("[a\", \n]{0,6}", 2..4), 0..6)) {
        let text: String = cells.iter().map(|row| row.iter().cloned().map(quoted).collect::<Vec<_>>().join(",") + "\n").collect();
        let mut other_parser = ::csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        let theirs: Vec<Vec<String>> = other_parser.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
        let mut records = Records::new(&text, ',');
        let mut ours = Vec::new();
        let mut line = 1;
        while let Some(record) = records.next() {
            let (begins, cells) = record.unwrap();
            prop_assert_eq!(begins, line);
            line += 1 + cells.iter().map(|cell| cell.matches('\n').count() as u64).sum::<u64>();
            ours.push(cells);
        }
        prop_assert_eq!(&ours, &theirs);
        prop_assert_eq!(ours, cells);
    }
}
