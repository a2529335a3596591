//! Everything that speaks HTTP.

pub mod address;
pub mod app_state;
mod authenticate;
pub mod credentials;
mod devices;
pub mod document_cache;
mod documents;
mod etags;
mod feeds;
pub mod graphql;
pub mod headers;
pub mod health;
mod http_error;
mod metrics;
mod playground;
pub mod rates;
pub mod request_counts;
pub mod server;
pub mod spool;
mod url_path;
mod web;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tower::util::MapResponseLayer;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use crate::app::App;
use app_state::AppState;
use graphql::Endpoint;
use http_error::HttpError;

/// The router of the program. [`server::serve`] serves it.
///
/// Each group of routes has one `layer` with all its layers: each call of `layer` costs every request a box and a
/// clone. The headers lie around `CatchPanicLayer`, so that the response to a panic has them, and within compression,
/// whose bodies are large to move.
pub fn router(app: Arc<App>) -> Router {
    let operations = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::metrics))
        .with_state(AppState(Arc::clone(&app)));
    let pages = web::pages().merge(web::files()).merge(playground::routes()).layer((
        CompressionLayer::new(),
        MapResponseLayer::new(headers::for_pages),
        CatchPanicLayer::new(),
    ));
    let documents = documents::routes(Arc::clone(&app)).layer((
        CompressionLayer::new().quality(CompressionLevel::Fastest),
        MapResponseLayer::new(headers::for_documents),
        CatchPanicLayer::new(),
    ));
    let api = graphql::routes(Endpoint::of_app(Arc::clone(&app)))
        .merge(operations)
        .merge(devices::routes(Arc::clone(&app)))
        .fallback(async || HttpError::no_such_path())
        .layer((MapResponseLayer::new(headers::for_api), CatchPanicLayer::new()));
    let feeds = feeds::routes(app).layer((
        CompressionLayer::new().quality(CompressionLevel::Fastest),
        MapResponseLayer::new(headers::for_feeds),
        CatchPanicLayer::new(),
    ));
    Router::new().merge(documents).merge(feeds).merge(api).merge(pages)
}
