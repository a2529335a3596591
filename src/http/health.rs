//! Whether the program lives, whether it can serve, and what it counts.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::access::Actor;
use crate::app::App;
use crate::authentication;
use crate::jobs;

/// The process lives.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// The database can be written and is migrated, and the program is not about to stop.
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

/// The numbers for Prometheus (text format 0.0.4): to this machine, or to any key.
pub async fn metrics(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    let is_local = peer.ip().to_canonical().is_loopback() && app.serving.trusted_proxy.is_empty();
    if !is_local && !has_key(&app, &headers).await {
        return StatusCode::FORBIDDEN.into_response();
    }
    match gather(&app).await {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(fault) => {
            tracing::warn!(error = %fault, "metrics could not be gathered");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

async fn has_key(app: &App, headers: &HeaderMap) -> bool {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(token) = value.and_then(|value| value.strip_prefix("Bearer ")) else { return false };
    matches!(authentication::actor_of(&app.services, token).await, Ok(Some(Actor::Key(_))))
}

async fn gather(app: &App) -> Result<String, crate::problem::Fault> {
    let mut conn = app.services.store.read().await?;
    let accounts = crate::accounts::queries::count(&mut conn, None, None).await?;
    let waiting = jobs::waiting(&mut conn).await?;
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, value: i64| {
        // Writing into a String does not fail.
        let _ = writeln!(
            text,
            "# HELP switchboard_{name} {help}\n# TYPE switchboard_{name} gauge\nswitchboard_{name} {value}"
        );
    };
    gauge("accounts", "Accounts that are not deleted.", accounts);
    gauge("jobs_waiting", "Jobs that are not done.", waiting);
    app.requests.write_into(&mut text);
    Ok(text)
}
