use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::{Server, Settings, in_time};

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
    socket.send(json!({"type": "connection_init", "payload": payload})).await;
    assert_eq!(socket.receive().await["type"], "connection_ack");
    socket
}

impl Socket {
    async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(json!({"type": "subscribe", "id": id, "payload": {"query": query}})).await;
    }

    async fn receive(&mut self) -> Value {
        loop {
            match in_time(self.0.next()).await.unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Reads until the server closes the socket.
    async fn close_code(&mut self) -> u16 {
        loop {
            match in_time(self.0.next()).await.unwrap().unwrap() {
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
    let session = server.session("user").await;
    let mut socket = ready(&server, Some(&session)).await;
    socket.subscribe("q", "{ viewer }").await;
    assert_eq!(
        socket.receive().await,
        json!({"type": "next", "id": "q", "payload": {"data": {"viewer": "user"}, "extensions": {"cost": 1}}})
    );
    assert_eq!(socket.receive().await, json!({"type": "complete", "id": "q"}));
    socket.subscribe("q", "mutation { signIn }").await;
    assert_eq!(socket.receive().await["payload"]["data"]["signIn"], false, "no cookie can be set");
    socket.receive().await;
    socket.subscribe("s", "subscription { tick(times: 2) }").await;
    assert_eq!(socket.receive().await["payload"]["data"]["tick"], 1);
    assert_eq!(socket.receive().await["payload"]["data"]["tick"], 2);
    assert_eq!(socket.receive().await["type"], "complete");
    socket.send(json!({"type": "ping", "payload": {"a": 1}})).await;
    assert_eq!(socket.receive().await, json!({"type": "pong", "payload": {"a": 1}}));
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
        socket.subscribe("q", query).await;
        let error = socket.receive().await;
        assert_eq!(
            (error["type"].as_str(), error["payload"][0]["extensions"]["code"].as_str()),
            (Some("error"), Some(code))
        );
    }
    let keyed = json!({"query": "mutation { key }", "extensions": {"idempotencyKey": "k"}});
    socket.send(json!({"type": "subscribe", "id": "k", "payload": keyed})).await;
    assert!(socket.receive().await["payload"]["data"]["key"].as_str().unwrap().starts_with("k "));
}

#[tokio::test]
async fn breaches_of_the_protocol_have_close_codes() {
    let server = Server::with(Settings { init_timeout: Duration::from_millis(100), ..Settings::default() }).await;
    assert_eq!(open(&server).await.close_code().await, 4408);
    let mut early = open(&server).await;
    early.subscribe("1", "{ hello }").await;
    assert_eq!(early.close_code().await, 4401);
    let mut bad = open(&server).await;
    bad.send(json!({"type": "connection_init", "payload": {"authorization": "Bearer bad"}})).await;
    assert_eq!(bad.close_code().await, 4403);
    let mut twice = ready(&server, None).await;
    twice.send(json!({"type": "connection_init"})).await;
    assert_eq!(twice.close_code().await, 4429);
    let mut double = ready(&server, None).await;
    double.subscribe("1", "subscription { tick }").await;
    double.subscribe("1", "subscription { tick }").await;
    assert_eq!(double.close_code().await, 4409);
    for wrong in [json!("nope"), json!({"type": "zzz"}), json!({"type": "subscribe", "id": "1"})] {
        let mut socket = ready(&server, None).await;
        socket.send(wrong).await;
        assert_eq!(socket.close_code().await, 4400);
    }
    let mut large = ready(&server, None).await;
    large.subscribe("1", &"x".repeat(300 * 1024)).await;
    assert_eq!(large.close_code().await, 1009);
    assert_eq!(connect(&server, &[]).await.unwrap().close_code().await, 4406);
}

#[tokio::test]
async fn a_cookie_from_another_site_opens_no_socket() {
    let server = Server::start().await;
    let own = format!("http://{}", server.address);
    let cookie = server.cookie(&server.session("user").await);
    let base = [("sec-websocket-protocol", "graphql-transport-ws"), ("cookie", cookie.as_str())];
    assert_eq!(connect(&server, &[base[0], base[1], ("origin", "https://evil.example")]).await.err(), Some(403));
    assert!(connect(&server, &[base[0], base[1], ("origin", &own)]).await.is_ok());
}

#[tokio::test]
async fn completing_frees_the_id() {
    let server = Server::start().await;
    let mut socket = ready(&server, None).await;
    for _ in 0..3 {
        socket.subscribe("s", "subscription { tick }").await;
        assert_eq!(socket.receive().await["payload"]["data"]["tick"], 1);
        socket.send(json!({"type": "complete", "id": "s"})).await;
        // An event may have been under way when `complete` was sent; after the pong there is none.
        socket.send(json!({"type": "ping"})).await;
        while socket.receive().await["type"] != "pong" {}
    }
}

#[tokio::test]
async fn the_operations_of_a_socket_are_bounded() {
    let server = Server::with(Settings { socket_operations: 2, ..Settings::default() }).await;
    let mut socket = ready(&server, None).await;
    for id in ["a", "b", "c"] {
        socket.subscribe(id, "{ slow }").await;
    }
    let error = socket.receive().await;
    assert_eq!(
        (error["id"].as_str(), error["payload"][0]["extensions"]["code"].as_str()),
        (Some("c"), Some("RATE_LIMITED"))
    );
}

#[tokio::test]
async fn a_socket_ends_with_its_session_and_with_the_program() {
    let server = Server::start().await;
    let session = server.session("user").await;
    let mut signed_in = ready(&server, Some(&session)).await;
    signed_in.subscribe("s", "subscription { tick }").await;
    let mut other = ready(&server, None).await;
    server.revoke(&session).await;
    assert_eq!(signed_in.close_code().await, 4403);
    other.subscribe("q", "{ hello }").await;
    assert_eq!(other.receive().await["type"], "next");
    server.app.stopping.send_replace(true);
    assert_eq!(other.close_code().await, 1001);
}
