//! No hot query scans a large table: the statements that the application prepares, explained by both databases with a
//! hundred thousand extensions.
//!
//! diesel's instrumentation reports every statement; the test records those of its own database. SQLite explains them
//! as they are, PostgreSQL by the generic plan, which does not depend on values.

pub mod growth;
mod operations;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::support::{Database, TestApp};
use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use diesel_async::AsyncConnection as _;
use platform::store::{Conn, PgConn};

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
    /// When the running statement began, in the time of its thread.
    began: Duration,
}

impl Instrumentation for Recorder {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartEstablishConnection { url, .. } => url.clone_into(&mut self.url),
            InstrumentationEvent::FinishQuery { .. } => {
                growth::add(&self.url, growth::thread_time().saturating_sub(self.began));
            }
            InstrumentationEvent::StartQuery { query, .. } => {
                self.began = growth::thread_time();
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
    let instrumented =
        set_default_instrumentation(|| Some(Box::new(Recorder { url: String::new(), began: Duration::ZERO })));
    instrumented.expect("the only default instrumentation");
}

/// Number of connections that the pool has at most.
const POOL: usize = 16;

/// Tells the recorder of each pooled PostgreSQL connection its database: the connection is not established by URL.
async fn instrument_pool(app: &TestApp, url: &str) {
    // Held together, so that none is handed out twice.
    let mut held = Vec::new();
    while !app.is_embedded() && held.len() < POOL {
        let mut pooled = app.app.services.store.read().await.unwrap();
        if let Conn::Postgres(conn) = &mut *pooled {
            let conn: &mut PgConn = conn;
            conn.set_instrumentation(Recorder { url: url.to_owned(), began: Duration::ZERO });
        }
        held.push(pooled);
    }
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
    instrument_pool(&app, &url).await;
    operations::run_hot_operations(&app).await;
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
    let shared = FILL
        .replace("{demo}", "(SELECT id FROM events WHERE slug = 'demo')")
        .replace("{sip}", "(SELECT id FROM service_types WHERE slug = 'sip')");
    let sqlite = shared
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
    let postgresql = shared
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

/// The rows, for both dialects.
const FILL: &str = include_str!("explain/fill.sql");
