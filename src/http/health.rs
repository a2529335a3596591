//! Liveness and readiness.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::app_state::AppState;
use super::authenticate::charge_address;
use crate::app::App;

/// How long the outcome of a check is used again. A check opens a connection and writes to the database.
const CHECK_LIFETIME: Duration = Duration::from_secs(1);

/// Answers while the process runs.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// The latest check of the database.
#[derive(Debug, Default)]
pub struct Readiness(Mutex<Option<(Instant, Check)>>);

/// The outcome of a check of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    Ready,
    NotMigrated,
    NotWritable,
}

impl Readiness {
    /// The outcome of a check that is at most a second old. Concurrent calls wait for one check.
    async fn check(&self, app: &App) -> Check {
        let mut latest = self.0.lock().await;
        if let Some((at, check)) = *latest
            && at.elapsed() < CHECK_LIFETIME
        {
            return check;
        }
        let store = &app.services.store;
        let check = match (store.check_writable().await, store.is_migrated().await) {
            (Ok(()), Ok(true)) => Check::Ready,
            (Ok(()), Ok(false)) => Check::NotMigrated,
            (written, migrated) => {
                tracing::warn!(write = ?written.err(), migrations = ?migrated.err(), "not ready");
                Check::NotWritable
            }
        };
        *latest = Some((Instant::now(), check));
        check
    }
}

/// 200 when the database is writable and migrated and the program is not shutting down.
pub async fn ready(State(state): State<AppState>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    if let Err(error) = charge_address(&state, &parts) {
        return error.into_response();
    }
    let app = &state.0;
    if *app.stopping.borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    match app.readiness.check(app).await {
        Check::Ready => "ready\n".into_response(),
        Check::NotMigrated => (StatusCode::SERVICE_UNAVAILABLE, "the database lacks migrations\n").into_response(),
        Check::NotWritable => (StatusCode::SERVICE_UNAVAILABLE, "the database cannot be written\n").into_response(),
    }
}
