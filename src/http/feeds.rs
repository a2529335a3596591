//! The provisioning feed over plain HTTP: the whole of one instant as newline-delimited JSON, changes with a long poll, and
//! templates applied to it. The same source, rights and promises as GraphQL's `provisioning`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::etags::is_known;
use super::gateway::{Known, Switchboard};
use super::graphql::Gateway as _;
use super::refusal::Refusal;
use super::sender;
use super::spool::{SpoolWriter, spool};
use crate::app::App;
use crate::graphql::error_code::ErrorCode;
use crate::graphql::limits::Tier;
use platform::error::{Error, InternalError};
use provisioning::cursor::Cursor;
use provisioning::feed::FeedReader;
use provisioning::snapshot_export::{FeedVersion, SnapshotSink};
use provisioning::subscribers::FeedName;
use provisioning::{json, long_poll, render};

/// The longest that a poll waits, in seconds.
const MAX_WAIT_SECONDS: f64 = 30.0;
/// How many changes a page holds where nothing else is asked for.
const DEFAULT_FIRST: usize = 500;

/// The routes `/feed/…` and `/render/…`.
pub fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/feed/{event}/{service_type}", get(whole))
        .route("/feed/{event}/{service_type}/changes", get(changes))
        .route("/render/{event}/{service_type}/{template}", get(rendered))
        .with_state(Switchboard(app))
}

/// One request while it is answered.
struct Asking<'a> {
    switchboard: &'a Switchboard,
    parts: &'a Parts,
    known: Known,
    reader: FeedReader,
}

impl<'a> Asking<'a> {
    async fn begin(switchboard: &'a Switchboard, parts: &'a Parts, name: &FeedName) -> Result<Self, Refusal> {
        let known = sender::admitted(switchboard, parts).await?;
        let App { services, subscribers, .. } = &*switchboard.0;
        let opened = subscribers.open(services, &known.caller.actor, name).await?;
        let reader = opened.ok_or_else(|| Refusal::not_found("There is no such event or service type."))?;
        Ok(Self { switchboard, parts, known, reader })
    }

    /// Takes rows of a feed out of the caller's bucket.
    fn charge(&self, rows: i64) -> Result<(), Refusal> {
        Ok(self.switchboard.admit_rows(&self.known, u64::try_from(rows).unwrap_or(0))?)
    }

    fn is_head(&self) -> bool {
        self.parts.method == Method::HEAD
    }
}

async fn whole(State(switchboard): State<Switchboard>, Path(name): Path<FeedName>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let began = Instant::now();
    let outcome = async { send_whole(Asking::begin(&switchboard, &parts, &name).await?).await };
    settle(&switchboard, "feed", began, outcome.await)
}

async fn send_whole(asking: Asking<'_>) -> Result<Response, Refusal> {
    let mark = asking.switchboard.0.subscribers.version(&asking.reader).await?.ok_or_else(Refusal::closed)?;
    if is_known(&asking.parts.headers, &mark.etag) {
        return Ok(not_modified(&mark.etag));
    }
    if asking.is_head() {
        return Ok(ndjson(&mark.etag, of_unknown_length()));
    }
    // Boxed: most who ask have it already.
    Box::pin(begin_whole(asking, mark.count)).await
}

async fn begin_whole(asking: Asking<'_>, count: i64) -> Result<Response, Refusal> {
    asking.charge(count)?;
    let (writer, reader) = spool(asking.switchboard.0.data_dir.clone());
    let (told, mark) = oneshot::channel();
    let feed = asking.reader.clone();
    let spooling = Spooling { told: Some(told), writer: Some(writer) };
    let copying = tokio::spawn(async move {
        feed.export_snapshot(spooling).await.inspect_err(|stop| match stop {
            Error::Internal(InternalError::Io(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                tracing::debug!("a client went away before its feed was whole");
            }
            stop => tracing::warn!(error = ?stop, "a whole feed was cut off"),
        })
    });
    let Ok(mark) = mark.await else {
        // Nothing was begun: the task has ended, or is about to, with the reason.
        let outcome = copying.await.unwrap_or_else(|error| Err(InternalError::new(error).into()));
        return Err(outcome.map_or_else(Refusal::from, |_| Refusal::closed()));
    };
    Ok(ndjson(&mark.etag, Body::from_stream(reader.into_stream())))
}

/// The way of a whole feed into a body.
struct Spooling {
    told: Option<oneshot::Sender<FeedVersion>>,
    writer: Option<SpoolWriter>,
}

impl SnapshotSink for Spooling {
    fn begin(&mut self, mark: FeedVersion) {
        if let Some(told) = self.told.take() {
            // Whoever asked may have gone away; the writing finds that out.
            drop(told.send(mark));
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
struct Since {
    since: Option<String>,
    wait: Option<f64>,
    first: Option<usize>,
}

async fn changes(State(switchboard): State<Switchboard>, Path(name): Path<FeedName>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let began = Instant::now();
    let outcome = async { send_changes(Asking::begin(&switchboard, &parts, &name).await?).await };
    settle(&switchboard, "feed/changes", began, outcome.await)
}

async fn send_changes(asking: Asking<'_>) -> Result<Response, Refusal> {
    let bad = |message: &'static str| Refusal::new(ErrorCode::BadUserInput, message);
    let Query(query) = Query::<Since>::try_from_uri(&asking.parts.uri).map_err(|_| {
        bad("`since` is a cursor, `wait` is in seconds, `first` is a number; each stands at most once.")
    })?;
    let most = if asking.switchboard.tier(&asking.known) == Tier::Key { 5_000 } else { 1_000 };
    let first = query.first.unwrap_or(DEFAULT_FIRST);
    if !(1..=most).contains(&first) {
        return Err(bad("`first` is from 1 to 5000, for people to 1000."));
    }
    let wait = query.wait.unwrap_or(0.0);
    if !(0.0..=MAX_WAIT_SECONDS).contains(&wait) {
        return Err(bad("`wait` is from 0 to 30 seconds."));
    }
    let since = query.since.as_deref().map(Cursor::decode).transpose();
    let since = since.map_err(|_| bad("`since` is not a cursor of a feed."))?;
    asking.charge(i64::try_from(first).unwrap_or(i64::MAX))?;
    let answer = match since {
        None => asking.reader.head().await?,
        Some(since) => {
            let subscribers = Arc::clone(&asking.switchboard.0.subscribers);
            let (shutdown, revoked) = (asking.switchboard.shutdown(), asking.switchboard.revoked(&asking.known));
            let until = async move {
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_secs_f64(wait)) => {}
                    () = shutdown => {}
                }
            };
            tokio::select! {
                biased;
                answer = long_poll::changes_until(asking.reader.clone(), (since, first), subscribers, until) => answer?,
                () = revoked => {
                    return Err(Refusal::new(ErrorCode::Unauthenticated, "This token or key is not good any more."));
                }
            }
        }
    };
    let body = json::changes_body(&answer).map_err(Error::from)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

async fn rendered(
    State(switchboard): State<Switchboard>,
    Path((event, service_type, template)): Path<(String, String, String)>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let began = Instant::now();
    let name = FeedName { event, service_type };
    let outcome = async { send_rendered(Asking::begin(&switchboard, &parts, &name).await?, &template).await };
    settle(&switchboard, "render", began, outcome.await)
}

async fn send_rendered(asking: Asking<'_>, template: &str) -> Result<Response, Refusal> {
    let missing = || Refusal::not_found("There is no such template.");
    asking.reader.version().await?.ok_or_else(Refusal::closed)?;
    let mark = render::document_version(&asking.reader, template).await?.ok_or_else(missing)?;
    if is_known(&asking.parts.headers, &mark.version.etag) {
        return Ok(not_modified(&mark.version.etag));
    }
    let head = [(header::CONTENT_TYPE, mark.content_type), (header::ETAG, mark.version.etag)];
    if asking.is_head() {
        return Ok((head, of_unknown_length()).into_response());
    }
    asking.charge(mark.version.count)?;
    let document = render::document(&asking.reader, template).await?.ok_or_else(missing)?;
    let head = [(header::CONTENT_TYPE, document.content_type), (header::ETAG, document.etag)];
    Ok((head, document.body).into_response())
}

fn ndjson(etag: &str, body: Body) -> Response {
    ([(header::CONTENT_TYPE, "application/x-ndjson"), (header::ETAG, etag)], body).into_response()
}

/// What stands for the body in an answer to HEAD: how long it would be nobody knows before it is written.
fn of_unknown_length() -> Body {
    Body::from_stream(stream::empty::<std::io::Result<Bytes>>())
}

/// The client has it already.
pub fn not_modified(etag: &str) -> Response {
    (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response()
}

/// The answer, counted.
pub fn settle(
    switchboard: &Switchboard,
    operation: &'static str,
    began: Instant,
    outcome: Result<Response, Refusal>,
) -> Response {
    let code = outcome.as_ref().map_or_else(|refusal| refusal.code, |_| "ok");
    switchboard.0.requests.count(operation, code, began.elapsed());
    outcome.unwrap_or_else(|refusal| refusal.into_response())
}
