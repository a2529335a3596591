//! Cookies, and the one in which browsers keep a session's token.

/// For how long a browser keeps a session, in seconds: 30 days.
const SESSION_SECONDS: u32 = 30 * 24 * 3600;

/// The browser's cookie: `__Host-` with Secure, or another name where an admin chose plain HTTP on a LAN.
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

    pub(super) fn set_token(self, token: &str) -> String {
        set(self.name(), token, SESSION_SECONDS, self.plain_http)
    }

    /// The header that makes a browser forget the cookie.
    pub fn clear(self) -> String {
        set(self.name(), "", 0, self.plain_http)
    }

    /// The token in a `Cookie` header.
    pub fn token_in(self, header: &str) -> Option<&str> {
        value_of(header, self.name())
    }
}

/// A `Set-Cookie` header (RFC 6265, section 4.1) for this server, hidden from scripts and from requests of other sites.
/// `max_age` is in seconds.
fn set(name: &str, value: &str, max_age: u32, plain_http: bool) -> String {
    let secure = if plain_http { "" } else { "; Secure" };
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age}{secure}")
}

/// The value of a cookie in a `Cookie` header (RFC 6265, section 4.2).
fn value_of<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}
