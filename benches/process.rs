//! The program as a process: how soon it is ready, and what it keeps in memory while nobody asks.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::client::Client;
use super::house::House;
use super::measure::{ROUNDS, median, wall};
use super::table::Table;

/// How long it is left alone before its memory is read.
pub const IDLE: Duration = Duration::from_secs(3);

/// The rows of the process.
pub fn measure(house: &House, table: &mut Table) {
    let (ready_row, memory_row) = ("ready after start", "idle memory");
    if !table.wants(ready_row) && !table.wants(memory_row) {
        return;
    }
    let (mut ready, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let began = wall();
        let server = Server::start(house);
        ready.push((wall() - began).as_secs_f64());
        if memory.len() < 3 {
            std::thread::sleep(IDLE);
            memory.push(server.megabytes("VmRSS"));
        }
    }
    let rows = format!("{} extensions in the database", house.size);
    table.at_most(ready_row, (median(ready), " s"), 1.0, "from exec to 200 of /readyz".to_owned(), rows.clone());
    table.at_most(
        memory_row,
        (median(memory), " MB"),
        60.0,
        format!("VmRSS {} s after it was ready", IDLE.as_secs()),
        rows,
    );
}

/// The program over a house's database, until it is dropped.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    /// Starts it, and waits until it is ready.
    pub fn start(house: &House) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_switchboard"))
            .args(["serve", "--data-dir", house.folder.path().to_str().unwrap(), "--listen", &address.to_string()])
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

    /// A size of the process: `VmRSS` is what it has in memory now, `VmHWM` the most that it had.
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
    Client::connect(address).and_then(|mut client| client.get("/readyz", &[])).is_ok_and(|answer| answer.status == 200)
}
