//! One request of a connection: its id, its line in the access log, and the mark that the connection is busy.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderName, HeaderValue, Request, Response};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::time::Instant;
use tower::Service as _;
use tracing::Instrument as _;

use super::Server;
use super::connections::{Activity, Busy};
use crate::graphql::request::RequestId;
use crate::http::app_state::AppState;
use crate::http::headers::TRANSPORT_SECURITY;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers a request. Log lines that are written meanwhile have its id.
pub(super) async fn respond(
    server: Arc<Server>,
    activity: Arc<Activity>,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<TrackedBody>, Infallible> {
    let busy = activity.begin();
    drop(activity);
    let started = Instant::now();
    let request_id = AppState(Arc::clone(&server.app)).new_request_id();
    let span = tracing::error_span!("request", id = %request_id);
    let method = request.method().clone();
    let route = route(request.uri().path()).to_owned();
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(request_id);
    request.extensions_mut().insert(ConnectInfo(peer));
    let mut router = server.router.clone();
    let mut response = router.call(request).instrument(span.clone()).await?;
    set_headers(&mut response, request_id, server.is_https);
    span.in_scope(|| {
        let (status, elapsed_ms) = (response.status().as_u16(), started.elapsed().as_millis());
        tracing::debug!(target: "switchboard::access", %method, route, status, elapsed_ms, "request answered");
    });
    Ok(response.map(|body| TrackedBody { body, _busy: busy }))
}

/// The first segment of a path. The rest may be a token or name somebody's number.
fn route(path: &str) -> &str {
    let rest = path.strip_prefix('/').unwrap_or(path);
    let end = rest.find('/').map_or(path.len(), |end| end + path.len() - rest.len());
    &path[..end]
}

/// Sets the headers of every response.
fn set_headers(response: &mut Response<Body>, request_id: RequestId, is_https: bool) {
    if is_https {
        let (name, value) = TRANSPORT_SECURITY;
        response.headers_mut().insert(name, value);
    }
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    if let Ok(value) = HeaderValue::from_str(request_id.0.hyphenated().encode_lower(&mut text)) {
        response.headers_mut().entry(X_REQUEST_ID).or_insert(value);
    }
}

/// The body of a response. The connection is busy until it is sent or dropped.
pub(super) struct TrackedBody {
    body: Body,
    _busy: Busy,
}

impl HttpBody for TrackedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::route;

    #[test]
    fn the_log_has_no_token_of_a_path() {
        for (path, logged) in [
            ("/", "/"),
            ("/graphql", "/graphql"),
            ("/device/secret/file.cfg", "/device"),
            ("/feed/demo/sip", "/feed"),
            ("*", "*"),
        ] {
            assert_eq!(route(path), logged, "{path}");
        }
    }
}
