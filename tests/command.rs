//! Commands of the program, run beside the application under test on the same database.

use std::process::{Command, Stdio};

use crate::support::TestApp;

/// The passphrase of sealed exports.
pub const PASSPHRASE: &str = "mostly harmless";

/// The result of a command.
#[derive(Debug)]
pub struct CommandOutput {
    pub is_success: bool,
    pub stdout: String,
    /// The standard output as bytes.
    pub raw_stdout: Vec<u8>,
    pub stderr: String,
}

impl TestApp {
    /// The program with these arguments, for this installation.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard"));
        command.args(arguments).stdin(Stdio::null());
        command.arg("--data-dir").arg(self.folder.path()).args(["--database-url", &self.database.url()]);
        command.env("SWITCHBOARD_PASSPHRASE", PASSPHRASE);
        command
    }

    /// Runs a command to its end.
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

    /// Runs a command that must succeed and returns its standard output.
    pub async fn run_command_ok(&self, arguments: &[&str]) -> String {
        let output = self.run_command(arguments).await;
        assert!(output.is_success, "{arguments:?}: {output:?}");
        output.stdout
    }

    /// Writes a file for a command and returns its path.
    pub fn write_file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}
