//! The program itself, run beside the application under test on the same database.

use std::process::{Command, Stdio};

use crate::support::TestApp;

/// What a run of the program came to.
#[derive(Debug)]
pub struct CommandOutput {
    pub is_success: bool,
    pub raw_stdout: Vec<u8>,
    /// The standard output as text.
    pub stdout: String,
    /// The standard error.
    pub stderr: String,
}

impl TestApp {
    /// The program with these arguments, for this installation.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard"));
        command.args(arguments).stdin(Stdio::null());
        command.arg("--data-dir").arg(self.folder.path()).args(["--database-url", &self.database.url()]);
        command.env("SWITCHBOARD_PASSPHRASE", "mostly harmless");
        command
    }

    /// Runs the program to its end.
    pub async fn run_command(&self, arguments: &[&str]) -> CommandOutput {
        let mut command = self.command(arguments);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        CommandOutput {
            is_success: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            raw_stdout: output.stdout,
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs the program, which must succeed, and gives what it printed.
    pub async fn run_command_ok(&self, arguments: &[&str]) -> String {
        let ran = self.run_command(arguments).await;
        assert!(ran.is_success, "{arguments:?}: {ran:?}");
        ran.stdout
    }

    /// A file with this content, for a command to read.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}
