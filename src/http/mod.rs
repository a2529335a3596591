//! The outside edge: everything that speaks HTTP.

pub mod address;
mod documents;
mod etags;
mod feeds;
mod gateway;
pub mod graphql;
pub mod headers;
mod health;
mod playground;
mod refusal;
pub mod requests;
mod sender;
mod spool;
mod web;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::get;
use tower_http::compression::CompressionLayer;

use crate::app::App;
use gateway::Switchboard;

/// The router, on one screen. Serve it with `into_make_service_with_connect_info::<SocketAddr>()`.
pub fn router(app: Arc<App>) -> Router {
    let operations = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .with_state(Arc::clone(&app));
    let pages =
        web::routes().merge(playground::routes()).layer(from_fn(headers::for_pages)).layer(CompressionLayer::new());
    let documents = Router::new()
        .route("/directory/{file}", get(documents::directory))
        .with_state(Arc::clone(&app))
        .layer(from_fn(headers::for_documents));
    let api = graphql::routes(Switchboard(Arc::clone(&app)))
        .merge(operations)
        .merge(feeds::routes(app))
        .layer(from_fn(headers::for_api));
    Router::new().merge(documents).merge(api).merge(pages).layer(tower_http::catch_panic::CatchPanicLayer::new())
}
