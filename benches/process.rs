//! The program as a process: the time until it is ready, and its memory without requests.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::fixture::Fixture;
use super::http_client::Client;
use super::measure::{ROUNDS, median, wall_time};
use super::table::{Figure, Measurement, Table};

/// How long the process is idle before its memory is read.
pub const IDLE: Duration = Duration::from_secs(3);

/// How many processes the memory is read of.
const MEMORY_ROUNDS: usize = 3;

/// Measures the rows of the process.
pub fn measure(fixture: &Fixture, table: &mut Table) {
    let (ready_row, memory_row) = ("ready after start", "idle memory");
    if !table.includes(ready_row) && !table.includes(memory_row) {
        return;
    }
    let (mut seconds, mut megabytes) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = wall_time();
        let server = Server::start(fixture);
        seconds.push((wall_time() - start).as_secs_f64());
        if megabytes.len() < MEMORY_ROUNDS {
            std::thread::sleep(IDLE);
            megabytes.push(server.megabytes("VmRSS"));
        }
    }
    let measurement = |value, unit, subject| Measurement {
        figure: Figure { value, unit },
        subject,
        baseline: format!("{} extensions in the database", fixture.size),
    };
    let ready = measurement(median(seconds), " s", "from exec to 200 of /readyz".to_owned());
    table.at_most(ready_row, 1.0, ready);
    let memory = measurement(median(megabytes), " MB", format!("VmRSS {} s after it was ready", IDLE.as_secs()));
    table.at_most(memory_row, 60.0, memory);
}

/// A server process on a fixture's database; it ends when the value is dropped.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    /// Starts the process, and waits until it is ready.
    pub fn start(fixture: &Fixture) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_switchboard"))
            .args(["serve", "--data-dir", fixture.folder.path().to_str().unwrap(), "--listen", &address.to_string()])
            .env_clear()
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self { child, address };
        while !is_ready(address) {
            assert!(server.child.try_wait().unwrap().is_none(), "the server did not start");
            std::thread::sleep(Duration::from_millis(2));
        }
        server
    }

    /// A field of `/proc/PID/status` in megabytes: `VmRSS` is the resident memory, `VmHWM` its maximum so far.
    pub fn megabytes(&self, name: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1000.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn is_ready(address: SocketAddr) -> bool {
    Client::connect(address)
        .and_then(|mut client| client.get("/readyz", &[]))
        .is_ok_and(|response| response.status == 200)
}
