//! FreeRADIUS with rlm_rest, the document store that it requests, and the agent that writes the store.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use super::programs::{Program, example_configuration, free_port};
use super::server::Server;
use super::sip::{REALM, digest};

/// The required programs.
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
    pub async fn start(server: &Server) -> Self {
        let folder = server.create_consumer("freeradius", "sip", "READ_SECRETS, READ_DIGESTS").await;
        let documents = Documents::default();
        let store_port = serve_store(Arc::clone(&documents)).await;
        let port = free_port();
        let store = format!("127.0.0.1:{store_port}");
        let settings = example_configuration(
            "radiusd.conf",
            &[
                ("127.0.0.1:8090", &store),
                ("port = 1812", &format!("port = {port}")),
                (
                    "name = radiusd",
                    &format!("name = radiusd\nraddbdir = {0}\nlogdir = {0}\nrun_dir = {0}", folder.display()),
                ),
            ],
        );
        std::fs::write(folder.join("radiusd.conf"), settings).unwrap();
        let agent = example_configuration(
            "freeradius.toml",
            &[("https://numbers.example", &server.url), ("127.0.0.1:8090", &store)],
        );
        std::fs::write(folder.join("agent.toml"), agent).unwrap();
        let mut command = Command::new("freeradius");
        command.args(["-f", "-l", "stdout", "-d"]).arg(&folder);
        let mut radius = Program::start("freeradius", &folder, &mut command);
        radius
            .wait_until(async || radclient(port, "status", "Message-Authenticator = 0x00").contains("Access-Accept"))
            .await;
        Self { _agent: server.agent(&folder, &[]), _radius: radius, port }
    }

    /// PAP (RFC 2865, section 5.2); returns the answer with its attributes.
    pub fn pap(&self, number: &str, password: &str) -> String {
        radclient(self.port, "auth", &format!("User-Name = {}, User-Password = {}", quoted(number), quoted(password)))
    }

    /// CHAP (RFC 1994, RFC 2865, section 5.3).
    pub fn chap(&self, number: &str, password: &str) -> String {
        radclient(self.port, "auth", &format!("User-Name = {}, CHAP-Password = {}", quoted(number), quoted(password)))
    }

    /// SIP digest (draft-sterman-aaa-sip-00, as FreeRADIUS reads it).
    pub fn digest(&self, number: &str, password: &str) -> String {
        let response = digest(number, password, "REGISTER", NONCE);
        let request = format!(
            "User-Name = {0}, Digest-Response = {1}, Digest-Realm = {2}, Digest-Nonce = {3}, \
             Digest-Method = \"REGISTER\", Digest-URI = {4}, Digest-User-Name = {0}",
            quoted(number),
            quoted(&response),
            quoted(REALM),
            quoted(NONCE),
            quoted(&format!("sip:{REALM}")),
        );
        radclient(self.port, "auth", &request)
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Sends a request with radclient; returns the received packet as text, or an empty text.
fn radclient(port: u16, command_name: &str, attributes: &str) -> String {
    use std::io::Write as _;
    let mut command = Command::new("radclient");
    command.args(["-x", "-r", "1", "-t", "2", &format!("127.0.0.1:{port}"), command_name, "testing123"]);
    command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(attributes.as_bytes()).unwrap();
    let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    output.split_once("Received").map(|(_, received)| received.to_owned()).unwrap_or_default()
}

/// Serves a store of documents over HTTP with PUT, GET and DELETE; returns its port.
async fn serve_store(documents: Documents) -> u16 {
    let methods = get(read).put(write).delete(remove);
    let router = axum::Router::new().route("/radius/{number}", methods).with_state(documents);
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
