//! The directory as files at stable addresses.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::header;
use axum::response::Response;
use axum::response::{IntoResponse as _, IntoResponseParts};
use axum::routing::get;
use serde::Deserialize;
use tokio::time::Instant;

use super::app_state::AppState;
use super::authenticate::authenticate;
use super::document_cache::{Document, DocumentCache, Entries, FileKey, ListKey};
use super::etags::{is_known, not_modified};
use super::headers;
use super::http_error::HttpError;
use super::url_path::UrlPath;
use crate::app::App;
use crate::graphql::error_code::ErrorCode;
use events::Event;
use extensions::directory::export::{self, Export};
use extensions::directory::phonebooks::{Phonebook, PhonebookRequest, phonebook};
use extensions::directory::watch::SourceVersion;
use extensions::directory::{self, Audience};
use platform::access::Actor;
use platform::deadline;
use platform::error::Error;
use platform::workers::CallerKind;

/// The time that rendering a file may take.
const RENDER_TIMEOUT: Duration = Duration::from_secs(30);

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
async fn file(State(state): State<AppState>, UrlPath(file): UrlPath<String>, request: Request) -> Response {
    // A slug has no dot.
    let wanted = file
        .split_once('.')
        .and_then(|(event, suffix)| Some(DocumentRequest { event, format: Format::from_suffix(suffix)? }));
    respond(&state, wanted, request).await
}

/// Grandstream telephones are configured with a folder and choose the name of the file themselves.
async fn grandstream(
    State(state): State<AppState>,
    UrlPath((event, file)): UrlPath<(String, String)>,
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
    let document = find(&state.0, actor, &wanted, address, page.unwrap_or(1)).await?.ok_or_else(missing)?;
    let caching = caching(actor);
    if is_known(&parts.headers, &document.etag) {
        return Ok((caching, not_modified(&document.etag)).into_response());
    }
    state.charge_rows(&context, document.rows as u64)?;
    let head = [(header::CONTENT_TYPE, document.content_type.to_owned()), (header::ETAG, document.etag)];
    Ok((caching, head, document.body).into_response())
}

/// The headers by which caches treat a file: a file that a guest may read is public.
fn caching(actor: &Actor) -> impl IntoResponseParts {
    match actor {
        Actor::Guest => headers::PUBLIC_DOCUMENT,
        _ => headers::PRIVATE_DOCUMENT,
    }
}

/// The file, kept or rendered now; `None` when the event or the page does not exist.
async fn find(
    app: &Arc<App>,
    actor: &Actor,
    wanted: &DocumentRequest<'_>,
    address: String,
    page: usize,
) -> Result<Option<Document>, Error> {
    let mut conn = app.services.store.read().await?;
    let Some(event) = directory::find_event(&mut conn, actor, wanted.event).await? else { return Ok(None) };
    let version = SourceVersion::read(&mut conn, event.id).await?;
    drop(conn);
    let list = ListKey { event: event.id, audience: Audience::of(actor, event.id), version };
    let file = FileKey { list, title: event.name.clone(), address };
    if let Some(document) = app.document_cache.file(&file) {
        return Ok(Some(document));
    }
    let kind = if matches!(actor, Actor::Guest) { CallerKind::Guest } else { CallerKind::Authenticated };
    let rendering = render(Arc::clone(app), event, file, wanted.format, page);
    let deadline = app.workers.deadline(kind, RENDER_TIMEOUT);
    let bounded = async {
        match app.services.store.is_embedded() {
            true => app.workers.run(kind, &deadline, rendering).await?,
            false => rendering.await,
        }
    };
    // Boxed: most requests end above.
    Box::pin(deadline::abandoned_on_drop(Arc::clone(&deadline), bounded)).await
}

async fn render(
    app: Arc<App>,
    event: Event,
    key: FileKey,
    format: Format,
    page: usize,
) -> Result<Option<Document>, Error> {
    let cache = &app.document_cache;
    // Another request may have rendered it while this one waited.
    if let Some(document) = cache.file(&key) {
        return Ok(Some(document));
    }
    let entries = match cache.entries(&key.list) {
        Some(entries) => entries,
        None => {
            let mut conn = app.services.store.read().await?;
            let entries = Arc::new(export::all_entries(&mut conn, &event, key.list.audience).await?);
            cache.insert_entries(key.list.clone(), Arc::clone(&entries));
            entries
        }
    };
    let kind = match format {
        Format::Json => return Ok(Some(keep(cache, key, export::json(&event.slug, &entries)?, &entries))),
        Format::Csv => return Ok(Some(keep(cache, key, export::csv(&entries)?, &entries))),
        Format::Phonebook(kind) => kind,
    };
    let request = PhonebookRequest { kind, title: &event.name, address: &key.address, page };
    Ok(match phonebook(request, &entries)? {
        // A page has few entries, and there are many pages.
        Some(export) if kind.is_paged() => Some(Document::new(export, 0)),
        Some(export) => Some(keep(cache, key, export, &entries)),
        None => None,
    })
}

fn keep(cache: &DocumentCache, key: FileKey, export: Export, entries: &Entries) -> Document {
    let document = Document::new(export, entries.len());
    cache.insert_file(key, document.clone());
    document
}
