//! FreeRADIUS with rlm_rest, the small store that it asks, and the agent that fills the store.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use super::ground::{Program, port, shown};
use super::sip::{REALM, digest};
use super::switchboard::Switchboard;

/// The programs that it takes.
pub const PROGRAMS: [&str; 3] = ["freeradius", "radclient", "/usr/lib/freeradius/rlm_rest.so"];

const NONCE: &str = "5150";

type Documents = Arc<Mutex<BTreeMap<String, String>>>;

/// A RADIUS server with its store and agent.
pub struct Radius {
    _agent: Program,
    _radius: Program,
    port: u16,
}

impl Radius {
    /// Starts the store, FreeRADIUS and the agent.
    pub async fn start(server: &Switchboard) -> Self {
        let folder = server.connect("freeradius", "sip", "READ_SECRETS, READ_DIGESTS").await;
        let documents = Documents::default();
        let store = store(Arc::clone(&documents)).await;
        let port = port();
        let at = format!("127.0.0.1:{store}");
        let settings = shown(
            "radiusd.conf",
            &[
                ("127.0.0.1:8090", &at),
                ("port = 1812", &format!("port = {port}")),
                (
                    "name = radiusd",
                    &format!("name = radiusd\nraddbdir = {0}\nlogdir = {0}\nrun_dir = {0}", folder.display()),
                ),
            ],
        );
        std::fs::write(folder.join("radiusd.conf"), settings).unwrap();
        let agent = shown("freeradius.toml", &[("https://numbers.example", &server.url), ("127.0.0.1:8090", &at)]);
        std::fs::write(folder.join("agent.toml"), agent).unwrap();
        let mut command = Command::new("freeradius");
        command.args(["-f", "-l", "stdout", "-d"]).arg(&folder);
        let mut radius = Program::start("freeradius", &folder, &mut command);
        radius.answers(async || client(port, "status", "Message-Authenticator = 0x00").contains("Access-Accept")).await;
        Self { _agent: server.agent(&folder, &[]), _radius: radius, port }
    }

    /// PAP: the answer, with its attributes.
    pub fn pap(&self, number: &str, password: &str) -> String {
        client(self.port, "auth", &format!("User-Name = {}, User-Password = {}", quoted(number), quoted(password)))
    }

    /// CHAP (RFC 1994).
    pub fn chap(&self, number: &str, password: &str) -> String {
        client(self.port, "auth", &format!("User-Name = {}, CHAP-Password = {}", quoted(number), quoted(password)))
    }

    /// SIP digest (draft-sterman-aaa-sip-00, as FreeRADIUS reads it).
    pub fn digest(&self, number: &str, password: &str) -> String {
        let response = digest(number, password, "REGISTER", NONCE);
        let request = format!(
            "User-Name = {0}, Digest-Response = {1}, Digest-Realm = {2}, Digest-Nonce = {3}, Digest-Method = \"REGISTER\", \
             Digest-URI = {4}, Digest-User-Name = {0}",
            quoted(number),
            quoted(&response),
            quoted(REALM),
            quoted(NONCE),
            quoted(&format!("sip:{REALM}")),
        );
        client(self.port, "auth", &request)
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn client(port: u16, what: &str, request: &str) -> String {
    use std::io::Write as _;
    let mut command = Command::new("radclient");
    command.args(["-x", "-r", "1", "-t", "2", &format!("127.0.0.1:{port}"), what, "testing123"]);
    command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(request.as_bytes()).unwrap();
    let said = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    said.split_once("Received").map(|(_, received)| received.to_owned()).unwrap_or_default()
}

/// A store of documents over HTTP: PUT, GET, DELETE.
async fn store(documents: Documents) -> u16 {
    let all = get(read).put(write).delete(remove);
    let router = axum::Router::new().route("/radius/{number}", all).with_state(documents);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await });
    port
}

async fn read(State(documents): State<Documents>, Path(number): Path<String>) -> Response {
    match documents.lock().unwrap().get(&number) {
        Some(text) => ([(header::CONTENT_TYPE, "application/json")], text.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn write(State(documents): State<Documents>, Path(number): Path<String>, body: String) -> StatusCode {
    documents.lock().unwrap().insert(number, body);
    StatusCode::NO_CONTENT
}

async fn remove(State(documents): State<Documents>, Path(number): Path<String>) -> StatusCode {
    match documents.lock().unwrap().remove(&number) {
        Some(_) => StatusCode::NO_CONTENT,
        None => StatusCode::NOT_FOUND,
    }
}
