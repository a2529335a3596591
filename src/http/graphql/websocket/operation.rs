//! One operation of a connection, in a task of its own.

use std::sync::Arc;

use async_graphql::{Executor, Request, Value};
use axum::extract::ws::Utf8Bytes;
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tracing::Instrument as _;

use super::message::{CloseReason, of_operation};
use crate::graphql::error_code::ErrorCode;
use crate::graphql::request::{RequestId, ResponseHeaders};
use crate::http::credentials::Credentials;
use crate::http::graphql::endpoint::Endpoint;
use crate::http::graphql::error::RequestError;
use crate::http::graphql::operation::{AdmittedOperation, IncomingOperation, StreamItem, Transport};
use crate::http::graphql::response;

/// A message from the task of an operation to its connection. The number tells the operation from an earlier one with
/// the same id.
pub(super) enum ServerMessage {
    /// A message after which more may follow.
    Next { id: String, number: u64, text: Utf8Bytes },
    /// The last message of the operation.
    Last { id: String, number: u64, text: Utf8Bytes },
    /// The connection must be closed.
    Close { id: String, number: u64, reason: CloseReason },
}

impl ServerMessage {
    /// The id and the number of the operation.
    pub fn operation(&self) -> (&str, u64) {
        match self {
            Self::Next { id, number, .. } | Self::Last { id, number, .. } | Self::Close { id, number, .. } => {
                (id, *number)
            }
        }
    }
}

/// Sends the messages of one operation to its connection.
pub(super) struct OperationSender {
    pub id: String,
    pub number: u64,
    pub messages: mpsc::Sender<ServerMessage>,
}

impl OperationSender {
    async fn next(&self, response: &[u8]) {
        let text = of_operation("next", &self.id, Some(response));
        self.send(ServerMessage::Next { id: self.id.clone(), number: self.number, text }).await;
    }

    async fn complete(self) {
        self.last("complete", None).await;
    }

    async fn errors(self, errors: &[u8]) {
        self.last("error", Some(errors)).await;
    }

    async fn close(self, reason: CloseReason) {
        self.send(ServerMessage::Close { id: self.id.clone(), number: self.number, reason }).await;
    }

    async fn last(self, kind: &str, payload: Option<&[u8]>) {
        let text = of_operation(kind, &self.id, payload);
        self.send(ServerMessage::Last { id: self.id.clone(), number: self.number, text }).await;
    }

    async fn send(&self, message: ServerMessage) {
        // Fails only when the connection has ended, which aborts this task.
        let _ = self.messages.send(message).await;
    }
}

/// Runs one operation to its end. Log lines that are written meanwhile have its request id.
pub(super) async fn run_operation<E: Executor>(
    endpoint: Endpoint<E>,
    credentials: Credentials,
    request: Request,
    request_id: RequestId,
    sender: OperationSender,
) {
    let span = tracing::error_span!("request", id = %request_id);
    run(endpoint, credentials, request, request_id, sender).instrument(span).await;
}

async fn run<E: Executor>(
    endpoint: Endpoint<E>,
    credentials: Credentials,
    request: Request,
    request_id: RequestId,
    sender: OperationSender,
) {
    let operation = match admit(&endpoint, &credentials, request, request_id).await {
        Ok(operation) => operation,
        Err(Refusal::Unauthenticated) => return sender.close(CloseReason::Forbidden).await,
        Err(Refusal::Error(error)) => return sender.errors(&response::errors_json(&error, request_id)).await,
    };
    let mut items = operation.stream();
    while let Some(item) = items.next().await {
        match item {
            StreamItem::Next(response) => sender.next(&response).await,
            StreamItem::Errors(errors) => return sender.errors(&errors).await,
        }
    }
    sender.complete().await;
}

/// The reason why an operation does not run.
enum Refusal {
    /// The credentials of the connection have ended.
    Unauthenticated,
    /// The operation alone is refused.
    Error(RequestError),
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Self {
        Self::Error(error)
    }
}

async fn admit<E: Executor>(
    endpoint: &Endpoint<E>,
    credentials: &Credentials,
    request: Request,
    request_id: RequestId,
) -> Result<AdmittedOperation<E>, Refusal> {
    let context = match endpoint.authenticate(credentials).await {
        Ok(context) => context,
        Err(error) if error.code == ErrorCode::Unauthenticated => return Err(Refusal::Unauthenticated),
        Err(error) => return Err(error.into()),
    };
    let idempotency_key = idempotency_key(&request)?;
    let incoming = IncomingOperation {
        endpoint,
        context: &context,
        request,
        idempotency_key,
        transport: Transport::Stream,
        request_id,
        headers: Arc::new(ResponseHeaders::detached()),
    };
    Ok(incoming.admit()?)
}

fn idempotency_key(request: &Request) -> Result<Option<String>, RequestError> {
    match request.extensions.get("idempotencyKey") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(key)) => Ok(Some(key.clone())),
        Some(_) => Err(RequestError::new(ErrorCode::BadUserInput, "`extensions.idempotencyKey` must be a string.")),
    }
}
