//! Conditional requests.

use axum::http::{HeaderMap, header};

/// Whether the client has what `etag` names already: `If-None-Match` with the weak comparison (RFC 9110, sections 8.8.3.2
/// and 13.1.2).
pub fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let own = opaque(etag);
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| tag.trim() == "*" || opaque(tag) == own)
}

/// A tag without what says that it is weak.
fn opaque(tag: &str) -> &str {
    tag.trim().trim_start_matches("W/")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn tags_are_compared_weakly() {
        let asks =
            |value: &'static str| HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static(value))]);
        for known in ["W/\"a\"", "\"a\"", "\"b\", W/\"a\"", "*"] {
            assert!(is_known(&asks(known), "W/\"a\""), "{known}");
        }
        for other in ["W/\"b\"", "\"\"", "a", ""] {
            assert!(!is_known(&asks(other), "W/\"a\""), "{other}");
        }
        assert!(!is_known(&HeaderMap::new(), "\"a\""));
    }
}
