//! One socket, from its first message to its close.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Value;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};

use super::message::{ClientMessage, Close, of_operation, pong};
use crate::graphql::error_code::ErrorCode;
use crate::graphql::request::{RequestId, ResponseHeaders};
use crate::http::graphql::error::EdgeError;
use crate::http::graphql::gateway::{Credentials, Gateway};
use crate::http::graphql::operation::{Arrival, Carrier, Frame};
use crate::http::graphql::payload::Payload;
use crate::http::graphql::{origin, respond};

/// Messages that wait for a slow client before the operations wait too.
const WAITING: usize = 32;
/// How long a client may take to answer a close.
const FAREWELL: Duration = Duration::from_secs(1);

/// Why a connection is over.
enum End {
    /// We close it; the id is for a duplicate's reason.
    Close(Close, String),
    /// The client has closed it, or it broke.
    Gone,
}

impl From<Close> for End {
    fn from(close: Close) -> Self {
        Self::Close(close, String::new())
    }
}

/// What an operation's task tells the connection's.
struct Outgoing {
    id: String,
    /// Tells an operation from an earlier one of the same id.
    number: u64,
    said: Said,
}

enum Said {
    Message(Utf8Bytes),
    Last(Utf8Bytes),
    Close(Close),
}

pub(super) struct Connection<G: Gateway> {
    gateway: G,
    credentials: Credentials,
    socket: WebSocket,
    tasks: JoinSet<()>,
    running: HashMap<String, (u64, AbortHandle)>,
    started: u64,
    sender: mpsc::Sender<Outgoing>,
    outgoing: mpsc::Receiver<Outgoing>,
    shutdown: BoxFuture<'static, ()>,
}

impl<G: Gateway> Connection<G> {
    pub fn new(gateway: G, credentials: Credentials, socket: WebSocket) -> Self {
        let (sender, outgoing) = mpsc::channel(WAITING);
        let shutdown = gateway.shutdown();
        let running = HashMap::new();
        Self { gateway, credentials, socket, tasks: JoinSet::new(), running, started: 0, sender, outgoing, shutdown }
    }

    /// Serves the socket until it is over. Dropping the connection stops its operations.
    pub async fn serve(mut self) {
        let end = match self.initialise().await {
            Ok(caller) => self.converse(&caller).await,
            Err(end) => end,
        };
        self.tasks.abort_all();
        let End::Close(close, id) = end else { return };
        if self.send(Message::Close(Some(close.frame(&id)))).await.is_ok() {
            // Until the client has read the close: to drop the socket with unread data in it would reset it.
            let _ = tokio::time::timeout(FAREWELL, async { while let Some(Ok(_)) = self.socket.recv().await {} }).await;
        }
    }

    /// Waits for `connection_init` and finds out who asks.
    async fn initialise(&mut self) -> Result<G::Caller, End> {
        let deadline = Instant::now() + self.gateway.settings().init_timeout;
        let authorization = loop {
            let incoming = tokio::select! {
                () = &mut self.shutdown => return Err(Close::GoingAway.into()),
                () = tokio::time::sleep_until(deadline) => return Err(Close::InitialisationTimeout.into()),
                incoming = self.socket.recv() => incoming,
            };
            match self.read(incoming)? {
                Some(ClientMessage::Init { authorization }) => break authorization,
                Some(ClientMessage::Ping { payload }) => self.send_text(pong(payload.as_deref())).await?,
                Some(ClientMessage::Subscribe { .. }) => return Err(Close::Unauthorized.into()),
                Some(ClientMessage::Pong | ClientMessage::Complete { .. }) | None => {}
            }
        };
        if let Some(authorization) = authorization {
            self.credentials.bearer = Some(origin::bearer(&authorization).map_err(|_| Close::Forbidden)?);
            self.credentials.cookie = None;
        }
        let caller = self.gateway.authenticate(&self.credentials).await.map_err(|error| refusal(&error))?;
        self.send_text(Utf8Bytes::from_static("{\"type\":\"connection_ack\"}")).await?;
        Ok(caller)
    }

    async fn converse(&mut self, caller: &G::Caller) -> End {
        let mut revoked = self.gateway.revoked(caller);
        let period = self.gateway.settings().keep_alive;
        let mut alive = tokio::time::interval_at(Instant::now() + period, period);
        alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut silent = 0_u32;
        loop {
            let outcome = tokio::select! {
                biased;
                () = &mut revoked => Err(Close::Forbidden.into()),
                () = &mut self.shutdown => Err(Close::GoingAway.into()),
                incoming = self.socket.recv() => {
                    silent = 0;
                    self.hear(incoming).await
                }
                _ = alive.tick() => {
                    silent += 1;
                    // Three pings without a sign of life: the client is gone.
                    if silent > 3 { Err(End::Gone) } else { self.send(Message::Ping(Bytes::new())).await }
                }
                // After what comes in: a stream without pauses must not keep its own `complete` from being heard.
                Some(outgoing) = self.outgoing.recv() => self.say(outgoing).await,
                Some(_) = self.tasks.join_next() => Ok(()),
            };
            if let Err(end) = outcome {
                return end;
            }
        }
    }

    /// Nothing for frames that are not messages of the protocol.
    fn read(&self, incoming: Option<Result<Message, axum::Error>>) -> Result<Option<ClientMessage>, End> {
        match incoming {
            None | Some(Err(_) | Ok(Message::Close(_))) => Err(End::Gone),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
            Some(Ok(Message::Binary(_))) => Err(Close::InvalidMessage.into()),
            Some(Ok(Message::Text(text))) if text.len() > self.gateway.settings().body_bytes => {
                Err(Close::TooBig.into())
            }
            Some(Ok(Message::Text(text))) => ClientMessage::read(&text).map(Some).ok_or(Close::InvalidMessage.into()),
        }
    }

    async fn hear(&mut self, incoming: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        match self.read(incoming)? {
            Some(ClientMessage::Init { .. }) => Err(Close::TooManyInitialisations.into()),
            Some(ClientMessage::Ping { payload }) => self.send_text(pong(payload.as_deref())).await,
            Some(ClientMessage::Subscribe { id, payload }) => self.subscribe(id, *payload).await,
            Some(ClientMessage::Complete { id }) => {
                if let Some((_, task)) = self.running.remove(&id) {
                    task.abort();
                }
                Ok(())
            }
            Some(ClientMessage::Pong) | None => Ok(()),
        }
    }

    async fn subscribe(&mut self, id: String, payload: Payload) -> Result<(), End> {
        if self.running.contains_key(&id) {
            return Err(End::Close(Close::SubscriberExists, id));
        }
        let request_id = RequestId(self.gateway.rng().uuid(self.gateway.clock().now()));
        let most = self.gateway.settings().socket_operations;
        if self.running.len() >= most {
            let message = format!("This connection already runs {most} operations.");
            let errors = respond::errors_json(&EdgeError::new(ErrorCode::RateLimited, message), request_id);
            return self.send_text(of_operation("error", &id, Some(&errors))).await;
        }
        self.started += 1;
        let line = Line { id: id.clone(), number: self.started, sender: self.sender.clone() };
        let run = run(self.gateway.clone(), self.credentials.clone(), payload, request_id, line);
        let task = self.tasks.spawn(run);
        self.running.insert(id, (self.started, task));
        Ok(())
    }

    async fn say(&mut self, Outgoing { id, number, said }: Outgoing) -> Result<(), End> {
        // What a client has completed is not told any more.
        if self.running.get(&id).is_none_or(|(running, _)| *running != number) {
            return Ok(());
        }
        match said {
            Said::Message(text) => self.send_text(text).await,
            Said::Last(text) => {
                self.running.remove(&id);
                self.send_text(text).await
            }
            Said::Close(close) => Err(close.into()),
        }
    }

    async fn send_text(&mut self, text: Utf8Bytes) -> Result<(), End> {
        self.send(Message::Text(text)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        match tokio::time::timeout(self.gateway.settings().send_timeout, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Gone),
        }
    }
}

/// An operation's way back to its connection.
struct Line {
    id: String,
    number: u64,
    sender: mpsc::Sender<Outgoing>,
}

impl Line {
    async fn say(&self, said: Said) {
        // The connection may be over: then nobody listens, and this task is about to be stopped.
        let _ = self.sender.send(Outgoing { id: self.id.clone(), number: self.number, said }).await;
    }

    async fn last(&self, kind: &str, payload: Option<&[u8]>) {
        self.say(Said::Last(of_operation(kind, &self.id, payload))).await;
    }
}

/// Runs one operation to its end.
async fn run<G: Gateway>(gateway: G, credentials: Credentials, payload: Payload, request_id: RequestId, line: Line) {
    let caller = match gateway.authenticate(&credentials).await {
        Ok(caller) => caller,
        Err(error) if error.code == ErrorCode::Unauthenticated => return line.say(Said::Close(Close::Forbidden)).await,
        Err(error) => return line.last("error", Some(&respond::errors_json(&error, request_id))).await,
    };
    let headers = Arc::new(ResponseHeaders::detached());
    let admitted = match idempotency_key(&payload) {
        Ok(idempotency_key) => {
            let carrier = Carrier::Stream;
            Arrival { gateway: &gateway, caller: &caller, payload, idempotency_key, carrier, request_id, headers }
                .admit()
                .await
        }
        Err(error) => Err(error),
    };
    let mut frames = match admitted {
        Ok(ready) => ready.stream(),
        Err(error) => return line.last("error", Some(&respond::errors_json(&error, request_id))).await,
    };
    while let Some(frame) = frames.next().await {
        match frame {
            Frame::Next(response) => line.say(Said::Message(of_operation("next", &line.id, Some(&response)))).await,
            Frame::Refused(errors) => return line.last("error", Some(&errors)).await,
        }
    }
    line.last("complete", None).await;
}

fn idempotency_key(payload: &Payload) -> Result<Option<String>, EdgeError> {
    match payload.extensions.get("idempotencyKey") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(key)) => Ok(Some(key.clone())),
        Some(_) => Err(EdgeError::new(ErrorCode::BadUserInput, "`extensions.idempotencyKey` must be a string.")),
    }
}

/// How a socket is closed whose caller cannot be found.
fn refusal(error: &EdgeError) -> Close {
    match error.code {
        ErrorCode::Unavailable | ErrorCode::RateLimited => Close::TryAgainLater,
        ErrorCode::Internal => Close::Internal,
        _ => Close::Forbidden,
    }
}
