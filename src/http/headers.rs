//! Headers for security and caching.
//!
//! Each function is for a `tower::util::MapResponseLayer`. A header that the response already has stays.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Response};

/// A header of a response.
type Header = (HeaderName, HeaderValue);

const NOSNIFF: Header = (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
const NO_REFERRER: Header = (REFERRER_POLICY, HeaderValue::from_static("no-referrer"));

/// Windows of other sites have no handle of a page's window (HTML, section 7.1.3).
const OPENER: Header = (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
/// Other sites cannot embed a response (Fetch, section 3.7).
const RESOURCE: Header =
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin"));

/// Browsers use HTTPS only, for a year (RFC 6797). For servers whose public URL is https.
pub const TRANSPORT_SECURITY: Header = (STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));

/// Bodies are compressed on demand; 304 carries the header as well (RFC 9110, section 15.4.5).
const COMPRESSED: Header = (VARY, HeaderValue::from_static("accept-encoding"));

/// Pages load resources of this server only, run no inline script and cannot be framed.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
    connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// A browser that displays a response of the API loads and runs nothing in it.
const API_POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox";

/// For pages.
pub fn for_pages<B>(response: Response<B>) -> Response<B> {
    with(response, const { [NOSNIFF, NO_REFERRER, OPENER, RESOURCE, policy(PAGE_POLICY), COMPRESSED] })
}

/// For the API and for health: no cache stores a response, unless the response allows it.
pub fn for_api<B>(response: Response<B>) -> Response<B> {
    with(response, const { [NOSNIFF, NO_REFERRER, RESOURCE, policy(API_POLICY), caching("no-store")] })
}

/// For feeds: as for the API, but compressed.
pub fn for_feeds<B>(response: Response<B>) -> Response<B> {
    with(response, const { [NOSNIFF, NO_REFERRER, RESOURCE, policy(API_POLICY), caching("no-store"), COMPRESSED] })
}

/// For files at stable addresses. A file that sets no rule for caches has that of [`PRIVATE_DOCUMENT`].
pub fn for_documents<B>(response: Response<B>) -> Response<B> {
    with(response, const { [NOSNIFF, NO_REFERRER, RESOURCE, policy(API_POLICY), caching("private, no-cache")] })
}

/// Caching of a file that everyone may read: shared caches answer for a minute, then ask with the ETag. The content
/// depends on the credentials, so a response is reused only for requests without any.
pub const PUBLIC_DOCUMENT: [(HeaderName, &str); 2] =
    [(CACHE_CONTROL, "public, max-age=60"), (VARY, "accept-encoding, authorization, cookie")];

/// Caching of a file for one caller: only the browser may store it, and asks each time with the ETag.
pub const PRIVATE_DOCUMENT: [(HeaderName, &str); 2] =
    [(CACHE_CONTROL, "private, no-cache"), (VARY, "accept-encoding, authorization, cookie")];

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
    async fn responses_of_the_api_are_not_stored_and_not_rendered() {
        let router = Router::new().route("/", get(|| async { "{}" })).layer(MapResponseLayer::new(for_api));
        for path in ["/", "/missing"] {
            let headers = headers(router.clone(), path).await;
            assert_eq!(headers[CACHE_CONTROL], "no-store");
            assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert_eq!(headers[REFERRER_POLICY], "no-referrer");
            assert_eq!(headers["cross-origin-resource-policy"], "same-origin");
            assert!(headers[CONTENT_SECURITY_POLICY].to_str().unwrap().contains("default-src 'none'"));
        }
    }

    #[tokio::test]
    async fn a_document_is_private_by_default() {
        let router =
            Router::new().route("/", get(|| async { "2342,Zebra" })).layer(MapResponseLayer::new(for_documents));
        let headers = headers(router, "/").await;
        assert_eq!(headers[CACHE_CONTROL], "private, no-cache");
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
    }

    #[tokio::test]
    async fn a_page_may_set_its_own_policy() {
        let own = [(CONTENT_SECURITY_POLICY, "default-src 'self'")];
        let router = Router::new()
            .route("/", get(|| async { "" }))
            .route("/own", get(move || async move { (own, "") }))
            .layer(MapResponseLayer::new(for_pages));
        let page = headers(router.clone(), "/").await;
        assert!(page[CONTENT_SECURITY_POLICY].to_str().unwrap().contains("script-src 'self';"));
        assert_eq!(page["cross-origin-opener-policy"], "same-origin");
        assert!(!page.contains_key(CACHE_CONTROL));
        assert_eq!(headers(router, "/own").await[CONTENT_SECURITY_POLICY], "default-src 'self'");
    }
}
