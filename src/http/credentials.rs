//! What a request says about its sender.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderName, header};

pub(super) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The credentials and the origin of a request. A bearer token takes precedence over cookies.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// A session token or an API key from `Authorization`.
    pub bearer: Option<String>,
    /// The `Cookie` headers, joined by `; `; `None` beside a bearer token. GraphQL accepts them from pages of this
    /// server only.
    pub cookie: Option<String>,
    /// The address of the connection; `None` only where the router was served without connection information.
    pub peer: Option<SocketAddr>,
    /// The `X-Forwarded-For` headers, joined by `, `. Only those of a trusted proxy are evaluated.
    pub forwarded_for: Option<String>,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// Whether a page of this server sent the request, according to the browser.
    pub same_origin: bool,
}

impl Credentials {
    /// Reads the connection's address and the user agent; everything else stays empty.
    pub fn of_connection(parts: &Parts) -> Self {
        Self {
            peer: parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0),
            user_agent: parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned),
            ..Self::default()
        }
    }
}
