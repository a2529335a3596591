//! Headers that tell a browser what not to do.
//!
//! Each function is for a `tower::util::MapResponseLayer`. A header that the answer has set itself stays.

use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, Response};

type Header = (HeaderName, HeaderValue);

const NOSNIFF: Header = (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
const NO_REFERRER: Header = (REFERRER_POLICY, HeaderValue::from_static("no-referrer"));

/// What is sent may be compressed, which an answer without a body has to tell as well (RFC 9110, section 15.4.5).
const COMPRESSED: Header = (VARY, HeaderValue::from_static("accept-encoding"));

/// Pages load what they need from here alone, run no inline script, and are in nobody's frame.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
    connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// An answer of the API is no document: if a browser shows one, nothing in it comes to life.
const API_POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox";

/// For pages.
pub fn for_pages<B>(response: Response<B>) -> Response<B> {
    with(response, const { [NOSNIFF, NO_REFERRER, policy(PAGE_POLICY), COMPRESSED] })
}

/// For the API and for health: nothing is stored in a cache unless the answer says otherwise itself.
pub fn for_api<B>(response: Response<B>) -> Response<B> {
    with(response, const { [NOSNIFF, NO_REFERRER, policy(API_POLICY), caching("no-store")] })
}

/// For feeds: as for the API, but compressed.
pub fn for_feeds<B>(response: Response<B>) -> Response<B> {
    with(response, const { [NOSNIFF, NO_REFERRER, policy(API_POLICY), caching("no-store"), COMPRESSED] })
}

/// For exports at stable URLs: a browser may keep one, and asks each time whether it is still right. No cache that others share
/// may: what is in it depends on who asks.
pub fn for_documents<B>(response: Response<B>) -> Response<B> {
    with(response, const { [NOSNIFF, NO_REFERRER, policy(API_POLICY), caching("private, no-cache")] })
}

const fn policy(policy: &'static str) -> Header {
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy))
}

const fn caching(rule: &'static str) -> Header {
    (CACHE_CONTROL, HeaderValue::from_static(rule))
}

fn with<B, const N: usize>(mut response: Response<B>, more: [Header; N]) -> Response<B> {
    let headers = response.headers_mut();
    headers.reserve(N);
    for (name, value) in more {
        headers.entry(name).or_insert(value);
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::{HeaderMap, Request};
    use axum::routing::get;
    use tower::ServiceExt as _;
    use tower::util::MapResponseLayer;

    use super::*;

    async fn headers(router: Router, path: &str) -> HeaderMap {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        router.oneshot(request).await.unwrap().headers().clone()
    }

    #[tokio::test]
    async fn the_api_is_not_stored_and_not_rendered() {
        let router = Router::new().route("/", get(|| async { "{}" })).layer(MapResponseLayer::new(for_api));
        for path in ["/", "/missing"] {
            let headers = headers(router.clone(), path).await;
            assert_eq!(headers[CACHE_CONTROL], "no-store");
            assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert_eq!(headers[REFERRER_POLICY], "no-referrer");
            assert!(headers[CONTENT_SECURITY_POLICY].to_str().unwrap().contains("default-src 'none'"));
        }
    }

    #[tokio::test]
    async fn a_document_is_asked_for_again_each_time() {
        let router =
            Router::new().route("/", get(|| async { "2342,Zebra" })).layer(MapResponseLayer::new(for_documents));
        let headers = headers(router, "/").await;
        assert_eq!(headers[CACHE_CONTROL], "private, no-cache");
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
    }

    #[tokio::test]
    async fn a_page_runs_its_own_scripts_and_may_say_otherwise_itself() {
        let own = [(CONTENT_SECURITY_POLICY, "default-src 'self'")];
        let router = Router::new()
            .route("/", get(|| async { "" }))
            .route("/own", get(move || async move { (own, "") }))
            .layer(MapResponseLayer::new(for_pages));
        let page = headers(router.clone(), "/").await;
        assert!(page[CONTENT_SECURITY_POLICY].to_str().unwrap().contains("script-src 'self';"));
        assert!(!page.contains_key(CACHE_CONTROL));
        assert_eq!(headers(router, "/own").await[CONTENT_SECURITY_POLICY], "default-src 'self'");
    }
}
