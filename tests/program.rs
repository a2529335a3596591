//! The program as a process that a test can kill.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{ApiClient, Database, PASSWORD};

/// The binary that cargo built for the suite.
const BINARY: &str = env!("CARGO_BIN_EXE_switchboard");
/// How long the program may take to be ready on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// An installation: a data folder and a database.
pub struct Installation {
    pub folder: PathBuf,
    pub database: Database,
}

impl Installation {
    /// The log of all processes of the installation.
    pub fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("--data-dir").arg(&self.folder).args([
            "--database-url",
            &self.database.url(),
            "--log-format",
            "json",
        ]);
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    /// Starts the program on a free port and waits until it is ready.
    pub async fn start(&self, log_filter: &str) -> Program {
        let log = OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        let read_from = log.metadata().unwrap().len();
        let child = self.spawn(log, log_filter);
        let mut program = Program { child, url: String::new() };
        let began = Instant::now();
        while program.url.is_empty() {
            assert!(began.elapsed() < START_TIMEOUT, "the program does not listen within {START_TIMEOUT:?}");
            assert!(program.child.try_wait().unwrap().is_none(), "the program ended: {}", self.log().display());
            tokio::time::sleep(Duration::from_millis(10)).await;
            let text = std::fs::read(self.log()).unwrap();
            let text = String::from_utf8_lossy(&text[usize::try_from(read_from).unwrap()..]).into_owned();
            let address = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let address = address
                .filter(|line| line["message"] == "listening")
                .find_map(|line| line["address"].as_str().map(str::to_owned));
            if let Some(address) = address {
                program.url = format!("http://{address}");
            }
        }
        while !reqwest::get(format!("{}/readyz", program.url)).await.is_ok_and(|answer| answer.status() == 200) {
            assert!(began.elapsed() < START_TIMEOUT, "the program is not ready within {START_TIMEOUT:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        program
    }

    fn spawn(&self, log: File, log_filter: &str) -> Child {
        let mut command = self.command();
        command.args(["serve", "--demo", "--listen", "127.0.0.1:0"]).env("SWITCHBOARD_LOG", log_filter);
        command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// A running program. Dropping it kills the process.
pub struct Program {
    child: Child,
    pub url: String,
}

impl Program {
    /// Kills the process with SIGKILL and waits for its end.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// One of the demo's accounts, signed in.
    pub async fn sign_in(&self, username: &str) -> ApiClient {
        let input = json!({ "login": username, "password": PASSWORD });
        let session = ApiClient::new(&self.url, None).mutate("signIn", input, "token").await.ok();
        ApiClient::new(&self.url, session["token"].as_str())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
