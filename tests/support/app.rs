//! The application under test.

use std::sync::Arc;

use clap::Parser as _;
use platform::audit;
use platform::clock::{Clock, ManualClock, Rng, SystemRng, Timestamp};
use platform::passwords::Hasher;
use serde_json::json;
use switchboard::app::{App, Dependencies};
use switchboard::cli::Cli;
use switchboard::http::server::ConnectionLimits;
use switchboard::{app, background, demo, http};

use super::{Actor, ApiClient, Database};

/// The password of every account in the tests.
pub const PASSWORD: &str = "numberwang";

/// The demo event behind a real port, with a clock that the test moves.
#[derive(Clone)]
pub struct TestApp {
    pub app: Arc<App>,
    pub clock: Arc<ManualClock>,
    pub folder: Arc<tempfile::TempDir>,
    pub url: String,
    pub database: Database,
    client: ApiClient,
}

impl TestApp {
    /// Starts the application on a database, new or existing, and loads the demo event.
    pub async fn start(folder: Arc<tempfile::TempDir>, database: Database, clock: Option<Arc<ManualClock>>) -> Self {
        Self::start_with(&[], folder, database, clock).await
    }

    async fn start_with(
        more_arguments: &[&str],
        folder: Arc<tempfile::TempDir>,
        database: Database,
        clock: Option<Arc<ManualClock>>,
    ) -> Self {
        Self::start_limited(ConnectionLimits::of_process(), more_arguments, folder, database, clock).await
    }

    async fn start_limited(
        limits: ConnectionLimits,
        more_arguments: &[&str],
        folder: Arc<tempfile::TempDir>,
        database: Database,
        clock: Option<Arc<ManualClock>>,
    ) -> Self {
        let url = database.url();
        let data_dir = folder.path().display().to_string();
        // Web hooks may call servers that a test starts on this address, and no other internal address.
        let arguments =
            ["switchboard", "--data-dir", &data_dir, "--database-url", &url, "--web-hook-network", "127.0.0.1"];
        let cli = Cli::try_parse_from(arguments.iter().chain(more_arguments)).unwrap();
        let clock =
            clock.unwrap_or_else(|| Arc::new(ManualClock::new(Timestamp::parse("2026-08-20T09:30:00Z").unwrap())));
        let rng: Arc<dyn Rng> = Arc::new(SystemRng);
        let parts = Dependencies {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            hasher: Hasher::with_minimal_cost(Arc::clone(&rng)).unwrap(),
            rng,
        };
        let services = app::open(&cli.installation, parts).await.unwrap();
        demo::load(&services).await.unwrap();
        let app = App::new(&cli.installation, cli.serving, services).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(http::server::serve(listener, Arc::clone(&app), limits, std::future::pending()));
        Self { app, clock, folder, client: ApiClient::new(&url, None), url, database }
    }

    /// A second instance on the same database. It receives no notifications from the first.
    pub async fn another_instance(&self) -> Self {
        Self::start(Arc::clone(&self.folder), self.database.clone(), Some(Arc::clone(&self.clock))).await
    }

    /// An instance on the same database that trusts the `X-Forwarded-For` header of its callers.
    pub async fn behind_trusted_proxy(&self) -> Self {
        self.with_arguments(&["--trusted-proxy", "127.0.0.1"]).await
    }

    /// An instance on the same database with more arguments.
    pub async fn with_arguments(&self, arguments: &[&str]) -> Self {
        let (folder, clock) = (Arc::clone(&self.folder), Some(Arc::clone(&self.clock)));
        Self::start_with(arguments, folder, self.database.clone(), clock).await
    }

    /// An instance on the same database with other limits of connections.
    pub async fn with_limits(&self, limits: ConnectionLimits) -> Self {
        let (folder, clock) = (Arc::clone(&self.folder), Some(Arc::clone(&self.clock)));
        Self::start_limited(limits, &[], folder, self.database.clone(), clock).await
    }

    /// An instance on a copy of the database.
    pub async fn start_from_backup(&self, copy: Database) -> Self {
        Self::start(Arc::clone(&self.folder), copy, Some(Arc::clone(&self.clock))).await
    }

    /// Runs the jobs that are due; mails are among them.
    pub async fn run_due_jobs(&self) {
        background::run_due_jobs(&self.app).await.unwrap();
    }

    /// Seals the audit up to now.
    pub async fn seal_audit(&self) {
        audit::seal(&self.app.services).await.unwrap();
    }

    /// A caller without credentials. It shares no connection with others, as the guests of an event do not.
    pub fn guest(&self) -> Actor {
        Actor { app: self.clone(), client: ApiClient::new(&self.url, None) }
    }

    /// A caller without credentials at this address, behind a proxy that the application trusts.
    pub fn guest_at(&self, address: &str) -> Actor {
        let guest = self.guest();
        Actor { client: guest.client.forwarded_for(address), ..guest }
    }

    /// The demo's account `user`, signed in.
    pub async fn user(&self) -> Actor {
        self.sign_in("user", PASSWORD).await
    }

    /// The demo's account `operator`, signed in. It owns the demo's extensions.
    pub async fn operator(&self) -> Actor {
        self.sign_in("operator", PASSWORD).await
    }

    /// The demo's account `admin`, signed in.
    pub async fn admin(&self) -> Actor {
        self.sign_in("admin", PASSWORD).await
    }

    /// An account, signed in.
    pub async fn sign_in(&self, login: &str, password: &str) -> Actor {
        let input = json!({ "login": login, "password": password });
        let response = self.guest().mutate("signIn", input, "token").await;
        let token = response["token"].as_str().unwrap_or_else(|| panic!("no token: {response}"));
        self.with_token(token)
    }

    /// The holder of a session token or API key.
    pub fn with_token(&self, token: &str) -> Actor {
        Actor { app: self.clone(), client: self.client.with_token(token) }
    }

    /// Runs the due jobs and returns the text of the newest mail.
    pub async fn newest_mail(&self) -> String {
        self.run_due_jobs().await;
        let mut files: Vec<_> =
            std::fs::read_dir(self.folder.path().join("mail")).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        std::fs::read_to_string(files.last().expect("no mail was sent")).unwrap()
    }

    /// Runs the due jobs and returns the mails to this address, oldest first.
    pub async fn mails_to(&self, address: &str) -> Vec<String> {
        self.run_due_jobs().await;
        let folder = std::fs::read_dir(self.folder.path().join("mail")).unwrap();
        let mut files: Vec<_> = folder.map(|entry| entry.unwrap()).collect();
        files.sort_by_key(|entry| entry.metadata().unwrap().modified().unwrap());
        let mails = files.iter().map(|entry| std::fs::read_to_string(entry.path()).unwrap());
        mails.filter(|mail| mail.lines().any(|line| line.starts_with("To:") && line.contains(address))).collect()
    }

    /// The token in the link of the newest mail to this address that has one.
    pub async fn mailed_token(&self, address: &str) -> String {
        let mails = self.mails_to(address).await;
        let rest = mails.iter().rev().find_map(|mail| mail.split("#token=").nth(1)).expect("no mail with a token");
        let is_of_token = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
        rest.chars().take_while(|character| is_of_token(*character)).collect()
    }
}
