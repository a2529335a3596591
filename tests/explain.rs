//! No hot query scans a table: the statements that the code really prepares, explained by both databases over a hundred
//! thousand extensions.
//!
//! diesel tells every statement as it runs; those of this test's database are kept. SQLite explains them as they are,
//! PostgreSQL by its generic plan, which knows no values.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use serde_json::{Value, json};

use crate::guarantees::{PASSWORD, key_and_id};
use crate::support::{ApiClient, Database, TestApp};

/// How many extensions there are.
const ROWS: usize = 100_000;
/// Tables that grow with an event or with its time. The others are small for ever.
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

/// Scans that only a plan without values has: the table, what the statement contains, and why.
const EXCUSED: [(&str, &str, &str); 1] =
    [("audit_seals", "LEFT OUTER JOIN \"audit_seals\"", "it looks at what came last, which such a plan cannot know")];

/// Statements by the URL of their database, as far as somebody wants to know.
static STATEMENTS: Mutex<Option<HashMap<String, BTreeSet<String>>>> = Mutex::new(None);

/// Hears what one connection does.
struct Listener {
    url: String,
}

impl Instrumentation for Listener {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartEstablishConnection { url, .. } => url.clone_into(&mut self.url),
            InstrumentationEvent::StartQuery { query, .. } => {
                let mut statements = STATEMENTS.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(wanted) = statements.as_mut().and_then(|all| all.get_mut(&self.url)) {
                    let text = query.to_string();
                    wanted.insert(text.split(" -- binds:").next().unwrap_or_default().to_owned());
                }
            }
            _ => {}
        }
    }
}

/// Listens to every connection that is made from now on.
pub fn listen() {
    let listening = set_default_instrumentation(|| Some(Box::new(Listener { url: String::new() })));
    listening.expect("nobody else listens");
}

fn watch(url: &str, on: bool) -> BTreeSet<String> {
    let mut statements = STATEMENTS.lock().unwrap_or_else(PoisonError::into_inner);
    let all = statements.get_or_insert_default();
    if on {
        all.insert(url.to_owned(), BTreeSet::new());
        return BTreeSet::new();
    }
    all.remove(url).unwrap_or_default()
}

/// The whole test, on one database.
pub async fn no_hot_query_scans_a_table(folder: Arc<tempfile::TempDir>, database: Database) {
    let app = TestApp::start(folder, database, None).await;
    fill(&app).await;
    let url = match &app.database {
        Database::Sqlite(file) => file.display().to_string(),
        Database::Postgres(_, url) => url.clone(),
    };
    watch(&url, true);
    let asked = hot_paths(&app).await;
    let statements = watch(&url, false);
    assert!(statements.len() > 60, "the statements of {asked} questions were not heard: {statements:#?}");
    let mut scans = Vec::new();
    for statement in statements.iter().filter(|statement| reads_or_writes_rows(statement)) {
        let lines = plan(&app, statement).await;
        let is_sorted = lines.iter().any(|line| line.contains("TEMP B-TREE"));
        for line in lines {
            if let Some(table) = scanned(&line, statement, is_sorted) {
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

async fn plan(app: &TestApp, statement: &str) -> Vec<String> {
    match &app.database {
        Database::Sqlite(_) => app.query_plan(statement).await,
        Database::Postgres(_, url) => {
            let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
            let connection = tokio::spawn(connection);
            let parameters = (1..100).rev().find(|place| statement.contains(&format!("${place}"))).unwrap_or(0);
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

/// The large table that a line of a plan goes through from end to end.
fn scanned(line: &str, statement: &str, is_sorted: bool) -> Option<&'static str> {
    let line = line.trim();
    // SQLite: `SCAN t` reads all rows; along an index, or by the table's own key, it reads in order, and a limit ends it.
    let is_in_order = |rest: &str| rest.contains("INDEX") || statement.contains("ORDER BY") && !is_sorted;
    let rest = match line.strip_prefix("SCAN ") {
        Some(rest) if is_in_order(rest) && statement.contains("LIMIT") => return None,
        Some(rest) => rest,
        None => line.split("Seq Scan on ").nth(1)?,
    };
    let name = rest.split([' ', ':']).next().unwrap_or_default().trim_matches('"');
    let is_excused = EXCUSED.iter().any(|(table, part, _)| *table == name && statement.contains(part));
    LARGE.into_iter().find(|table| *table == name && !is_excused)
}

/// Rows as an event with a hundred thousand telephones has them, put in by the databases themselves.
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

/// Asks all that is asked often, as those who ask it; gives how many questions that were.
async fn hot_paths(app: &TestApp) -> usize {
    let (user, operator) = (app.sign_in("user", PASSWORD).await, app.sign_in("operator", PASSWORD).await);
    let (guest, admin) = (app.guest(), app.sign_in("admin", PASSWORD).await);
    let (key, key_id) = key_and_id(app, "READ_SECRETS, READ_DIGESTS", "\"sip\"").await;
    let mut asked = 0;
    let askers: [(&ApiClient, &[&str]); 4] =
        [(&guest, &GUESTS), (&user, &PEOPLE), (&operator, &OPERATORS), (&admin, &ADMINS)];
    for (asker, questions) in askers {
        for question in questions {
            let answer = asker.execute(question, json!({})).await;
            assert!(answer["errors"].is_null(), "{question}: {answer}");
            follow_up(asker, question, &answer).await;
            asked += 1;
        }
    }
    changes(&user, &operator, &admin).await;
    switchboard::background::run_due_jobs(&app.app).await.unwrap();
    switchboard::audit::seal(&app.app.services.store).await.unwrap();
    switchboard::numbers::rules::settle_due(&app.app.services).await.unwrap();
    feed(&key, &admin, &key_id).await;
    asked
}

const GUESTS: [&str; 7] = [
    "{ directory(event: \"demo\") { nodes { number label } pageInfo { endCursor hasNextPage } } }",
    "{ directory(event: \"demo\", search: \"910\") { nodes { number } pageInfo { endCursor hasNextPage } } }",
    "{ directory(event: \"demo\", search: \"phone\") { nodes { number } pageInfo { endCursor hasNextPage } } }",
    "{ directory(event: \"demo\", search: \"7466\") { nodes { number } pageInfo { endCursor hasNextPage } } }",
    "{ directory(event: \"demo\", search: \"phone 9\", serviceTypes: [\"sip\"]) { nodes { number } pageInfo { endCursor hasNextPage } } }",
    "{ directory(event: \"demo\", highlighted: true) { nodes { number } pageInfo { endCursor hasNextPage } } }",
    "{ events { slug name ranges { first last } } serviceTypes { slug } }",
];
const PEOPLE: [&str; 10] = [
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
const OPERATORS: [&str; 9] = [
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
const ADMINS: [&str; 5] = [
    "{ auditEvents { nodes { action } pageInfo { endCursor hasNextPage } } }",
    "{ auditEvents(actor: \"p17\") { nodes { action } pageInfo { endCursor hasNextPage } } }",
    "{ auditEvents(action: \"registerExtension\") { nodes { action } pageInfo { endCursor hasNextPage } } }",
    "{ auditEvents(entity: \"Extension:17\") { nodes { action } pageInfo { endCursor hasNextPage } } }",
    "{ apiKeys { label lastUsedAt } }",
];

/// The second page of a list that has one.
async fn follow_up(asker: &ApiClient, question: &str, answer: &Value) {
    let Some(field) = answer["data"].as_object().and_then(|data| data.values().next()) else { return };
    if field["pageInfo"]["hasNextPage"] != true {
        return;
    }
    let after = field["pageInfo"]["endCursor"].to_string();
    let name = question.trim_start_matches("{ ").split(['(', ' ']).next().unwrap();
    let next = match question.contains(&format!("{name}(")) {
        true => question.replacen(&format!("{name}("), &format!("{name}(after: {after}, "), 1),
        false => question.replacen(name, &format!("{name}(after: {after})"), 1),
    };
    let answer = asker.execute(&next, json!({})).await;
    assert!(answer["errors"].is_null(), "{next}: {answer}");
}

/// The writes that an evening brings.
async fn changes(user: &ApiClient, operator: &ApiClient, admin: &ApiClient) {
    let register = "mutation { done: registerExtension(input: {event: \"demo\", serviceType: \"sip\", number: \"2342\", label: \"Mine\"}) { extension { id } errors { code } } }";
    let made = user.execute_with_key(register, json!({}), Some("once")).await;
    user.execute_with_key(register, json!({}), Some("once")).await;
    let id = made["data"]["done"]["extension"]["id"].clone();
    for (asker, change) in [
        (user, "updateExtension(input: {id: $i, label: \"Still mine\"})"),
        (user, "rotateSecret(input: {id: $i, parameter: \"password\"})"),
        (operator, "setCallPermissions(input: {id: $i, permissions: [\"orga\"]})"),
        (user, "deleteExtension(input: {id: $i})"),
    ] {
        asker
            .execute_ok(
                &format!("mutation($i: ID!) {{ {change} {{ errors {{ code message }} }} }}"),
                json!({ "i": id }),
            )
            .await;
    }
    for (asker, change) in [
        (operator, "barNumber(input: {event: \"demo\", number: \"9100002\", reason: \"x\"})"),
        (operator, "unbarNumber(input: {event: \"demo\", number: \"9100002\"})"),
        (
            operator,
            "assignExtension(input: {event: \"demo\", serviceType: \"sip\", number: \"2343\", owner: \"p18\", label: \"x\"})",
        ),
        (admin, "banAccount(input: {username: \"p17\", reason: \"x\"})"),
        (admin, "unbanAccount(input: {username: \"p17\"})"),
    ] {
        asker.execute_ok(&format!("mutation {{ {change} {{ errors {{ code message }} }} }}"), json!({})).await;
    }
    let taken = "mutation { registerExtension(input: {event: \"demo\", serviceType: \"sip\", number: \"5000\", label: \"x\"}) { errors { code } } }";
    user.execute(taken, json!({})).await;
}

/// What a telephone system reads, says and writes.
async fn feed(key: &ApiClient, admin: &ApiClient, key_id: &str) {
    let name = "mutation($k: ID!) { createFeedConsumer(input: {name: \"hot\", event: \"demo\", serviceType: \"sip\", apiKey: $k}) { errors { code } } }";
    admin.execute_ok(name, json!({ "k": key_id })).await;
    let page = "query($a: String) { provisioning(event: \"demo\", serviceType: \"sip\") { snapshot(first: 100, after: $a) { head pageInfo { endCursor } entries { number secrets digests permissions fallbackNumber restrictions } } } }";
    let first = key.execute_ok(page, json!({})).await["snapshot"].clone();
    key.execute_ok(page, json!({ "a": first["pageInfo"]["endCursor"] })).await;
    let relabel = "mutation { assignExtension(input: {event: \"demo\", serviceType: \"sip\", number: \"2344\", owner: \"p18\", label: \"x\"}) { errors { code } } }";
    admin.execute_ok(relabel, json!({})).await;
    let changes = "query($s: FeedCursor!) { provisioning(event: \"demo\", serviceType: \"sip\") { changes(since: $s) { ... on FeedPage { cursor changes { __typename ... on FeedUpsert { previous { number } } } } } } }";
    let told = key.execute_ok(changes, json!({ "s": first["head"] })).await["changes"].clone();
    let say = "mutation($c: FeedCursor!) { acknowledgeProvisioning(input: {event: \"demo\", serviceType: \"sip\", consumer: \"hot\", cursor: $c}) { errors { code message } } }";
    key.execute_ok(say, json!({ "c": told["cursor"] })).await;
}
