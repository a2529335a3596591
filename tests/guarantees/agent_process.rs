//! `switchboard agent` as a process, and the telephone system that it writes: a SQLite database in which numbers and
//! handsets are unique columns.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use diesel::connection::SimpleConnection as _;
use diesel::sql_types::Text;
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection, sql_query};
use serde::Deserialize;
use serde_json::{Value, json};

use super::fixture::Consumer;
use super::replica::{REJECTION, Rows};

const BINARY: &str = env!("CARGO_BIN_EXE_switchboard");

/// The telephone system's tables: its rows, and a log of the agent's writes.
const TABLES: &str = "
CREATE TABLE phones (number TEXT PRIMARY KEY, ipei TEXT UNIQUE, id TEXT NOT NULL, slot INTEGER NOT NULL,
    label TEXT NOT NULL, ascii_label TEXT NOT NULL, parameters TEXT NOT NULL, secrets TEXT NOT NULL,
    digests TEXT NOT NULL, permissions TEXT NOT NULL, fallback_number TEXT, active INTEGER NOT NULL,
    restrictions TEXT NOT NULL, effects TEXT NOT NULL, members TEXT,
    owner_username TEXT NOT NULL, visibility TEXT NOT NULL, version TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE received (position INTEGER PRIMARY KEY, id TEXT NOT NULL, slot INTEGER, number TEXT, parameters TEXT,
    removed INTEGER);
CREATE VIEW entries AS SELECT json_object(
    'id', id, 'slot', slot, 'number', number, 'label', label, 'asciiLabel', ascii_label,
    'parameters', json(parameters), 'secrets', json(secrets), 'digests', json(digests),
    'permissions', json(permissions), 'fallbackNumber', fallback_number,
    'active', json(CASE active WHEN 1 THEN 'true' ELSE 'false' END),
    'restrictions', json(restrictions), 'effects', json(effects), 'members', json(coalesce(members, 'null')),
    'ownerUsername', owner_username, 'visibility', visibility, 'version', version, 'updatedAt', updated_at
) AS text FROM phones;
";

/// Deletes by number and handset only: this telephone system does not use Switchboard's ids as keys.
const DRIVER: &str = r#"
[guard]
percent = 100
[sql]
database = "sqlite:phones.db"
delete = [
    "INSERT INTO received (id, slot, number, parameters, removed) VALUES (:id, :slot, :number, :parameters, :now IS NULL)",
    "DELETE FROM phones WHERE number = :number OR ipei = :parameters.ipei",
]
upsert = [
    "DELETE FROM phones WHERE number = :number OR ipei = :parameters.ipei",
    "INSERT INTO phones VALUES (:number, :parameters.ipei, :id, :slot, :label, :ascii_label, :parameters, :secrets, :digests, :permissions, :fallback_number, :active, :restrictions, :effects, :members, :owner_username, :visibility, :version, :updated_at)",
    "INSERT INTO received (id) VALUES (:id)",
]
"#;

#[derive(QueryableByName)]
struct TextRow {
    #[diesel(sql_type = Text)]
    text: String,
}

/// A row of `received`: a deleted key, or an upsert when `number` is null.
#[derive(Deserialize)]
struct ReceivedRow {
    id: Value,
    slot: Value,
    number: Value,
    parameters: Value,
    removed: Option<i64>,
}

/// An agent and its telephone system. Each read runs the process to its end, unless the agent follows the feed.
pub struct AgentProcess {
    folder: Arc<tempfile::TempDir>,
    following: Option<Child>,
    /// The process of a read that was started; the future that waited for it may have been dropped.
    reading: Option<Child>,
    /// How many bytes of the log have been read.
    log_offset: usize,
}

impl AgentProcess {
    /// Writes `agent.toml`; where the fixture has interruptions, its URL is a proxy that runs them.
    pub async fn install(consumer: &Consumer) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), consumer.key.token().unwrap()).unwrap();
        let agent = Self { folder: Arc::new(folder), following: None, reading: None, log_offset: 0 };
        agent.open().batch_execute(TABLES).unwrap();
        agent.switch_to(consumer).await;
        agent
    }

    /// Reads from this consumer's server from now on.
    pub async fn switch_to(&self, consumer: &Consumer) {
        let feed = format!(
            "[feed]\nurl = \"{}\"\nevent = \"{}\"\nservice_type = \"{}\"\nconsumer = \"{}\"\nkey_file = \"key\"\n",
            server_url(consumer).await,
            consumer.event,
            consumer.service_type,
            consumer.name
        );
        std::fs::write(self.file("agent.toml"), feed + DRIVER).unwrap();
    }

    /// A copy of the telephone system with its agent, which does not run yet.
    pub fn fork(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        self.open().batch_execute(&format!("VACUUM INTO '{}'", folder.path().join("phones.db").display())).unwrap();
        for file in ["key", "agent.toml"] {
            std::fs::copy(self.file(file), folder.path().join(file)).unwrap();
        }
        Self { folder: Arc::new(folder), following: None, reading: None, log_offset: 0 }
    }

    /// Runs the agent until it has read and applied everything.
    pub async fn read_available(&mut self) {
        if self.reading.is_none() {
            self.reading = Some(self.start(&["--once"]));
        }
        let status = loop {
            if let Some(status) = self.reading.as_mut().unwrap().try_wait().unwrap() {
                break status;
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        };
        self.reading = None;
        let failing = self.select_text(
            "SELECT extension AS text FROM switchboard_agent_copy WHERE code IS NOT NULL AND code <> 'RESOLVED'",
        );
        assert_eq!(
            status.success(),
            failing.is_empty(),
            "{failing:?}, and the agent ended with {status}:\n{}",
            self.log()
        );
    }

    /// Starts an agent that follows the feed.
    pub fn follow(&mut self) {
        self.following = Some(self.start(&[]));
    }

    /// Kills every process of this agent.
    pub fn kill(&mut self) {
        for mut process in self.following.take().into_iter().chain(self.reading.take()) {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    fn start(&self, options: &[&str]) -> Child {
        let log = std::fs::File::options().create(true).append(true).open(self.file("log")).unwrap();
        let mut command = Command::new(BINARY);
        command.args(["agent", "--config", "agent.toml"]).args(options).current_dir(self.folder.path());
        command.env("SWITCHBOARD_LOG", "info").env("NO_COLOR", "1");
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.file("log")).unwrap_or_default()
    }

    fn open(&self) -> SqliteConnection {
        let path: &Path = &self.file("phones.db");
        let mut database = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        database.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
        database
    }

    fn select_text(&self, statement: &str) -> Vec<String> {
        let rows: Vec<TextRow> = sql_query(statement).load(&mut self.open()).unwrap();
        rows.into_iter().map(|row| row.text).collect()
    }

    /// The telephone system's rows, in the shape of feed entries.
    pub fn rows(&self) -> Rows {
        let rows = self.select_text("SELECT text FROM entries").into_iter().map(|text| {
            let mut row: Value = serde_json::from_str(&text).unwrap();
            for member in row["members"].as_array_mut().into_iter().flatten() {
                let delay = member.as_object_mut().unwrap().remove("delay_seconds").unwrap();
                member["delaySeconds"] = delay;
            }
            (row["number"].as_str().unwrap().to_owned(), row)
        });
        rows.collect()
    }

    /// The cursor that the agent has stored.
    pub fn cursor(&self) -> String {
        self.select_text("SELECT feed_cursor AS text FROM switchboard_agent").pop().unwrap_or_default()
    }

    /// The changes that the agent has written since the last call, in the shape of GraphQL.
    pub fn take_received(&self) -> Vec<Value> {
        const RECEIVED: &str = "SELECT json_object('id', id, 'slot', slot, 'number', number, \
            'parameters', json(coalesce(parameters, 'null')), 'removed', removed) AS text \
            FROM received ORDER BY position";
        let rows = self.rows();
        let mut changes: Vec<Value> = Vec::new();
        for text in self.select_text(RECEIVED) {
            let received: ReceivedRow = serde_json::from_str(&text).unwrap();
            let id = &received.id;
            let known = changes.iter().position(|change| change["id"] == *id || change["extension"]["id"] == *id);
            let index = known.unwrap_or_else(|| {
                let entry = rows.values().find(|row| row["id"] == *id);
                changes.push(match (received.removed, entry) {
                    (Some(1), _) => json!({ "id": id, "slot": received.slot, "keys": [] }),
                    (_, Some(entry)) => json!({ "extension": entry, "previous": [] }),
                    (_, None) => json!({ "extension": { "id": id }, "previous": [] }),
                });
                changes.len() - 1
            });
            let keys = json!({ "number": received.number, "parameters": received.parameters });
            for list in ["keys", "previous"] {
                let list = changes[index].get_mut(list).and_then(Value::as_array_mut);
                if let Some(list) = list.filter(|_| !received.number.is_null()) {
                    list.push(keys.clone());
                }
            }
        }
        self.open().batch_execute("DELETE FROM received").unwrap();
        changes
    }

    /// The reason of each reset since the last call, from the agent's log.
    pub fn take_resets(&mut self) -> Vec<String> {
        let log = self.log();
        let unread = &log[self.log_offset..];
        self.log_offset = log.len();
        let reasons = unread.lines().filter_map(|line| {
            if line.contains("the event is archived") {
                return Some("CLOSED");
            }
            // The structured field `reason` occurs only in the event of a reset.
            line.split_once("reason=\"").and_then(|(_, rest)| rest.split('"').next())
        });
        reasons.map(str::to_owned).collect()
    }

    /// Moves the stored cursor back, as if the agent had been killed before it stored a newer one.
    pub fn rewind_to(&self, cursor: &str) {
        self.open().batch_execute(&format!("UPDATE switchboard_agent SET feed_cursor = '{cursor}'")).unwrap();
    }

    /// Makes the telephone system reject this number's record.
    pub fn reject(&self, number: &str) {
        let trigger = format!(
            "CREATE TRIGGER reject BEFORE INSERT ON phones WHEN new.number = '{number}' \
             BEGIN SELECT RAISE(ABORT, '{REJECTION}'); END"
        );
        self.open().batch_execute(&trigger).unwrap();
    }

    /// Everything that the agent stores for itself, as text.
    pub fn stored_state(&self) -> String {
        let mut rows = Vec::new();
        for (table, columns) in [
            ("switchboard_agent", "feed, feed_cursor, digest"),
            ("switchboard_agent_copy", "feed, extension, version, keys, code, message"),
            ("switchboard_agent_calls", "feed, number, extension"),
        ] {
            rows.extend(self.select_text(&format!("SELECT json_array({columns}) AS text FROM {table}")));
        }
        rows.join("\n")
    }
}

impl Drop for AgentProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The server's URL; where the fixture has interruptions, the URL of a proxy that runs one after each response.
async fn server_url(consumer: &Consumer) -> String {
    if consumer.fixture.interruptions.lock().await.is_empty() {
        return consumer.fixture.app.url.clone();
    }
    let router = axum::Router::new().fallback(forward).with_state(consumer.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn forward(State(consumer): State<Consumer>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let url = format!("{}{}", consumer.fixture.app.url, parts.uri);
    let mut headers = parts.headers;
    headers.remove("host");
    let response = reqwest::Client::new().request(parts.method, url).headers(headers).body(body).send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.bytes().await.unwrap();
    consumer.run_interruption().await;
    let content_type = headers.get("content-type").cloned().unwrap_or_else(|| "text/plain".parse().unwrap());
    (status, [("content-type", content_type)], body).into_response()
}
