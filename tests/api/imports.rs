//! `importExtensions`.

use serde_json::{Value, json};

use crate::support::{Actor, TestApp, error_code};

const HEADER: &str = "number,service_type,owner,label,visibility,permissions,fallback_number,parameters,members";

fn csv(rows: &[&str]) -> String {
    format!("{HEADER}\n{}\n", rows.join("\n"))
}

async fn asks(person: &Actor, input: Value) -> Value {
    let query = "mutation($i: ImportExtensionsInput!) { importExtensions(input: $i) \
                 { created updated unchanged failures { line column code message } errors { code path } } }";
    person.execute(query, json!({ "i": input })).await
}

/// Imports for good, all or nothing.
async fn imports(person: &Actor, text: &str) -> Value {
    let answer = asks(person, json!({ "event": "demo", "csv": text, "dryRun": false })).await;
    answer["data"]["importExtensions"].clone()
}

fn counts(payload: &Value) -> [u64; 3] {
    ["created", "updated", "unchanged"].map(|name| payload[name].as_u64().unwrap_or_else(|| panic!("{payload}")))
}

/// What is wrong, as `LINE COLUMN CODE`.
fn failures(payload: &Value) -> Vec<String> {
    let told = payload["failures"].as_array().unwrap_or_else(|| panic!("{payload}"));
    let column = |failure: &Value| failure["column"].as_str().unwrap_or("-").to_owned();
    told.iter()
        .map(|failure| format!("{} {} {}", failure["line"], column(failure), failure["code"].as_str().unwrap()))
        .collect()
}

async fn extension(person: &Actor, number: &str) -> Value {
    let query = "query($n: PhoneNumber!) { extension(event: \"demo\", number: $n) { label visibility version parameters credentials fallbackNumber \
                 owner { username } permissions { slug } members { number delaySeconds paused membership } } }";
    person.execute(query, json!({ "n": number })).await["data"]["extension"].clone()
}

/// All numbers of the event, as an operator sees them.
async fn numbers(operator: &Actor) -> Vec<String> {
    let query = "{ extensions(event: \"demo\", first: 100) { nodes { number } } }";
    let answer = operator.execute(query, json!({})).await;
    let nodes = answer["data"]["extensions"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let mut numbers: Vec<_> = nodes.iter().map(|node| node["number"].as_str().unwrap().to_owned()).collect();
    numbers.sort();
    numbers
}

pub async fn rows_make_change_and_rest(app: TestApp) {
    let operator = app.sign_in("operator", "numberwang").await;
    let text = csv(&[
        "2400,sip,user,Arthur,PUBLIC,orga external,,\"{\"\"codec\"\":\"\"opus\"\"}\",",
        "24-01,DECT,Operator,Ford,,,,,",
    ]);
    // A dry run is what happens when nothing is said.
    let told = asks(&operator, json!({ "event": "demo", "csv": text })).await;
    assert_eq!(counts(&told["data"]["importExtensions"]), [2, 0, 0], "{told}");
    assert!(extension(&operator, "2400").await.is_null());
    let made = imports(&operator, &text).await;
    assert_eq!((counts(&made), failures(&made)), ([2, 0, 0], vec![]), "{made}");
    let arthur = extension(&operator, "2400").await;
    assert_eq!((&arthur["label"], &arthur["visibility"]), (&json!("Arthur"), &json!("PUBLIC")));
    assert_eq!(arthur["parameters"], json!({ "codec": "opus", "max_contacts": 2 }));
    assert_eq!(arthur["permissions"], json!([{ "slug": "external" }, { "slug": "orga" }]));
    assert_eq!(arthur["owner"]["username"], "user");
    assert!(arthur["credentials"]["password"].is_string(), "{arthur}");

    assert_eq!(counts(&imports(&operator, &text).await), [0, 0, 2]);
    assert_eq!(extension(&operator, "2400").await, arthur);

    // The row says all: what it leaves out goes, but not the secret.
    let changed =
        imports(&operator, &csv(&["2400,sip,user,Dent,,,+4930 1234567,,", "2401,dect,operator,Ford,,,,,"])).await;
    assert_eq!(counts(&changed), [0, 1, 1], "{changed}");
    let dent = extension(&operator, "2400").await;
    assert_eq!(dent["version"].as_i64(), arthur["version"].as_i64().map(|version| version + 1));
    assert_eq!((&dent["label"], &dent["visibility"]), (&json!("Dent"), &json!("HIDDEN")));
    assert_eq!(dent["parameters"], json!({ "codec": "PCMA", "max_contacts": 2 }));
    assert_eq!((&dent["permissions"], &dent["fallbackNumber"]), (&json!([]), &json!("+49301234567")));
    assert_eq!(dent["credentials"], arthur["credentials"]);
    let found =
        app.guest().execute("{ directory(event: \"demo\", search: \"dent\") { nodes { number } } }", json!({})).await;
    assert_eq!(found["data"]["directory"]["nodes"], json!([]), "what became hidden is not found");
}

/// A row for every way to be wrong, sound ones between them; the demo's own extensions are the operator's.
const BAD: &[(&str, &[&str])] = &[
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

pub async fn every_bad_row_is_told(app: TestApp) {
    let (user, operator) = (app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let bar =
        "mutation { barNumber(input: {event: \"demo\", number: \"2409\", reason: \"noise\"}) { errors { code } } }";
    operator.execute(bar, json!({})).await;
    let held = user.registers("sip", "2410").await["extension"]["id"].clone();
    user.execute("mutation($i: ID!) { deleteExtension(input: {id: $i}) { errors { code } } }", json!({ "i": held }))
        .await;
    let before = numbers(&operator).await;

    let rows: Vec<&str> = BAD.iter().map(|(row, _)| *row).collect();
    let expected: Vec<String> = (2..)
        .zip(BAD)
        .flat_map(|(line, (_, wrong))| wrong.iter().map(move |wrong| format!("{line} {wrong}")))
        .collect();
    let refused = imports(&operator, &csv(&rows)).await;
    assert_eq!(failures(&refused), expected, "{refused}");
    assert_eq!((counts(&refused), &refused["errors"]), ([0, 0, 0], &json!([])));
    assert_eq!(numbers(&operator).await, before);

    let partly = json!({ "event": "demo", "csv": csv(&rows), "dryRun": false, "atomic": false });
    let partly = asks(&operator, partly).await["data"]["importExtensions"].clone();
    assert_eq!((counts(&partly), failures(&partly)), ([2, 0, 0], expected), "{partly}");
    let mut after = before;
    after.extend(["2407".to_owned(), "2416".to_owned()]);
    after.sort();
    assert_eq!(numbers(&operator).await, after);
}

pub async fn a_file_that_is_no_csv_changes_nothing(app: TestApp) {
    let operator = app.sign_in("operator", "numberwang").await;
    let before = numbers(&operator).await;
    let good = "2400,sip,user,A,,,,,";
    let big = |column: &str| match column {
        "label" => csv(&[good, &format!("2401,sip,user,{},,,,,", "x".repeat(200_000))]),
        "owner" => csv(&[good, &format!("2401,sip,{},A,,,,,", "x".repeat(200_000))]),
        "number" => csv(&[good, &format!("{},sip,user,A,,,,,", "2".repeat(200_000))]),
        "permissions" => csv(&[good, &format!("2401,sip,user,A,,{},,,", "x".repeat(200_000))]),
        "fallback_number" => csv(&[good, &format!("2401,sip,user,A,,,{},,", "2".repeat(200_000))]),
        "parameters" => csv(&[good, &format!("2401,sip,user,A,,,,{},", "[".repeat(200_000))]),
        _ => csv(&[good, &format!("2401,group,user,A,,,,,{}", "[".repeat(200_000))]),
    };
    let too_many: Vec<String> = (0..1_001).map(|row| format!("{},sip,user,A,,,,,", 3000 + row)).collect();
    let too_many: Vec<&str> = too_many.iter().map(String::as_str).collect();
    let cases = [
        (String::new(), "1 - INVALID"),
        (csv(&[good]).replace(",members", ""), "1 members INVALID"),
        (csv(&[good]).replace(",label,", ",name,"), "1 name INVALID;1 label INVALID"),
        (csv(&[good, "\"2401,sip,user,A,,,,,"]), "3 - INVALID"),
        (csv(&[good, "2401,sip,user,A \"B\",,,,,"]), "3 - INVALID"),
        (csv(&[good, good]), "3 number INVALID"),
        (csv(&too_many), "1002 - INVALID"),
        (big("label"), "3 label INVALID"),
        (big("owner"), "3 owner INVALID"),
        (big("number"), "3 number INVALID"),
        (big("permissions"), "3 permissions INVALID"),
        (big("fallback_number"), "3 fallback_number INVALID"),
        (big("parameters"), "3 parameters INVALID"),
        (big("members"), "3 members INVALID"),
    ];
    for (text, expected) in cases {
        let refused = imports(&operator, &text).await;
        assert_eq!(failures(&refused).join(";"), expected, "{}", &text[..text.len().min(200)]);
        assert_eq!(counts(&refused), [0, 0, 0]);
    }
    let delimited = imports(&operator, &csv(&[good]).replace(',', ";")).await;
    let missing = HEADER.split(',').map(|column| format!("1 {column} INVALID"));
    assert_eq!(failures(&delimited)[1..], missing.collect::<Vec<_>>(), "{delimited}");
    let huge = asks(&operator, json!({ "event": "demo", "csv": "x".repeat(1 << 20) })).await;
    assert_eq!(huge["errors"][0]["extensions"]["code"], "PAYLOAD_TOO_LARGE", "{huge}");
    assert_eq!(numbers(&operator).await, before);
    // A byte order mark is no mistake.
    assert_eq!(counts(&imports(&operator, &format!("\u{feff}{}", csv(&[good]))).await), [1, 0, 0]);
}

pub async fn only_operators_import(app: TestApp) {
    let text = csv(&["2400,sip,user,A,,,,,"]);
    let input = |event: &str| json!({ "event": event, "csv": text, "dryRun": false });
    let guest = asks(&app.guest(), input("demo")).await;
    assert_eq!(guest["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{guest}");
    let user = asks(&app.sign_in("user", "numberwang").await, input("demo")).await;
    assert_eq!(user["errors"][0]["extensions"]["code"], "FORBIDDEN", "{user}");
    let (operator, admin) = (app.sign_in("operator", "numberwang").await, app.sign_in("admin", "numberwang").await);
    let nowhere = asks(&operator, input("nowhere")).await["data"]["importExtensions"].clone();
    assert_eq!((error_code(&nowhere), &nowhere["errors"][0]["path"]), ("NOT_FOUND", &json!(["event"])), "{nowhere}");
    let phase = |phase: &str| {
        format!("mutation {{ updateEvent(input: {{slug: \"demo\", phase: {phase}}}) {{ errors {{ code }} }} }}")
    };
    admin.execute(&phase("FROZEN"), json!({})).await;
    assert_eq!(counts(&imports(&operator, &text).await), [1, 0, 0], "an operator may, in any phase but one");
    admin.execute(&phase("ARCHIVED"), json!({})).await;
    assert_eq!(error_code(&imports(&admin, &text).await), "EVENT_CLOSED");
}

pub async fn groups_and_fallbacks_are_imported(app: TestApp) {
    let admin = app.sign_in("admin", "numberwang").await;
    let members = "\"[{\"\"number\"\":\"\"2501\"\",\"\"delaySeconds\"\":10},{\"\"number\"\":\"\"5000\"\",\"\"paused\"\":true},{\"\"number\"\":\"\"2502\"\"}]\"";
    // The group and its fallback stand before what they refer to.
    let group = format!("2500,group,user,Choir,PUBLIC,,2501,,{members}");
    let text = csv(&[&group, "2501,sip,user,Alto,,,5000,,", "2502,dect,admin,Bass,,,+49301234567,,"]);
    let made = imports(&admin, &text).await;
    assert_eq!((counts(&made), failures(&made)), ([3, 0, 0], vec![]), "{made}");
    let choir = extension(&admin, "2500").await;
    assert_eq!(choir["fallbackNumber"], "2501");
    // The group's own and the importer's own are members at once; the operator is asked.
    assert_eq!(
        choir["members"],
        json!([
            { "number": "2502", "delaySeconds": 0, "paused": false, "membership": "ACTIVE" },
            { "number": "5000", "delaySeconds": 0, "paused": true, "membership": "PENDING" },
            { "number": "2501", "delaySeconds": 10, "paused": false, "membership": "ACTIVE" },
        ])
    );
    assert_eq!(extension(&admin, "2501").await["fallbackNumber"], "5000");
    assert_eq!(counts(&imports(&admin, &text).await), [0, 0, 3]);
    // An empty cell leaves the members as they are, an empty list ends them.
    let kept = imports(&admin, &csv(&["2500,group,user,Chorus,PUBLIC,,,,"])).await;
    assert_eq!(counts(&kept), [0, 1, 0], "{kept}");
    let chorus = extension(&admin, "2500").await;
    assert_eq!((chorus["members"].as_array().unwrap().len(), &chorus["fallbackNumber"]), (3, &Value::Null));
    imports(&admin, &csv(&["2500,group,user,Chorus,PUBLIC,,,,[]"])).await;
    assert_eq!(extension(&admin, "2500").await["members"], json!([]));
    let listed: Vec<String> = (0..11).map(|member| format!("{{\"\"number\"\":\"\"26{member:02}\"\"}}")).collect();
    let mut rows: Vec<String> = (0..11).map(|member| format!("26{member:02},sip,user,M,,,,,")).collect();
    rows.push(format!("2500,group,user,Chorus,,,,,\"[{}]\"", listed.join(",")));
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    assert_eq!(failures(&imports(&admin, &csv(&rows)).await), ["13 members QUOTA_EXCEEDED"]);
}

pub async fn values_change_hands_within_a_file(app: TestApp) {
    let operator = app.sign_in("operator", "numberwang").await;
    let pagers = |first: u32, second: u32| {
        let row = |number: u32, ric: u32| format!("{number},pager,user,P,,,,\"{{\"\"ric\"\":{ric}}}\",");
        csv(&[&row(2400, first), &row(2401, second)])
    };
    assert_eq!(counts(&imports(&operator, &pagers(1, 2)).await), [2, 0, 0]);
    assert_eq!(counts(&imports(&operator, &pagers(2, 1)).await), [0, 2, 0]);
    assert_eq!(extension(&operator, "2400").await["parameters"]["ric"], 2);
    let same = imports(&operator, &pagers(3, 3)).await;
    assert_eq!(failures(&same), ["3 parameters ALREADY_EXISTS"]);
    // A value that a bad row would have given up is not free.
    let text = csv(&["2400,pager,user,,,,,\"{\"\"ric\"\":9}\",", "2401,pager,user,P,,,,\"{\"\"ric\"\":2}\","]);
    let partly = json!({ "event": "demo", "csv": text, "dryRun": false, "atomic": false });
    let partly = asks(&operator, partly).await["data"]["importExtensions"].clone();
    assert_eq!(failures(&partly), ["2 label INVALID", "3 parameters ALREADY_EXISTS"]);
}

pub async fn an_import_is_one_revision_of_a_feed(app: TestApp) {
    let admin = app.sign_in("admin", "numberwang").await;
    let create = "mutation { createApiKey(input: {label: \"pbx\", scopes: [READ_CONFIG], serviceTypes: [\"sip\"], events: [\"demo\"]}) { secret } }";
    let made = admin.execute(create, json!({})).await;
    let key = app.with_token(made["data"]["createApiKey"]["secret"].as_str().unwrap());
    let snapshot = "{ provisioning(event: \"demo\", serviceType: \"sip\") { digest snapshot { totalCount head } } }";
    let before = key.execute(snapshot, json!({})).await["data"]["provisioning"].clone();
    let rows: Vec<String> = (2400..2450).map(|number| format!("{number},sip,user,A,,,,,")).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    assert_eq!(counts(&imports(&admin, &csv(&rows)).await), [50, 0, 0]);
    let changes = "query($s: FeedCursor!) { provisioning(event: \"demo\", serviceType: \"sip\") { changes(since: $s) { ... on FeedPage { cursor hasMore changes { \
                   __typename ... on FeedUpsert { extension { number } } } } } } }";
    let page = key.execute(changes, json!({ "s": before["snapshot"]["head"] })).await;
    let page = &page["data"]["provisioning"]["changes"];
    let told: Vec<_> =
        page["changes"].as_array().unwrap().iter().map(|change| &change["extension"]["number"]).collect();
    assert_eq!(told.len(), 50, "{page}");
    let after = key.execute(snapshot, json!({})).await["data"]["provisioning"].clone();
    assert_eq!((&page["cursor"], &after["snapshot"]["totalCount"]), (&after["snapshot"]["head"], &json!(53)), "{page}");
    // What changes nothing is told to nobody.
    assert_eq!(counts(&imports(&admin, &csv(&rows)).await), [0, 0, 50]);
    let again = key.execute(snapshot, json!({})).await["data"]["provisioning"].clone();
    assert_eq!(again, after);
}
