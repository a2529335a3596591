//! `switchboard agent`, as a process, and the telephone system that it writes to: a SQLite database whose numbers and handsets
//! are unique columns.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use diesel::connection::SimpleConnection as _;
use diesel::sql_types::Text;
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection, sql_query};
use serde_json::{Value, json};

use super::copy::{COMPLAINT, Rows};
use super::ground::Desk;

const BINARY: &str = env!("CARGO_BIN_EXE_switchboard");

/// The telephone system's tables: what it has, and what it was told.
const TABLES: &str = "
CREATE TABLE phones (number TEXT PRIMARY KEY, ipei TEXT UNIQUE, id TEXT NOT NULL, slot INTEGER NOT NULL, label TEXT NOT NULL,
    ascii_label TEXT NOT NULL, parameters TEXT NOT NULL, secrets TEXT NOT NULL, digests TEXT NOT NULL, permissions TEXT NOT NULL,
    fallback_number TEXT, active INTEGER NOT NULL, restrictions TEXT NOT NULL, effects TEXT NOT NULL, members TEXT,
    owner_username TEXT NOT NULL, visibility TEXT NOT NULL, version TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE told (place INTEGER PRIMARY KEY, id TEXT NOT NULL, slot INTEGER, number TEXT, parameters TEXT, is_gone INTEGER);
CREATE VIEW shown AS SELECT json_object('id', id, 'slot', slot, 'number', number, 'label', label, 'asciiLabel', ascii_label,
    'parameters', json(parameters), 'secrets', json(secrets), 'digests', json(digests), 'permissions', json(permissions),
    'fallbackNumber', fallback_number, 'active', json(CASE active WHEN 1 THEN 'true' ELSE 'false' END),
    'restrictions', json(restrictions), 'effects', json(effects), 'members', json(coalesce(members, 'null')),
    'ownerUsername', owner_username, 'visibility', visibility, 'version', version, 'updatedAt', updated_at) AS text FROM phones;
";

/// It knows no ids of ours when it deletes: what is under a number or a handset goes.
const DRIVER: &str = r#"
[guard]
percent = 100
[sql]
database = "sqlite:phones.db"
delete = [
    "INSERT INTO told (id, slot, number, parameters, is_gone) VALUES (:id, :slot, :number, :parameters, :now IS NULL)",
    "DELETE FROM phones WHERE number = :number OR ipei = :parameters.ipei",
]
upsert = [
    "DELETE FROM phones WHERE number = :number OR ipei = :parameters.ipei",
    "INSERT INTO phones VALUES (:number, :parameters.ipei, :id, :slot, :label, :ascii_label, :parameters, :secrets, :digests, :permissions, :fallback_number, :active, :restrictions, :effects, :members, :owner_username, :visibility, :version, :updated_at)",
    "INSERT INTO told (id) VALUES (:id)",
]
"#;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

/// An agent and its telephone system. The process runs while it stays; else it is started for each reading.
pub struct Agent {
    folder: Arc<tempfile::TempDir>,
    staying: Option<Child>,
    /// A reading that was begun: whoever waited for it may have stopped waiting.
    reading: Option<Child>,
    /// What its log said before is no news.
    log_read: usize,
}

impl Agent {
    /// Writes `agent.toml`, with the server behind something that lets things happen between two answers.
    pub async fn installed(desk: &Desk) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), desk.key.token().unwrap()).unwrap();
        let agent = Self { folder: Arc::new(folder), staying: None, reading: None, log_read: 0 };
        agent.open().batch_execute(TABLES).unwrap();
        agent.moves(desk).await;
        agent
    }

    /// The server is this one from now on.
    pub async fn moves(&self, desk: &Desk) {
        let feed = format!(
            "[feed]\nurl = \"{}\"\nevent = \"{}\"\nservice_type = \"{}\"\nconsumer = \"{}\"\nkey_file = \"key\"\n",
            interrupted(desk).await,
            desk.event,
            desk.service_type,
            desk.consumer
        );
        std::fs::write(self.file("agent.toml"), feed + DRIVER).unwrap();
    }

    /// A copy of the system with its agent, which does not run.
    pub fn sleeper(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        self.open().batch_execute(&format!("VACUUM INTO '{}'", folder.path().join("phones.db").display())).unwrap();
        for file in ["key", "agent.toml"] {
            std::fs::copy(self.file(file), folder.path().join(file)).unwrap();
        }
        Self { folder: Arc::new(folder), staying: None, reading: None, log_read: 0 }
    }

    /// Runs the agent until it has read and applied everything.
    pub async fn reads(&mut self) {
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
        assert!(status.success(), "the agent ended with {status}:\n{}", self.log());
    }

    /// Starts the agent, which then follows the feed.
    pub fn stays(&mut self) {
        self.staying = Some(self.start(&[]));
    }

    /// Kills the agent that stays.
    pub fn breaks(&mut self) {
        for mut process in self.staying.take().into_iter().chain(self.reading.take()) {
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
        let rows: Vec<Line> = sql_query(statement).load(&mut self.open()).unwrap();
        rows.into_iter().map(|row| row.text).collect()
    }

    /// What the telephone system has.
    pub fn rows(&self) -> Rows {
        let rows = self.select_text("SELECT text FROM shown").into_iter().map(|text| {
            let mut row: Value = serde_json::from_str(&text).unwrap();
            for member in row["members"].as_array_mut().into_iter().flatten() {
                let delay = member.as_object_mut().unwrap().remove("delay_seconds").unwrap();
                member["delaySeconds"] = delay;
            }
            (row["number"].as_str().unwrap().to_owned(), row)
        });
        rows.collect()
    }

    /// Where the agent stands.
    pub fn cursor(&self) -> String {
        self.select_text("SELECT feed_cursor AS text FROM switchboard_agent").pop().unwrap_or_default()
    }

    /// What the agent has told its system since it was asked last, as GraphQL has changes.
    pub fn told(&self) -> Vec<Value> {
        let rows = self.rows();
        let mut changes: Vec<Value> = Vec::new();
        let told = "SELECT json_array(id, slot, number, json(coalesce(parameters, 'null')), is_gone) AS text FROM told ORDER BY place";
        for text in self.select_text(told) {
            let [id, slot, number, parameters, is_gone]: [Value; 5] = serde_json::from_str(&text).unwrap();
            let entry = rows.values().find(|row| row["id"] == id);
            let keys = json!({ "number": number, "parameters": parameters });
            let place = changes.iter().position(|change| change["id"] == id || change["extension"]["id"] == id);
            let place = place.unwrap_or_else(|| {
                changes.push(match (&is_gone, entry) {
                    (Value::Number(gone), _) if gone.as_i64() == Some(1) => {
                        json!({ "id": id, "slot": slot, "keys": [] })
                    }
                    (_, Some(entry)) => json!({ "extension": entry, "previous": [] }),
                    (_, None) => json!({ "extension": { "id": id }, "previous": [] }),
                });
                changes.len() - 1
            });
            for list in ["keys", "previous"] {
                let list = changes[place].get_mut(list).and_then(Value::as_array_mut);
                if let Some(list) = list.filter(|_| !number.is_null()) {
                    list.push(keys.clone());
                }
            }
        }
        self.open().batch_execute("DELETE FROM told").unwrap();
        changes
    }

    /// Why the agent began anew, each time since it was asked last.
    pub fn resets(&mut self) -> Vec<String> {
        let log = self.log();
        let news = &log[self.log_read..];
        self.log_read = log.len();
        let reasons = news.lines().filter_map(|line| {
            if line.contains("the event is archived") {
                return Some("CLOSED");
            }
            let rest = line.contains("the changes cannot be told").then(|| line.split_once("reason=\""))?;
            rest.and_then(|(_, rest)| rest.split('"').next())
        });
        reasons.map(str::to_owned).collect()
    }

    /// The agent has forgotten what came after this cursor, as one does that is killed before it has noted it.
    pub fn goes_back_to(&self, cursor: &str) {
        self.open().batch_execute(&format!("UPDATE switchboard_agent SET feed_cursor = '{cursor}'")).unwrap();
    }

    /// The telephone system cannot take this number's record.
    pub fn refuses(&self, number: &str) {
        let refuse = format!(
            "CREATE TRIGGER refuse BEFORE INSERT ON phones WHEN new.number = '{number}' BEGIN SELECT RAISE(ABORT, '{COMPLAINT}'); END"
        );
        self.open().batch_execute(&refuse).unwrap();
    }

    /// All that the agent itself remembers, as text.
    pub fn remembers(&self) -> String {
        let mut all = Vec::new();
        for (table, columns) in [
            ("switchboard_agent", "feed, feed_cursor, digest"),
            ("switchboard_agent_copy", "feed, extension, version, keys, code, message"),
            ("switchboard_agent_calls", "feed, number, extension"),
        ] {
            all.extend(self.select_text(&format!("SELECT json_array({columns}) AS text FROM {table}")));
        }
        all.join("\n")
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.breaks();
    }
}

/// The server's address, behind something that passes everything on and lets things happen after each answer.
async fn interrupted(desk: &Desk) -> String {
    if desk.ground.meanwhile.lock().await.is_empty() {
        return desk.ground.app.url.clone();
    }
    let router = axum::Router::new().fallback(pass_on).with_state(desk.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn pass_on(State(desk): State<Desk>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let url = format!("{}{}", desk.ground.app.url, parts.uri);
    let mut headers = parts.headers;
    headers.remove("host");
    let answer = reqwest::Client::new().request(parts.method, url).headers(headers).body(body).send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = answer.bytes().await.unwrap();
    desk.is_interrupted().await;
    let content_type = headers.get("content-type").cloned().unwrap_or_else(|| "text/plain".parse().unwrap());
    (status, [("content-type", content_type)], body).into_response()
}
