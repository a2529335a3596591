//! The server processes: one with SQLite, or two with one PostgreSQL database.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::random_below;
use super::replica::{Rows, Snapshot};
use crate::postgres::Cluster;
use crate::telephony::{Program, free_port};

/// The pause before a request to a dead server is repeated.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// The server processes of one installation.
pub struct Servers {
    pub folder: tempfile::TempDir,
    pub client: reqwest::Client,
    ports: Vec<u16>,
    programs: Vec<Mutex<Program>>,
    database: Option<String>,
    admin: String,
}

/// A registered feed consumer and its key.
#[derive(Clone)]
pub struct Consumer {
    pub name: String,
    pub id: String,
    pub key: String,
}

impl Servers {
    pub async fn start(cluster: Option<&Cluster>) -> Arc<Self> {
        let mut servers = Self {
            folder: tempfile::Builder::new().prefix("switchboard-soak").tempdir().unwrap(),
            client: reqwest::Client::builder().timeout(Duration::from_secs(40)).build().unwrap(),
            ports: (0..if cluster.is_some() { 2 } else { 1 }).map(|_| free_port()).collect(),
            programs: Vec::new(),
            database: cluster.map(Cluster::create_database),
            admin: String::new(),
        };
        for index in 0..servers.ports.len() {
            let program = servers.serve(index);
            servers.programs.push(Mutex::new(program));
            servers.wait_until_ready(index).await;
        }
        servers.admin = servers.sign_in("admin").await;
        Arc::new(servers)
    }

    fn serve(&self, index: usize) -> Program {
        let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard"));
        command.args(["serve", "--demo", "--web-hook-network", "127.0.0.1", "--data-dir", "data", "--listen"]);
        command.arg(format!("127.0.0.1:{}", self.ports[index]));
        if let Some(url) = &self.database {
            command.args(["--database-url", url]);
        }
        Program::start(&format!("server-{index}"), self.folder.path(), &mut command)
    }

    async fn wait_until_ready(&self, index: usize) {
        let url = format!("http://127.0.0.1:{}/readyz", self.ports[index]);
        let is_ready = async || self.client.get(&url).send().await.is_ok_and(|response| response.status() == 200);
        self.programs[index].lock().await.wait_until(is_ready).await;
    }

    pub fn count(&self) -> usize {
        self.ports.len()
    }

    /// Kills a server process, and starts it again.
    pub async fn restart(&self, index: usize) {
        let mut program = self.programs[index].lock().await;
        program.kill();
        *program = self.serve(index);
    }

    /// The URL of a random server, which may be dead.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[random_below(self.ports.len())])
    }

    /// Executes an operation on a random server; returns `None` when the server is dead or dies before it answers.
    pub async fn try_execute(&self, token: &str, query: &str, variables: Value) -> Option<Value> {
        let request = self
            .client
            .post(format!("{}/graphql", self.url()))
            .json(&json!({ "query": query, "variables": variables }));
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        let response: Value = request.send().await.ok()?.json().await.ok()?;
        match response["errors"][0]["extensions"]["code"].as_str() {
            // A server that starts or stops answers with one of these codes.
            Some("UNAVAILABLE" | "INTERNAL") => None,
            Some(_) => panic!("{query}: {response}"),
            None => Some(response["data"].clone()),
        }
    }

    /// Executes an operation, and repeats it until a server answers.
    pub async fn execute(&self, token: &str, query: &str, variables: Value) -> Value {
        loop {
            if let Some(data) = self.try_execute(token, query, variables.clone()).await {
                return data;
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    /// The session token of one of the demo's accounts.
    pub async fn sign_in(&self, login: &str) -> String {
        let query = "mutation($login: String!) { signIn(input: {login: $login, password: \"numberwang\"}) { token } }";
        let data = self.execute("", query, json!({ "login": login })).await;
        data["signIn"]["token"].as_str().unwrap_or_else(|| panic!("{data}")).to_owned()
    }

    /// Creates a consumer of the demo's SIP feed, with its own key.
    pub async fn create_consumer(&self, name: &str) -> Consumer {
        let create_key = "mutation { createApiKey(input: \
                          {label: \"soak\", scopes: [READ_DIGESTS], serviceTypes: [\"sip\"], \
                          events: [\"demo\"]}) { secret apiKey { id } } }";
        let key = self.execute(&self.admin, create_key, json!({})).await["createApiKey"].clone();
        let create = "mutation($name: String!, $key: ID!) \
                      { createFeedConsumer(input: {name: $name, event: \"demo\", serviceType: \"sip\", apiKey: $key}) \
                      { consumer { id } errors { message } } }";
        let created = self.execute(&self.admin, create, json!({ "name": name, "key": key["apiKey"]["id"] })).await;
        let id = created["createFeedConsumer"]["consumer"]["id"].as_str();
        Consumer {
            name: name.to_owned(),
            id: id.unwrap_or_else(|| panic!("{created}")).to_owned(),
            key: key["secret"].as_str().unwrap().to_owned(),
        }
    }

    /// Registers the web hook of a consumer.
    pub async fn save_web_hook(&self, consumer: &str, url: &str) {
        let save = "mutation($consumer: ID!, $url: String!) \
                    { saveWebHook(input: {consumer: $consumer, url: $url}) { errors { message } } }";
        let saved = self.execute(&self.admin, save, json!({ "consumer": consumer, "url": url })).await;
        assert_eq!(saved["saveWebHook"]["errors"], json!([]));
    }

    /// The rows of the feed's current content.
    pub async fn rows(&self) -> Rows {
        loop {
            let request = self.client.get(format!("{}/feed/demo/sip", self.url())).bearer_auth(&self.admin);
            if let Ok(response) = request.send().await
                && let Ok(body) = response.text().await
                && let Some(snapshot) = Snapshot::parse(&body)
            {
                return snapshot.rows();
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    /// The names of the consumers that have not acknowledged the head, or whose digests differ from the feed's.
    pub async fn lagging_consumers(&self) -> Vec<String> {
        let query = "{ feedConsumers { name lagRecords verified { agrees isCurrent } errors { code } } }";
        let data = self.execute(&self.admin, query, json!({})).await;
        let consumers = data["feedConsumers"].as_array().unwrap().iter();
        let is_lagging = |consumer: &&Value| {
            let is_verified = consumer["verified"] == json!({ "agrees": true, "isCurrent": true });
            consumer["lagRecords"] != 0 || consumer["errors"] != json!([]) || !is_verified
        };
        consumers.filter(is_lagging).map(|consumer| consumer["name"].as_str().unwrap().to_owned()).collect()
    }
}
