//! Headers that tell a browser what not to do.

use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

/// Pages load what they need from here alone, run no inline script, and are in nobody's frame.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
    connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// An answer of the API is no document: if a browser shows one, nothing in it comes to life.
const API_POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox";

/// Middleware for pages (`axum::middleware::from_fn`). A header that the page set itself stays.
pub async fn for_pages(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    set(response.headers_mut(), &[(CONTENT_SECURITY_POLICY, PAGE_POLICY)]);
    response
}

/// Middleware for the API and for health (`axum::middleware::from_fn`): nothing is stored in a cache unless the answer
/// says otherwise itself.
pub async fn for_api(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    set(response.headers_mut(), &[(CONTENT_SECURITY_POLICY, API_POLICY), (CACHE_CONTROL, "no-store")]);
    response
}

/// Middleware for exports at stable URLs (`axum::middleware::from_fn`): a browser may keep one, and asks each time whether
/// it is still right. No cache that others share may: what is in it depends on who asks.
pub async fn for_documents(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    set(response.headers_mut(), &[(CONTENT_SECURITY_POLICY, API_POLICY), (CACHE_CONTROL, "private, no-cache")]);
    response
}

fn set(headers: &mut HeaderMap, more: &[(HeaderName, &'static str)]) {
    let always = [(X_CONTENT_TYPE_OPTIONS, "nosniff"), (REFERRER_POLICY, "no-referrer")];
    for (name, value) in always.iter().chain(more) {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::get;
    use axum::{Router, middleware};
    use tower::ServiceExt as _;

    use super::*;

    async fn headers(router: Router, path: &str) -> HeaderMap {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        router.oneshot(request).await.unwrap().headers().clone()
    }

    #[tokio::test]
    async fn the_api_is_not_stored_and_not_rendered() {
        let router = Router::new().route("/", get(|| async { "{}" })).layer(middleware::from_fn(for_api));
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
        let router = Router::new().route("/", get(|| async { "2342,Zebra" })).layer(middleware::from_fn(for_documents));
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
            .layer(middleware::from_fn(for_pages));
        let page = headers(router.clone(), "/").await;
        assert!(page[CONTENT_SECURITY_POLICY].to_str().unwrap().contains("script-src 'self';"));
        assert!(!page.contains_key(CACHE_CONTROL));
        assert_eq!(headers(router, "/own").await[CONTENT_SECURITY_POLICY], "default-src 'self'");
    }
}
