//! The program itself, run beside the application under test on the same database.

use std::process::{Command, Stdio};

use crate::support::TestApp;

/// What a run of the program came to.
#[derive(Debug)]
pub struct Ran {
    pub is_success: bool,
    pub output: Vec<u8>,
    /// The standard output as text.
    pub told: String,
    /// The standard error.
    pub complained: String,
}

impl TestApp {
    /// The program with these arguments, for this installation.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard"));
        command.args(arguments).stdin(Stdio::null());
        command.arg("--data-dir").arg(self.folder.path()).args(["--database-url", &self.database.url()]);
        command.env("SWITCHBOARD_PASSPHRASE", "mostly harmless");
        command
    }

    /// Runs the program to its end.
    pub async fn runs(&self, arguments: &[&str]) -> Ran {
        let mut command = self.program(arguments);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        Ran {
            is_success: output.status.success(),
            told: String::from_utf8_lossy(&output.stdout).into_owned(),
            output: output.stdout,
            complained: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs the program, which must succeed, and gives what it printed.
    pub async fn succeeds(&self, arguments: &[&str]) -> String {
        let ran = self.runs(arguments).await;
        assert!(ran.is_success, "{arguments:?}: {ran:?}");
        ran.told
    }

    /// A file with this content, for a command to read.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}
