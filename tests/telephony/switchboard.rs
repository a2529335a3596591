//! The program itself, as processes: a server with the demo event, and agents.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};

use super::ground::{Program, port};

const BINARY: &str = env!("CARGO_BIN_EXE_switchboard");

/// A running server, and the people of its demo.
pub struct Switchboard {
    pub url: String,
    pub folder: Arc<tempfile::TempDir>,
    port: u16,
    program: Option<Program>,
    client: reqwest::Client,
}

impl Switchboard {
    /// Starts a server on an empty folder.
    pub async fn start() -> Self {
        let port = port();
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

    /// Starts the server again.
    pub async fn run(&mut self) {
        let mut program = Program::start(
            "switchboard",
            self.folder.path(),
            self.command(&["serve", "--demo"]).args(["--listen", &format!("127.0.0.1:{}", self.port)]),
        );
        let (client, ready) = (self.client.clone(), format!("{}/readyz", self.url));
        program.answers(async || client.get(&ready).send().await.is_ok_and(|answer| answer.status() == 200)).await;
        self.program = Some(program);
    }

    /// Stops the server.
    pub fn stop(&mut self) {
        self.program = None;
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(words).arg("--data-dir").arg(self.data()).env_remove("SWITCHBOARD_DATABASE_URL");
        command
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Copies the database while the server runs.
    pub fn backup(&self, file: &Path) {
        let status = self.command(&["backup"]).arg(file).output().unwrap();
        assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
    }

    /// Puts a copy in the database's place; the server must not run.
    pub fn restore(&self, file: &Path) {
        let database = self.data().join("switchboard.db");
        for beside in ["switchboard.db-wal", "switchboard.db-shm"] {
            drop(std::fs::remove_file(self.data().join(beside)));
        }
        std::fs::copy(file, database).unwrap();
    }

    /// One of the demo's people, signed in.
    pub async fn sign_in(&self, name: &str) -> Person {
        let person = Person { url: self.url.clone(), token: String::new(), client: self.client.clone() };
        let query = "mutation($n: String!) { signIn(input: {login: $n, password: \"numberwang\"}) { token errors { message } } }";
        let answer = person.ask(query, json!({ "n": name })).await;
        let token = answer["signIn"]["token"].as_str().unwrap_or_else(|| panic!("{answer}"));
        Person { token: token.to_owned(), ..person }
    }

    /// Names a telephone system, writes its key beside `agent.toml`, and gives the folder.
    pub async fn connect(&self, consumer: &str, service_type: &str, scopes: &str) -> PathBuf {
        let admin = self.sign_in("admin").await;
        let folder = self.folder.path().join(consumer);
        std::fs::create_dir_all(&folder).unwrap();
        let key = admin
            .ask(
                &format!("mutation($t: String!) {{ createApiKey(input: {{label: \"x\", scopes: [{scopes}], serviceTypes: [$t], events: [\"demo\"]}}) {{ secret apiKey {{ id }} errors {{ message }} }} }}"),
                json!({ "t": service_type }),
            )
            .await["createApiKey"]
            .clone();
        let create = "mutation($n: String!, $t: String!, $k: ID!) { createFeedConsumer(input: {name: $n, event: \"demo\", serviceType: $t, apiKey: $k}) { errors { message } } }";
        let made = admin.ask(create, json!({ "n": consumer, "t": service_type, "k": key["apiKey"]["id"] })).await;
        assert_eq!(made["createFeedConsumer"]["errors"], json!([]), "{made}");
        std::fs::write(folder.join("key"), key["secret"].as_str().unwrap()).unwrap();
        folder
    }

    /// Starts an agent in its folder.
    pub fn agent(&self, folder: &Path, options: &[&str]) -> Program {
        let mut command = Command::new(BINARY);
        command.args(["agent", "--config"]).arg(folder.join("agent.toml")).args(options);
        Program::start("agent", folder, &mut command)
    }

    /// What an agent prints with `--dry-run`.
    pub fn difference(&self, folder: &Path) -> String {
        let mut command = Command::new(BINARY);
        let output = command.args(["agent", "--dry-run", "--config"]).arg(folder.join("agent.toml")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A consumer as an operator sees it.
    pub async fn consumer(&self, name: &str) -> Value {
        let operator = self.sign_in("operator").await;
        let query = "{ feedConsumers { name lagRecords lagSeconds verified { agrees isCurrent } errors { code message number } } }";
        let all = operator.ask(query, json!({})).await["feedConsumers"].clone();
        all.as_array()
            .unwrap()
            .iter()
            .find(|consumer| consumer["name"] == name)
            .unwrap_or_else(|| panic!("{all}"))
            .clone()
    }

    /// Whether a consumer holds what the feed holds, by its own digest, and says so.
    pub async fn is_in_step(&self, name: &str) -> bool {
        let consumer = self.consumer(name).await;
        consumer["lagRecords"] == 0 && consumer["verified"] == json!({ "agrees": true, "isCurrent": true })
    }
}

/// Somebody who speaks to the API.
#[derive(Clone)]
pub struct Person {
    url: String,
    token: String,
    client: reqwest::Client,
}

/// An extension that was made.
#[derive(Clone, Debug)]
pub struct Made {
    pub id: String,
    pub password: String,
}

impl Person {
    /// The API key in this file.
    pub fn key(server: &Switchboard, folder: &Path) -> Self {
        let token = std::fs::read_to_string(folder.join("key")).unwrap();
        Self { url: server.url.clone(), token, client: server.client.clone() }
    }

    /// Asks; the answer's data.
    pub async fn ask(&self, query: &str, variables: Value) -> Value {
        let mut request =
            self.client.post(format!("{}/graphql", self.url)).json(&json!({ "query": query, "variables": variables }));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert!(answer["errors"].is_null(), "{query}: {answer}");
        answer["data"].clone()
    }

    /// Asks for a mutation that must go well; its payload.
    pub async fn does(&self, name: &str, input: &str, fields: &str, variables: Value) -> Value {
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
            "mutation({}) {{ {name}(input: {{{input}}}) {{ {fields} errors {{ code message path }} }} }}",
            declared.join(", ")
        );
        let payload = self.ask(&query, variables).await[name].clone();
        assert_eq!(payload["errors"], json!([]), "{name}");
        payload
    }

    /// Registers a number on the demo's service.
    pub async fn registers(&self, service_type: &str, number: &str, label: &str) -> Made {
        let input = "event: \"demo\", serviceType: $type, number: $number, label: $label, visibility: PUBLIC";
        let variables = json!({ "type": service_type, "number": number, "label": label });
        let made = self.does("registerExtension", input, "extension { id } generated", variables).await;
        let password = made["generated"]["password"].as_str().unwrap_or_default().to_owned();
        Made { id: made["extension"]["id"].as_str().unwrap().to_owned(), password }
    }

    /// Gives a number to the demo's operator, as staff may.
    pub async fn assigns(&self, service_type: &str, number: &str) -> Made {
        let input = "event: \"demo\", serviceType: $type, number: $number, label: \"Phone\", owner: \"operator\"";
        let variables = json!({ "type": service_type, "number": number });
        let made = self.does("assignExtension", input, "extension { id } generated", variables).await;
        let password = made["generated"]["password"].as_str().unwrap_or_default().to_owned();
        Made { id: made["extension"]["id"].as_str().unwrap().to_owned(), password }
    }

    /// Gives an extension a new password.
    pub async fn rotates(&self, id: &str) -> String {
        let rotated =
            self.does("rotateSecret", "id: $id, parameter: \"password\"", "generated", json!({ "id": id })).await;
        rotated["generated"]["password"].as_str().unwrap().to_owned()
    }

    /// Deletes an extension.
    pub async fn deletes(&self, id: &str) {
        self.does("deleteExtension", "id: $id", "__typename", json!({ "id": id })).await;
    }
}
