//! The servers: one over SQLite, or two over one PostgreSQL database.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::below;
use super::copy::{Shown, shown, whole};
use crate::postgres::Cluster;
use crate::telephony::{Program, port};

/// The servers of one installation.
pub struct Instances {
    pub folder: tempfile::TempDir,
    pub client: reqwest::Client,
    ports: Vec<u16>,
    programs: Vec<Mutex<Program>>,
    database: Option<String>,
    admin: String,
}

/// What a consumer needs: its id and its key.
pub struct Connected {
    pub id: String,
    pub key: String,
}

impl Instances {
    pub async fn start(cluster: Option<&Cluster>) -> Arc<Self> {
        let mut instances = Self {
            folder: tempfile::Builder::new().prefix("switchboard-soak").tempdir().unwrap(),
            client: reqwest::Client::builder().timeout(Duration::from_secs(40)).build().unwrap(),
            ports: (0..if cluster.is_some() { 2 } else { 1 }).map(|_| port()).collect(),
            programs: Vec::new(),
            database: cluster.map(Cluster::create_database),
            admin: String::new(),
        };
        for place in 0..instances.ports.len() {
            let program = instances.serve(place);
            instances.programs.push(Mutex::new(program));
            instances.is_ready(place).await;
        }
        instances.admin = instances.sign_in("admin").await;
        Arc::new(instances)
    }

    fn serve(&self, place: usize) -> Program {
        let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard"));
        command.args(["serve", "--demo", "--web-hook-network", "127.0.0.1", "--data-dir", "data", "--listen"]);
        command.arg(format!("127.0.0.1:{}", self.ports[place]));
        if let Some(url) = &self.database {
            command.args(["--database-url", url]);
        }
        Program::start(&format!("server-{place}"), self.folder.path(), &mut command)
    }

    async fn is_ready(&self, place: usize) {
        let url = format!("http://127.0.0.1:{}/readyz", self.ports[place]);
        let question = async || self.client.get(&url).send().await.is_ok_and(|answer| answer.status() == 200);
        self.programs[place].lock().await.answers(question).await;
    }

    pub fn count(&self) -> usize {
        self.ports.len()
    }

    /// Kills a server, and starts it again.
    pub async fn restart(&self, place: usize) {
        let mut program = self.programs[place].lock().await;
        program.kill();
        *program = self.serve(place);
    }

    /// The address of one of the servers; which may be dead.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[below(self.ports.len())])
    }

    /// Asks one of the servers; `None` when it is dead, or dies meanwhile.
    pub async fn ask(&self, token: &str, query: &str, variables: Value) -> Option<Value> {
        let request = self
            .client
            .post(format!("{}/graphql", self.url()))
            .json(&json!({ "query": query, "variables": variables }));
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        let answer: Value = request.send().await.ok()?.json().await.ok()?;
        match answer["errors"][0]["extensions"]["code"].as_str() {
            // A server that begins or ends says so.
            Some("UNAVAILABLE" | "INTERNAL") => None,
            Some(_) => panic!("{query}: {answer}"),
            None => Some(answer["data"].clone()),
        }
    }

    /// Asks until a server answers.
    pub async fn asks(&self, token: &str, query: &str, variables: Value) -> Value {
        loop {
            if let Some(data) = self.ask(token, query, variables.clone()).await {
                return data;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A session of one of the demo's people.
    pub async fn sign_in(&self, name: &str) -> String {
        let query = "mutation($n: String!) { signIn(input: {login: $n, password: \"numberwang\"}) { token } }";
        let data = self.asks("", query, json!({ "n": name })).await;
        data["signIn"]["token"].as_str().unwrap_or_else(|| panic!("{data}")).to_owned()
    }

    /// Names a consumer of the demo's SIP feed.
    pub async fn connect(&self, name: &str) -> Connected {
        let key = "mutation { createApiKey(input: {label: \"soak\", scopes: [READ_DIGESTS], serviceTypes: [\"sip\"], events: [\"demo\"]}) { secret apiKey { id } } }";
        let key = self.asks(&self.admin, key, json!({})).await["createApiKey"].clone();
        let create = "mutation($n: String!, $k: ID!) { createFeedConsumer(input: {name: $n, event: \"demo\", serviceType: \"sip\", apiKey: $k}) { consumer { id } errors { message } } }";
        let made = self.asks(&self.admin, create, json!({ "n": name, "k": key["apiKey"]["id"] })).await;
        let id = made["createFeedConsumer"]["consumer"]["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        Connected { id, key: key["secret"].as_str().unwrap().to_owned() }
    }

    /// Has a consumer called.
    pub async fn call(&self, consumer: &str, url: &str) {
        let save =
            "mutation($c: ID!, $u: String!) { saveWebHook(input: {consumer: $c, url: $u}) { errors { message } } }";
        let saved = self.asks(&self.admin, save, json!({ "c": consumer, "u": url })).await;
        assert_eq!(saved["saveWebHook"]["errors"], json!([]));
    }

    /// Everything that the database holds.
    pub async fn whole(&self) -> Shown {
        loop {
            let request = self.client.get(format!("{}/feed/demo/sip", self.url())).bearer_auth(&self.admin);
            if let Ok(answer) = request.send().await
                && let Ok(body) = answer.text().await
                && let Some((entries, _)) = whole(&body)
            {
                return shown(&entries);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The names of the consumers that have not acknowledged everything, or whose copies differ by their own digest.
    pub async fn lagging(&self) -> Vec<String> {
        let query = "{ feedConsumers { name lagRecords verified { agrees isCurrent } errors { code } } }";
        let data = self.asks(&self.admin, query, json!({})).await;
        let consumers = data["feedConsumers"].as_array().unwrap().iter();
        let lags = |consumer: &&Value| {
            let is_same = consumer["verified"] == json!({ "agrees": true, "isCurrent": true });
            consumer["lagRecords"] != 0 || consumer["errors"] != json!([]) || !is_same
        };
        consumers.filter(lags).map(|consumer| consumer["name"].as_str().unwrap().to_owned()).collect()
    }
}
