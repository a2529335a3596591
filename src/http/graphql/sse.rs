//! Event streams: graphql-sse in distinct connections mode (github.com/enisdenjo/graphql-sse, PROTOCOL.md), one
//! operation per stream.

use std::convert::Infallible;
use std::time::Duration;

use async_graphql::Executor;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_stream::wrappers::ReceiverStream;
use tracing::Instrument as _;

use super::endpoint::Endpoint;
use super::error::RequestError;
use super::negotiation::Media;
use super::operation::{AdmittedOperation, StreamItem};
use super::response;
use crate::graphql::error_code::ErrorCode;
use crate::graphql::request::RequestId;
use crate::http::app_state::RequestContext;

/// How many events are buffered for a slow client before the operation waits.
const BUFFERED_EVENTS: usize = 16;
/// Switches off the buffering of nginx.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// A comment, which keeps an idle stream open.
const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// Streams an operation. A refused document is an event of the stream, as the protocol demands.
///
/// # Errors
/// When the HTTP request itself is refused.
pub(super) fn open<E: Executor>(
    endpoint: &Endpoint<E>,
    context: &RequestContext,
    admitted: Result<AdmittedOperation<E>, RequestError>,
    request_id: RequestId,
) -> Result<Response, RequestError> {
    let items = match admitted {
        Ok(operation) => operation.stream(),
        Err(error) if error.concerns_document() => {
            stream::iter([StreamItem::Errors(response::errors_json(&error, request_id))]).boxed()
        }
        Err(error) => return Err(error),
    };
    let (sender, receiver) = mpsc::channel(BUFFERED_EVENTS);
    let events = EventStream {
        sender,
        items,
        request_id,
        send_timeout: endpoint.settings.send_timeout,
        credentials_ended: endpoint.state.credentials_ended(context),
        shutdown: endpoint.state.shutdown(),
    };
    tokio::spawn(events.run(endpoint.settings.keep_alive).in_current_span());
    let body = Body::from_stream(ReceiverStream::new(receiver).map(Ok::<Bytes, Infallible>));
    let mut response = response::body(body, Media::EventStream, StatusCode::OK);
    response.headers_mut().insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    Ok(response)
}

struct EventStream {
    sender: mpsc::Sender<Bytes>,
    items: BoxStream<'static, StreamItem>,
    request_id: RequestId,
    send_timeout: Duration,
    credentials_ended: BoxFuture<'static, ()>,
    shutdown: BoxFuture<'static, ()>,
}

impl EventStream {
    async fn run(mut self, keep_alive: Duration) {
        let mut idle = tokio::time::interval_at(Instant::now() + keep_alive, keep_alive);
        idle.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Some clients wait for the first byte before they consider the stream open.
        let mut next = COMMENT;
        loop {
            // The client is gone, or does not read.
            let Ok(Ok(())) = tokio::time::timeout(self.send_timeout, self.sender.send(next)).await else { return };
            next = tokio::select! {
                biased;
                () = &mut self.credentials_ended => {
                    let error = RequestError::new(ErrorCode::Forbidden, "The session or key has ended.");
                    let response = response::failure_json(&error, self.request_id);
                    return self.complete(Some(response)).await;
                }
                // A stream that ends without `complete` makes the client reconnect.
                () = &mut self.shutdown => return,
                () = self.sender.closed() => return,
                item = self.items.next() => match item {
                    Some(StreamItem::Next(response)) => event(&response),
                    Some(StreamItem::Errors(errors)) => {
                        let response = [b"{\"errors\":", errors.as_slice(), b"}"].concat();
                        return self.complete(Some(response)).await;
                    }
                    None => return self.complete(None).await,
                },
                _ = idle.tick() => COMMENT,
            };
        }
    }

    /// Sends the last response, if there is one, and `complete`.
    async fn complete(self, last: Option<Vec<u8>>) {
        let mut end = last.map(|response| event(&response).to_vec()).unwrap_or_default();
        end.extend_from_slice(b"event: complete\ndata: \n\n");
        let _ = tokio::time::timeout(self.send_timeout, self.sender.send(end.into())).await;
    }
}

/// A `next` event. JSON that is copied unchanged can hold line breaks, which would end the data: each line becomes a
/// line of data.
fn event(response: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(response.len() + 24);
    out.extend_from_slice(b"event: next\n");
    for line in response.split(|byte| matches!(byte, b'\n' | b'\r')) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.push(b'\n');
    out.into()
}
