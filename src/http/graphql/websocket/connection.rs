//! One connection, from its first message to its close.

use std::collections::HashMap;
use std::time::Duration;

use async_graphql::{Executor, Request};
use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};

use super::message::{ClientMessage, CloseReason, of_operation, pong};
use super::operation::{OperationSender, ServerMessage, run_operation};
use crate::graphql::error_code::ErrorCode;
use crate::http::app_state::RequestContext;
use crate::http::credentials::Credentials;
use crate::http::graphql::endpoint::Endpoint;
use crate::http::graphql::error::RequestError;
use crate::http::graphql::open_sockets::{Holder, OpenSocket};
use crate::http::graphql::{origin, response};

/// How many messages are buffered for a slow client before the operations wait.
const BUFFERED_MESSAGES: usize = 32;
/// The time within which a client must answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// How many pings in a row may stay without any message of the client.
const UNANSWERED_PINGS: u32 = 3;

/// The end of a connection.
enum ConnectionEnd {
    /// The server closes it.
    Close(CloseReason),
    /// The client has closed it, or it broke.
    Gone,
}

impl From<CloseReason> for ConnectionEnd {
    fn from(reason: CloseReason) -> Self {
        Self::Close(reason)
    }
}

/// An operation of the connection.
struct RunningOperation {
    /// Tells the operation from an earlier one with the same id.
    number: u64,
    task: AbortHandle,
}

pub(super) struct Connection<E> {
    endpoint: Endpoint<E>,
    credentials: Credentials,
    socket: WebSocket,
    tasks: JoinSet<()>,
    running: HashMap<String, RunningOperation>,
    /// How many operations the connection has started.
    started: u64,
    sender: mpsc::Sender<ServerMessage>,
    outgoing: mpsc::Receiver<ServerMessage>,
    shutdown: BoxFuture<'static, ()>,
    open: OpenSocket,
}

impl<E: Executor> Connection<E> {
    pub fn new(endpoint: Endpoint<E>, credentials: Credentials, socket: WebSocket, open: OpenSocket) -> Self {
        let (sender, outgoing) = mpsc::channel(BUFFERED_MESSAGES);
        let shutdown = endpoint.state.shutdown();
        let running = HashMap::new();
        let tasks = JoinSet::new();
        Self { endpoint, credentials, socket, tasks, running, started: 0, sender, outgoing, shutdown, open }
    }

    /// Serves the connection until its end. Dropping it aborts its operations.
    pub async fn serve(mut self) {
        let end = match self.initialise().await {
            Ok(context) => self.run(&context).await,
            Err(end) => end,
        };
        self.tasks.abort_all();
        let ConnectionEnd::Close(reason) = end else { return };
        if self.send(Message::Close(Some(reason.frame()))).await.is_ok() {
            // Dropping the socket with unread data in it would reset it before the client has read the close frame.
            let closed = async { while let Some(Ok(_)) = self.socket.recv().await {} };
            let _ = tokio::time::timeout(CLOSE_TIMEOUT, closed).await;
        }
    }

    /// Waits for `connection_init` and authenticates the caller.
    async fn initialise(&mut self) -> Result<RequestContext, ConnectionEnd> {
        let deadline = Instant::now() + self.endpoint.settings.init_timeout;
        let authorization = loop {
            let incoming = tokio::select! {
                () = &mut self.shutdown => return Err(CloseReason::GoingAway.into()),
                () = tokio::time::sleep_until(deadline) => return Err(CloseReason::InitialisationTimeout.into()),
                incoming = self.socket.recv() => incoming,
            };
            match self.read(incoming)? {
                Some(ClientMessage::Init { authorization }) => break authorization,
                Some(ClientMessage::Ping { payload }) => self.send_text(pong(payload.as_deref())).await?,
                Some(ClientMessage::Subscribe { .. }) => return Err(CloseReason::Unauthorized.into()),
                Some(ClientMessage::Pong | ClientMessage::Complete { .. }) | None => {}
            }
        };
        if let Some(authorization) = authorization {
            self.credentials.bearer = Some(origin::bearer(&authorization).map_err(|_| CloseReason::Forbidden)?);
            self.credentials.cookie = None;
        }
        let authenticated = self.endpoint.authenticate(&self.credentials).await;
        let context = authenticated.map_err(|error| CloseReason::of_authentication(error.code))?;
        if !self.endpoint.state.0.sockets.assign(&mut self.open, Holder::of(&context.caller)) {
            return Err(CloseReason::TryAgainLater.into());
        }
        self.send_text(Utf8Bytes::from_static("{\"type\":\"connection_ack\"}")).await?;
        Ok(context)
    }

    /// Exchanges messages until the connection ends.
    async fn run(&mut self, context: &RequestContext) -> ConnectionEnd {
        let mut credentials_ended = self.endpoint.state.credentials_ended(context);
        let period = self.endpoint.settings.keep_alive;
        let mut keep_alive = tokio::time::interval_at(Instant::now() + period, period);
        keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut unanswered = 0_u32;
        loop {
            let outcome = tokio::select! {
                biased;
                () = &mut credentials_ended => Err(CloseReason::Forbidden.into()),
                () = &mut self.shutdown => Err(CloseReason::GoingAway.into()),
                incoming = self.socket.recv() => {
                    unanswered = 0;
                    self.receive(incoming).await
                }
                _ = keep_alive.tick() => {
                    unanswered += 1;
                    if unanswered > UNANSWERED_PINGS {
                        Err(ConnectionEnd::Gone)
                    } else {
                        self.send(Message::Ping(Bytes::new())).await
                    }
                }
                // Below the incoming messages: a subscription without pauses must not delay its own `complete`.
                Some(message) = self.outgoing.recv() => self.forward(message).await,
                Some(_) = self.tasks.join_next() => Ok(()),
            };
            if let Err(end) = outcome {
                return end;
            }
        }
    }

    /// Reads a message of the protocol; `None` for WebSocket's own pings and pongs.
    fn read(&self, incoming: Option<Result<Message, axum::Error>>) -> Result<Option<ClientMessage>, ConnectionEnd> {
        match incoming {
            None | Some(Err(_) | Ok(Message::Close(_))) => Err(ConnectionEnd::Gone),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
            Some(Ok(Message::Binary(_))) => Err(CloseReason::InvalidMessage.into()),
            Some(Ok(Message::Text(text))) if text.len() > self.endpoint.settings.body_bytes => {
                Err(CloseReason::TooBig.into())
            }
            Some(Ok(Message::Text(text))) => {
                ClientMessage::read(&text).map(Some).ok_or(CloseReason::InvalidMessage.into())
            }
        }
    }

    async fn receive(&mut self, incoming: Option<Result<Message, axum::Error>>) -> Result<(), ConnectionEnd> {
        match self.read(incoming)? {
            Some(ClientMessage::Init { .. }) => Err(CloseReason::TooManyInitialisations.into()),
            Some(ClientMessage::Ping { payload }) => self.send_text(pong(payload.as_deref())).await,
            Some(ClientMessage::Subscribe { id, request }) => self.subscribe(id, *request).await,
            Some(ClientMessage::Complete { id }) => {
                if let Some(operation) = self.running.remove(&id) {
                    operation.task.abort();
                }
                Ok(())
            }
            Some(ClientMessage::Pong) | None => Ok(()),
        }
    }

    async fn subscribe(&mut self, id: String, request: Request) -> Result<(), ConnectionEnd> {
        if self.running.contains_key(&id) {
            return Err(CloseReason::SubscriberExists(id).into());
        }
        let request_id = self.endpoint.state.new_request_id();
        let limit = self.endpoint.settings.socket_operations;
        if self.running.len() >= limit {
            let message = format!("This connection already runs {limit} operations.");
            let errors = response::errors_json(&RequestError::new(ErrorCode::RateLimited, message), request_id);
            return self.send_text(of_operation("error", &id, Some(&errors))).await;
        }
        self.started += 1;
        let sender = OperationSender { id: id.clone(), number: self.started, messages: self.sender.clone() };
        let operation = run_operation(self.endpoint.clone(), self.credentials.clone(), request, request_id, sender);
        let task = self.tasks.spawn(operation);
        self.running.insert(id, RunningOperation { number: self.started, task });
        Ok(())
    }

    /// Sends a message of an operation, unless the client has completed the operation meanwhile.
    async fn forward(&mut self, message: ServerMessage) -> Result<(), ConnectionEnd> {
        let (id, number) = message.operation();
        if self.running.get(id).is_none_or(|running| running.number != number) {
            return Ok(());
        }
        match message {
            ServerMessage::Next { text, .. } => self.send_text(text).await,
            ServerMessage::Last { id, text, .. } => {
                self.running.remove(&id);
                self.send_text(text).await
            }
            ServerMessage::Close { reason, .. } => Err(reason.into()),
        }
    }

    async fn send_text(&mut self, text: Utf8Bytes) -> Result<(), ConnectionEnd> {
        self.send(Message::Text(text)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), ConnectionEnd> {
        match tokio::time::timeout(self.endpoint.settings.send_timeout, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(ConnectionEnd::Gone),
        }
    }
}
