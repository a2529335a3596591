//! What a request says about its sender.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};

use super::address;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The credentials and the origin of a request. A bearer token takes precedence over cookies.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// A session token or an API key from `Authorization`.
    pub bearer: Option<String>,
    /// The sentence for the client, where `Authorization` cannot be read.
    pub malformed: Option<&'static str>,
    /// The `Cookie` headers, joined by `; `; `None` beside a bearer token. GraphQL accepts them from pages of this
    /// server only.
    pub cookie: Option<String>,
    /// The address of the connection; `None` only where the router was served without connection information.
    pub peer: Option<SocketAddr>,
    /// The `X-Forwarded-For` headers, joined by `, `. Only those of a trusted proxy are evaluated.
    pub forwarded_for: Option<String>,
    /// Whether a proxy has forwarded the request.
    pub is_forwarded: bool,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// Whether a page of this server sent the request, according to the browser.
    pub same_origin: bool,
}

impl Credentials {
    /// Reads the addresses and the user agent; everything else stays empty.
    pub fn of_connection(parts: &Parts) -> Self {
        let headers = &parts.headers;
        Self {
            peer: parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0),
            forwarded_for: joined(headers, &X_FORWARDED_FOR, ", "),
            is_forwarded: address::is_forwarded(headers),
            user_agent: headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned),
            ..Self::default()
        }
    }

    /// Reads the credentials too; `read_authorization` returns the token of an `Authorization` header.
    pub fn of_request(parts: &Parts, read_authorization: impl Fn(&str) -> Result<String, &'static str>) -> Self {
        let read = |value: &axum::http::HeaderValue| read_authorization(value.to_str().unwrap_or_default());
        let connection = Self::of_connection(parts);
        match parts.headers.get(header::AUTHORIZATION).map(read) {
            Some(Ok(token)) => Self { bearer: Some(token), ..connection },
            Some(Err(message)) => Self { malformed: Some(message), ..connection },
            None => Self { cookie: joined(&parts.headers, &header::COOKIE, "; "), ..connection },
        }
    }
}

/// All headers of a name in one line. Bytes that are not UTF-8 are replaced: other programs of the same host write
/// cookies too, and proxies write addresses, which must not hide what this server looks for.
fn joined(headers: &HeaderMap, name: &HeaderName, separator: &str) -> Option<String> {
    let mut values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let first = values.next()?.into_owned();
    Some(values.fold(first, |line, value| line + separator + &value))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, Request};

    use super::*;

    #[test]
    fn headers_of_other_programs_are_read_leniently() {
        let latin = HeaderValue::from_bytes(b"theme=gr\xfcn; session=mine").unwrap();
        let request = Request::builder()
            .header("cookie", latin)
            .header("cookie", "a=b")
            .header("x-forwarded-for", HeaderValue::from_bytes(b"\xfc").unwrap());
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let credentials = Credentials::of_request(&parts, |_| Err("unread"));
        assert_eq!(credentials.cookie.as_deref(), Some("theme=gr\u{fffd}n; session=mine; a=b"));
        assert!(credentials.is_forwarded && credentials.malformed.is_none());
    }
}
