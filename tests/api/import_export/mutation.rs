//! `importExtensions`.

use serde_json::{Value, json};

use super::HEADER;
use crate::support::{Actor, Response, Scope, TestApp};

pub fn csv(rows: &[&str]) -> String {
    format!("{HEADER}{}\n", rows.join("\n"))
}

/// Imports into the demo event; without further input as a dry run.
async fn import_with(actor: &Actor, csv: &str, more: Value) -> Response {
    let mut input = json!({ "event": "demo", "csv": csv });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let selection = "created updated unchanged failures { line column code message }";
    actor.mutate("importExtensions", input, selection).await
}

/// Imports all rows or none.
pub async fn import(actor: &Actor, csv: &str) -> Response {
    import_with(actor, csv, json!({ "dryRun": false })).await
}

/// Imports the valid rows.
pub async fn import_valid_rows(actor: &Actor, csv: &str) -> Response {
    import_with(actor, csv, json!({ "dryRun": false, "atomic": false })).await
}

/// The result of an import.
#[derive(Debug, PartialEq)]
pub struct Counts {
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
}

pub const NOTHING: Counts = Counts { created: 0, updated: 0, unchanged: 0 };

pub const fn created(created: u64) -> Counts {
    Counts { created, ..NOTHING }
}

const fn unchanged(unchanged: u64) -> Counts {
    Counts { unchanged, ..NOTHING }
}

pub fn counts(response: &Response) -> Counts {
    let count = |name: &str| response[name].as_u64().unwrap_or_else(|| panic!("{response}"));
    Counts { created: count("created"), updated: count("updated"), unchanged: count("unchanged") }
}

/// The failures as `LINE COLUMN CODE`.
pub fn failures(response: &Response) -> Vec<String> {
    let failures = response["failures"].as_array().unwrap_or_else(|| panic!("{response}"));
    let column = |failure: &Value| failure["column"].as_str().unwrap_or("-").to_owned();
    failures
        .iter()
        .map(|failure| format!("{} {} {}", failure["line"], column(failure), failure["code"].as_str().unwrap()))
        .collect()
}

/// All numbers of the event, as an operator sees them.
async fn numbers(operator: &Actor) -> Vec<String> {
    let list = operator.query("{ extensions(event: \"demo\", first: 100) { nodes { number } } }").await.ok();
    let nodes = list["nodes"].as_array().unwrap();
    let mut numbers: Vec<_> = nodes.iter().map(|node| node["number"].as_str().unwrap().to_owned()).collect();
    numbers.sort();
    numbers
}

pub async fn rows_create_update_and_leave_extensions(app: TestApp) {
    let operator = app.operator().await;
    let text = csv(&[
        "2400,sip,user,Arthur,PUBLIC,orga external,,\"{\"\"codec\"\":\"\"opus\"\"}\",",
        "24-01,DECT,Operator,Ford,,,,,",
    ]);
    let dry_run = import_with(&operator, &text, json!({})).await;
    assert_eq!(counts(&dry_run), created(2), "the default is a dry run: {dry_run}");
    assert!(operator.extension("2400").await.is_null());
    let imported = import(&operator, &text).await;
    assert_eq!((counts(&imported), failures(&imported)), (created(2), vec![]), "{imported}");
    let arthur = operator.extension("2400").await;
    let secrets = operator.credentials("2400").await;
    assert_eq!((&arthur["label"], &arthur["visibility"]), (&json!("Arthur"), &json!("PUBLIC")));
    assert_eq!(arthur["parameters"], json!({ "codec": "opus", "max_contacts": 2 }));
    assert_eq!(arthur["permissions"], json!([{ "slug": "external" }, { "slug": "orga" }]));
    assert_eq!(arthur["owner"]["username"], "user");
    assert!(secrets["password"].is_string(), "{secrets}");

    assert_eq!(counts(&import(&operator, &text).await), unchanged(2));
    assert_eq!(operator.extension("2400").await, arthur);
    assert_eq!(operator.credentials("2400").await, secrets);

    // A row is complete: an empty cell clears or resets the value. Secrets are kept.
    let changed =
        import(&operator, &csv(&["2400,sip,user,Dent,,,+4930 1234567,,", "2401,dect,operator,Ford,,,,,"])).await;
    assert_eq!(counts(&changed), Counts { created: 0, updated: 1, unchanged: 1 }, "{changed}");
    let dent = operator.extension("2400").await;
    assert_eq!(dent["version"].as_i64(), arthur["version"].as_i64().map(|version| version + 1));
    assert_eq!((&dent["label"], &dent["visibility"]), (&json!("Dent"), &json!("HIDDEN")));
    assert_eq!(dent["parameters"], json!({ "codec": "PCMA", "max_contacts": 2 }));
    assert_eq!((&dent["permissions"], &dent["fallbackNumber"]), (&json!([]), &json!("+49301234567")));
    assert_eq!(operator.credentials("2400").await, secrets);
    let found = app.guest().query("{ directory(event: \"demo\", search: \"dent\") { nodes { number } } }").await.ok();
    assert_eq!(found["nodes"], json!([]), "a hidden extension is in the directory");
}

/// Rows with every kind of fault and the expected failures, with valid rows between them. The demo's extensions belong
/// to the operator.
const INVALID_ROWS: &[(&str, &[&str])] = &[
    ("2400,sip,nobody,A,,,,,", &["owner NOT_FOUND"]),
    ("2401,telex,user,A,,,,,", &["service_type NOT_FOUND"]),
    ("1125,sip,user,A,,,,,", &["number NUMBER_OUT_OF_RANGE"]),
    ("2402,sip,user,A,LOUD,,,,", &["visibility INVALID"]),
    ("2403,sip,user,,,,,,", &["label INVALID"]),
    ("2404,sip,user,A,,shouting,,,", &["permissions NOT_FOUND"]),
    ("2405,sip,user,A,,,,\"{\"\"max_contacts\"\":9}\",", &["parameters SCHEMA_VIOLATION"]),
    ("2406,pager,user,A,,,,\"{\"\"ric\"\":133701}\",", &["parameters ALREADY_EXISTS"]),
    ("2407,pager,user,A,,,,\"{\"\"ric\"\":7}\",", &[]),
    ("2408,pager,user,A,,,,\"{\"\"ric\"\":7}\",", &["parameters ALREADY_EXISTS"]),
    ("5000,sip,user,A,,,,,", &["owner CONFLICT"]),
    ("5001,sip,operator,A,,,,,", &["service_type CONFLICT"]),
    ("2407,sip,user,A,,,,,", &["number INVALID"]),
    ("2409,sip,user,A,,,,,", &["number RESTRICTED"]),
    ("2410,sip,operator,A,,,,,", &["number NUMBER_UNAVAILABLE"]),
    ("+49301234567,sip,user,A,,,,,", &["number INVALID"]),
    ("20,sip,user,A,,,,,", &["number CONFLICT"]),
    ("2411,sip,user,A,,,5999,,", &["fallback_number NOT_FOUND"]),
    ("2412,group,user,A,,,,,\"[{\"\"number\"\":\"\"5007\"\"}]\"", &["members INVALID"]),
    ("2413,sip,user,A,,,,not JSON,", &["parameters INVALID"]),
    ("2414,sip,user,A,,,,\"{\"\"line\"\":1}\",", &["parameters SCHEMA_VIOLATION"]),
    ("2415,sip,user", &["- INVALID"]),
    ("2416,sip,user,A,,,,,", &[]),
    ("2418,cellular,user,A,,,,\"{\"\"imsi\"\":\"\"001010000000001\"\"}\",", &["parameters FEATURE_DENIED"]),
    ("2419,sip,user,A,,,2420,,", &["fallback_number GROUP_LOOP"]),
    ("2420,sip,user,A,,,2419,,", &["fallback_number GROUP_LOOP"]),
    ("2421,sip,nobody,,,,,,", &["label INVALID"]),
];

pub async fn every_invalid_row_is_reported(app: TestApp) {
    let (user, operator) = (app.user().await, app.operator().await);
    operator.bars("2409").await.ok();
    let held = user.registers("sip", "2410").await.id();
    user.deletes(&held).await.ok();
    let before = numbers(&operator).await;

    let rows: Vec<&str> = INVALID_ROWS.iter().map(|(row, _)| *row).collect();
    let expected: Vec<String> = (2..)
        .zip(INVALID_ROWS)
        .flat_map(|(line, (_, failures))| failures.iter().map(move |failure| format!("{line} {failure}")))
        .collect();
    let refused = import(&operator, &csv(&rows)).await;
    assert_eq!(failures(&refused), expected, "{refused}");
    assert_eq!((counts(&refused), &refused["errors"]), (NOTHING, &json!([])));
    assert_eq!(numbers(&operator).await, before);

    let partial = import_valid_rows(&operator, &csv(&rows)).await;
    assert_eq!((counts(&partial), failures(&partial)), (created(2), expected), "{partial}");
    let mut after = before;
    after.extend(["2407".to_owned(), "2416".to_owned()]);
    after.sort();
    assert_eq!(numbers(&operator).await, after);
}

pub async fn a_malformed_file_changes_nothing(app: TestApp) {
    let operator = app.operator().await;
    let before = numbers(&operator).await;
    let valid = "2400,sip,user,A,,,,,";
    let long = |character: &str| character.repeat(200_000);
    let with_row = |row: String| csv(&[valid, &row]);
    let too_many: Vec<String> = (0..1_001).map(|row| format!("{},sip,user,A,,,,,", 3000 + row)).collect();
    let too_many: Vec<&str> = too_many.iter().map(String::as_str).collect();
    for (text, expected) in [
        (String::new(), "1 - INVALID"),
        (csv(&[valid]).replace(",members", ""), "1 members INVALID"),
        (csv(&[valid]).replace(",label,", ",name,"), "1 name INVALID;1 label INVALID"),
        (csv(&[valid, "\"2401,sip,user,A,,,,,"]), "3 - INVALID"),
        (csv(&[valid, "2401,sip,user,A \"B\",,,,,"]), "3 - INVALID"),
        (csv(&[valid, valid]), "3 number INVALID"),
        (csv(&too_many), "1002 - INVALID"),
        (with_row(format!("2401,sip,user,{},,,,,", long("x"))), "3 label INVALID"),
        (with_row(format!("2401,sip,{},A,,,,,", long("x"))), "3 owner INVALID"),
        (with_row(format!("{},sip,user,A,,,,,", long("2"))), "3 number INVALID"),
        (with_row(format!("2401,sip,user,A,,{},,,", long("x"))), "3 permissions INVALID"),
        (with_row(format!("2401,sip,user,A,,,{},,", long("2"))), "3 fallback_number INVALID"),
        (with_row(format!("2401,sip,user,A,,,,{},", long("["))), "3 parameters INVALID"),
        (with_row(format!("2401,group,user,A,,,,,{}", long("["))), "3 members INVALID"),
    ] {
        let refused = import(&operator, &text).await;
        assert_eq!(failures(&refused).join(";"), expected, "{}", &text[..text.len().min(200)]);
        assert_eq!(counts(&refused), NOTHING);
    }
    let bars = import(&operator, &csv(&[valid]).replace(',', "|")).await;
    assert_eq!(failures(&bars), ["1 - INVALID"], "{bars}");
    let too_large = import_with(&operator, &"x".repeat(1 << 20), json!({})).await;
    assert_eq!(too_large.rejection(), "PAYLOAD_TOO_LARGE");
    assert_eq!(numbers(&operator).await, before);
    // A byte order mark is accepted.
    assert_eq!(counts(&import(&operator, &format!("\u{feff}{}", csv(&[valid]))).await), created(1));
}

pub async fn only_operators_import(app: TestApp) {
    let text = csv(&["2400,sip,user,A,,,,,"]);
    assert_eq!(import(&app.guest(), &text).await.rejection(), "UNAUTHENTICATED");
    assert_eq!(import(&app.user().await, &text).await.rejection(), "FORBIDDEN");
    let (operator, admin) = (app.operator().await, app.admin().await);
    let unknown_event = import_with(&operator, &text, json!({ "event": "nowhere", "dryRun": false })).await;
    assert_eq!(unknown_event.refusal(), "NOT_FOUND at event");
    admin.sets_phase("FROZEN").await.ok();
    assert_eq!(counts(&import(&operator, &text).await), created(1), "operators import until the event is archived");
    admin.sets_phase("ARCHIVED").await.ok();
    assert_eq!(import(&admin, &text).await.code(), "EVENT_CLOSED");
}

pub async fn groups_and_fallbacks_are_imported(app: TestApp) {
    let admin = app.admin().await;
    let members = json!([
        { "number": "2501", "delaySeconds": 10 },
        { "number": "5000", "paused": true },
        { "number": "2502" },
    ]);
    let members = format!("\"{}\"", members.to_string().replace('"', "\"\""));
    // The group comes before its fallback and its members.
    let group = format!("2500,group,user,Choir,PUBLIC,,2501,,{members}");
    let text = csv(&[&group, "2501,sip,user,Alto,,,5000,,", "2502,dect,admin,Bass,,,+49301234567,,"]);
    let imported = import(&admin, &text).await;
    assert_eq!((counts(&imported), failures(&imported)), (created(3), vec![]), "{imported}");
    let choir = admin.extension("2500").await;
    assert_eq!(choir["fallbackNumber"], "2501");
    // Members of the group's owner and of the importing admin are active at once; the operator is invited.
    assert_eq!(
        choir["members"],
        json!([
            { "number": "2502", "delaySeconds": 0, "paused": false, "membership": "ACTIVE" },
            { "number": "5000", "delaySeconds": 0, "paused": true, "membership": "PENDING" },
            { "number": "2501", "delaySeconds": 10, "paused": false, "membership": "ACTIVE" },
        ])
    );
    assert_eq!(admin.extension("2501").await["fallbackNumber"], "5000");
    assert_eq!(counts(&import(&admin, &text).await), unchanged(3));
    // An empty cell keeps the members; an empty list removes them.
    let kept = import(&admin, &csv(&["2500,group,user,Chorus,PUBLIC,,,,"])).await;
    assert_eq!(counts(&kept), Counts { updated: 1, ..NOTHING }, "{kept}");
    let chorus = admin.extension("2500").await;
    assert_eq!((chorus["members"].as_array().unwrap().len(), &chorus["fallbackNumber"]), (3, &Value::Null));
    import(&admin, &csv(&["2500,group,user,Chorus,PUBLIC,,,,[]"])).await.ok();
    assert_eq!(admin.extension("2500").await["members"], json!([]));
    let members: Vec<String> = (0..11).map(|member| format!("{{\"\"number\"\":\"\"26{member:02}\"\"}}")).collect();
    let mut rows: Vec<String> = (0..11).map(|member| format!("26{member:02},sip,user,M,,,,,")).collect();
    rows.push(format!("2500,group,user,Chorus,,,,,\"[{}]\"", members.join(",")));
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    assert_eq!(failures(&import(&admin, &csv(&rows)).await), ["13 members QUOTA_EXCEEDED"]);
}

pub async fn unique_values_can_be_exchanged_within_a_file(app: TestApp) {
    let operator = app.operator().await;
    let pagers = |first: u32, second: u32| {
        let row = |number: u32, ric: u32| format!("{number},pager,user,P,,,,\"{{\"\"ric\"\":{ric}}}\",");
        csv(&[&row(2400, first), &row(2401, second)])
    };
    assert_eq!(counts(&import(&operator, &pagers(1, 2)).await), created(2));
    assert_eq!(counts(&import(&operator, &pagers(2, 1)).await), Counts { updated: 2, ..NOTHING });
    assert_eq!(operator.extension("2400").await["parameters"]["ric"], 2);
    assert_eq!(failures(&import(&operator, &pagers(3, 3)).await), ["3 parameters ALREADY_EXISTS"]);
    // A value that an invalid row would have released is not free.
    let text = csv(&["2400,pager,user,,,,,\"{\"\"ric\"\":9}\",", "2401,pager,user,P,,,,\"{\"\"ric\"\":2}\","]);
    let partial = import_valid_rows(&operator, &text).await;
    assert_eq!(failures(&partial), ["2 label INVALID", "3 parameters ALREADY_EXISTS"]);
}

pub async fn an_import_is_one_revision_of_a_feed(app: TestApp) {
    let admin = app.admin().await;
    let system = admin.connects_system(Scope::ReadConfig, "sip").await;
    let query = "{ provisioning(event: \"demo\", serviceType: \"sip\") { digest snapshot { totalCount head } } }";
    let before = system.key.query(query).await.ok();
    let rows: Vec<String> = (2400..2450).map(|number| format!("{number},sip,user,A,,,,,")).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    assert_eq!(counts(&import(&admin, &csv(&rows)).await), created(50));
    let changes = "query($since: FeedCursor!) { provisioning(event: \"demo\", serviceType: \"sip\") { \
                   changes(since: $since) { ... on FeedPage { cursor hasMore changes { __typename } } } } }";
    let feed = system.key.query_with(changes, json!({ "since": before["snapshot"]["head"] })).await.ok();
    let page = &feed["changes"];
    assert_eq!(page["changes"].as_array().unwrap().len(), 50, "{page}");
    let after = system.key.query(query).await.ok();
    assert_eq!(page["cursor"], after["snapshot"]["head"], "{page}");
    assert_eq!(after["snapshot"]["totalCount"], 53, "{after}");
    // An import without changes adds no revision.
    assert_eq!(counts(&import(&admin, &csv(&rows)).await), unchanged(50));
    assert_eq!(system.key.query(query).await.ok(), after);
}
