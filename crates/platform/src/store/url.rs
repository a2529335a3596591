//! Database URLs: which database an installation uses, and where it is.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::secrets::Secret;

/// A database: `sqlite:PATH` or `postgres://…`.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file.
    Sqlite(PathBuf),
    /// A server; the URL may hold a password.
    Postgres(Secret),
}

/// Why a text names no database. It does not quote more of the text than the scheme.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseUrlError {
    /// A scheme that is not known is refused, not guessed.
    #[error("the scheme {0:?} is not known; known are sqlite:PATH, postgres://… and postgresql://…")]
    UnknownScheme(String),
    /// There is no scheme.
    #[error("it begins with sqlite:, postgres:// or postgresql://")]
    NoScheme,
    /// No file is named, or one with parameters.
    #[error("after sqlite: stands the path of a file, without parameters; a database in memory alone is not supported")]
    SqlitePath,
    /// The rest of a PostgreSQL URL cannot be read.
    #[error("the PostgreSQL URL cannot be read: postgres://user:password@host:port/database")]
    Postgres,
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, DatabaseUrlError> {
        let (scheme, rest) = text.split_once(':').ok_or(DatabaseUrlError::NoScheme)?;
        match scheme.to_ascii_lowercase().as_str() {
            "sqlite" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                let is_path = !path.is_empty() && path != ":memory:" && !path.contains(['?', '\0']);
                if is_path { Ok(Self::Sqlite(PathBuf::from(path))) } else { Err(DatabaseUrlError::SqlitePath) }
            }
            "postgres" | "postgresql" => {
                // The scheme in lower case: tokio-postgres knows it so.
                let url = Secret::new(format!("postgres:{rest}"));
                let is_readable = rest.starts_with("//") && url.expose().parse::<tokio_postgres::Config>().is_ok();
                if is_readable { Ok(Self::Postgres(url)) } else { Err(DatabaseUrlError::Postgres) }
            }
            scheme if is_scheme(scheme) => Err(DatabaseUrlError::UnknownScheme(scheme.to_owned())),
            // Not `scheme:`: what stands before the colon may be a user, and what after it his password.
            _ => Err(DatabaseUrlError::NoScheme),
        }
    }
}

/// RFC 3986, section 3.1, of a length that a scheme has.
fn is_scheme(text: &str) -> bool {
    text.len() <= 16
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// What a log may say: the file, or the server without the login.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = match self {
            Self::Sqlite(path) => return write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => url.expose().parse::<tokio_postgres::Config>(),
        };
        let hosts: Vec<String> = url.iter().flat_map(tokio_postgres::Config::get_hosts).map(shown_host).collect();
        let database = url.as_ref().ok().and_then(tokio_postgres::Config::get_dbname).unwrap_or_default();
        write!(f, "postgres://{}/{database}", hosts.join(","))
    }
}

fn shown_host(host: &tokio_postgres::config::Host) -> String {
    match host {
        tokio_postgres::config::Host::Tcp(name) => name.clone(),
        tokio_postgres::config::Host::Unix(path) => path.display().to_string(),
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}
