//! SIGTERM: the program closes every socket before it exits.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Enough sockets that closing them takes longer than exiting without closing them.
const SOCKETS: usize = 200;

/// The close code of a server that shuts down (RFC 6455, section 7.4.1).
const GOING_AWAY: u16 = 1001;

/// The tests of the shutdown.
pub fn trials() -> Vec<Trial> {
    vec![Trial::test("shutdown::every_socket_is_closed_with_going_away", || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(every_socket_is_closed())
    })]
}

async fn every_socket_is_closed() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mut server = Server::start(folder.path(), &["--demo"])?;
    let mut sockets = Vec::new();
    for number in 0..SOCKETS {
        let mut socket = connect(&server.address).await;
        // A third of the sockets has a subscription, a third is initialised, a third is only open.
        if number % 3 > 0 {
            send(&mut socket, json!({ "type": "connection_init" })).await;
            assert_eq!(receive(&mut socket).await["type"], "connection_ack");
        }
        if number % 3 > 1 {
            let query = "subscription { directoryChanged(event: \"demo\") { slug } }";
            send(&mut socket, json!({ "type": "subscribe", "id": "s", "payload": { "query": query } })).await;
        }
        sockets.push(socket);
    }
    server.terminate();
    let began = Instant::now();
    for (number, socket) in sockets.iter_mut().enumerate() {
        assert_eq!(close_code(socket).await, Some(GOING_AWAY), "socket {number}");
    }
    drop(sockets);
    let status = server.child.wait()?;
    assert!(status.success(), "{status}");
    assert!(began.elapsed() < Duration::from_secs(10), "the shutdown took {:?}", began.elapsed());
    Ok(())
}

/// The program, in a process of its own.
pub struct Server {
    pub child: Child,
    pub address: String,
}

impl Server {
    /// Starts the program on a free port.
    pub fn start(folder: &std::path::Path, more_arguments: &[&str]) -> Result<Self, Failed> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_switchboard"))
            .args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--data-dir"])
            .arg(folder)
            .args(more_arguments)
            .env_clear()
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let log = BufReader::new(child.stderr.take().ok_or("no log")?);
        let mut lines = log.lines().map_while(Result::ok);
        let listening = lines
            .by_ref()
            .filter_map(|line| serde_json::from_str::<Value>(&line).ok())
            .find(|line| line["message"] == "listening")
            .ok_or("the program did not log its address")?;
        // The rest of the log is read too, so that the pipe does not fill up.
        std::thread::spawn(move || lines.for_each(drop));
        let address = listening["address"].as_str().ok_or("no address")?.to_owned();
        Ok(Self { child, address })
    }

    fn terminate(&self) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The process has exited already when the test passed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn connect(address: &str) -> Socket {
    let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
    tokio_tungstenite::connect_async(request).await.unwrap().0
}

async fn send(socket: &mut Socket, message: Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

async fn next(socket: &mut Socket) -> Option<Message> {
    tokio::time::timeout(Duration::from_secs(10), socket.next())
        .await
        .expect("a message within ten seconds")
        .and_then(Result::ok)
}

async fn receive(socket: &mut Socket) -> Value {
    loop {
        match next(socket).await.expect("an open socket") {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Reads until the socket ends, and returns the code of its close frame, if there was one.
async fn close_code(socket: &mut Socket) -> Option<u16> {
    loop {
        if let Message::Close(frame) = next(socket).await? {
            return frame.map(|frame| frame.code.into());
        }
    }
}
