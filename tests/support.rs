//! An application under test, and the people who use it.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use clap::Parser as _;
use serde_json::{Value, json};
use switchboard::accounts::hashing::Hasher;
use switchboard::app::{App, Parts};
use switchboard::cli::Cli;
use switchboard::clock::{Clock, ManualClock, Rng, SystemRng, Timestamp};
use switchboard::{app, background, demo, http};

/// A test of the API.
pub type Test = fn(TestApp) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// The demo event behind a real port, with a clock that the test moves.
#[derive(Clone)]
pub struct TestApp {
    pub app: Arc<App>,
    pub clock: Arc<ManualClock>,
    pub folder: Arc<tempfile::TempDir>,
    pub url: String,
    /// The settings with which the program finds this installation.
    pub settings: Vec<String>,
    client: reqwest::Client,
}

/// Runs a test on SQLite, or on the PostgreSQL database of this URL.
pub fn run(database: Option<String>, test: Test) -> Result<(), libtest_mimic::Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let outcome = runtime.block_on(async move {
        let app = TestApp::start(database).await;
        tokio::spawn(test(app)).await
    });
    runtime.shutdown_background();
    outcome.map_err(|error| format!("{error}").into())
}

impl TestApp {
    async fn start(database: Option<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut arguments =
            vec!["switchboard".to_owned(), "--data-dir".to_owned(), folder.path().display().to_string()];
        if let Some(url) = database {
            arguments.extend(["--database-url".to_owned(), url]);
        }
        let cli = Cli::try_parse_from(&arguments).unwrap();
        let settings = arguments.split_off(1);
        let clock = Arc::new(ManualClock::new(Timestamp::parse("2026-08-20T09:30:00Z").unwrap()));
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
        Self { app, clock, folder: Arc::new(folder), url, settings, client: reqwest::Client::new() }
    }

    /// Somebody who has not signed in.
    pub fn guest(&self) -> Person {
        Person { app: self.clone(), token: None }
    }

    /// One of the demo's accounts, signed in.
    pub async fn sign_in(&self, username: &str, password: &str) -> Person {
        let query =
            "mutation($l: String!, $p: String!) { signIn(input: {login: $l, password: $p}) { token errors { code } } }";
        let answer = self.guest().ask(query, json!({ "l": username, "p": password })).await;
        let token = answer["data"]["signIn"]["token"].as_str().unwrap_or_else(|| panic!("no token: {answer}"));
        self.holding(token)
    }

    /// Whoever holds this token or key.
    pub fn holding(&self, token: &str) -> Person {
        Person { app: self.clone(), token: Some(token.to_owned()) }
    }

    /// Sends the mails that wait, and gives the newest mail's text.
    pub async fn newest_mail(&self) -> String {
        background::run_due_jobs(&self.app).await.unwrap();
        let mut files: Vec<_> =
            std::fs::read_dir(self.folder.path().join("mail")).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        std::fs::read_to_string(files.last().expect("no mail was sent")).unwrap()
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

/// Somebody who speaks to the API.
#[derive(Clone)]
pub struct Person {
    pub app: TestApp,
    token: Option<String>,
}

impl Person {
    /// Asks, and gives the whole answer.
    pub async fn ask(&self, query: &str, variables: Value) -> Value {
        self.ask_once(query, variables, None).await
    }

    /// Asks under an idempotency key.
    pub async fn ask_once(&self, query: &str, variables: Value, key: Option<&str>) -> Value {
        let mut request = self
            .app
            .client
            .post(format!("{}/graphql", self.app.url))
            .json(&json!({ "query": query, "variables": variables }));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        request.send().await.unwrap().json().await.unwrap()
    }

    /// Registers a number on a service type of the demo event.
    pub async fn registers(&self, service_type: &str, number: &str) -> Value {
        let query = "mutation($t: String!, $n: PhoneNumber!) { registerExtension(input: {event: \"demo\", serviceType: $t, number: $n, label: \"Test\", visibility: PUBLIC}) \
                     { extension { id number } generated errors { code path ... on NumberUnavailable { suggestions } } } }";
        self.ask(query, json!({ "t": service_type, "n": number })).await["data"]["registerExtension"].clone()
    }
}

/// The code of the first error in a payload.
pub fn code(payload: &Value) -> &str {
    payload["errors"][0]["code"].as_str().unwrap_or("none")
}
