//! No hot query scans a large table: the statements that the application prepares, explained by both databases with a hundred
//! thousand extensions.
//!
//! diesel's instrumentation reports every statement; the test records those of its own database. SQLite explains them as they
//! are, PostgreSQL by the generic plan, which does not depend on values.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use serde_json::{Value, json};

use crate::support::{Actor, ApiKey, Database, Scope, TestApp, string};

/// The number of extensions.
const ROWS: usize = 100_000;
/// Tables that grow with the number of extensions or with time. The others stay small.
const LARGE: [&str; 17] = [
    "accounts",
    "audit_events",
    "audit_seals",
    "directory_terms",
    "extension_permissions",
    "extension_unique_values",
    "extensions",
    "feed_entries",
    "feed_keys",
    "feed_revisions",
    "group_members",
    "idempotency_records",
    "jobs",
    "number_history",
    "numbers",
    "sessions",
    "sign_in_failures",
];

/// A scan that is only in the generic plan.
struct Exception {
    table: &'static str,
    /// A part of the statement.
    statement: &'static str,
}

/// The audit reads the rows after the newest seal; a plan without values cannot use that they are few.
const EXCEPTIONS: [Exception; 1] = [Exception { table: "audit_seals", statement: "LEFT OUTER JOIN \"audit_seals\"" }];

/// The statements by the URL of their database, for databases that are recorded.
static STATEMENTS: Mutex<Option<HashMap<String, BTreeSet<String>>>> = Mutex::new(None);

/// Records the statements of one connection.
struct Recorder {
    url: String,
}

impl Instrumentation for Recorder {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartEstablishConnection { url, .. } => url.clone_into(&mut self.url),
            InstrumentationEvent::StartQuery { query, .. } => {
                let mut statements = STATEMENTS.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(recorded) = statements.as_mut().and_then(|all| all.get_mut(&self.url)) {
                    let text = query.to_string();
                    recorded.insert(text.split(" -- binds:").next().unwrap_or_default().to_owned());
                }
            }
            _ => {}
        }
    }
}

/// Instruments every connection that is opened from now on.
pub fn record_statements() {
    let instrumented = set_default_instrumentation(|| Some(Box::new(Recorder { url: String::new() })));
    instrumented.expect("the only default instrumentation");
}

fn start_recording(url: &str) {
    let mut statements = STATEMENTS.lock().unwrap_or_else(PoisonError::into_inner);
    statements.get_or_insert_default().insert(url.to_owned(), BTreeSet::new());
}

fn stop_recording(url: &str) -> BTreeSet<String> {
    let mut statements = STATEMENTS.lock().unwrap_or_else(PoisonError::into_inner);
    statements.get_or_insert_default().remove(url).unwrap_or_default()
}

pub async fn no_hot_query_scans_a_table(folder: Arc<tempfile::TempDir>, database: Database) {
    let app = TestApp::start(folder, database, None).await;
    fill(&app).await;
    let url = match &app.database {
        Database::Sqlite(file) => file.display().to_string(),
        Database::Postgres(_, url) => url.clone(),
    };
    start_recording(&url);
    run_hot_operations(&app).await;
    let statements = stop_recording(&url);
    assert!(statements.len() > 60, "too few statements were recorded: {statements:#?}");
    let mut scans = Vec::new();
    for statement in statements.iter().filter(|statement| reads_or_writes_rows(statement)) {
        let plan = plan(&app, statement).await;
        let is_sorted = plan.iter().any(|line| line.contains("TEMP B-TREE"));
        for line in plan {
            if let Some(table) = scanned_table(&line, statement, is_sorted) {
                scans.push(format!("{table}: {line}\n    {statement}"));
            }
        }
    }
    assert!(scans.is_empty(), "{} scans:\n{}", scans.len(), scans.join("\n"));
}

fn reads_or_writes_rows(statement: &str) -> bool {
    let first = statement.split_whitespace().next().unwrap_or_default().to_uppercase();
    matches!(first.as_str(), "SELECT" | "INSERT" | "UPDATE" | "DELETE" | "WITH")
        && !statement.contains("__diesel_schema_migrations")
}

/// The plan of a statement, line by line.
async fn plan(app: &TestApp, statement: &str) -> Vec<String> {
    match &app.database {
        Database::Sqlite(_) => app.query_plan(statement).await,
        Database::Postgres(_, url) => {
            let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
            let connection = tokio::spawn(connection);
            let parameters = (1..100).rev().find(|index| statement.contains(&format!("${index}"))).unwrap_or(0);
            let nulls = vec!["NULL"; parameters].join(", ");
            let nulls = if parameters == 0 { nulls } else { format!("({nulls})") };
            let script = format!(
                "SET plan_cache_mode = force_generic_plan; PREPARE hot AS {statement}; EXPLAIN EXECUTE hot{nulls}"
            );
            let messages = client.simple_query(&script).await.unwrap_or_else(|error| panic!("{error:?}: {script}"));
            connection.abort();
            let rows = messages.into_iter().filter_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            });
            rows.collect()
        }
    }
}

/// The large table that a line of a plan scans completely.
fn scanned_table(line: &str, statement: &str, is_sorted: bool) -> Option<&'static str> {
    let line = line.trim();
    // SQLite: `SCAN t` reads all rows. In the order of an index or of the primary key, a limit ends the scan.
    let is_in_order = |rest: &str| rest.contains("INDEX") || statement.contains("ORDER BY") && !is_sorted;
    let rest = match line.strip_prefix("SCAN ") {
        Some(rest) if is_in_order(rest) && statement.contains("LIMIT") => return None,
        Some(rest) => rest,
        None => line.split("Seq Scan on ").nth(1)?,
    };
    let name = rest.split([' ', ':']).next().unwrap_or_default().trim_matches('"');
    let is_expected = EXCEPTIONS.iter().any(|scan| scan.table == name && statement.contains(scan.statement));
    LARGE.into_iter().find(|table| *table == name && !is_expected)
}

/// Inserts the rows of an event with a hundred thousand extensions.
async fn fill(app: &TestApp) {
    let sqlite = FILL
        .replace(
            "{numbers}",
            &format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})"),
        )
        .replace("{ten thousand}", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)")
        .replace("{id}", "unhex(printf('%032x', i + 4096))")
        .replace("{owner}", "unhex(printf('%032x', i % 10000 + 1 + 4096))")
        .replace("{tag}", "x'0102030405060708'")
        .replace("{seal}", "zeroblob(32)")
        .replace("{hash}", "unhex(printf('%064x', i))")
        .replace("{yes}", "1")
        .replace("{no}", "0");
    let postgresql = FILL
        .replace("{numbers}", &format!("WITH n(i) AS (SELECT generate_series(1, {ROWS}))"))
        .replace("{ten thousand}", "WITH n(i) AS (SELECT generate_series(1, 10000))")
        .replace("{id}", "lpad(to_hex(i + 4096), 32, '0')::uuid")
        .replace("{owner}", "lpad(to_hex(i % 10000 + 1 + 4096), 32, '0')::uuid")
        .replace("{tag}", "'\\x0102030405060708'::bytea")
        .replace("{seal}", "decode(repeat('00', 32), 'hex')")
        .replace("{hash}", "decode(lpad(to_hex(i), 64, '0'), 'hex')")
        .replace("'{}'", "'{}'::jsonb")
        .replace("{yes}", "true")
        .replace("{no}", "false");
    app.execute_sql(&sqlite, &format!("{postgresql} ANALYZE;")).await;
}

const FILL: &str = "
{ten thousand} INSERT INTO accounts (id, username, display_name, email, email_verified_at, password_hash, role, search, created_at)
  SELECT {id}, 'p' || i, 'Person ' || i, 'p' || i || '@example.org', 1, '', 'USER', 'p' || i || ' person ' || i, 1 FROM n;
{numbers} INSERT INTO extensions (id, event_id, service_type_id, owner_id, slot, number, label, visibility, parameters, status, created_at, updated_at, version)
  SELECT {id}, (SELECT id FROM events WHERE slug = 'demo'), (SELECT id FROM service_types WHERE slug = 'sip'), {owner}, i + 1000, '9' || (100000 + i),
    'Phone ' || i, CASE i % 3 WHEN 0 THEN 'HIDDEN' WHEN 1 THEN 'MEMBERS' ELSE 'PUBLIC' END, '{}', '{}', 1, 1, 1 FROM n;
{numbers} INSERT INTO numbers (id, event_id, number, state, account_id, extension_id, version)
  SELECT {id}, (SELECT id FROM events WHERE slug = 'demo'), '9' || (100000 + i), 'IN_SERVICE', {owner}, {id}, 1 FROM n;
{numbers} INSERT INTO number_history (id, number_id, at, from_state, to_state, actor) SELECT {id}, {id}, 1, 'AVAILABLE', 'IN_SERVICE', 'command' FROM n;
{numbers} INSERT INTO directory_terms (event_id, kind, term, number, extension_id)
  SELECT (SELECT id FROM events WHERE slug = 'demo'), 'WORD', 'phone', '9' || (100000 + i), {id} FROM n;
{numbers} INSERT INTO directory_terms (event_id, kind, term, number, extension_id)
  SELECT (SELECT id FROM events WHERE slug = 'demo'), 'KEYPAD', '74663', '9' || (100000 + i), {id} FROM n;
{numbers} INSERT INTO feed_revisions (feed_id, revision, tag, at, entries)
  SELECT f.id, f.head + i, {tag}, 1, 1 FROM n, feeds f WHERE f.service_type_id = (SELECT id FROM service_types WHERE slug = 'sip');
{numbers} INSERT INTO feed_entries (extension_id, feed_id, revision, tag, slot, present)
  SELECT {id}, f.id, f.head + i, {tag}, i + 1000, {yes} FROM n, feeds f WHERE f.service_type_id = (SELECT id FROM service_types WHERE slug = 'sip');
{numbers} INSERT INTO feed_keys (id, extension_id, feed_id, number, parameters, from_revision)
  SELECT {id}, {id}, f.id, '9' || (100000 + i), '{}', f.head + i FROM n, feeds f WHERE f.service_type_id = (SELECT id FROM service_types WHERE slug = 'sip');
UPDATE feeds SET head = head + 100000, entry_count = entry_count + 100000 WHERE service_type_id = (SELECT id FROM service_types WHERE slug = 'sip');
{ten thousand} INSERT INTO restrictions (id, target_kind, target_id, source, effects, reason, created_at)
  SELECT {id}, CASE i % 3 WHEN 0 THEN 'ACCOUNT' WHEN 1 THEN 'NUMBER' ELSE 'EXTENSION' END, {id}, 'BAR', 'NO_CALLS', 'x', 1 FROM n WHERE i < 2000;
{ten thousand} INSERT INTO sessions (id, account_id, token_hash, created_at, last_seen_at, expires_at, reauthenticated_at)
  SELECT {id}, {id}, {hash}, 1, 1, 9999999999999999, 1 FROM n;
{numbers} INSERT INTO extension_permissions (extension_id, permission_id) SELECT {id}, (SELECT id FROM call_permissions WHERE slug = 'external') FROM n;
{ten thousand} INSERT INTO extension_unique_values (scope_id, parameter, value, extension_id) SELECT {id}, 'mac', 'v' || i, {id} FROM n;
{ten thousand} INSERT INTO group_members (id, group_id, member_id, delay_seconds, paused, membership, created_at)
  SELECT {id}, {id}, {owner}, 0, {no}, 'ACTIVE', 1 FROM n;
{ten thousand} INSERT INTO jobs (id, kind, payload, run_at, attempts, created_at, dead_at) SELECT {id}, 'SEND_MAIL', {hash}, 1, 9, 1, 1 FROM n;
{ten thousand} INSERT INTO idempotency_records (actor, key, request_hash, outcome, created_at) SELECT 'account:' || i, 'k', {hash}, '{}', 9999999999999999 FROM n;
{ten thousand} INSERT INTO sign_in_failures (id, login_hash, at) SELECT {id}, {hash}, 1 FROM n;
{numbers} INSERT INTO audit_events (at, actor, via, action, entity, summary) SELECT 1, 'p' || (i % 10000), 'graphql', 'registerExtension', 'Extension:' || i, 'x' FROM n;
INSERT INTO audit_seals (position, seq, hash) SELECT row_number() OVER (ORDER BY seq), seq, {seal} FROM audit_events;
";

/// Runs every operation that is frequent, as the callers that run it.
async fn run_hot_operations(app: &TestApp) {
    let (guest, user, operator, admin) = (app.guest(), app.user().await, app.operator().await, app.admin().await);
    let key = admin.creates_key(&[Scope::ReadSecrets, Scope::ReadDigests], &["sip"]).await;
    let queries: [(&Actor, &[&str]); 4] =
        [(&guest, &GUEST_QUERIES), (&user, &USER_QUERIES), (&operator, &OPERATOR_QUERIES), (&admin, &ADMIN_QUERIES)];
    for (actor, queries) in queries {
        for query in queries {
            let body = actor.execute(query, json!({})).await;
            assert!(body["errors"].is_null(), "{query}: {body}");
            read_second_page(actor, query, &body).await;
        }
    }
    run_mutations(&user, &operator, &admin).await;
    app.run_due_jobs().await;
    app.seal_audit().await;
    app.expire_due_numbers().await;
    read_feed(&key, &admin).await;
}

const GUEST_QUERIES: [&str; 7] = [
    "{ directory(event: \"demo\") { nodes { number label } pageInfo { endCursor hasNextPage } } }",
    "{ directory(event: \"demo\", search: \"910\") { nodes { number } pageInfo { endCursor hasNextPage } } }",
    "{ directory(event: \"demo\", search: \"phone\") { nodes { number } pageInfo { endCursor hasNextPage } } }",
    "{ directory(event: \"demo\", search: \"7466\") { nodes { number } pageInfo { endCursor hasNextPage } } }",
    "{ directory(event: \"demo\", search: \"phone 9\", serviceTypes: [\"sip\"]) { nodes { number } pageInfo { endCursor hasNextPage } } }",
    "{ directory(event: \"demo\", highlighted: true) { nodes { number } pageInfo { endCursor hasNextPage } } }",
    "{ events { slug name ranges { first last } } serviceTypes { slug } }",
];
const USER_QUERIES: [&str; 10] = [
    "{ viewer { heldNumbers { nodes { number until } totalCount } } }",
    "{ viewer { username sessions { id } } }",
    "{ directory(event: \"demo\", search: \"phone\") { nodes { number } pageInfo { endCursor hasNextPage } } }",
    "{ extensions(event: \"demo\") { nodes { number label credentials permissions { slug } restrictions { source } } pageInfo { endCursor hasNextPage } } }",
    "{ extensions { nodes { number } pageInfo { endCursor hasNextPage } } }",
    "{ availableNumbers(event: \"demo\", serviceType: \"sip\", first: 10) }",
    "{ availableNumbers(event: \"demo\", serviceType: \"sip\", like: \"2342\", first: 10) }",
    "{ availableNumbers(event: \"demo\", serviceType: \"sip\", from: \"2000\", first: 1000) }",
    "{ groupInvitations { id } }",
    "{ extension(event: \"demo\", number: \"5000\") { label } number(event: \"demo\", number: \"5000\") { state } }",
];
const OPERATOR_QUERIES: [&str; 9] = [
    "{ extension(event: \"demo\", number: \"9100001\") { label owner { username } memberOf { id } provisioning { state } restrictions { source } } }",
    "{ extensions(event: \"demo\", serviceType: \"sip\") { nodes { number owner { username } } pageInfo { endCursor hasNextPage } } }",
    "{ extensions(event: \"demo\", search: \"9100\") { nodes { number } pageInfo { endCursor hasNextPage } } }",
    "{ extensions(event: \"demo\", search: \"phone\") { nodes { number } pageInfo { endCursor hasNextPage } } }",
    "{ extensions(owner: \"p17\") { nodes { number } pageInfo { endCursor hasNextPage } } }",
    "{ number(event: \"demo\", number: \"9100001\") { state version account { username } restrictions { source } extension { number } } }",
    "{ accounts { nodes { username restrictions { source } } pageInfo { endCursor hasNextPage } } }",
    "{ accounts(role: USER) { nodes { username } pageInfo { endCursor hasNextPage } } }",
    "{ provisioning(event: \"demo\", serviceType: \"sip\") { digest consumers { lagRecords lagSeconds errors { code } } } }",
];
const ADMIN_QUERIES: [&str; 5] = [
    "{ auditEvents { nodes { action } pageInfo { endCursor hasNextPage } } }",
    "{ auditEvents(actor: \"p17\") { nodes { action } pageInfo { endCursor hasNextPage } } }",
    "{ auditEvents(action: \"registerExtension\") { nodes { action } pageInfo { endCursor hasNextPage } } }",
    "{ auditEvents(entity: \"Extension:17\") { nodes { action } pageInfo { endCursor hasNextPage } } }",
    "{ apiKeys { label lastUsedAt } }",
];

/// Reads the second page of a list that has one.
async fn read_second_page(actor: &Actor, query: &str, first_page: &Value) {
    let Some(list) = first_page["data"].as_object().and_then(|data| data.values().next()) else { return };
    if list["pageInfo"]["hasNextPage"] != true {
        return;
    }
    let cursor = list["pageInfo"]["endCursor"].to_string();
    let field = query.trim_start_matches("{ ").split(['(', ' ']).next().unwrap();
    let second_page = if query.contains(&format!("{field}(")) {
        query.replacen(&format!("{field}("), &format!("{field}(after: {cursor}, "), 1)
    } else {
        query.replacen(field, &format!("{field}(after: {cursor})"), 1)
    };
    let body = actor.execute(&second_page, json!({})).await;
    assert!(body["errors"].is_null(), "{second_page}: {body}");
}

/// Runs the mutations that are frequent during an event.
async fn run_mutations(user: &Actor, operator: &Actor, admin: &Actor) {
    let register = async || {
        let input = json!({ "event": "demo", "serviceType": "sip", "number": "2342", "label": "Mine" });
        user.mutate_with_key(Some("once"), "registerExtension", input, "extension { id }").await
    };
    let id = register().await.id();
    register().await.ok();
    user.relabels(&id, "Still mine").await.ok();
    user.rotates_password(&id).await.ok();
    operator.mutate("setCallPermissions", json!({ "id": id, "permissions": ["orga"] }), "").await.ok();
    user.deletes(&id).await.ok();
    operator.bars("9100002").await.ok();
    operator.unbars("9100002").await.ok();
    operator.assigns("sip", "2343", "p18", json!({})).await.ok();
    admin.bans("p17").await.ok();
    admin.unbans("p17").await.ok();
    assert_eq!(user.registers("sip", "5000").await.code(), "NUMBER_UNAVAILABLE");
}

/// Reads the feed and acknowledges it as a telephone system does.
async fn read_feed(key: &ApiKey, admin: &Actor) {
    admin.creates_consumer("hot", "sip", &key.id).await.ok();
    let snapshot = "query($after: String) { provisioning(event: \"demo\", serviceType: \"sip\") { \
                    snapshot(first: 100, after: $after) { head pageInfo { endCursor } \
                    entries { number secrets digests permissions fallbackNumber restrictions } } } }";
    let first = key.query_with(snapshot, json!({})).await.ok()["snapshot"].clone();
    key.query_with(snapshot, json!({ "after": first["pageInfo"]["endCursor"] })).await.ok();
    admin.assigns("sip", "2344", "p18", json!({})).await.ok();
    let changes = "query($since: FeedCursor!) { provisioning(event: \"demo\", serviceType: \"sip\") { \
                   changes(since: $since) { ... on FeedPage { cursor changes { __typename \
                   ... on FeedUpsert { previous { number } } } } } } }";
    let feed = key.query_with(changes, json!({ "since": first["head"] })).await.ok();
    let cursor = string(&feed["changes"]["cursor"]);
    let input = json!({ "event": "demo", "serviceType": "sip", "consumer": "hot", "cursor": cursor });
    key.mutate("acknowledgeProvisioning", input, "").await.ok();
}
