//! Event streams: graphql-sse in distinct connections mode (github.com/enisdenjo/graphql-sse, PROTOCOL.md), one operation per stream.

use std::convert::Infallible;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_stream::wrappers::ReceiverStream;

use super::error::EdgeError;
use super::gateway::Gateway;
use super::negotiation::Media;
use super::operation::{Frame, Ready};
use super::respond;
use crate::graphql::error_code::ErrorCode;
use crate::graphql::request::RequestId;

/// Events that wait for a slow client before the operation waits too.
const WAITING: usize = 16;
/// Asks proxies not to collect events (nginx's own header).
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Streams an operation. A refused document is told in the stream, as the protocol wants it.
///
/// # Errors
/// When it is the request that was refused: the client sees the status.
pub(super) fn open<G: Gateway>(
    gateway: &G,
    caller: &G::Caller,
    ready: Result<Ready<G>, EdgeError>,
    request_id: RequestId,
) -> Result<Response, EdgeError> {
    let frames = match ready {
        Ok(ready) => ready.stream(),
        Err(error) if error.is_about_the_document() => {
            stream::iter([Frame::Refused(respond::errors_json(&error, request_id))]).boxed()
        }
        Err(error) => return Err(error),
    };
    let (sender, receiver) = mpsc::channel(WAITING);
    let feed = Feed { sender, request_id };
    tokio::spawn(feed.run(gateway.clone(), caller.clone(), frames));
    let body = Body::from_stream(ReceiverStream::new(receiver).map(Ok::<Bytes, Infallible>));
    let mut response = respond::body(body, Media::EventStream, StatusCode::OK);
    response.headers_mut().insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    Ok(response)
}

struct Feed {
    sender: mpsc::Sender<Bytes>,
    request_id: RequestId,
}

impl Feed {
    async fn run<G: Gateway>(self, gateway: G, caller: G::Caller, mut frames: BoxStream<'static, Frame>) {
        let settings = gateway.settings();
        let mut revoked = gateway.revoked(&caller);
        let mut shutdown = gateway.shutdown();
        let mut alive = tokio::time::interval_at(Instant::now() + settings.keep_alive, settings.keep_alive);
        alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // A first comment opens the stream: some clients wait for a byte.
        let mut next = Bytes::from_static(b":\n\n");
        loop {
            match tokio::time::timeout(settings.send_timeout, self.sender.send(next)).await {
                Ok(Ok(())) => {}
                // The client is gone, or reads nothing.
                Ok(Err(_)) | Err(_) => return,
            }
            next = tokio::select! {
                biased;
                () = &mut revoked => {
                    let error = EdgeError::new(ErrorCode::Forbidden, "The session or key has ended.");
                    return self.finish(Some(respond::failure_json(&error, self.request_id)), settings.send_timeout).await;
                }
                // Without `complete` the client knows that it should come back.
                () = &mut shutdown => return,
                () = self.sender.closed() => return,
                frame = frames.next() => match frame {
                    Some(Frame::Next(response)) => event(&response),
                    Some(Frame::Refused(errors)) => {
                        let response = [b"{\"errors\":", errors.as_slice(), b"}"].concat();
                        return self.finish(Some(response), settings.send_timeout).await;
                    }
                    None => return self.finish(None, settings.send_timeout).await,
                },
                _ = alive.tick() => Bytes::from_static(b":\n\n"),
            };
        }
    }

    async fn finish(&self, last: Option<Vec<u8>>, patience: std::time::Duration) {
        let mut end = last.map(|response| event(&response).to_vec()).unwrap_or_default();
        end.extend_from_slice(b"event: complete\ndata: \n\n");
        let _ = tokio::time::timeout(patience, self.sender.send(end.into())).await;
    }
}

/// One `next` event. A line break in spliced JSON would end the data, so each line is a line of data.
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
