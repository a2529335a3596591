use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::{Server, Settings, soon};

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

async fn connect(server: &Server, headers: &[(&'static str, &str)]) -> Result<Socket, u16> {
    let mut request = format!("ws://{}/graphql", server.address).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    match tokio_tungstenite::connect_async(request).await {
        Ok((socket, _)) => Ok(Socket(socket)),
        Err(Error::Http(response)) => Err(response.status().as_u16()),
        Err(other) => panic!("{other}"),
    }
}

async fn open(server: &Server) -> Socket {
    connect(server, &[("sec-websocket-protocol", "graphql-transport-ws")]).await.unwrap()
}

async fn ready(server: &Server, token: Option<&str>) -> Socket {
    let mut socket = open(server).await;
    let payload = token.map(|token| json!({"authorization": format!("Bearer {token}")}));
    socket.says(json!({"type": "connection_init", "payload": payload})).await;
    assert_eq!(socket.hears().await["type"], "connection_ack");
    socket
}

impl Socket {
    async fn says(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn asks(&mut self, id: &str, query: &str) {
        self.says(json!({"type": "subscribe", "id": id, "payload": {"query": query}})).await;
    }

    async fn hears(&mut self) -> Value {
        loop {
            match soon(self.0.next()).await.unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Reads on until the server closes.
    async fn closes(&mut self) -> u16 {
        loop {
            match soon(self.0.next()).await.unwrap().unwrap() {
                Message::Close(Some(frame)) => return CloseCode::into(frame.code),
                Message::Close(None) => return 0,
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn every_operation_goes_over_a_socket() {
    let server = Server::start().await;
    let mut socket = ready(&server, Some("user")).await;
    socket.asks("q", "{ viewer }").await;
    assert_eq!(
        socket.hears().await,
        json!({"type": "next", "id": "q", "payload": {"data": {"viewer": "user"}, "extensions": {"cost": 1}}})
    );
    assert_eq!(socket.hears().await, json!({"type": "complete", "id": "q"}));
    socket.asks("q", "mutation { signIn }").await;
    assert_eq!(socket.hears().await["payload"]["data"]["signIn"], false, "no cookie can be set");
    socket.hears().await;
    socket.asks("s", "subscription { tick(times: 2) }").await;
    assert_eq!(socket.hears().await["payload"]["data"]["tick"], 1);
    assert_eq!(socket.hears().await["payload"]["data"]["tick"], 2);
    assert_eq!(socket.hears().await["type"], "complete");
    socket.says(json!({"type": "ping", "payload": {"a": 1}})).await;
    assert_eq!(socket.hears().await, json!({"type": "pong", "payload": {"a": 1}}));
}

#[tokio::test]
async fn a_refused_operation_leaves_the_socket_open() {
    let server = Server::start().await;
    let mut socket = ready(&server, None).await;
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ names(first: -1) }", "BAD_USER_INPUT"),
    ] {
        socket.asks("q", query).await;
        let error = socket.hears().await;
        assert_eq!(
            (error["type"].as_str(), error["payload"][0]["extensions"]["code"].as_str()),
            (Some("error"), Some(code))
        );
    }
    let keyed = json!({"query": "mutation { key }", "extensions": {"idempotencyKey": "k"}});
    socket.says(json!({"type": "subscribe", "id": "k", "payload": keyed})).await;
    assert!(socket.hears().await["payload"]["data"]["key"].as_str().unwrap().starts_with("k "));
}

#[tokio::test]
async fn breaches_of_the_protocol_have_their_codes() {
    let server = Server::with(Settings { init_timeout: Duration::from_millis(100), ..Settings::new() }).await;
    assert_eq!(open(&server).await.closes().await, 4408);
    let mut early = open(&server).await;
    early.asks("1", "{ hello }").await;
    assert_eq!(early.closes().await, 4401);
    let mut bad = open(&server).await;
    bad.says(json!({"type": "connection_init", "payload": {"authorization": "Bearer bad"}})).await;
    assert_eq!(bad.closes().await, 4403);
    let mut twice = ready(&server, None).await;
    twice.says(json!({"type": "connection_init"})).await;
    assert_eq!(twice.closes().await, 4429);
    let mut double = ready(&server, None).await;
    double.asks("1", "subscription { tick }").await;
    double.asks("1", "subscription { tick }").await;
    assert_eq!(double.closes().await, 4409);
    for wrong in [json!("nope"), json!({"type": "zzz"}), json!({"type": "subscribe", "id": "1"})] {
        let mut socket = ready(&server, None).await;
        socket.says(wrong).await;
        assert_eq!(socket.closes().await, 4400);
    }
    let mut large = ready(&server, None).await;
    large.asks("1", &"x".repeat(300 * 1024)).await;
    assert_eq!(large.closes().await, 1009);
    assert_eq!(connect(&server, &[]).await.unwrap().closes().await, 4406);
}

#[tokio::test]
async fn a_cookie_from_another_site_opens_no_socket() {
    let server = Server::start().await;
    let own = format!("http://{}", server.address);
    let base = [("sec-websocket-protocol", "graphql-transport-ws"), ("cookie", "session=1")];
    assert_eq!(connect(&server, &[base[0], base[1], ("origin", "https://evil.example")]).await.err(), Some(403));
    assert!(connect(&server, &[base[0], base[1], ("origin", &own)]).await.is_ok());
}

#[tokio::test]
async fn completing_frees_the_id() {
    let server = Server::start().await;
    let mut socket = ready(&server, None).await;
    for _ in 0..3 {
        socket.asks("s", "subscription { tick }").await;
        assert_eq!(socket.hears().await["payload"]["data"]["tick"], 1);
        socket.says(json!({"type": "complete", "id": "s"})).await;
        // An event may have been under way when `complete` was sent; after the pong there is none.
        socket.says(json!({"type": "ping"})).await;
        while socket.hears().await["type"] != "pong" {}
    }
}

#[tokio::test]
async fn a_socket_runs_so_many_operations_and_no_more() {
    let server = Server::with(Settings { socket_operations: 2, ..Settings::new() }).await;
    let mut socket = ready(&server, None).await;
    for id in ["a", "b", "c"] {
        socket.asks(id, "{ slow }").await;
    }
    let error = socket.hears().await;
    assert_eq!(
        (error["id"].as_str(), error["payload"][0]["extensions"]["code"].as_str()),
        (Some("c"), Some("RATE_LIMITED"))
    );
}

#[tokio::test]
async fn a_socket_ends_with_its_session_and_with_the_program() {
    let server = Server::start().await;
    let mut theirs = ready(&server, Some("user")).await;
    theirs.asks("s", "subscription { tick }").await;
    let mut other = ready(&server, None).await;
    server.program.0.revoked.send_replace(true);
    assert_eq!(theirs.closes().await, 4403);
    other.asks("q", "{ hello }").await;
    assert_eq!(other.hears().await["type"], "next");
    server.program.0.shutdown.send_replace(true);
    assert_eq!(other.closes().await, 1001);
}
