//! The outside edge: everything that speaks HTTP.

pub mod address;
mod devices;
mod documents;
mod etags;
mod feeds;
pub mod gateway;
pub mod graphql;
pub mod headers;
mod health;
mod metrics;
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
        .route("/metrics", get(metrics::metrics))
        .with_state(Arc::clone(&app));
    let pages =
        web::routes().merge(playground::routes()).layer(from_fn(headers::for_pages)).layer(CompressionLayer::new());
    let documents = documents::routes(Arc::clone(&app)).layer(from_fn(headers::for_documents));
    let api = graphql::routes(Switchboard(Arc::clone(&app)))
        .merge(operations)
        .merge(devices::routes(Arc::clone(&app)))
        .merge(feeds::routes(app))
        .layer(from_fn(headers::for_api));
    Router::new().merge(documents).merge(api).merge(pages).layer(tower_http::catch_panic::CatchPanicLayer::new())
}
