//! Conditional requests.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

/// Whether the client already has the representation that `etag` names: `If-None-Match` with the weak comparison (RFC
/// 9110, sections 8.8.3.2 and 13.1.2).
pub fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let own = opaque(etag);
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| tag.trim() == "*" || opaque(tag) == own)
}

/// 304 for a representation that the client already has.
pub fn not_modified(etag: &str) -> Response {
    (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response()
}

/// A tag without the prefix of weak tags.
fn opaque(tag: &str) -> &str {
    tag.trim().trim_start_matches("W/")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn tags_are_compared_weakly() {
        let if_none_match =
            |value: &'static str| HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static(value))]);
        for known in ["W/\"a\"", "\"a\"", "\"b\", W/\"a\"", "*"] {
            assert!(is_known(&if_none_match(known), "W/\"a\""), "{known}");
        }
        for other in ["W/\"b\"", "\"\"", "a", ""] {
            assert!(!is_known(&if_none_match(other), "W/\"a\""), "{other}");
        }
        assert!(!is_known(&HeaderMap::new(), "\"a\""));
    }
}
