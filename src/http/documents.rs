//! Documents at stable addresses: the directory as files.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::access::Actor;
use crate::app::App;
use crate::directory::export::{self, Export};
use crate::directory::{self, Audience};
use crate::problem::Stop;

/// `/directory/{event}.json` and `.csv`: what guests see of the directory, with an ETag.
pub async fn directory(State(app): State<Arc<App>>, Path(file): Path<String>, headers: HeaderMap) -> Response {
    match render(&app, &file).await {
        Ok(Some(export)) => answer(export, &headers),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(stop) => {
            tracing::warn!(error = ?stop, "a directory file could not be made");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

async fn render(app: &App, file: &str) -> Result<Option<Export>, Stop> {
    let Some((slug, format)) = file.rsplit_once('.') else { return Ok(None) };
    if !matches!(format, "json" | "csv") {
        return Ok(None);
    }
    let mut conn = app.services.store.read().await?;
    let Some(event) = directory::find_event(&mut conn, &Actor::Guest, slug).await? else { return Ok(None) };
    let entries = export::all_entries(&mut conn, &event, Audience::of(&Actor::Guest, event.id)).await?;
    Ok(Some(if format == "json" { export::json(slug, &entries)? } else { export::csv(&entries)? }))
}

fn answer(export: Export, headers: &HeaderMap) -> Response {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|tag| tag.trim() == export.etag)) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, export.etag)]).into_response();
    }
    ([(header::CONTENT_TYPE, export.content_type.to_owned()), (header::ETAG, export.etag)], export.body).into_response()
}
