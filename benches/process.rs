//! The program as a process: how soon it is ready, and what it keeps in memory while nobody asks.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::house::House;
use super::measure::{ROUNDS, median, wall};
use super::table::Table;

/// How long it is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(3);

/// The rows of the process.
pub fn measure(house: &House, table: &mut Table) {
    let (ready_row, memory_row) = ("ready after start", "idle memory");
    if !table.wants(ready_row) && !table.wants(memory_row) {
        return;
    }
    let (mut ready, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let began = wall();
        let mut server = start(house, address);
        while !is_ready(address) {
            assert!(server.try_wait().unwrap().is_none(), "the server did not start");
            std::thread::sleep(Duration::from_millis(2));
        }
        ready.push((wall() - began).as_secs_f64());
        if memory.len() < 3 {
            std::thread::sleep(IDLE);
            memory.push(resident_megabytes(server.id()));
        }
        server.kill().unwrap();
        server.wait().unwrap();
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

fn start(house: &House, address: SocketAddr) -> Child {
    Command::new(env!("CARGO_BIN_EXE_switchboard"))
        .args(["serve", "--data-dir", house.folder.path().to_str().unwrap(), "--listen", &address.to_string()])
        .env_clear()
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn is_ready(address: SocketAddr) -> bool {
    let Ok(mut socket) = TcpStream::connect(address) else { return false };
    let asked = socket.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    asked.is_ok() && socket.read_to_string(&mut answer).is_ok() && answer.starts_with("HTTP/1.1 200")
}

fn resident_megabytes(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1000.0
}
