//! The directory as files at stable addresses.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::header;
use axum::response::Response;
use axum::response::{IntoResponse as _, IntoResponseParts};
use axum::routing::get;
use serde::Deserialize;
use tokio::time::Instant;

use super::app_state::AppState;
use super::authenticate::authenticate;
use super::etags::{is_known, not_modified};
use super::headers;
use super::http_error::HttpError;
use crate::app::App;
use crate::graphql::error_code::ErrorCode;
use extensions::directory::export::{self, Export};
use extensions::directory::phonebooks::{Phonebook, PhonebookRequest, phonebook};
use extensions::directory::{self, Audience};
use platform::access::Actor;
use platform::error::{Error, InternalError};

/// The routes `/directory/…`.
pub fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/directory/{file}", get(file))
        .route("/directory/{event}/{file}", get(grandstream))
        .with_state(AppState(app))
}

#[derive(Deserialize)]
struct PageParameter {
    page: Option<usize>,
}

/// A file of a directory.
struct DocumentRequest<'a> {
    /// The event's slug.
    event: &'a str,
    format: Format,
}

#[derive(Clone, Copy)]
enum Format {
    Json,
    Csv,
    Phonebook(Phonebook),
}

impl Format {
    fn from_suffix(suffix: &str) -> Option<Self> {
        match suffix {
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            other => Phonebook::from_suffix(other).map(Self::Phonebook),
        }
    }
}

/// `/directory/{event}.json`, `.csv`, `.vcf`, `.yealink.xml` and so on: the entries that the caller may see, with an
/// ETag.
async fn file(State(state): State<AppState>, Path(file): Path<String>, request: Request) -> Response {
    // A slug has no dot.
    let wanted = file
        .split_once('.')
        .and_then(|(event, suffix)| Some(DocumentRequest { event, format: Format::from_suffix(suffix)? }));
    respond(&state, wanted, request).await
}

/// Grandstream telephones are configured with a folder and choose the name of the file themselves.
async fn grandstream(
    State(state): State<AppState>,
    Path((event, file)): Path<(String, String)>,
    request: Request,
) -> Response {
    let is_phonebook = matches!(file.as_str(), "phonebook.xml" | "gs_phonebook.xml");
    let format = Format::Phonebook(Phonebook::Grandstream);
    let wanted = is_phonebook.then_some(DocumentRequest { event: &event, format });
    respond(&state, wanted, request).await
}

async fn respond(state: &AppState, wanted: Option<DocumentRequest<'_>>, request: Request) -> Response {
    let started = Instant::now();
    state.respond("directory", started, document(state, wanted, request).await)
}

async fn document(
    state: &AppState,
    wanted: Option<DocumentRequest<'_>>,
    request: Request,
) -> Result<Response, HttpError> {
    let (parts, _) = request.into_parts();
    let context = authenticate(state, &parts).await?;
    let missing = || HttpError::not_found("There is no such directory, or no such file of it.");
    let wanted = wanted.ok_or_else(missing)?;
    let Query(PageParameter { page }) = Query::try_from_uri(&parts.uri)
        .map_err(|_| HttpError::new(ErrorCode::BadUserInput, "`page` is a number from 1."))?;
    let address = format!("{}{}", state.0.serving.public_url(), parts.uri.path());
    let actor = &context.caller.actor;
    let export = render(&state.0, actor, &wanted, &address, page.unwrap_or(1)).await?.ok_or_else(missing)?;
    let caching = caching(actor);
    if is_known(&parts.headers, &export.etag) {
        return Ok((caching, not_modified(&export.etag)).into_response());
    }
    let head = [(header::CONTENT_TYPE, export.content_type.to_owned()), (header::ETAG, export.etag)];
    Ok((caching, head, export.body).into_response())
}

/// The headers by which caches treat a file: a file that a guest may read is public.
fn caching(actor: &Actor) -> impl IntoResponseParts {
    match actor {
        Actor::Guest => headers::PUBLIC_DOCUMENT,
        _ => headers::PRIVATE_DOCUMENT,
    }
}

async fn render(
    app: &App,
    actor: &Actor,
    wanted: &DocumentRequest<'_>,
    address: &str,
    page: usize,
) -> Result<Option<Export>, Error> {
    let mut conn = app.services.store.read().await?;
    let Some(event) = directory::find_event(&mut conn, actor, wanted.event).await? else { return Ok(None) };
    let entries = export::all_entries(&mut conn, &event, Audience::of(actor, event.id)).await?;
    drop(conn);
    let (format, address) = (wanted.format, address.to_owned());
    // Writing a hundred thousand entries takes too long for a thread of the async runtime.
    let writing = tokio::task::spawn_blocking(move || {
        Ok(match format {
            Format::Json => Some(export::json(&event.slug, &entries)?),
            Format::Csv => Some(export::csv(&entries)?),
            Format::Phonebook(kind) => {
                let request = PhonebookRequest { kind, title: &event.name, address: &address, page };
                phonebook(request, &entries)?
            }
        })
    });
    writing.await.map_err(InternalError::new)?
}
