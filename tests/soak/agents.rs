//! Consumers that nobody had to write: `switchboard agent`, as processes that are killed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use axum::extract::{Path as At, State};
use axum::http::StatusCode;
use axum::routing::put;
use diesel::connection::SimpleConnection as _;
use diesel::sql_types::Text;
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection, sql_query};
use serde_json::Value;

use super::copy::Shown;
use super::instances::Instances;
use crate::postgres::Cluster;
use crate::telephony::Program;

/// Both columns are unique: a swap works in two phases alone.
const TABLE: &str =
    "CREATE TABLE phones (number TEXT PRIMARY KEY, extension TEXT NOT NULL UNIQUE, version TEXT NOT NULL)";

type Store = Arc<Mutex<Shown>>;

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

/// The agents, one for each driver that needs no system of its own, and two that write SQL.
pub struct Agents(Vec<Agent>);

#[derive(QueryableByName)]
struct Phone {
    #[diesel(sql_type = Text)]
    number: String,
    #[diesel(sql_type = Text)]
    extension: String,
    #[diesel(sql_type = Text)]
    version: String,
}

impl Agents {
    pub async fn start(instances: &Arc<Instances>, cluster: Option<&Cluster>) -> Self {
        let mut agents = Vec::new();
        for kind in ["sql-0", "sql-1", "file", "http"] {
            let name = format!("agent-{kind}");
            let folder = instances.folder.path().join(&name);
            std::fs::create_dir_all(&folder).unwrap();
            let key = instances.connect(&name).await.key;
            std::fs::write(folder.join("key"), key).unwrap();
            let (driver, target) = match (kind, cluster) {
                ("sql-1", Some(cluster)) => postgres(cluster).await,
                ("sql-0" | "sql-1", _) => sqlite(&folder),
                ("file", _) => file(&folder),
                _ => http().await,
            };
            let feed = format!(
                "[feed]\nurl = \"{}\"\nevent = \"demo\"\nservice_type = \"sip\"\nconsumer = \"{name}\"\nkey_file = \"key\"\n\
                 [guard]\npercent = 100\n",
                instances.url()
            );
            std::fs::write(folder.join("agent.toml"), feed + &driver).unwrap();
            let program = run(&folder);
            agents.push(Agent { name, folder, program, target });
        }
        Self(agents)
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    pub fn name(&self, place: usize) -> String {
        self.0[place].name.clone()
    }

    /// Kills an agent, and starts it again.
    pub fn restart(&mut self, place: usize) {
        let agent = &mut self.0[place];
        agent.program.kill();
        agent.program = run(&agent.folder);
    }

    /// What an agent has written.
    pub async fn copy(&self, place: usize) -> Shown {
        const ALL: &str = "SELECT number, extension, version FROM phones";
        match &self.0[place].target {
            Target::Sqlite(path) => {
                let mut database = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
                database.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
                let rows: Vec<Phone> = sql_query(ALL).load(&mut database).unwrap();
                rows.into_iter().map(|row| (row.number, (row.extension, row.version))).collect()
            }
            Target::Postgres(url) => {
                let rows = client(url).await.query(ALL, &[]).await.unwrap();
                rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect()
            }
            Target::File(path) => {
                let text = std::fs::read_to_string(path).unwrap_or_default();
                let row = |line: &str| {
                    let words: Vec<&str> = line.split(' ').collect();
                    (words[0].to_owned(), (words[1].to_owned(), words[2].to_owned()))
                };
                text.lines().map(row).collect()
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
    let template = "{% for extension in extensions %}{{ extension.number }} {{ extension.id }} {{ extension.version }}\n{% endfor %}";
    std::fs::write(folder.join("phones.template"), template).unwrap();
    let driver = "[file]\nstate = \"agent.db\"\npath = \"phones.txt\"\ntemplate_file = \"phones.template\"\nreload = [\"true\"]\n";
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
        "[http]\nstate = \"agent.db\"\n[http.put]\nurl = \"{url}\"\nbody = '{{\"id\": {{{{ id }}}}, \"version\": {{{{ version }}}}}}'\n\
         [http.delete]\nurl = \"{url}\"\n"
    );
    (driver, Target::Http(store))
}

async fn write(State(store): State<Store>, At(number): At<String>, axum::Json(body): axum::Json<Value>) -> StatusCode {
    let text = |field: &str| body[field].as_str().unwrap().to_owned();
    let mut store = store.lock().unwrap();
    // As a system with unique ids does it: what is written takes its place from wherever it was.
    let id = text("id");
    store.retain(|_, (other, _)| *other != id);
    store.insert(number, (id, text("version")));
    StatusCode::NO_CONTENT
}

async fn remove(State(store): State<Store>, At(number): At<String>) -> StatusCode {
    match store.lock().unwrap().remove(&number) {
        Some(_) => StatusCode::NO_CONTENT,
        None => StatusCode::NOT_FOUND,
    }
}
