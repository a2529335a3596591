//! Connections have limits: times, numbers, and sockets of each caller. So have operations.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection as _;
use platform::deadline::{self, Deadline};
use platform::store::Conn;
use reqwest::StatusCode;
use serde_json::json;
use switchboard::http::server::ConnectionLimits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::support::TestApp;

const LIMITS: ConnectionLimits = ConnectionLimits {
    total: 20,
    per_address: 10,
    head_timeout: Duration::from_secs(60),
    write_timeout: Duration::from_secs(60),
};

fn address(app: &TestApp) -> SocketAddr {
    app.url.strip_prefix("http://").unwrap().parse().unwrap()
}

/// Opens a connection and sends these bytes.
async fn send(app: &TestApp, bytes: &[u8]) -> TcpStream {
    let mut connection = TcpStream::connect(address(app)).await.unwrap();
    connection.write_all(bytes).await.unwrap();
    connection
}

/// Reads until the server closes the connection, and returns what it sent.
async fn read_to_end(connection: &mut TcpStream) -> String {
    let mut received = Vec::new();
    let reading = async { while !matches!(connection.read_buf(&mut received).await, Ok(0) | Err(_)) {} };
    tokio::time::timeout(Duration::from_secs(10), reading).await.expect("the server closes the connection");
    String::from_utf8_lossy(&received).into_owned()
}

const HALF: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: ";
const WHOLE: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";

pub async fn a_connection_without_a_request_is_closed(app: TestApp) {
    let app = app.with_limits(ConnectionLimits { head_timeout: Duration::from_millis(300), ..LIMITS }).await;
    let mut half_open = send(&app, HALF).await;
    let mut silent = send(&app, b"").await;
    let mut idle = send(&app, WHOLE).await;
    let began = Instant::now();
    assert_eq!(read_to_end(&mut half_open).await, "");
    assert_eq!(read_to_end(&mut silent).await, "");
    assert!(read_to_end(&mut idle).await.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

pub async fn half_open_requests_do_not_take_the_place_of_others(app: TestApp) {
    let app = app.with_limits(LIMITS).await;
    let mut half_open = Vec::new();
    for _ in 0..60 {
        half_open.push(send(&app, HALF).await);
    }
    for _ in 0..5 {
        let answer = reqwest::get(format!("{}/healthz", app.url)).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
    // The first ones were closed in favour of others, the last ones are open.
    read_to_end(&mut half_open[0]).await;
    let last = half_open.last_mut().unwrap();
    last.write_all(b"b\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    last.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
}

pub async fn a_client_that_reads_nothing_is_disconnected(app: TestApp) {
    let app = app.with_limits(ConnectionLimits { write_timeout: Duration::from_millis(300), ..LIMITS }).await;
    let requests = b"GET /assets/messages/de.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(3_000);
    let mut connection = TcpStream::connect(address(&app)).await.unwrap();
    // The server stops reading when its responses are not read.
    let sending = tokio::time::timeout(Duration::from_secs(10), connection.write_all(&requests));
    drop(sending.await);
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    let received = read_to_end(&mut connection).await;
    let answers = received.matches("HTTP/1.1 200 OK").count();
    assert!(answers < 3_000, "all of {answers} responses were sent");
}

pub async fn sockets_of_one_address_and_of_one_account_are_limited(app: TestApp) {
    let token = app.user().await.client.token().unwrap().to_owned();
    let app = app.behind_trusted_proxy().await;
    let connect = async |client: &str| {
        let mut request = format!("ws://{}/graphql", address(&app)).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        request.headers_mut().insert("x-forwarded-for", client.parse().unwrap());
        match tokio_tungstenite::connect_async(request).await {
            Ok((socket, _)) => Ok(socket),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(other) => panic!("{other}"),
        }
    };
    let mut sockets = Vec::new();
    for number in 0..300 {
        sockets.push(connect("192.0.2.1").await.unwrap_or_else(|status| panic!("socket {number}: {status}")));
    }
    assert_eq!(connect("192.0.2.1").await.err(), Some(429));
    assert!(connect("192.0.2.2").await.is_ok());
    sockets.truncate(200);
    let subscribe = json!({ "query": "subscription { directoryChanged(event: \"demo\") { slug } }" });
    let stream = || {
        let request = reqwest::Client::new().post(format!("{}/graphql", app.url)).header("Accept", "text/event-stream");
        request.header("X-Forwarded-For", "192.0.2.1").bearer_auth(&token).json(&subscribe).send()
    };
    let mut streams = Vec::new();
    for number in 0..200 {
        let stream = stream().await.unwrap();
        assert_eq!(stream.status(), StatusCode::OK, "stream {number}");
        streams.push(stream);
    }
    assert_eq!(stream().await.unwrap().status(), StatusCode::TOO_MANY_REQUESTS);
    streams.truncate(100);
    let until = Instant::now() + Duration::from_secs(5);
    while stream().await.unwrap().status() != StatusCode::OK {
        assert!(Instant::now() < until, "the places of closed streams are free again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A statement that has no end on SQLite, and takes a minute on PostgreSQL.
const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                       SELECT count(*) FROM n WHERE within_deadline()";
const MINUTE: &str = "SELECT pg_sleep(60)";
const SLEEPING: &str = "SELECT CAST(count(*) AS TEXT) AS text FROM pg_stat_activity \
                        WHERE datname = current_database() AND state = 'active' AND query LIKE 'SELECT pg_sleep%'";

pub async fn a_statement_ends_with_its_operation(app: TestApp) {
    let began = Instant::now();
    let store = app.app.services.store.clone();
    let operation = deadline::abandoned_on_drop(Deadline::after(Duration::from_millis(200)), async move {
        let mut conn = store.read().await.unwrap();
        match &mut *conn {
            Conn::Sqlite(conn) => conn.batch_execute(ENDLESS).await,
            Conn::Postgres(conn) => conn.batch_execute(MINUTE).await,
        }
    });
    if let Ok(outcome) = tokio::time::timeout(Duration::from_millis(400), operation).await {
        assert!(outcome.is_err(), "the statement ended by itself");
    }
    while !app.is_embedded() && app.select_text(SLEEPING).await != ["0"] {
        assert!(began.elapsed() < Duration::from_secs(10), "the statement goes on");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}
