//! Documents at stable addresses: the directory as files.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde::Deserialize;
use tokio::time::Instant;

use super::etags::is_known;
use super::feeds::{not_modified, settle};
use super::gateway::Switchboard;
use super::refusal::Refusal;
use super::sender;
use crate::app::App;
use crate::graphql::error_code::ErrorCode;
use extensions::directory::export::{self, Export};
use extensions::directory::phonebooks::{PhonebookRequest, Phonebook, phonebook};
use extensions::directory::{self, Audience};
use platform::access::Actor;
use platform::error::Error;

/// The routes `/directory/…`.
pub fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/directory/{file}", get(file))
        .route("/directory/{event}/{file}", get(grandstream))
        .with_state(Switchboard(app))
}

#[derive(Deserialize)]
struct Paged {
    page: Option<usize>,
}

/// Which file is asked for.
struct Wanted<'a> {
    /// The event's slug.
    event: &'a str,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Json,
    Csv,
    Phonebook(Phonebook),
}

impl Kind {
    fn from_suffix(suffix: &str) -> Option<Self> {
        match suffix {
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            other => Phonebook::from_suffix(other).map(Self::Phonebook),
        }
    }
}

/// `/directory/{event}.json`, `.csv`, `.vcf`, `.yealink.xml` and so on: what the sender sees of the directory, with an ETag.
async fn file(State(switchboard): State<Switchboard>, Path(file): Path<String>, request: Request) -> Response {
    // A slug has no dot.
    let wanted =
        file.split_once('.').and_then(|(event, suffix)| Some(Wanted { event, kind: Kind::from_suffix(suffix)? }));
    answer(&switchboard, wanted, request).await
}

/// Grandstream's telephones know a folder and choose the file's name themselves.
async fn grandstream(
    State(switchboard): State<Switchboard>,
    Path((event, file)): Path<(String, String)>,
    request: Request,
) -> Response {
    let is_theirs = matches!(file.as_str(), "phonebook.xml" | "gs_phonebook.xml");
    let wanted = is_theirs.then_some(Wanted { event: &event, kind: Kind::Phonebook(Phonebook::Grandstream) });
    answer(&switchboard, wanted, request).await
}

async fn answer(switchboard: &Switchboard, wanted: Option<Wanted<'_>>, request: Request) -> Response {
    let began = Instant::now();
    settle(switchboard, "directory", began, send(switchboard, wanted, request).await)
}

async fn send(switchboard: &Switchboard, wanted: Option<Wanted<'_>>, request: Request) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    let known = sender::admitted(switchboard, &parts).await?;
    let missing = || Refusal::not_found("There is no such directory, or no such file of it.");
    let wanted = wanted.ok_or_else(missing)?;
    let Query(paged) = Query::<Paged>::try_from_uri(&parts.uri)
        .map_err(|_| Refusal::new(ErrorCode::BadUserInput, "`page` is a number from 1."))?;
    let address = format!("{}{}", switchboard.0.serving.public_url(), parts.uri.path());
    let page = paged.page.unwrap_or(1);
    let export = render(&switchboard.0, &known.caller.actor, &wanted, &address, page).await?.ok_or_else(missing)?;
    if is_known(&parts.headers, &export.etag) {
        return Ok(not_modified(&export.etag));
    }
    Ok(([(header::CONTENT_TYPE, export.content_type.to_owned()), (header::ETAG, export.etag)], export.body)
        .into_response())
}

async fn render(
    app: &App,
    actor: &Actor,
    wanted: &Wanted<'_>,
    address: &str,
    page: usize,
) -> Result<Option<Export>, Error> {
    let mut conn = app.services.store.read().await?;
    let Some(event) = directory::find_event(&mut conn, actor, wanted.event).await? else { return Ok(None) };
    let entries = export::all_entries(&mut conn, &event, Audience::of(actor, event.id)).await?;
    drop(conn);
    Ok(match wanted.kind {
        Kind::Json => Some(export::json(&event.slug, &entries)?),
        Kind::Csv => Some(export::csv(&entries)?),
        Kind::Phonebook(kind) => phonebook(PhonebookRequest { kind, title: &event.name, address, page }, &entries)?,
    })
}
