//! The outside edge: everything that speaks HTTP.

pub mod address;
mod documents;
mod gateway;
pub mod graphql;
pub mod headers;
mod health;
pub mod requests;
mod web;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::app::App;
use gateway::Switchboard;

/// The router, on one screen. Serve it with `into_make_service_with_connect_info::<SocketAddr>()`.
pub fn router(app: Arc<App>) -> Router {
    let operations = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .with_state(Arc::clone(&app));
    let pages = Router::new().route("/", get(web::index)).layer(axum::middleware::from_fn(headers::for_pages));
    let documents = Router::new().route("/directory/{file}", get(documents::directory)).with_state(Arc::clone(&app));
    Router::new()
        .merge(documents)
        .merge(graphql::routes(Switchboard(app)))
        .merge(operations)
        .merge(pages)
        .layer(tower_http::catch_panic::CatchPanicLayer::new())
}
