//! Liveness and readiness.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use crate::app::App;

/// Answers while the process runs.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// 200 when the database is writable and migrated and the program is not shutting down.
pub async fn ready(State(app): State<Arc<App>>) -> Response {
    if *app.stopping.borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    match (app.services.store.check_writable().await, app.services.store.is_migrated().await) {
        (Ok(()), Ok(true)) => "ready\n".into_response(),
        (Ok(()), Ok(false)) => (StatusCode::SERVICE_UNAVAILABLE, "the database lacks migrations\n").into_response(),
        (written, migrated) => {
            tracing::warn!(write = ?written.err(), migrations = ?migrated.err(), "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database cannot be written\n").into_response()
        }
    }
}
