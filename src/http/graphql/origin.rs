//! Cross-site request forgery: a cookie counts only on a request that one of our own pages sent.

use axum::http::StatusCode;
use axum::http::{HeaderMap, HeaderName, Uri, header};

use super::error::EdgeError;
use super::gateway::{Credentials, Gateway};
use crate::graphql::error_code::ErrorCode;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether the browser vouches that one of our own pages, or the person's own hand, sent this (Fetch Metadata; where it is not sent,
/// as over plain HTTP, `Origin` against `Host`). A request with neither header is not vouched for.
pub(super) fn is_same_origin<G: Gateway>(gateway: &G, headers: &HeaderMap, uri: &Uri) -> bool {
    if let Some(site) = text(headers, &SEC_FETCH_SITE) {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(headers, &header::ORIGIN) else { return false };
    if gateway.is_public_origin(origin) {
        return true;
    }
    let host = text(headers, &header::HOST).or_else(|| uri.authority().map(|authority| authority.as_str()));
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    matches!((authority, host), (Some(authority), Some(host)) if authority.eq_ignore_ascii_case(host))
}

/// Refuses a session cookie that another site may have sent along.
///
/// # Errors
/// `FORBIDDEN`.
pub(super) fn require_same_origin<G: Gateway>(gateway: &G, credentials: &Credentials) -> Result<(), EdgeError> {
    match &credentials.cookie {
        Some(cookie) if !credentials.same_origin && gateway.has_session_cookie(cookie) => {
            Err(EdgeError::new(ErrorCode::Forbidden, "A session cookie is accepted from this server's own pages only."))
        }
        _ => Ok(()),
    }
}

/// The token of a bearer authorization (RFC 6750, section 2.1).
///
/// # Errors
/// `UNAUTHENTICATED` for another scheme or an empty token.
pub(super) fn bearer(authorization: &str) -> Result<String, EdgeError> {
    match authorization.trim().split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => {
            Ok(token.trim().to_owned())
        }
        _ => Err(EdgeError::new(ErrorCode::Unauthenticated, "The authorization must be `Bearer` and a token.")),
    }
}

/// All headers of a name in one line.
///
/// # Errors
/// 400 for a header that is not text.
pub(super) fn joined(headers: &HeaderMap, name: &HeaderName, by: &str) -> Result<Option<String>, EdgeError> {
    let mut line: Option<String> = None;
    for value in headers.get_all(name) {
        let value = value
            .to_str()
            .map_err(|_| EdgeError::malformed(StatusCode::BAD_REQUEST, format!("The header `{name}` is not ASCII.")))?;
        match &mut line {
            Some(line) => {
                line.push_str(by);
                line.push_str(value);
            }
            None => line = Some(value.to_owned()),
        }
    }
    Ok(line)
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
