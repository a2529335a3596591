//! URL of a mail server.

use std::fmt;
use std::str::FromStr;

use crate::secrets::Secret;

/// Encryption of the connection to the mail server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encryption {
    /// STARTTLS if the server offers it (RFC 3207), for servers on this machine.
    Offered,
    /// STARTTLS; without it no mail is sent.
    Required,
    /// TLS from the first byte (RFC 8314, section 3.3).
    Implicit,
    /// No encryption, for `?tls=none`.
    None,
}

/// A mail server: `smtp://[user:password@]host[:port][?tls=required|none]` or `smtps://…`.
///
/// With `smtp` encryption is mandatory, since mails contain links that sign in. Only a server on this machine may do
/// without, if it does not offer it, and `?tls=none` switches it off. Default ports: 465 for `smtps`, 587 for `smtp` with a password, 25 without.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpUrl {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) encryption: Encryption,
    pub(super) login: Option<Login>,
}

/// Credentials of the mail server.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: Secret,
}

/// Error of parsing the URL. Does not quote the URL, which may contain a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SmtpUrlError {
    /// Missing or unsupported scheme.
    #[error("a mail server is smtp://host[:port] or smtps://host[:port]")]
    Scheme,
    /// Missing or invalid host.
    #[error("the URL of the mail server has no valid host")]
    Host,
    /// A port that is no number up to 65535.
    #[error("the port in the URL of the mail server is not a number from 1 to 65535")]
    Port,
    /// A user without a password, a password without a user, or credentials that are not UTF-8.
    #[error("the URL of the mail server needs a user and a password, or neither")]
    Login,
    /// A path, a fragment, or a query other than `tls`.
    #[error("the URL of the mail server permits only ?tls=required or ?tls=none after the host (smtp:// only)")]
    Suffix,
}

impl FromStr for SmtpUrl {
    type Err = SmtpUrlError;

    fn from_str(text: &str) -> Result<Self, SmtpUrlError> {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        let implicit = match scheme.as_deref() {
            Some("smtp") => false,
            Some("smtps") => true,
            _ => return Err(SmtpUrlError::Scheme),
        };
        let url = url::Url::parse(text).map_err(|error| match error {
            url::ParseError::InvalidPort => SmtpUrlError::Port,
            _ => SmtpUrlError::Host,
        })?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(SmtpUrlError::Host)?;
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(SmtpUrlError::Suffix);
        }
        let login = parse_login(&url)?;
        let encryption = match (implicit, url.query()) {
            (true, None) => Encryption::Implicit,
            (false, None) if login.is_none() && is_local(&url) => Encryption::Offered,
            // An attacker in the path could remove the server's STARTTLS offer and read the mails.
            (false, None) => Encryption::Required,
            (false, Some("tls=required")) => Encryption::Required,
            (false, Some("tls=none")) => Encryption::None,
            _ => return Err(SmtpUrlError::Suffix),
        };
        let default_port = match (implicit, login.is_some()) {
            (true, _) => 465,
            (false, true) => 587,
            (false, false) => 25,
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { host, port: url.port().unwrap_or(default_port), encryption, login })
    }
}

/// Returns whether the server is on this machine.
fn is_local(url: &url::Url) -> bool {
    // The host of a URL with an unknown scheme is not parsed as an IPv4 address.
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

fn parse_login(url: &url::Url) -> Result<Option<Login>, SmtpUrlError> {
    let decode = |text: &str| {
        let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
        decoded.map(std::borrow::Cow::into_owned).map_err(|_| SmtpUrlError::Login)
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None) => Err(SmtpUrlError::Login),
        (user, Some(password)) => Ok(Some(Login { user: decode(user)?, password: Secret::new(decode(password)?) })),
    }
}

/// Formats the URL for logs: without credentials.
impl fmt::Display for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.encryption == Encryption::Implicit { "smtps" } else { "smtp" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmtpUrl({self}, {:?})", self.encryption)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<(String, Encryption), SmtpUrlError> {
        text.parse::<SmtpUrl>().map(|url| (url.to_string(), url.encryption))
    }

    #[test]
    fn derives_port_and_encryption_from_scheme_and_login() {
        assert_eq!(
            parse("smtp://mail.example.org"),
            Ok(("smtp://mail.example.org:25".to_owned(), Encryption::Required))
        );
        assert_eq!(parse("smtp://mail.example.org?tls=none").unwrap().1, Encryption::None);
        for local in ["smtp://127.0.0.1", "smtp://127.0.0.2:1025", "smtp://[::1]", "smtp://LOCALHOST"] {
            assert_eq!(parse(local).unwrap().1, Encryption::Offered, "{local}");
        }
        for remote in ["smtp://192.0.2.1", "smtp://localhost.example.org", "smtp://[2001:db8::1]", "smtp://mail"] {
            assert_eq!(parse(remote).unwrap().1, Encryption::Required, "{remote}");
        }
        assert_eq!(parse("smtp://localhost:1025"), Ok(("smtp://localhost:1025".to_owned(), Encryption::Offered)));
        assert_eq!(
            parse("smtp://u:p@mail.example.org"),
            Ok(("smtp://mail.example.org:587".to_owned(), Encryption::Required))
        );
        assert_eq!(parse("smtp://u:p@localhost/?tls=none"), Ok(("smtp://localhost:587".to_owned(), Encryption::None)));
        assert_eq!(
            parse("smtps://mail.example.org/"),
            Ok(("smtps://mail.example.org:465".to_owned(), Encryption::Implicit))
        );
        assert_eq!(parse("SMTP://[::1]:25?tls=required"), Ok(("smtp://::1:25".to_owned(), Encryption::Required)));
    }

    #[test]
    fn decodes_the_login_and_does_not_print_it() {
        let url: SmtpUrl = "smtps://arthur%40example.org:p%3Ass%2Fword@mail.example.org".parse().unwrap();
        let login = url.login.as_ref().unwrap();
        assert_eq!((login.user.as_str(), login.password.expose()), ("arthur@example.org", "p:ss/word"));
        assert_eq!(
            format!("{url:?} {url}"),
            "SmtpUrl(smtps://mail.example.org:465, Implicit) smtps://mail.example.org:465"
        );
    }

    #[test]
    fn rejects_other_urls() {
        for text in ["", "mail.example.org", "http://mail.example.org", "smtp:", "smtp://"] {
            assert!(matches!(parse(text), Err(SmtpUrlError::Scheme | SmtpUrlError::Host)), "{text}");
        }
        for port in ["notaport", "99999", "-1"] {
            assert_eq!(parse(&format!("smtp://u:p@host:{port}")), Err(SmtpUrlError::Port), "{port}");
        }
        assert_eq!(parse("smtp://user@host"), Err(SmtpUrlError::Login));
        assert_eq!(parse("smtp://:p@host"), Err(SmtpUrlError::Login));
        for text in ["smtp://host/path", "smtp://host?tls=maybe", "smtps://host?tls=none", "smtp://host#x"] {
            assert_eq!(parse(text), Err(SmtpUrlError::Suffix), "{text}");
        }
    }

    proptest! {
        #[test]
        fn parses_any_text_and_never_prints_the_password(text in "\\PC*", password in "[a-z]{12}") {
            let _ = text.parse::<SmtpUrl>();
            let url = format!("smtp://u:{password}@host.example");
            let shown = format!("{:?}", url.parse::<SmtpUrl>());
            prop_assert!(!shown.contains(&password));
        }
    }
}
