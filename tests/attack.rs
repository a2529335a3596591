//! An attack from one address, by everything that guests may do: half-open requests, WebSockets with subscriptions, and
//! the heaviest queries. The server answers others throughout.
//!
//! By hand, on a larger event: `cargo test --release --test suite -- attack`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::SinkExt as _;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::explain::growth;
use crate::shutdown::Server;
use crate::support::{Database, PASSWORD, TestApp};

/// Half-open requests.
const HALF_OPEN: usize = 300;
/// WebSockets, each with [`SUBSCRIPTIONS`].
const SOCKETS: usize = 400;
const SUBSCRIPTIONS: usize = 15;
/// Heavy queries at a time.
const QUERIES: usize = 20;
/// Searches and totals in one query: more exceed a guest's cost.
const FIELDS: usize = 8;
/// Extensions with labels that match the search (SQLite).
const EXTENSIONS: usize = 20_000;
/// The duration of the attack.
const DURATION: Duration = Duration::from_secs(12);
/// The time within which others are answered. A debug build is several times slower.
const ANSWERED: Duration = if cfg!(debug_assertions) { Duration::from_secs(2) } else { Duration::from_secs(1) };
/// The addresses, as the proxy names them.
const ATTACKER: &str = "192.0.2.66";
const OTHER: &str = "198.51.100.7";

pub async fn the_server_answers_others_throughout(folder: Arc<tempfile::TempDir>, database: Database) {
    let app = TestApp::start(Arc::clone(&folder), database, None).await;
    if app.is_embedded() {
        growth::fill(&app, 1, EXTENSIONS).await;
    }
    let url = app.database.url();
    drop(app);
    // The rows of the test are those of the demo, whose passwords the program serves with this flag only.
    let arguments = ["--demo", "--trusted-proxy", "127.0.0.1", "--database-url", &url];
    let server = Server::start(folder.path(), &arguments).unwrap();
    let address: SocketAddr = server.address.parse().unwrap();
    let other = Other::sign_in(address).await;

    let half_open = half_open_requests(address).await;
    let sockets = subscribed_sockets(address).await;
    assert!(sockets.len() < SOCKETS, "one address may open any number of sockets");
    let is_over = Arc::new(AtomicBool::new(false));
    let queries = heavy_queries(address, &is_over);
    let began = Instant::now();
    let mut slowest = (Duration::ZERO, "");
    while began.elapsed() < DURATION {
        for (what, time) in [("/healthz", other.health().await), ("a registration", other.registers().await)] {
            slowest = slowest.max((time, what));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(slowest.0 < ANSWERED, "{} took {:?}", slowest.1, slowest.0);
    is_over.store(true, Ordering::Relaxed);
    drop((half_open, sockets, queries));
    assert_idle(&server).await;
}

/// Opens connections that begin a request and do not end it.
async fn half_open_requests(address: SocketAddr) -> Vec<TcpStream> {
    let mut connections = Vec::new();
    for _ in 0..HALF_OPEN {
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nA: ").await.unwrap();
        connections.push(connection);
    }
    connections
}

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<TcpStream>>;

/// Opens as many sockets as the server permits, and subscribes to the directory.
async fn subscribed_sockets(address: SocketAddr) -> Vec<Socket> {
    let mut sockets = Vec::new();
    for _ in 0..SOCKETS {
        let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        request.headers_mut().insert("x-forwarded-for", ATTACKER.parse().unwrap());
        let Ok((mut socket, _)) = tokio_tungstenite::connect_async(request).await else { continue };
        socket.send(Message::text("{\"type\":\"connection_init\"}")).await.unwrap();
        for id in 0..SUBSCRIPTIONS {
            let query = "subscription { directoryChanged(event: \"demo\") { slug } }";
            let message = json!({ "type": "subscribe", "id": id.to_string(), "payload": { "query": query } });
            socket.send(Message::text(message.to_string())).await.unwrap();
        }
        sockets.push(socket);
    }
    sockets
}

/// Repeats heavy queries until the attack is over. Dropping the set ends them.
fn heavy_queries(address: SocketAddr, is_over: &Arc<AtomicBool>) -> JoinSet<()> {
    let fields: String = (0..FIELDS)
        .map(|n| format!("a{n}: directory(event: \"demo\", search: \"2\", highlighted: false) {{ totalCount }} "))
        .collect();
    let query = json!({ "query": format!("{{ {fields} }}") });
    let mut tasks = JoinSet::new();
    for _ in 0..QUERIES {
        let (query, is_over) = (query.clone(), Arc::clone(is_over));
        tasks.spawn(async move {
            let client = reqwest::Client::new();
            while !is_over.load(Ordering::Relaxed) {
                let request = client.post(format!("http://{address}/graphql")).header("X-Forwarded-For", ATTACKER);
                let answer: Value = request.json(&query).send().await.unwrap().json().await.unwrap();
                let code = answer["errors"][0]["extensions"]["code"].as_str();
                assert!(matches!(code, None | Some("UNAVAILABLE" | "RATE_LIMITED")), "{answer}");
            }
        });
    }
    tasks
}

/// A person at another address, signed in.
struct Other {
    address: SocketAddr,
    token: String,
}

impl Other {
    async fn sign_in(address: SocketAddr) -> Self {
        let mutation = "mutation($input: SignInInput!) { signIn(input: $input) { token } }";
        let input = json!({ "login": "operator", "password": PASSWORD });
        let (answer, _) = Self { address, token: String::new() }.post(mutation, input).await;
        let token = answer["data"]["signIn"]["token"].as_str().unwrap_or_else(|| panic!("{answer}"));
        Self { address, token: token.to_owned() }
    }

    async fn health(&self) -> Duration {
        let began = Instant::now();
        let answer = reqwest::get(format!("http://{}/healthz", self.address)).await.unwrap();
        assert_eq!(answer.status(), 200);
        began.elapsed()
    }

    async fn registers(&self) -> Duration {
        let mutation = "mutation($input: RegisterExtensionInput!) { registerExtension(input: $input) \
                        { extension { number } errors { code message } } }";
        let input = json!({ "event": "demo", "serviceType": "sip", "label": "Another", "visibility": "PUBLIC" });
        let (answer, time) = self.post(mutation, input).await;
        assert!(answer["data"]["registerExtension"]["extension"]["number"].is_string(), "{answer}");
        time
    }

    /// Posts a mutation on a connection of its own, and measures the time to its answer.
    async fn post(&self, mutation: &str, input: Value) -> (Value, Duration) {
        let began = Instant::now();
        let request = reqwest::Client::new().post(format!("http://{}/graphql", self.address));
        let request = request
            .header("X-Forwarded-For", OTHER)
            .json(&json!({ "query": mutation, "variables": { "input": input } }));
        let request = if self.token.is_empty() { request } else { request.bearer_auth(&self.token) };
        let answer = request.send().await.unwrap().json().await.unwrap();
        (answer, began.elapsed())
    }
}

/// Asserts that the server does nothing more for clients that have gone: their statements were interrupted.
async fn assert_idle(server: &Server) {
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = processor_ticks(server);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let spent = processor_ticks(server) - before;
    assert!(spent < 30, "the server spent {spent} hundredths of a second after the attack");
}

/// The time of the processor that the process has spent, in ticks of 10 ms (`proc_pid_stat(5)`: fields 14 and 15).
fn processor_ticks(server: &Server) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.child.id())).unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}
