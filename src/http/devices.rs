//! The documents of single devices, at links that need no other credentials.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tokio::time::Instant;

use super::app_state::AppState;
use super::authenticate::charge_address;
use super::etags::{is_known, not_modified};
use super::http_error::HttpError;
use super::url_path::UrlPath;
use crate::app::App;
use crate::graphql::error_code::ErrorCode;
use provisioning::devices::documents::{self, DocumentRequest};

/// The routes `/device/…`. HEAD is refused: it would use up a link without delivering the document.
pub fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/device/{token}", get(softphone).head(method_not_allowed))
        .route("/device/{token}/{*file}", get(desk_phone).head(method_not_allowed))
        .with_state(AppState(app))
}

async fn method_not_allowed() -> StatusCode {
    StatusCode::METHOD_NOT_ALLOWED
}

async fn softphone(State(state): State<AppState>, UrlPath(token): UrlPath<String>, request: Request) -> Response {
    if is_prefetch(request.headers()) {
        return prefetch_refused().into_response();
    }
    respond(&state, &token, None, request).await
}

/// Whether a browser asks before its user opens the link (`Sec-Purpose`, Fetch standard). It would use up the link.
fn is_prefetch(headers: &HeaderMap) -> bool {
    ["sec-purpose", "purpose", "x-moz", "x-purpose"].into_iter().any(|name| {
        let value = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
        value.contains("prefetch") || value.contains("prerender") || value.contains("preview")
    })
}

fn prefetch_refused() -> HttpError {
    HttpError::new(ErrorCode::Unavailable, "This link works once: it is not answered before it is opened.")
}

async fn desk_phone(
    State(state): State<AppState>,
    UrlPath((token, file)): UrlPath<(String, String)>,
    request: Request,
) -> Response {
    respond(&state, &token, Some(&file), request).await
}

async fn respond(state: &AppState, token: &str, file: Option<&str>, request: Request) -> Response {
    let started = Instant::now();
    state.respond("device", started, document(state, token, file, request).await)
}

async fn document(state: &AppState, token: &str, file: Option<&str>, request: Request) -> Result<Response, HttpError> {
    let (parts, _) = request.into_parts();
    charge_address(state, &parts)?;
    let public_url = state.0.serving.public_url();
    let asked = DocumentRequest { token, file, public_url: &public_url };
    let document = documents::fetch(&state.0.services, asked).await?;
    let document = document
        .ok_or_else(|| HttpError::not_found("There is no such document, or not any more. Ask for another link."))?;
    // The link of a softphone is used up now, so it gets its document even if `If-None-Match` names it.
    if file.is_some() && is_known(&parts.headers, &document.etag) {
        return Ok(not_modified(&document.etag));
    }
    let head = [(header::CONTENT_TYPE, document.content_type), (header::ETAG, document.etag)];
    Ok((head, document.body).into_response())
}
