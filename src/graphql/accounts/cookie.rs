//! `Set-Cookie` and `Cookie` headers, and the session cookie of browsers.

/// Lifetime of the session cookie, in seconds: 30 days.
const SESSION_SECONDS: u32 = 30 * 24 * 3600;

/// The session cookie. Named `__Host-switchboard` with `Secure`, or `switchboard-lan` when the server is configured for plain
/// HTTP.
#[derive(Clone, Copy, Debug)]
pub struct SessionCookie {
    /// Whether browsers reach the server over plain HTTP.
    pub plain_http: bool,
}

impl SessionCookie {
    /// The cookie's name.
    pub const fn name(self) -> &'static str {
        if self.plain_http { "switchboard-lan" } else { "__Host-switchboard" }
    }

    /// `Set-Cookie` header that stores a session token.
    pub(super) fn set_token(self, token: &str) -> String {
        set(self.name(), token, Some(SESSION_SECONDS), self.plain_http)
    }

    /// `Set-Cookie` header that deletes the cookie.
    pub fn clear(self) -> String {
        set(self.name(), "", Some(0), self.plain_http)
    }

    /// The session token in a `Cookie` header.
    pub fn token_in(self, header: &str) -> Option<&str> {
        value_of(header, self.name())
    }
}

/// Builds a `Set-Cookie` header (RFC 6265, section 4.1) for this host, hidden from scripts and not sent with cross-site form posts.
/// `max_age` is in seconds; without it the cookie lasts until the browser closes.
pub fn set(name: &str, value: &str, max_age: Option<u32>, plain_http: bool) -> String {
    let age = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    let secure = if plain_http { "" } else { "; Secure" };
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{age}{secure}")
}

/// The value of a cookie in a `Cookie` header (RFC 6265, section 4.2).
pub fn value_of<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}
