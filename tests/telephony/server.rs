//! The program as processes: a server with the demo event, and agents.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};

use super::programs::{Program, free_port};

const BINARY: &str = env!("CARGO_BIN_EXE_switchboard");

/// A server process with the demo event.
pub struct Server {
    pub url: String,
    pub folder: Arc<tempfile::TempDir>,
    port: u16,
    program: Option<Program>,
    client: reqwest::Client,
}

impl Server {
    /// Starts a server with an empty data folder.
    pub async fn start() -> Self {
        let port = free_port();
        let mut server = Self {
            url: format!("http://127.0.0.1:{port}"),
            folder: Arc::new(tempfile::Builder::new().prefix("switchboard-tele").tempdir().unwrap()),
            port,
            program: None,
            client: reqwest::Client::new(),
        };
        server.run().await;
        server
    }

    /// Starts the process, and waits until it is ready.
    pub async fn run(&mut self) {
        let mut program = Program::start(
            "switchboard",
            self.folder.path(),
            self.command(&["serve", "--demo"]).args(["--listen", &format!("127.0.0.1:{}", self.port)]),
        );
        let (client, url) = (self.client.clone(), format!("{}/readyz", self.url));
        program.wait_until(async || client.get(&url).send().await.is_ok_and(|response| response.status() == 200)).await;
        self.program = Some(program);
    }

    /// Stops the server.
    pub fn stop(&mut self) {
        self.program = None;
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(arguments).arg("--data-dir").arg(self.data()).env_remove("SWITCHBOARD_DATABASE_URL");
        command
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Backs the database up while the server runs.
    pub fn backup(&self, file: &Path) {
        let output = self.command(&["backup"]).arg(file).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Replaces the database by a backup; the server must not run.
    pub fn restore(&self, file: &Path) {
        let database = self.data().join("switchboard.db");
        for journal in ["switchboard.db-wal", "switchboard.db-shm"] {
            drop(std::fs::remove_file(self.data().join(journal)));
        }
        std::fs::copy(file, database).unwrap();
    }

    /// A client that is signed in with one of the demo's accounts.
    pub async fn sign_in(&self, login: &str) -> Client {
        let guest = Client { url: self.url.clone(), token: String::new(), client: self.client.clone() };
        let query = "mutation($login: String!) { signIn(input: {login: $login, password: \"numberwang\"}) \
            { token errors { message } } }";
        let answer = guest.execute(query, json!({ "login": login })).await;
        let token = answer["signIn"]["token"].as_str().unwrap_or_else(|| panic!("{answer}"));
        Client { token: token.to_owned(), ..guest }
    }

    /// Creates a consumer and its key, writes the key to a new folder for the agent, and returns the folder.
    pub async fn create_consumer(&self, consumer: &str, service_type: &str, scopes: &str) -> PathBuf {
        let admin = self.sign_in("admin").await;
        let folder = self.folder.path().join(consumer);
        std::fs::create_dir_all(&folder).unwrap();
        let create_key = format!(
            "mutation($type: String!) {{ createApiKey(input: \
             {{label: \"x\", scopes: [{scopes}], serviceTypes: [$type], events: [\"demo\"]}}) \
             {{ secret apiKey {{ id }} errors {{ message }} }} }}"
        );
        let key = admin.execute(&create_key, json!({ "type": service_type })).await["createApiKey"].clone();
        let create = "mutation($name: String!, $type: String!, $key: ID!) { createFeedConsumer(input: \
                      {name: $name, event: \"demo\", serviceType: $type, apiKey: $key}) { errors { message } } }";
        let variables = json!({ "name": consumer, "type": service_type, "key": key["apiKey"]["id"] });
        let created = admin.execute(create, variables).await;
        assert_eq!(created["createFeedConsumer"]["errors"], json!([]), "{created}");
        std::fs::write(folder.join("key"), key["secret"].as_str().unwrap()).unwrap();
        folder
    }

    /// Starts an agent in its folder.
    pub fn agent(&self, folder: &Path, options: &[&str]) -> Program {
        let mut command = Command::new(BINARY);
        command.args(["agent", "--config"]).arg(folder.join("agent.toml")).args(options);
        Program::start("agent", folder, &mut command)
    }

    /// The output of an agent with `--dry-run` that the prune guard would stop.
    pub fn guarded_dry_run(&self, folder: &Path) -> String {
        let mut command = Command::new(BINARY);
        let output = command.args(["agent", "--dry-run", "--config"]).arg(folder.join("agent.toml")).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && error.contains("the prune guard would stop the agent"), "{error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The status of a consumer as an operator reads it.
    pub async fn consumer_status(&self, name: &str) -> Value {
        let operator = self.sign_in("operator").await;
        let query = "{ feedConsumers { name lagRecords lagSeconds verified { agrees isCurrent } errors \
            { code message number } } }";
        let consumers = operator.execute(query, json!({})).await["feedConsumers"].clone();
        let found = consumers.as_array().unwrap().iter().find(|consumer| consumer["name"] == name);
        found.unwrap_or_else(|| panic!("{consumers}")).clone()
    }

    /// Whether a consumer has acknowledged the head with the feed's digest.
    pub async fn is_caught_up(&self, name: &str) -> bool {
        let consumer = self.consumer_status(name).await;
        consumer["lagRecords"] == 0 && consumer["verified"] == json!({ "agrees": true, "isCurrent": true })
    }
}

/// A client of the GraphQL API, with a session token or an API key.
#[derive(Clone)]
pub struct Client {
    url: String,
    token: String,
    client: reqwest::Client,
}

/// An extension that a test has created.
#[derive(Clone, Debug)]
pub struct Extension {
    pub id: String,
    pub password: String,
}

impl Extension {
    fn from_payload(payload: &Value) -> Self {
        let password = payload["generated"]["password"].as_str().unwrap_or_default().to_owned();
        Self { id: payload["extension"]["id"].as_str().unwrap().to_owned(), password }
    }
}

impl Client {
    /// A client with the API key in this folder.
    pub fn with_key(server: &Server, folder: &Path) -> Self {
        let token = std::fs::read_to_string(folder.join("key")).unwrap();
        Self { url: server.url.clone(), token, client: server.client.clone() }
    }

    /// Executes an operation that must succeed; returns its data.
    pub async fn execute(&self, query: &str, variables: Value) -> Value {
        let mut request =
            self.client.post(format!("{}/graphql", self.url)).json(&json!({ "query": query, "variables": variables }));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert!(answer["errors"].is_null(), "{query}: {answer}");
        answer["data"].clone()
    }

    /// Executes a mutation whose payload must have no errors; returns the payload.
    pub async fn execute_ok(&self, mutation: &str, input: &str, fields: &str, variables: Value) -> Value {
        let declared: Vec<String> = variables
            .as_object()
            .unwrap()
            .keys()
            .map(|key| match key.as_str() {
                "id" | "first" | "second" => format!("${key}: ID!"),
                "number" => format!("${key}: PhoneNumber!"),
                "parameters" => format!("${key}: JSON!"),
                _ => format!("${key}: String!"),
            })
            .collect();
        let query = format!(
            "mutation({}) {{ {mutation}(input: {{{input}}}) {{ {fields} errors {{ code message path }} }} }}",
            declared.join(", ")
        );
        let payload = self.execute(&query, variables).await[mutation].clone();
        assert_eq!(payload["errors"], json!([]), "{mutation}");
        payload
    }

    /// Registers an extension of the demo event.
    pub async fn registers(&self, service_type: &str, number: &str, label: &str) -> Extension {
        let input = "event: \"demo\", serviceType: $type, number: $number, label: $label, visibility: PUBLIC";
        let variables = json!({ "type": service_type, "number": number, "label": label });
        let payload = self.execute_ok("registerExtension", input, "extension { id } generated", variables).await;
        Extension::from_payload(&payload)
    }

    /// Assigns an extension to the demo's operator; the caller is an operator.
    pub async fn assigns(&self, service_type: &str, number: &str) -> Extension {
        let input = "event: \"demo\", serviceType: $type, number: $number, label: \"Phone\", owner: \"operator\"";
        let variables = json!({ "type": service_type, "number": number });
        let payload = self.execute_ok("assignExtension", input, "extension { id } generated", variables).await;
        Extension::from_payload(&payload)
    }

    /// Rotates the password of an extension; returns the new one.
    pub async fn rotates(&self, id: &str) -> String {
        let rotated =
            self.execute_ok("rotateSecret", "id: $id, parameter: \"password\"", "generated", json!({ "id": id })).await;
        rotated["generated"]["password"].as_str().unwrap().to_owned()
    }

    /// Deletes an extension.
    pub async fn deletes(&self, id: &str) {
        self.execute_ok("deleteExtension", "id: $id", "__typename", json!({ "id": id })).await;
    }
}
