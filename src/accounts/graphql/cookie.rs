//! The cookie in which browsers keep a session's token.

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

    pub(super) fn holding(self, token: &str) -> String {
        let secure = if self.plain_http { "" } else { "; Secure" };
        format!("{}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}", self.name(), 30 * 24 * 3600)
    }

    /// The header that makes a browser forget the cookie.
    pub fn gone(self) -> String {
        let secure = if self.plain_http { "" } else { "; Secure" };
        format!("{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}", self.name())
    }

    /// The token in a `Cookie` header.
    pub fn token_in(self, header: &str) -> Option<&str> {
        header
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == self.name())
            .map(|(_, token)| token)
    }
}
