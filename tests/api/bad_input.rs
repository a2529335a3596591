//! Bad input of every kind gets a typed error, and changes nothing.

use serde_json::{Value, json};

use crate::guarantees::{PASSWORD, key, registered};
use crate::support::{ApiClient, TestApp, error_code};

/// The tables that hold what people and systems have; signing in writes to others.
const KEPT: [&str; 16] = [
    "accounts",
    "events",
    "service_types",
    "number_ranges",
    "call_permissions",
    "templates",
    "api_keys",
    "numbers",
    "extensions",
    "extension_unique_values",
    "group_members",
    "restrictions",
    "feeds",
    "feed_revisions",
    "feed_entries",
    "audit_events",
];

async fn everything(app: &TestApp) -> Vec<String> {
    let mut rows = Vec::new();
    for table in KEPT {
        let mut lines: Vec<String> = app.dump_table(table).await.lines().map(str::to_owned).collect();
        lines.sort();
        rows.push(format!("{table}\n{}", lines.join("\n")));
    }
    rows
}

async fn nothing_changed(app: &TestApp, before: &[String]) {
    for (before, after) in before.iter().zip(everything(app).await) {
        assert!(*before == after, "something changed in {}", after.lines().next().unwrap());
    }
}

/// The code of an error at the top, which has a request id.
fn top(answer: &Value) -> &str {
    assert!(answer["errors"][0]["extensions"]["requestId"].is_string(), "no typed error: {answer}");
    answer["errors"][0]["extensions"]["code"].as_str().unwrap()
}

const REGISTER: &str = "mutation($n: PhoneNumber, $l: String!, $p: JSON) { registerExtension(input: {event: \"demo\", serviceType: \"sip\", number: $n, label: $l, parameters: $p}) { errors { code path } } }";

pub async fn wrong_types_are_named(app: TestApp) {
    let user = app.sign_in("user", PASSWORD).await;
    let before = everything(&app).await;
    for variables in [
        json!({ "n": 2342, "l": "x" }),
        json!({ "n": "2342", "l": 7 }),
        json!({ "n": "2342", "l": null }),
        json!({ "n": "2342" }),
        json!({ "n": ["2342"], "l": { "a": 1 } }),
        json!([]),
        json!("x"),
    ] {
        let answer = user.execute(REGISTER, variables.clone()).await;
        assert_eq!(top(&answer), "BAD_USER_INPUT", "{variables}: {answer}");
    }
    for (parameters, path) in [
        (json!({ "codec": 7 }), json!(["parameters", "codec"])),
        (json!({ "codec": "morse" }), json!(["parameters", "codec"])),
        (json!({ "max_contacts": "two" }), json!(["parameters", "max_contacts"])),
        (json!({ "unknown": true }), json!(["parameters", "unknown"])),
        (json!([1, 2]), json!(["parameters"])),
        (json!("text"), json!(["parameters"])),
    ] {
        let answer = user.execute(REGISTER, json!({ "n": "2342", "l": "x", "p": parameters })).await;
        let payload = &answer["data"]["registerExtension"];
        assert_ne!(error_code(payload), "none", "{parameters}: {answer}");
        assert_eq!(payload["errors"][0]["path"], path, "{parameters}: {answer}");
    }
    for (number, label) in [
        ("", "x"),
        ("23 42 x!", "x"),
        ("\u{662}\u{663}\u{664}\u{662}", "x"),
        ("+", "x"),
        ("2342", ""),
        ("2342", "a\u{0}b"),
        ("2342", "\u{202e}x"),
    ] {
        let answer = user.execute(REGISTER, json!({ "n": number, "l": label })).await;
        assert_ne!(error_code(&answer["data"]["registerExtension"]), "none", "{number:?} {label:?}: {answer}");
    }
    nothing_changed(&app, &before).await;
}

/// Every mutation that takes an `id`, asked by somebody who may do everything.
const BY_ID: [&str; 14] = [
    "updateExtension(input: {id: $i, label: \"x\"})",
    "deleteExtension(input: {id: $i})",
    "rotateSecret(input: {id: $i, parameter: \"password\"})",
    "setCallPermissions(input: {id: $i, permissions: []})",
    "inviteToGroup(input: {group: $i, number: \"5001\"})",
    "acceptGroupInvitation(input: {id: $i})",
    "removeGroupMember(input: {id: $i})",
    "leaveGroup(input: {id: $i})",
    "revokeApiKey(input: {id: $i})",
    "updateNumberRange(input: {id: $i, label: \"x\"})",
    "deleteNumberRange(input: {id: $i})",
    "deleteTemplate(input: {id: $i})",
    "deleteCallPermission(input: {id: $i})",
    "deleteFeedConsumer(input: {id: $i})",
];

pub async fn ids_of_the_wrong_kind_and_of_others_are_refused(app: TestApp) {
    let (user, operator) = (app.sign_in("user", PASSWORD).await, app.sign_in("operator", PASSWORD).await);
    let admin = app.sign_in("admin", PASSWORD).await;
    let theirs = registered(&operator, "sip", "2342").await;
    let hexadecimal = theirs.strip_prefix("Extension:").unwrap();
    let before = everything(&app).await;
    for mutation in BY_ID {
        let query = format!("mutation($i: ID!) {{ done: {mutation} {{ errors {{ code path }} }} }}");
        for id in [
            format!("Account:{hexadecimal}"),
            hexadecimal.to_owned(),
            "Extension:xyz".to_owned(),
            String::new(),
            "' OR 1=1 --".to_owned(),
        ] {
            let answer = admin.execute(&query, json!({ "i": id })).await;
            assert_eq!(error_code(&answer["data"]["done"]), "INVALID", "{mutation} {id:?}: {answer}");
        }
        let nobodys = format!("{}:{}", kind(mutation), "0".repeat(32));
        let answer = admin.execute(&query, json!({ "i": nobodys })).await;
        assert_eq!(error_code(&answer["data"]["done"]), "NOT_FOUND", "{mutation} {nobodys}: {answer}");
    }
    // What belongs to somebody else is not there.
    for mutation in &BY_ID[..3] {
        let query = format!("mutation($i: ID!) {{ done: {mutation} {{ errors {{ code path }} }} }}");
        let answer = user.execute(&query, json!({ "i": theirs })).await;
        assert_eq!(error_code(&answer["data"]["done"]), "NOT_FOUND", "{mutation}: {answer}");
    }
    nothing_changed(&app, &before).await;
}

/// The kind of thing that a mutation's id is of.
fn kind(mutation: &str) -> &'static str {
    let kinds = [
        ("Invitation", "GroupMember"),
        ("GroupMember", "GroupMember"),
        ("leaveGroup", "GroupMember"),
        ("ApiKey", "ApiKey"),
        ("NumberRange", "NumberRange"),
        ("Template", "Template"),
        ("deleteCallPermission", "CallPermission"),
        ("FeedConsumer", "FeedConsumer"),
    ];
    kinds.into_iter().find(|(part, _)| mutation.contains(part)).map_or("Extension", |(_, kind)| kind)
}

pub async fn too_long_too_deep_and_too_wide_is_refused(app: TestApp) {
    let user = app.sign_in("user", PASSWORD).await;
    let before = everything(&app).await;
    let megabyte = "x".repeat(1 << 20);
    let (status, answer) = user
        .post_raw(json!({ "query": REGISTER, "variables": { "n": "2342", "l": megabyte } }).to_string().into_bytes())
        .await;
    assert_eq!((status, top(&answer)), (413, "PAYLOAD_TOO_LARGE"));
    let (status, answer) = user.post_raw(format!("{{\"query\": \"{{ {megabyte} }}\"}}").into_bytes()).await;
    assert_eq!((status, top(&answer)), (413, "PAYLOAD_TOO_LARGE"));
    let long = "x".repeat(200_000);
    for variables in [
        json!({ "n": "2342", "l": long }),
        json!({ "n": long, "l": "x" }),
        json!({ "n": "2342", "l": "x", "p": { "codec": long } }),
    ] {
        let answer = user.execute(REGISTER, variables).await;
        assert_ne!(error_code(&answer["data"]["registerExtension"]), "none", "{answer}");
    }
    let deep = |levels: usize| {
        format!("{{ __schema {{ types {} {{ name }} {} }} }}", "{ ofType ".repeat(levels), "}".repeat(levels))
    };
    let fields = |count: usize, field: &str| (0..count).map(|place| format!("a{place}: {field} ")).collect::<String>();
    for query in [
        format!("{{ viewer {} {{ username }} {} }}", "{ sessions ".repeat(11), "}".repeat(11)),
        deep(5000),
        "{ ".repeat(20_000),
        "[".repeat(20_000),
        format!("{{ {} }}", fields(31, "__typename")),
        format!("{{ {} }}", fields(21, "viewer { username }")),
        format!("{{ viewer {{ {} }} }}", "username ".repeat(2100)),
        format!("{{ viewer {} {{ username }} }}", "@include(if: true) ".repeat(51)),
        "{ viewer { username }".to_owned(),
        "query { viewer { ...A } } fragment A on Account { ...B } fragment B on Account { ...A }".to_owned(),
    ] {
        let answer = user.execute(&query, json!({})).await;
        let refused = ["QUERY_TOO_COMPLEX", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"];
        assert!(refused.contains(&top(&answer)), "{}: {answer}", &query[..query.len().min(100)]);
    }
    let costly = fields(
        10,
        "directory(event: \"demo\", first: 100) { nodes { number serviceType { slug templates { name } } } }",
    );
    assert_eq!(top(&app.guest().execute(&format!("{{ {costly} }}"), json!({})).await), "QUERY_TOO_COMPLEX");
    let too_many = user.execute("{ directory(event: \"demo\", first: 101) { nodes { number } } }", json!({})).await;
    assert_eq!(top(&too_many), "BAD_USER_INPUT");
    nothing_changed(&app, &before).await;
    assert_eq!(user.execute("{ viewer { username } }", json!({})).await["data"]["viewer"]["username"], "user");
}

pub async fn broken_bytes_and_documents_are_refused(app: TestApp) {
    let user = app.sign_in("user", PASSWORD).await;
    let before = everything(&app).await;
    for body in [
        b"{\"query\": \"{ viewer { username } }".to_vec(),
        b"".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"7".to_vec(),
        b"{\"query\": 7}".to_vec(),
        b"{\"query\": \"{ viewer { username } }\", \"variables\": 7}".to_vec(),
        b"{\"query\": \"{ a(b: \\\"\xff\xfe\\\") }\"}".to_vec(),
        b"\xff\xfe{\"query\": \"{ viewer { username } }\"}".to_vec(),
        [b"{\"query\": \"".to_vec(), b"\xc3\x28\"}".to_vec()].concat(),
        b"{\"query\": \"{ \\ud800 }\"}".to_vec(),
        [b"[".repeat(10_000), b"]".repeat(10_000)].concat(),
        b"[{\"query\": \"{ viewer { username } }\"}]".to_vec(),
    ] {
        let (status, answer) = user.post_raw(body.clone()).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        assert_eq!(status, 400, "{shown}: {answer}");
        assert!(["BAD_USER_INPUT", "GRAPHQL_PARSE_FAILED"].contains(&top(&answer)), "{shown}: {answer}");
    }
    nothing_changed(&app, &before).await;
}

pub async fn schema_bombs_are_refused(app: TestApp) {
    let admin = app.sign_in("admin", PASSWORD).await;
    let before = everything(&app).await;
    let mut nested = json!({ "type": "string" });
    for _ in 0..40 {
        nested = json!({ "type": "object", "properties": { "a": nested } });
    }
    let wide: serde_json::Map<String, Value> =
        (0..3000).map(|place| (format!("p{place}"), json!({ "type": "string" }))).collect();
    // Each level names the one before twice.
    let doubling: serde_json::Map<String, Value> = (1..40)
        .map(|level| (format!("l{level}"), json!({ "allOf": [{ "$ref": format!("#/$defs/l{}", level - 1) }, { "$ref": format!("#/$defs/l{}", level - 1) }] })))
        .chain([("l0".to_owned(), json!({ "type": "string" }))])
        .collect();
    let property = |schema: Value| json!({ "type": "object", "properties": { "a": schema } });
    for schema in [
        json!({ "$ref": "https://example.org/schema.json" }),
        property(json!({ "$ref": "https://example.org/schema.json" })),
        property(json!({ "$ref": "file:///etc/passwd" })),
        json!({ "$schema": "https://example.org/dialect", "type": "object" }),
        property(json!({ "$ref": "#/properties/a" })),
        property(json!({ "$ref": "#/nowhere" })),
        property(nested),
        json!({ "type": "object", "properties": wide }),
        json!({ "type": "object", "properties": { "a": { "$ref": "#/$defs/l39" } }, "$defs": doubling }),
        property(json!({ "type": "string", "pattern": "(" })),
        property(json!({ "type": "string", "pattern": "(a{1000}){1000}" })),
        property(json!({ "type": "banana" })),
        json!({ "type": "array" }),
        json!("x"),
        json!(7),
        json!([]),
        json!(null),
    ] {
        let create = "mutation($s: JSON!) { createServiceType(input: {slug: \"bomb\", name: \"Bomb\", parameterSchema: $s}) { errors { code path } } }";
        let began = std::time::Instant::now();
        let answer = admin.execute(create, json!({ "s": schema })).await;
        let shown = schema.to_string();
        let is_refused = answer["errors"].is_array() && top(&answer) == "BAD_USER_INPUT"
            || error_code(&answer["data"]["createServiceType"]) == "INVALID";
        assert!(is_refused, "{}: {answer}", &shown[..shown.len().min(120)]);
        assert!(began.elapsed().as_secs() < 5, "{} took its time", &shown[..shown.len().min(120)]);
    }
    nothing_changed(&app, &before).await;
}

pub async fn what_systems_say_is_checked(app: TestApp) {
    let writer = key(&app, "READ_CONFIG, WRITE_BACK", "\"dect\"").await;
    let user = app.sign_in("user", PASSWORD).await;
    let (own, foreign) = (registered(&user, "dect", "2342").await, registered(&user, "sip", "2343").await);
    // A key's first use is noted.
    feed_questions(&writer).await;
    let before = everything(&app).await;
    let write = "mutation($i: ID!, $p: JSON!) { done: writeBackParameters(input: {id: $i, parameters: $p}) { errors { code path } } }";
    for (id, parameters, wanted) in [
        (&own, json!({ "ipei": "short" }), "SCHEMA_VIOLATION"),
        (&own, json!({ "ipei": 7 }), "SCHEMA_VIOLATION"),
        (&own, json!([]), "INVALID"),
        (&own, json!({ "nothing": 1 }), "FEATURE_DENIED"),
        (&own, json!({ "encryption": false }), "FEATURE_DENIED"),
        (&foreign, json!({ "user_agent": "x" }), "NOT_FOUND"),
    ] {
        let answer = writer.execute(write, json!({ "i": id, "p": parameters })).await;
        assert_eq!(error_code(&answer["data"]["done"]), wanted, "{parameters}: {answer}");
    }
    feed_questions(&writer).await;
    nothing_changed(&app, &before).await;
}

async fn feed_questions(reader: &ApiClient) {
    for (query, wanted) in [
        (
            "{ provisioning(event: \"demo\", serviceType: \"dect\") { changes(since: \"\") { __typename } } }",
            "BAD_USER_INPUT",
        ),
        (
            "{ provisioning(event: \"demo\", serviceType: \"dect\") { snapshot(after: \"x\") { head } } }",
            "BAD_USER_INPUT",
        ),
        (
            "{ provisioning(event: \"demo\", serviceType: \"dect\") { snapshot(first: 5001) { head } } }",
            "BAD_USER_INPUT",
        ),
        ("{ provisioning(event: \"demo\", serviceType: \"dect\") { snapshot(first: -1) { head } } }", "BAD_USER_INPUT"),
        ("{ provisioning(event: \"demo\", serviceType: \"sip\") { digest } }", "FORBIDDEN"),
    ] {
        let answer = reader.execute(query, json!({})).await;
        assert_eq!(top(&answer), wanted, "{query}: {answer}");
    }
}

pub async fn broken_csv_is_refused(app: TestApp) {
    let operator = app.sign_in("operator", PASSWORD).await;
    let before = everything(&app).await;
    let import = "mutation($c: String!) { importExtensions(input: {event: \"demo\", csv: $c, dryRun: false}) \
                  { created updated failures { line column code } errors { code path } } }";
    let header = "number,service_type,owner,label,visibility,permissions,fallback_number,parameters,members\n";
    let good = "2342,sip,user,x,HIDDEN,,,{},\n";
    let rows = |rows: &str| format!("{header}{rows}");
    for csv in [
        String::new(),
        "label\nx\n".to_owned(),
        rows(good).replace(",members", "").replace("{},", "{}"),
        rows(good).replace(',', ";"),
        rows("2342,sip,user\n"),
        rows(&good.replace("sip", "nothing")),
        rows(&good.replace("user", "nobody")),
        rows(&good.replace("2342", "abc!")),
        rows(&good.replace("HIDDEN", "LOUD")),
        rows(&good.replace("{}", "{")),
        rows(&good.replace(",x,", ",\"unclosed,")),
        rows(&format!("{good}{good}")),
        rows(&format!("{good}{}", good.replace("2342,sip", "5000,dect"))),
    ] {
        let answer = operator.execute(import, json!({ "c": csv.as_str() })).await;
        let payload = &answer["data"]["importExtensions"];
        let refused = [&payload["errors"], &payload["failures"]]
            .iter()
            .any(|list| list.as_array().is_some_and(|list| !list.is_empty()));
        assert!(refused && payload["created"] == 0 && payload["updated"] == 0, "{csv:?}: {answer}");
    }
    nothing_changed(&app, &before).await;
}
