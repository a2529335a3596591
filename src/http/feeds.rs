//! Provisioning feeds over plain HTTP: snapshots as newline-delimited JSON, changes with a long poll, and rendered
//! templates. They have the source, permissions and guarantees of GraphQL's `provisioning`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::app_state::{AppState, RequestContext};
use super::authenticate::authenticate;
use super::etags::{is_known, not_modified};
use super::http_error::HttpError;
use super::spool::{SpoolWriter, spool};
use super::url_path::UrlPath;
use crate::app::App;
use crate::graphql::error_code::ErrorCode;
use crate::graphql::limits::Tier;
use platform::error::{Error, InternalError};
use provisioning::cursor::Cursor;
use provisioning::feed::FeedReader;
use provisioning::snapshot_export::{FeedVersion, SnapshotSink};
use provisioning::subscribers::FeedName;
use provisioning::{json, long_poll, render};

/// The maximal duration of a long poll, in seconds.
const MAX_WAIT_SECONDS: f64 = 30.0;
/// The default number of changes on a page.
const DEFAULT_FIRST: usize = 500;
/// The maximal number of changes on a page of a person.
const MAX_FIRST_OF_USER: usize = 1_000;
/// The maximal number of changes on a page of an API key.
const MAX_FIRST_OF_KEY: usize = 5_000;

/// The routes `/feed/…` and `/render/…`.
pub fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/feed/{event}/{service_type}", get(snapshot))
        .route("/feed/{event}/{service_type}/changes", get(changes))
        .route("/render/{event}/{service_type}/{template}", get(rendered))
        .with_state(AppState(app))
}

/// A request for a feed that the caller may read.
struct FeedRequest<'a> {
    state: &'a AppState,
    parts: &'a Parts,
    context: RequestContext,
    reader: FeedReader,
}

impl<'a> FeedRequest<'a> {
    async fn open(state: &'a AppState, parts: &'a Parts, name: &FeedName) -> Result<Self, HttpError> {
        let context = authenticate(state, parts).await?;
        let App { services, subscribers, .. } = &*state.0;
        let opened = subscribers.open(services, &context.caller.actor, name).await?;
        let reader = opened.ok_or_else(|| HttpError::not_found("There is no such event or service type."))?;
        Ok(Self { state, parts, context, reader })
    }

    /// Takes rows of the feed from the caller's bucket.
    fn charge(&self, rows: i64) -> Result<(), HttpError> {
        Ok(self.state.charge_rows(&self.context, u64::try_from(rows).unwrap_or(0))?)
    }

    fn is_head(&self) -> bool {
        self.parts.method == Method::HEAD
    }
}

async fn snapshot(State(state): State<AppState>, UrlPath(name): UrlPath<FeedName>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let started = Instant::now();
    let outcome = async { respond_snapshot(FeedRequest::open(&state, &parts, &name).await?).await };
    state.respond("feed", started, outcome.await)
}

async fn respond_snapshot(request: FeedRequest<'_>) -> Result<Response, HttpError> {
    let version = request.state.0.subscribers.version(&request.reader).await?.ok_or_else(HttpError::closed)?;
    if is_known(&request.parts.headers, &version.etag) {
        return Ok(not_modified(&version.etag));
    }
    if request.is_head() {
        return Ok(ndjson(&version.etag, body_of_unknown_length()));
    }
    // Boxed: most requests end above, and the future of this one is large.
    Box::pin(begin_snapshot(request, version.count)).await
}

async fn begin_snapshot(request: FeedRequest<'_>, count: i64) -> Result<Response, HttpError> {
    request.charge(count)?;
    let (writer, body) = spool(request.state.0.data_dir.clone(), &request.state.0.spooled);
    let (sender, version) = oneshot::channel();
    let reader = request.reader.clone();
    let sink = SpoolSink { version: Some(sender), writer: Some(writer) };
    let copying = tokio::spawn(async move {
        reader.export_snapshot(sink).await.inspect_err(|error| match error {
            Error::Internal(InternalError::Io(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                tracing::debug!("a client disconnected before the end of its snapshot");
            }
            error => tracing::warn!(?error, "a snapshot was cut off"),
        })
    });
    let Ok(version) = version.await else {
        // Nothing was written: the task has ended, or is about to end, with the reason.
        let outcome = copying.await.unwrap_or_else(|error| Err(InternalError::new(error).into()));
        return Err(outcome.map_or_else(HttpError::from, |_| HttpError::closed()));
    };
    Ok(ndjson(&version.etag, Body::from_stream(body.into_stream())))
}

/// Writes a snapshot into the body of a response.
struct SpoolSink {
    /// Receives the version of the snapshot before its first byte.
    version: Option<oneshot::Sender<FeedVersion>>,
    writer: Option<SpoolWriter>,
}

impl SnapshotSink for SpoolSink {
    fn begin(&mut self, version: FeedVersion) {
        if let Some(sender) = self.version.take() {
            // Fails when the client is gone, which the next write reports.
            drop(sender.send(version));
        }
    }

    fn write(&mut self, bytes: Vec<u8>) -> std::io::Result<()> {
        self.writer.as_mut().map_or_else(|| Err(std::io::ErrorKind::BrokenPipe.into()), |writer| writer.write(bytes))
    }

    fn finish(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.finish();
        }
    }
}

#[derive(Deserialize)]
struct ChangesParameters {
    since: Option<String>,
    wait: Option<f64>,
    first: Option<usize>,
}

/// Valid parameters of a request for changes.
struct ChangesQuery {
    since: Option<Cursor>,
    wait: Duration,
    first: usize,
}

impl ChangesQuery {
    fn of(request: &FeedRequest<'_>) -> Result<Self, HttpError> {
        let bad_input = |message: &'static str| HttpError::new(ErrorCode::BadUserInput, message);
        let Query(parameters) = Query::<ChangesParameters>::try_from_uri(&request.parts.uri).map_err(|_| {
            bad_input("`since` is a cursor, `wait` is in seconds, `first` is a number; each stands at most once.")
        })?;
        let is_key = request.context.tier() == Tier::Key;
        let first = parameters.first.unwrap_or(DEFAULT_FIRST);
        if !(1..=if is_key { MAX_FIRST_OF_KEY } else { MAX_FIRST_OF_USER }).contains(&first) {
            return Err(bad_input("`first` is from 1 to 5000, for people to 1000."));
        }
        let wait = parameters.wait.unwrap_or(0.0);
        if !(0.0..=MAX_WAIT_SECONDS).contains(&wait) {
            return Err(bad_input("`wait` is from 0 to 30 seconds."));
        }
        let since = parameters.since.as_deref().map(Cursor::decode).transpose();
        let since = since.map_err(|_| bad_input("`since` is not a cursor of a feed."))?;
        Ok(Self { since, wait: Duration::from_secs_f64(wait), first })
    }
}

async fn changes(State(state): State<AppState>, UrlPath(name): UrlPath<FeedName>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let started = Instant::now();
    let outcome = async { respond_changes(FeedRequest::open(&state, &parts, &name).await?).await };
    state.respond("feed/changes", started, outcome.await)
}

async fn respond_changes(request: FeedRequest<'_>) -> Result<Response, HttpError> {
    let ChangesQuery { since, wait, first } = ChangesQuery::of(&request)?;
    request.charge(i64::try_from(first).unwrap_or(i64::MAX))?;
    let page = match since {
        None => request.reader.head().await?,
        Some(since) => {
            let subscribers = Arc::clone(&request.state.0.subscribers);
            let shutdown = request.state.shutdown();
            let until = async move {
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = shutdown => {}
                }
            };
            tokio::select! {
                biased;
                page = long_poll::changes_until(request.reader.clone(), (since, first), subscribers, until) => page?,
                () = request.state.credentials_ended(&request.context) => {
                    return Err(HttpError::new(ErrorCode::Unauthenticated, "This token or key has ended."));
                }
            }
        }
    };
    let body = json::changes_body(&page).map_err(Error::from)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

async fn rendered(
    State(state): State<AppState>,
    UrlPath((event, service_type, template)): UrlPath<(String, String, String)>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let started = Instant::now();
    let name = FeedName { event, service_type };
    let outcome = async { respond_rendered(FeedRequest::open(&state, &parts, &name).await?, &template).await };
    state.respond("render", started, outcome.await)
}

async fn respond_rendered(request: FeedRequest<'_>, template: &str) -> Result<Response, HttpError> {
    let missing = || HttpError::not_found("There is no such template.");
    request.reader.version().await?.ok_or_else(HttpError::closed)?;
    let version = render::document_version(&request.reader, template).await?.ok_or_else(missing)?;
    if is_known(&request.parts.headers, &version.version.etag) {
        return Ok(not_modified(&version.version.etag));
    }
    let head = [(header::CONTENT_TYPE, version.content_type), (header::ETAG, version.version.etag)];
    if request.is_head() {
        return Ok((head, body_of_unknown_length()).into_response());
    }
    request.charge(version.version.count)?;
    let document = render::document(&request.reader, template).await?.ok_or_else(missing)?;
    let head = [(header::CONTENT_TYPE, document.content_type), (header::ETAG, document.etag)];
    Ok((head, document.body).into_response())
}

fn ndjson(etag: &str, body: Body) -> Response {
    ([(header::CONTENT_TYPE, "application/x-ndjson"), (header::ETAG, etag)], body).into_response()
}

/// The body of a response to HEAD. Its length is not known before the document is written, so `Content-Length` stays
/// out.
fn body_of_unknown_length() -> Body {
    Body::from_stream(stream::empty::<std::io::Result<Bytes>>())
}
