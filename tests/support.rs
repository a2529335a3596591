//! An application under test, and the people who use it.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use serde_json::{Value, json};
use switchboard::accounts::hashing::Hasher;
use switchboard::app::{App, Parts};
use switchboard::cli::Cli;
use switchboard::clock::{Clock, ManualClock, Rng, SystemRng, Timestamp};
use switchboard::store::Conn;
use switchboard::{app, background, demo, http};

use crate::postgres::Cluster;

/// A test of the API.
pub type Test = fn(TestApp) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// The demo event behind a real port, with a clock that the test moves.
#[derive(Clone)]
pub struct TestApp {
    pub app: Arc<App>,
    pub clock: Arc<ManualClock>,
    pub folder: Arc<tempfile::TempDir>,
    pub url: String,
    pub database: Database,
    client: reqwest::Client,
}

#[derive(diesel::QueryableByName)]
struct TextRow {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

#[derive(diesel::QueryableByName)]
struct PlanRow {
    #[diesel(sql_type = diesel::sql_types::Text)]
    detail: String,
}

/// Where the application keeps its rows.
#[derive(Clone)]
pub enum Database {
    /// A file in the application's folder.
    Sqlite(PathBuf),
    /// A database of the cluster, by its URL.
    Postgres(Cluster, String),
}

/// A test that brings its own program: it gets a folder and an empty database.
pub type ProcessTest = fn(Arc<tempfile::TempDir>, Database) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs a test on SQLite, or on a new database of this cluster.
pub fn run<F, Running>(cluster: Option<&Cluster>, test: F) -> Result<(), libtest_mimic::Failed>
where
    F: FnOnce(TestApp) -> Running + Send + 'static,
    Running: Future<Output = ()> + Send + 'static,
{
    run_on(cluster, move |folder, database| async move { test(TestApp::start(folder, database, None).await).await })
}

/// Runs a test that brings its own program.
pub fn run_process_test(cluster: Option<&Cluster>, test: ProcessTest) -> Result<(), libtest_mimic::Failed> {
    run_on(cluster, test)
}

fn run_on<F, Running>(cluster: Option<&Cluster>, test: F) -> Result<(), libtest_mimic::Failed>
where
    F: FnOnce(Arc<tempfile::TempDir>, Database) -> Running + Send + 'static,
    Running: Future<Output = ()> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let folder = Arc::new(tempfile::tempdir()?);
    let database = match cluster {
        None => Database::Sqlite(folder.path().join("switchboard.db")),
        Some(cluster) => Database::Postgres(cluster.clone(), cluster.database()),
    };
    let outcome = runtime.block_on(async move {
        tokio::spawn(async move {
            test(folder, database).await;
        })
        .await
    });
    runtime.shutdown_background();
    outcome.map_err(|error| format!("{error}").into())
}

impl Database {
    /// As the program's flag has it.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(file) => format!("sqlite:{}", file.display()),
            Self::Postgres(_, url) => url.clone(),
        }
    }
}

impl TestApp {
    /// Opens the demo event over a database, new or old.
    pub async fn start(folder: Arc<tempfile::TempDir>, database: Database, clock: Option<Arc<ManualClock>>) -> Self {
        Self::start_with(&[], folder, database, clock).await
    }

    async fn start_with(
        more: &[&str],
        folder: Arc<tempfile::TempDir>,
        database: Database,
        clock: Option<Arc<ManualClock>>,
    ) -> Self {
        let url = database.url();
        let data_dir = folder.path().display().to_string();
        // What tests start is called on this address; every other one of this machine is out of bounds.
        let arguments =
            ["switchboard", "--data-dir", &data_dir, "--database-url", &url, "--web-hook-network", "127.0.0.1"];
        let cli = Cli::try_parse_from(arguments.iter().chain(more)).unwrap();
        let clock =
            clock.unwrap_or_else(|| Arc::new(ManualClock::new(Timestamp::parse("2026-08-20T09:30:00Z").unwrap())));
        let rng: Arc<dyn Rng> = Arc::new(SystemRng);
        let parts = Parts {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            hasher: Hasher::cheap(Arc::clone(&rng)).unwrap(),
            rng,
        };
        let services = app::open(&cli.installation, parts).await.unwrap();
        demo::load(&services).await.unwrap();
        let app = App::new(&cli.installation, cli.serving, services).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = http::router(Arc::clone(&app)).into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { app, clock, folder, url, database, client: ApiClient::new("", None).client }
    }

    /// A second instance of the program over the same database. It hears nobody's doorbell but its own.
    pub async fn another_instance(&self) -> Self {
        Self::start(Arc::clone(&self.folder), self.database.clone(), Some(Arc::clone(&self.clock))).await
    }

    /// An instance over the same database for which whoever calls is a proxy, and tells whom it calls for.
    pub async fn behind_trusted_proxy(&self) -> Self {
        let (folder, clock) = (Arc::clone(&self.folder), Some(Arc::clone(&self.clock)));
        Self::start_with(&["--trusted-proxy", "127.0.0.1"], folder, self.database.clone(), clock).await
    }

    /// Takes a copy of the database as it is now; [`Self::start_from_backup`] starts over it.
    pub async fn back_up(&self) -> Database {
        match &self.database {
            Database::Sqlite(_) => {
                let copy = tempfile::Builder::new().suffix(".db").tempfile_in(self.folder.path()).unwrap();
                let copy = copy.into_temp_path().to_path_buf();
                self.app.services.store.backup_into(&copy).await.unwrap();
                Database::Sqlite(copy)
            }
            Database::Postgres(cluster, url) => {
                let (cluster, url) = (cluster.clone(), url.clone());
                let copied = tokio::task::spawn_blocking(move || (cluster.copy(&url), cluster)).await.unwrap();
                Database::Postgres(copied.1, copied.0)
            }
        }
    }

    /// The program over a database that was restored.
    pub async fn start_from_backup(&self, copy: Database) -> Self {
        Self::start(Arc::clone(&self.folder), copy, Some(Arc::clone(&self.clock))).await
    }

    /// Runs statements past the program; on PostgreSQL the second text, where the dialects differ.
    pub async fn execute_sql(&self, sqlite: &str, postgresql: &str) {
        let statements = if self.is_embedded() { sqlite } else { postgresql }.to_owned();
        let done = self.app.services.store.write(move |conn| {
            Box::pin(async move {
                match conn {
                    Conn::Sqlite(conn) => conn.batch_execute(&statements).await?,
                    Conn::Postgres(conn) => conn.batch_execute(&statements).await?,
                }
                Ok(())
            })
        });
        done.await.unwrap();
    }

    /// The texts that a statement of one text column gives.
    pub async fn select_text(&self, statement: &str) -> Vec<String> {
        let mut conn = self.app.services.store.read().await.unwrap();
        let rows: Vec<TextRow> = match &mut *conn {
            Conn::Sqlite(conn) => diesel::sql_query(statement).load(conn).await.unwrap(),
            Conn::Postgres(conn) => diesel::sql_query(statement).load(conn).await.unwrap(),
        };
        rows.into_iter().map(|row| row.text).collect()
    }

    /// How SQLite would run a statement, line by line.
    pub async fn query_plan(&self, statement: &str) -> Vec<String> {
        let mut conn = self.app.services.store.read().await.unwrap();
        let Conn::Sqlite(conn) = &mut *conn else { panic!("this is SQLite's way to explain") };
        let rows: Vec<PlanRow> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load(conn).await.unwrap();
        rows.into_iter().map(|row| row.detail).collect()
    }

    /// All rows of a table as text; bytes are hexadecimal digits.
    pub async fn dump_table(&self, table: &str) -> String {
        let statement = if self.is_embedded() {
            let columns = self.select_text(&format!("SELECT name AS text FROM pragma_table_info('{table}')")).await;
            let columns: Vec<String> = columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
            format!("SELECT {} AS text FROM \"{table}\"", columns.join(" || ' ' || "))
        } else {
            format!("SELECT CAST(rows AS TEXT) AS text FROM \"{table}\" AS rows")
        };
        self.select_text(&statement).await.join("\n")
    }

    /// Whether the database is the embedded one.
    pub const fn is_embedded(&self) -> bool {
        matches!(self.database, Database::Sqlite(_))
    }

    /// Somebody who has not signed in.
    pub fn guest(&self) -> Actor {
        Actor { app: self.clone(), client: ApiClient::new(&self.url, None) }
    }

    /// One of the demo's accounts, signed in.
    pub async fn sign_in(&self, username: &str, password: &str) -> Actor {
        let query =
            "mutation($l: String!, $p: String!) { signIn(input: {login: $l, password: $p}) { token errors { code } } }";
        let answer = self.guest().execute(query, json!({ "l": username, "p": password })).await;
        let token = answer["data"]["signIn"]["token"].as_str().unwrap_or_else(|| panic!("no token: {answer}"));
        self.with_token(token)
    }

    /// Whoever holds this token or key.
    pub fn with_token(&self, token: &str) -> Actor {
        Actor {
            app: self.clone(),
            client: ApiClient { client: self.client.clone(), ..ApiClient::new(&self.url, Some(token)) },
        }
    }

    /// Sends the mails that wait, and gives the newest mail's text.
    pub async fn newest_mail(&self) -> String {
        background::run_due_jobs(&self.app).await.unwrap();
        let mut files: Vec<_> =
            std::fs::read_dir(self.folder.path().join("mail")).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        std::fs::read_to_string(files.last().expect("no mail was sent")).unwrap()
    }

    /// Sends the mails that wait, and gives the texts of those to this address, oldest first.
    pub async fn mails_to(&self, address: &str) -> Vec<String> {
        background::run_due_jobs(&self.app).await.unwrap();
        let folder = std::fs::read_dir(self.folder.path().join("mail")).unwrap();
        let mut files: Vec<_> = folder.map(|entry| entry.unwrap()).collect();
        files.sort_by_key(|entry| entry.metadata().unwrap().modified().unwrap());
        let mails = files.iter().map(|entry| std::fs::read_to_string(entry.path()).unwrap());
        mails.filter(|mail| mail.lines().any(|line| line.starts_with("To:") && line.contains(address))).collect()
    }

    /// The token of the newest mail's link.
    pub async fn mailed_token(&self) -> String {
        let mail = self.newest_mail().await;
        let link = mail
            .lines()
            .find(|line| line.starts_with("http") && line.contains("#token="))
            .expect("no link in the mail");
        link.split("#token=").nth(1).unwrap().to_owned()
    }
}

/// Somebody who speaks to the API of an application under test.
#[derive(Clone)]
pub struct Actor {
    pub app: TestApp,
    pub client: ApiClient,
}

impl std::ops::Deref for Actor {
    type Target = ApiClient;
    fn deref(&self) -> &ApiClient {
        &self.client
    }
}

/// Whoever asks an address, with a token or a key or without.
#[derive(Clone)]
pub struct ApiClient {
    pub url: String,
    pub token: Option<String>,
    client: reqwest::Client,
}

impl ApiClient {
    /// Somebody who asks the server of this URL.
    pub fn new(url: &str, token: Option<&str>) -> Self {
        let client = reqwest::Client::builder().user_agent("suite").build().unwrap();
        Self { url: url.to_owned(), token: token.map(str::to_owned), client }
    }

    /// Asks, and gives the whole answer.
    pub async fn execute(&self, query: &str, variables: Value) -> Value {
        self.execute_with_key(query, variables, None).await
    }

    /// A GET request for a document.
    pub fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.request(reqwest::Method::GET, path)
    }

    /// A HEAD request for a document.
    pub fn head(&self, path: &str) -> reqwest::RequestBuilder {
        self.request(reqwest::Method::HEAD, path)
    }

    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// The token or key, if there is one.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Asks for something that must succeed: gives the one field asked for, which has no errors.
    pub async fn execute_ok(&self, query: &str, variables: Value) -> Value {
        let answer = self.execute(query, variables).await;
        assert!(answer["errors"].is_null(), "{query}: {answer}");
        let field = answer["data"].as_object().unwrap().values().next().unwrap().clone();
        assert!(field["errors"].is_null() || field["errors"] == json!([]), "{query}: {field}");
        field
    }

    /// Asks under an idempotency key.
    pub async fn execute_with_key(&self, query: &str, variables: Value, key: Option<&str>) -> Value {
        self.try_execute(query, variables, key).await.unwrap()
    }

    /// Asks a server that may go away meanwhile.
    pub async fn try_execute(&self, query: &str, variables: Value, key: Option<&str>) -> reqwest::Result<Value> {
        let mut request = self.post(&json!({ "query": query, "variables": variables }));
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        request.send().await?.json().await
    }

    /// Follows a subscription.
    pub async fn subscribe(&self, query: &str) -> EventStream {
        let request = self.post(&json!({ "query": query })).header("accept", "text/event-stream");
        EventStream { response: request.send().await.unwrap(), unread: String::new() }
    }

    /// Sends a body that need not be sound; gives the status and the answer.
    pub async fn post_raw(&self, body: Vec<u8>) -> (u16, Value) {
        let answer = self.post(&Value::Null).body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    fn post(&self, body: &Value) -> reqwest::RequestBuilder {
        let request = self.client.post(format!("{}/graphql", self.url)).json(body);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }
}

impl Actor {
    /// Registers a number on a service type of the demo event.
    pub async fn registers(&self, service_type: &str, number: &str) -> Value {
        let query = "mutation($t: String!, $n: PhoneNumber!) { registerExtension(input: {event: \"demo\", serviceType: $t, number: $n, label: \"Test\", visibility: PUBLIC}) \
                     { extension { id number } generated errors { code path ... on NumberUnavailable { suggestions } } } }";
        self.execute(query, json!({ "t": service_type, "n": number })).await["data"]["registerExtension"].clone()
    }
}

/// What a subscription tells (graphql-sse, distinct connections), event by event.
pub struct EventStream {
    response: reqwest::Response,
    unread: String,
}

impl EventStream {
    /// The next event; an answer that is no stream is given whole. Panics when nothing comes for ten seconds.
    pub async fn next(&mut self) -> Value {
        tokio::time::timeout(Duration::from_secs(10), self.read()).await.expect("no event came")
    }

    /// The next event, if one comes within this time.
    pub async fn next_within(&mut self, patience: Duration) -> Option<Value> {
        tokio::time::timeout(patience, self.read()).await.ok()
    }

    async fn read(&mut self) -> Value {
        loop {
            if let Some((event, rest)) = self.unread.split_once("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data:")).map(|data| data.trim().to_owned());
                let is_next = event.lines().any(|line| line == "event: next" || line == "event:next");
                self.unread = rest.to_owned();
                if let Some(data) = data.filter(|_| is_next) {
                    return serde_json::from_str(&data).unwrap();
                }
                continue;
            }
            match self.response.chunk().await.unwrap() {
                Some(chunk) => self.unread += &String::from_utf8(chunk.to_vec()).unwrap().replace("\r\n", "\n"),
                None => {
                    let whole = std::mem::take(&mut self.unread);
                    return serde_json::from_str(&whole).unwrap_or_else(|_| panic!("the stream ended: {whole:?}"));
                }
            }
        }
    }
}

/// The code of the first error in a payload.
pub fn error_code(payload: &Value) -> &str {
    payload["errors"][0]["code"].as_str().unwrap_or("none")
}
