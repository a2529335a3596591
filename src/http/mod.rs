//! The outside edge: everything that speaks HTTP.

pub mod address;
mod browsers;
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
pub mod rates;
mod refusal;
pub mod requests;
mod sender;
mod spool;
mod web;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use tower::util::MapResponseLayer;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use crate::app::App;
use gateway::Switchboard;

/// The router, on one screen. Serve it with `into_make_service_with_connect_info::<SocketAddr>()`.
///
/// What lies around a group of routes is one layer of the router, since each costs every request a box and a clone. The headers lie
/// around what catches a panic, so that the answer to one has them too, and within compression, whose bodies are large to move.
pub fn router(app: Arc<App>) -> Router {
    let operations = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::metrics))
        .with_state(Arc::clone(&app));
    let greeted = web::pages().layer(from_fn_with_state(Switchboard(Arc::clone(&app)), sender::greet));
    let pages = greeted.merge(web::files()).merge(playground::routes()).layer((
        CompressionLayer::new(),
        MapResponseLayer::new(headers::for_pages),
        CatchPanicLayer::new(),
    ));
    let documents = documents::routes(Arc::clone(&app))
        .layer((MapResponseLayer::new(headers::for_documents), CatchPanicLayer::new()));
    let api = graphql::routes(Switchboard(Arc::clone(&app)))
        .merge(operations)
        .merge(devices::routes(Arc::clone(&app)))
        .layer((MapResponseLayer::new(headers::for_api), CatchPanicLayer::new()));
    let feeds = feeds::routes(app).layer((
        CompressionLayer::new().quality(CompressionLevel::Fastest),
        MapResponseLayer::new(headers::for_feeds),
        CatchPanicLayer::new(),
    ));
    Router::new().merge(documents).merge(feeds).merge(api).merge(pages)
}
