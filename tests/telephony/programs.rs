//! Programs in private folders on private ports, and the example configurations of `docs/agent`.

use std::fs::File;
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The limit for a program to start, to answer or to end.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The limit for a program to end after SIGTERM; then it is killed.
const TERMINATION_TIMEOUT: Duration = Duration::from_secs(5);
const POLL_INTERVAL: Duration = Duration::from_millis(30);

/// A free port, for TCP and UDP.
pub fn free_port() -> u16 {
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A child process that ends when the value is dropped.
pub struct Program {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts a program in a folder; its output is appended to `NAME.log` there.
    pub fn start(name: &str, folder: &Path, command: &mut Command) -> Self {
        let log = folder.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log).unwrap();
        command.current_dir(folder).stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        let child = command.spawn().unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        Self { name: name.to_owned(), child, log }
    }

    /// The program's output.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until a condition holds, usually an answer in the program's own protocol.
    pub async fn wait_until(&mut self, mut condition: impl AsyncFnMut() -> bool) {
        let start = Instant::now();
        while !condition().await {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("{} ended with {status}:\n{}", self.name, self.log());
            }
            assert!(start.elapsed() < TIMEOUT, "{} does not answer:\n{}", self.name, self.log());
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Kills the program with SIGKILL.
    pub fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Waits until the program ends; returns whether it succeeded.
    pub async fn wait(&mut self) -> bool {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            assert!(start.elapsed() < TIMEOUT, "{} does not end:\n{}", self.name, self.log());
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        // SIGTERM first: Kamailio then ends its worker processes.
        drop(Command::new("kill").arg(self.child.id().to_string()).status());
        let start = Instant::now();
        while start.elapsed() < TERMINATION_TIMEOUT {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        self.kill();
    }
}

/// Waits until a condition holds, for at most `limit`; returns the time that it took.
pub async fn within(limit: Duration, description: &str, mut condition: impl AsyncFnMut() -> bool) -> Duration {
    let start = Instant::now();
    loop {
        if condition().await {
            return start.elapsed();
        }
        assert!(start.elapsed() < limit, "{description}: not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A file of `docs/agent`, with replacements for the addresses and paths of the test.
pub fn example_configuration(name: &str, replacements: &[(&str, &str)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/agent").join(name);
    let mut text = std::fs::read_to_string(path).unwrap();
    for (old, new) in replacements {
        assert!(text.contains(old), "docs/agent/{name} does not contain {old:?}");
        text = text.replace(old, new);
    }
    text
}
