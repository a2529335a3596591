//! Protection against cross-site request forgery: a session cookie is accepted only from pages of this server.

use axum::http::StatusCode;
use axum::http::{HeaderMap, HeaderName, Uri, header};

use super::error::RequestError;
use crate::app::App;
use crate::graphql::error_code::ErrorCode;
use crate::http::credentials::Credentials;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether the browser states that a page of this server, or the address bar, sent the request: by Fetch Metadata, else
/// by `Origin`, which must equal the public URL or `Host`. Browsers send no Fetch Metadata over plain HTTP. A request
/// with neither header is not of the same origin.
pub(super) fn is_same_origin(app: &App, headers: &HeaderMap, uri: &Uri) -> bool {
    if let Some(site) = text(headers, &SEC_FETCH_SITE) {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(headers, &header::ORIGIN) else { return false };
    if origin.trim_end_matches('/') == app.serving.public_url() {
        return true;
    }
    let host = text(headers, &header::HOST).or_else(|| uri.authority().map(|authority| authority.as_str()));
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    matches!((authority, host), (Some(authority), Some(host)) if authority.eq_ignore_ascii_case(host))
}

/// Refuses a session cookie that another site may have sent.
///
/// # Errors
/// `FORBIDDEN`.
pub(super) fn require_same_origin(app: &App, credentials: &Credentials) -> Result<(), RequestError> {
    let session = credentials.cookie.as_deref().and_then(|cookie| app.cookie().token_in(cookie));
    if session.is_some() && !credentials.same_origin {
        let message = "A session cookie is accepted from this server's own pages only.";
        return Err(RequestError::new(ErrorCode::Forbidden, message));
    }
    Ok(())
}

/// The token of a bearer authorization (RFC 6750, section 2.1).
///
/// # Errors
/// A sentence for another scheme or an empty token.
pub(super) fn bearer(authorization: &str) -> Result<String, &'static str> {
    match authorization.trim().split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => {
            Ok(token.trim().to_owned())
        }
        _ => Err("The authorization must be `Bearer` and a token."),
    }
}

/// All headers of a name, joined into one line.
///
/// # Errors
/// 400 for a header that is not ASCII.
pub(super) fn joined(headers: &HeaderMap, name: &HeaderName, separator: &str) -> Result<Option<String>, RequestError> {
    let mut line: Option<String> = None;
    for value in headers.get_all(name) {
        let value = value.to_str().map_err(|_| {
            RequestError::malformed(StatusCode::BAD_REQUEST, format!("The header `{name}` is not ASCII."))
        })?;
        match &mut line {
            Some(line) => {
                line.push_str(separator);
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
