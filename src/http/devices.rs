//! The documents of single devices, for whoever holds their links.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tokio::time::Instant;

use super::etags::is_known;
use super::feeds::{not_modified, settle};
use super::gateway::Switchboard;
use super::refusal::Refusal;
use super::sender;
use crate::app::App;
use provisioning::devices::documents::{self, DocumentRequest};

/// The routes `/device/…`. A HEAD request must not use a link up, so there are none.
pub fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/device/{token}", get(softphone).head(refused))
        .route("/device/{token}/{*file}", get(desk_phone).head(refused))
        .with_state(Switchboard(app))
}

async fn refused() -> StatusCode {
    StatusCode::METHOD_NOT_ALLOWED
}

async fn softphone(State(switchboard): State<Switchboard>, Path(token): Path<String>, request: Request) -> Response {
    answer(&switchboard, &token, None, request).await
}

async fn desk_phone(
    State(switchboard): State<Switchboard>,
    Path((token, file)): Path<(String, String)>,
    request: Request,
) -> Response {
    answer(&switchboard, &token, Some(&file), request).await
}

async fn answer(switchboard: &Switchboard, token: &str, file: Option<&str>, request: Request) -> Response {
    let began = Instant::now();
    settle(switchboard, "device", began, send(switchboard, token, file, request).await)
}

async fn send(
    switchboard: &Switchboard,
    token: &str,
    file: Option<&str>,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    sender::admitted_as_guest(switchboard, &parts).await?;
    let public_url = switchboard.0.serving.public_url();
    let asked = DocumentRequest { token, file, public_url: &public_url };
    let document = documents::fetch(&switchboard.0.services, asked).await?;
    let document = document
        .ok_or_else(|| Refusal::not_found("There is no such document, or not any more. Ask for another link."))?;
    // A softphone's link is used up by now, so it gets its document whatever it says that it has.
    if file.is_some() && is_known(&parts.headers, &document.etag) {
        return Ok(not_modified(&document.etag));
    }
    let head = [(header::CONTENT_TYPE, document.content_type), (header::ETAG, document.etag)];
    Ok((head, document.body).into_response())
}
