//! `switchboard agent` with each of its drivers, as processes that are killed and started again.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use axum::extract::{Path as UrlPath, State};
use axum::http::StatusCode;
use axum::routing::put;
use diesel::connection::SimpleConnection as _;
use diesel::sql_types::Text;
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection, sql_query};
use serde_json::Value;

use super::replica::{EntryVersion, Rows};
use super::servers::Servers;
use crate::postgres::Cluster;
use crate::telephony::Program;

/// Both columns are unique, so a swap of numbers succeeds only in two phases.
const TABLE: &str =
    "CREATE TABLE phones (number TEXT PRIMARY KEY, extension TEXT NOT NULL UNIQUE, version TEXT NOT NULL)";

type Store = Arc<Mutex<Rows>>;

/// The driver of an agent.
#[derive(Clone, Copy, Debug)]
enum Driver {
    Sqlite,
    Postgres,
    File,
    Http,
}

/// The telephone system that an agent writes.
enum Target {
    Sqlite(PathBuf),
    Postgres(String),
    File(PathBuf),
    Http(Store),
}

struct Agent {
    name: String,
    folder: PathBuf,
    program: Program,
    target: Target,
}

/// The agents: two with the SQL driver, one with the file driver, one with the HTTP driver.
pub struct Agents(Vec<Agent>);

/// A row of a SQL target.
#[derive(QueryableByName)]
struct PhoneRow {
    #[diesel(sql_type = Text)]
    number: String,
    #[diesel(sql_type = Text)]
    extension: String,
    #[diesel(sql_type = Text)]
    version: String,
}

impl Agents {
    pub async fn start(servers: &Arc<Servers>, cluster: Option<&Cluster>) -> Self {
        let mut agents = Vec::new();
        for driver in [Driver::Sqlite, Driver::Postgres, Driver::File, Driver::Http] {
            let name = format!("agent-{driver:?}");
            let folder = servers.folder.path().join(&name);
            std::fs::create_dir_all(&folder).unwrap();
            let key = servers.create_consumer(&name).await.key;
            std::fs::write(folder.join("key"), key).unwrap();
            let (settings, target) = match (driver, cluster) {
                (Driver::Postgres, Some(cluster)) => postgres(cluster).await,
                // Without a cluster, both SQL agents write SQLite.
                (Driver::Sqlite | Driver::Postgres, _) => sqlite(&folder),
                (Driver::File, _) => file(&folder),
                (Driver::Http, _) => http().await,
            };
            let feed = format!(
                "[feed]\nurl = \"{}\"\nevent = \"demo\"\nservice_type = \"sip\"\nconsumer = \"{name}\"\n\
                 key_file = \"key\"\n\
                 [guard]\npercent = 100\n",
                servers.url()
            );
            std::fs::write(folder.join("agent.toml"), feed + &settings).unwrap();
            let program = run(&folder);
            agents.push(Agent { name, folder, program, target });
        }
        Self(agents)
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    pub fn name(&self, index: usize) -> &str {
        &self.0[index].name
    }

    /// Kills an agent, and starts it again.
    pub fn restart(&mut self, index: usize) {
        let agent = &mut self.0[index];
        agent.program.kill();
        agent.program = run(&agent.folder);
    }

    /// The rows that an agent has written.
    pub async fn rows(&self, index: usize) -> Rows {
        const ALL: &str = "SELECT number, extension, version FROM phones";
        match &self.0[index].target {
            Target::Sqlite(path) => {
                let mut database = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
                database.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
                let rows: Vec<PhoneRow> = sql_query(ALL).load(&mut database).unwrap();
                let entry = |row: PhoneRow| (row.number, EntryVersion { id: row.extension, version: row.version });
                rows.into_iter().map(entry).collect()
            }
            Target::Postgres(url) => {
                let rows = client(url).await.query(ALL, &[]).await.unwrap();
                rows.iter().map(|row| (row.get(0), EntryVersion { id: row.get(1), version: row.get(2) })).collect()
            }
            Target::File(path) => {
                let text = std::fs::read_to_string(path).unwrap_or_default();
                let entry = |line: &str| {
                    let columns: Vec<&str> = line.split(' ').collect();
                    let [id, version] = [columns[1].to_owned(), columns[2].to_owned()];
                    (columns[0].to_owned(), EntryVersion { id, version })
                };
                text.lines().map(entry).collect()
            }
            Target::Http(store) => store.lock().unwrap().clone(),
        }
    }
}

fn run(folder: &Path) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard"));
    command.args(["agent", "--config"]).arg(folder.join("agent.toml"));
    Program::start("agent", folder, &mut command)
}

fn sql(database: &str) -> String {
    format!(
        "[sql]\ndatabase = \"{database}\"\ndelete = [\"DELETE FROM phones WHERE number = :number\"]\n\
         upsert = [\"DELETE FROM phones WHERE number = :number OR extension = :id\", \
         \"INSERT INTO phones (number, extension, version) VALUES (:number, :id, :version)\"]\n"
    )
}

fn sqlite(folder: &Path) -> (String, Target) {
    let path = folder.join("phones.db");
    SqliteConnection::establish(path.to_str().unwrap()).unwrap().batch_execute(TABLE).unwrap();
    (sql("sqlite:phones.db"), Target::Sqlite(path))
}

async fn postgres(cluster: &Cluster) -> (String, Target) {
    let url = cluster.create_database();
    client(&url).await.batch_execute(TABLE).await.unwrap();
    (sql(&url), Target::Postgres(url))
}

async fn client(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

fn file(folder: &Path) -> (String, Target) {
    let template = "{% for extension in extensions %}{{ extension.number }} {{ extension.id }} \
        {{ extension.version }}\n{% endfor %}";
    std::fs::write(folder.join("phones.template"), template).unwrap();
    let driver = "[file]\nstate = \"agent.db\"\npath = \"phones.txt\"\ntemplate_file = \"phones.template\"\n\
                  reload = [\"true\"]\n";
    (driver.to_owned(), Target::File(folder.join("phones.txt")))
}

async fn http() -> (String, Target) {
    let store = Store::default();
    let router =
        axum::Router::new().route("/phones/{number}", put(write).delete(remove)).with_state(Arc::clone(&store));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/phones/{{{{ number }}}}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let driver = format!(
        "[http]\nstate = \"agent.db\"\n[http.put]\nurl = \"{url}\"\n\
         body = '{{\"id\": {{{{ id }}}}, \"version\": {{{{ version }}}}}}'\n\
         [http.delete]\nurl = \"{url}\"\n"
    );
    (driver, Target::Http(store))
}

async fn write(
    State(store): State<Store>,
    UrlPath(number): UrlPath<String>,
    axum::Json(body): axum::Json<Value>,
) -> StatusCode {
    let text = |field: &str| body[field].as_str().unwrap().to_owned();
    let mut store = store.lock().unwrap();
    let entry = EntryVersion { id: text("id"), version: text("version") };
    // Ids are unique: a write replaces the row that has the id under another number.
    store.retain(|_, other| other.id != entry.id);
    store.insert(number, entry);
    StatusCode::NO_CONTENT
}

async fn remove(State(store): State<Store>, UrlPath(number): UrlPath<String>) -> StatusCode {
    match store.lock().unwrap().remove(&number) {
        Some(_) => StatusCode::NO_CONTENT,
        None => StatusCode::NOT_FOUND,
    }
}
