//! Parser of database URLs.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::postgres_url::{PostgresError, PostgresUrl, parse_config};
use crate::secrets::Secret;

/// URL of a database: `sqlite:PATH` or `postgres://…`.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// Path of a SQLite file.
    Sqlite(PathBuf),
    /// URL of a PostgreSQL server, which may contain a password.
    Postgres(Secret),
}

/// Error of parsing a database URL. Quotes at most the scheme, as the rest may contain a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseUrlError {
    /// The scheme is not supported.
    #[error("the scheme {0:?} is not supported; use sqlite:PATH, postgres://… or postgresql://…")]
    UnknownScheme(String),
    /// The scheme is missing.
    #[error("a database URL begins with sqlite:, postgres:// or postgresql://")]
    NoScheme,
    /// The path is missing or has parameters.
    #[error("sqlite: is followed by the path of a file without parameters; in-memory databases are not supported")]
    SqlitePath,
    /// The PostgreSQL URL is malformed.
    #[error("{0}")]
    Postgres(PostgresError),
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
                // tokio-postgres accepts the scheme in lower case only.
                let url = Secret::new(format!("postgres:{rest}"));
                match PostgresUrl::check(url.expose()) {
                    Ok(()) if rest.starts_with("//") => Ok(Self::Postgres(url)),
                    Ok(()) => Err(DatabaseUrlError::Postgres(PostgresError::malformed())),
                    Err(error) => Err(DatabaseUrlError::Postgres(error)),
                }
            }
            scheme if is_scheme(scheme) => Err(DatabaseUrlError::UnknownScheme(scheme.to_owned())),
            // The text before the colon is not a scheme. It may be a username, followed by a password.
            _ => Err(DatabaseUrlError::NoScheme),
        }
    }
}

/// Returns whether the text is a URI scheme (RFC 3986, section 3.1) of plausible length.
fn is_scheme(text: &str) -> bool {
    text.len() <= 16
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// Formats the URL for logs: without credentials.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = match self {
            Self::Sqlite(path) => return write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => parse_config(url.expose()),
        };
        let hosts: Vec<String> = url.iter().flat_map(tokio_postgres::Config::get_hosts).map(display_host).collect();
        let database = url.as_ref().and_then(tokio_postgres::Config::get_dbname).unwrap_or_default();
        write!(f, "postgres://{}/{database}", hosts.join(","))
    }
}

fn display_host(host: &tokio_postgres::config::Host) -> String {
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
