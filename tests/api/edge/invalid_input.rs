//! Invalid input of every kind gets a typed error and changes nothing.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::api::import_export::HEADER;
use crate::support::{ApiClient, Response, Scope, TestApp};

/// The tables of the domains. Sessions and the records of requests are not among them.
const TABLES: [&str; 16] = [
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

/// The content of the domains' tables.
struct Snapshot(Vec<String>);

impl Snapshot {
    async fn take(app: &TestApp) -> Self {
        let mut tables = Vec::new();
        for table in TABLES {
            let mut rows: Vec<String> = app.dump_table(table).await.lines().map(str::to_owned).collect();
            rows.sort();
            tables.push(rows.join("\n"));
        }
        Self(tables)
    }

    async fn assert_unchanged(&self, app: &TestApp) {
        let now = Self::take(app).await;
        for ((table, before), after) in TABLES.iter().zip(&self.0).zip(&now.0) {
            assert!(before == after, "{table} has changed");
        }
    }
}

/// The code of the error that rejected the whole request. Asserts that the error has a request id.
fn rejection(body: &Value) -> &str {
    assert!(body["errors"][0]["extensions"]["requestId"].is_string(), "no typed error: {body}");
    body["errors"][0]["extensions"]["code"].as_str().unwrap()
}

/// The beginning of a long text, for an assertion message.
fn shortened(text: &str) -> &str {
    &text[..text.len().min(120)]
}

const REGISTER: &str = "mutation($number: PhoneNumber, $label: String!) { registerExtension(input: { event: \"demo\", \
    serviceType: \"sip\", number: $number, label: $label }) { errors { code path } } }";

pub async fn wrong_types_are_refused_at_their_path(app: TestApp) {
    let user = app.user().await;
    let before = Snapshot::take(&app).await;
    for variables in [
        json!({ "number": 2342, "label": "x" }),
        json!({ "number": "2342", "label": 7 }),
        json!({ "number": "2342", "label": null }),
        json!({ "number": "2342" }),
        json!({ "number": ["2342"], "label": { "a": 1 } }),
        json!([]),
        json!("x"),
    ] {
        let body = user.execute(REGISTER, variables.clone()).await;
        assert_eq!(rejection(&body), "BAD_USER_INPUT", "{variables}: {body}");
    }
    for (parameters, path) in [
        (json!({ "codec": 7 }), json!(["parameters", "codec"])),
        (json!({ "codec": "morse" }), json!(["parameters", "codec"])),
        (json!({ "max_contacts": "two" }), json!(["parameters", "max_contacts"])),
        (json!({ "unknown": true }), json!(["parameters", "unknown"])),
        (json!([1, 2]), json!(["parameters"])),
        (json!("text"), json!(["parameters"])),
    ] {
        let refused = user.registers_with(json!({ "number": "2342", "parameters": parameters })).await;
        assert_ne!(refused.code(), "none", "{parameters}: {refused}");
        assert_eq!(refused["errors"][0]["path"], path, "{parameters}: {refused}");
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
        let refused = user.registers_with(json!({ "number": number, "label": label })).await;
        assert_ne!(refused.code(), "none", "{number:?} {label:?}: {refused}");
    }
    before.assert_unchanged(&app).await;
}

/// A mutation that takes an id.
struct ById {
    mutation: &'static str,
    /// The input field with the id.
    field: &'static str,
    /// The kind of id that it takes.
    kind: &'static str,
    /// The other required input.
    input: Value,
}

impl ById {
    async fn execute(&self, client: &ApiClient, id: &str) -> Response {
        let mut input = self.input.clone();
        input[self.field] = json!(id);
        client.mutate(self.mutation, input, "").await
    }
}

/// The mutations that take an id. The first three are on extensions.
fn mutations_by_id() -> [ById; 14] {
    let by_id = |mutation, kind, input| ById { mutation, field: "id", kind, input };
    [
        by_id("updateExtension", "Extension", json!({ "label": "x" })),
        by_id("deleteExtension", "Extension", json!({})),
        by_id("rotateSecret", "Extension", json!({ "parameter": "password" })),
        by_id("setCallPermissions", "Extension", json!({ "permissions": [] })),
        ById { mutation: "inviteToGroup", field: "group", kind: "Extension", input: json!({ "number": "5001" }) },
        by_id("acceptGroupInvitation", "GroupMember", json!({})),
        by_id("removeGroupMember", "GroupMember", json!({})),
        by_id("leaveGroup", "GroupMember", json!({})),
        by_id("revokeApiKey", "ApiKey", json!({})),
        by_id("updateNumberRange", "NumberRange", json!({ "label": "x" })),
        by_id("deleteNumberRange", "NumberRange", json!({})),
        by_id("deleteTemplate", "Template", json!({})),
        by_id("deleteCallPermission", "CallPermission", json!({})),
        by_id("deleteFeedConsumer", "FeedConsumer", json!({})),
    ]
}

pub async fn ids_of_other_kinds_and_other_owners_are_refused(app: TestApp) {
    let (user, operator, admin) = (app.user().await, app.operator().await, app.admin().await);
    let of_operator = operator.registers("sip", "2342").await.id();
    let hexadecimal = of_operator.strip_prefix("Extension:").unwrap();
    let before = Snapshot::take(&app).await;
    for by_id in mutations_by_id() {
        let mutation = by_id.mutation;
        for id in [&*format!("Account:{hexadecimal}"), hexadecimal, "Extension:xyz", "", "' OR 1=1 --"] {
            let refused = by_id.execute(&admin, id).await;
            assert_eq!(refused.code(), "INVALID", "{mutation} {id:?}: {refused}");
        }
        let unknown = format!("{}:{}", by_id.kind, "0".repeat(32));
        let refused = by_id.execute(&admin, &unknown).await;
        assert_eq!(refused.code(), "NOT_FOUND", "{mutation} {unknown}: {refused}");
    }
    for by_id in &mutations_by_id()[..3] {
        let refused = by_id.execute(&user, &of_operator).await;
        assert_eq!(refused.code(), "NOT_FOUND", "another account's extension: {}: {refused}", by_id.mutation);
    }
    before.assert_unchanged(&app).await;
}

pub async fn large_deep_and_wide_requests_are_refused(app: TestApp) {
    let user = app.user().await;
    let before = Snapshot::take(&app).await;
    let megabyte = "x".repeat(1 << 20);
    for body in [
        json!({ "query": REGISTER, "variables": { "number": "2342", "label": megabyte } }).to_string(),
        format!("{{\"query\": \"{{ {megabyte} }}\"}}"),
    ] {
        let (status, response) = user.post_raw(body.into_bytes()).await;
        assert_eq!((status, rejection(&response)), (413, "PAYLOAD_TOO_LARGE"));
    }
    let long = "x".repeat(200_000);
    for input in [
        json!({ "number": "2342", "label": long }),
        json!({ "number": long }),
        json!({ "number": "2342", "parameters": { "codec": long } }),
    ] {
        let refused = user.registers_with(input).await;
        assert_ne!(refused.code(), "none", "{refused}");
    }
    let deep = |levels: usize| {
        format!("{{ __schema {{ types {} {{ name }} {} }} }}", "{ ofType ".repeat(levels), "}".repeat(levels))
    };
    let fields = |count: usize, field: &str| (0..count).map(|index| format!("a{index}: {field} ")).collect::<String>();
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
        let body = user.execute(&query, json!({})).await;
        let expected = ["QUERY_TOO_COMPLEX", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"];
        assert!(expected.contains(&rejection(&body)), "{}: {body}", shortened(&query));
    }
    let costly = fields(
        10,
        "directory(event: \"demo\", first: 100) { nodes { number serviceType { slug templates { name } } } }",
    );
    assert_eq!(app.guest().query(&format!("{{ {costly} }}")).await.rejection(), "QUERY_TOO_COMPLEX");
    let long_page = "{ directory(event: \"demo\", first: 101) { nodes { number } } }";
    assert_eq!(user.query(long_page).await.rejection(), "BAD_USER_INPUT");
    before.assert_unchanged(&app).await;
    assert_eq!(user.query("{ viewer { username } }").await["username"], "user", "the server still responds");
}

pub async fn malformed_bodies_are_refused(app: TestApp) {
    let user = app.user().await;
    let before = Snapshot::take(&app).await;
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
        let (status, response) = user.post_raw(body.clone()).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        assert_eq!(status, 400, "{shown}: {response}");
        assert!(["BAD_USER_INPUT", "GRAPHQL_PARSE_FAILED"].contains(&rejection(&response)), "{shown}: {response}");
    }
    before.assert_unchanged(&app).await;
}

pub async fn hostile_schemas_are_refused_quickly(app: TestApp) {
    let admin = app.admin().await;
    let before = Snapshot::take(&app).await;
    let mut nested = json!({ "type": "string" });
    for _ in 0..40 {
        nested = json!({ "type": "object", "properties": { "a": nested } });
    }
    let wide: Map<String, Value> = (0..3000).map(|index| (format!("p{index}"), json!({ "type": "string" }))).collect();
    // Each level refers twice to the one before, so that expansion doubles with each level.
    let reference = |level: i32| json!({ "$ref": format!("#/$defs/l{level}") });
    let doubling: Map<String, Value> = (1..40)
        .map(|level| (format!("l{level}"), json!({ "allOf": [reference(level - 1), reference(level - 1)] })))
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
        let shown = schema.to_string();
        let began = Instant::now();
        let input = json!({ "slug": "bomb", "name": "Bomb", "parameterSchema": schema });
        let response = admin.mutate("createServiceType", input, "").await;
        let is_refused = response.rejection() == "BAD_USER_INPUT" || response.code() == "INVALID";
        assert!(is_refused, "{}: {response}", shortened(&shown));
        assert!(began.elapsed() < Duration::from_secs(5), "slow validation of {}", shortened(&shown));
    }
    before.assert_unchanged(&app).await;
}

pub async fn invalid_input_of_systems_is_refused(app: TestApp) {
    let key = app.admin().await.creates_key(&[Scope::ReadConfig, Scope::WriteBack], &["dect"]).await;
    let user = app.user().await;
    let (dect, sip) = (user.registers("dect", "2342").await.id(), user.registers("sip", "2343").await.id());
    // The first use of a key is written to its row.
    assert_feed_queries_are_refused(&key).await;
    let before = Snapshot::take(&app).await;
    for (id, parameters, code) in [
        (&dect, json!({ "ipei": "short" }), "SCHEMA_VIOLATION"),
        (&dect, json!({ "ipei": 7 }), "SCHEMA_VIOLATION"),
        (&dect, json!([]), "INVALID"),
        (&dect, json!({ "nothing": 1 }), "FEATURE_DENIED"),
        (&dect, json!({ "encryption": false }), "FEATURE_DENIED"),
        (&sip, json!({ "user_agent": "x" }), "NOT_FOUND"),
    ] {
        let input = json!({ "id": id, "parameters": parameters });
        let refused = key.mutate("writeBackParameters", input, "").await;
        assert_eq!(refused.code(), code, "{parameters}: {refused}");
    }
    assert_feed_queries_are_refused(&key).await;
    before.assert_unchanged(&app).await;
}

async fn assert_feed_queries_are_refused(key: &ApiClient) {
    for (service_type, selection, code) in [
        ("dect", "changes(since: \"\") { __typename }", "BAD_USER_INPUT"),
        ("dect", "snapshot(after: \"x\") { head }", "BAD_USER_INPUT"),
        ("dect", "snapshot(first: 5001) { head }", "BAD_USER_INPUT"),
        ("dect", "snapshot(first: -1) { head }", "BAD_USER_INPUT"),
        ("sip", "digest", "FORBIDDEN"),
    ] {
        let query = format!("{{ provisioning(event: \"demo\", serviceType: \"{service_type}\") {{ {selection} }} }}");
        let body = key.execute(&query, json!({})).await;
        assert_eq!(rejection(&body), code, "{query}: {body}");
    }
}

pub async fn malformed_csv_is_refused(app: TestApp) {
    let operator = app.operator().await;
    let before = Snapshot::take(&app).await;
    let valid = "2342,sip,user,x,HIDDEN,,,{},\n";
    let file = |rows: &str| format!("{HEADER}{rows}");
    for csv in [
        String::new(),
        "label\nx\n".to_owned(),
        file(valid).replace(",members", "").replace("{},", "{}"),
        file(valid).replace(',', "|"),
        file("2342,sip,user\n"),
        file(&valid.replace("sip", "nothing")),
        file(&valid.replace("user", "nobody")),
        file(&valid.replace("2342", "abc!")),
        file(&valid.replace("HIDDEN", "LOUD")),
        file(&valid.replace("{}", "{")),
        file(&valid.replace(",x,", ",\"unclosed,")),
        file(&format!("{valid}{valid}")),
        file(&format!("{valid}{}", valid.replace("2342,sip", "5000,dect"))),
    ] {
        let input = json!({ "event": "demo", "csv": csv, "dryRun": false });
        let response =
            operator.mutate("importExtensions", input, "created updated failures { line column code }").await;
        let is_refused =
            response.code() != "none" || response["failures"].as_array().is_some_and(|list| !list.is_empty());
        assert!(is_refused && response["created"] == 0 && response["updated"] == 0, "{csv:?}: {response}");
    }
    before.assert_unchanged(&app).await;
}
