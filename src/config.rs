//! Configuration: small typed sections from flags and `SWITCHBOARD_…` variables.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, ValueEnum};
use ipnet::IpNet;

use crate::secrets::Secret;

/// Where the data are.
#[derive(Clone)]
pub enum DatabaseUrl {
    /// The embedded database, by its file.
    Sqlite(PathBuf),
    /// A PostgreSQL cluster; the URL may hold a password.
    Postgres(Secret),
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(_) => f.write_str("postgres://…"),
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = String;

    /// An unknown scheme is refused, never guessed.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() {
                Err("sqlite: needs a file, such as sqlite:data/switchboard.db".to_owned())
            } else {
                Ok(Self::Sqlite(path.into()))
            };
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(Secret::new(text)));
        }
        let scheme = text.split(':').next().unwrap_or_default();
        Err(format!("unknown database scheme {scheme:?}: use sqlite:FILE or postgres://…"))
    }
}

/// How log lines are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// Where data and logs go: for every command.
#[derive(Args, Clone, Debug)]
pub struct Installation {
    /// The folder of the database, the sealing key and the mails.
    #[arg(long, env = "SWITCHBOARD_DATA_DIR", default_value = "./data", global = true)]
    pub data_dir: PathBuf,
    /// sqlite:FILE or postgres://…; the embedded database in the data folder where it is left out.
    #[arg(long, env = "SWITCHBOARD_DATABASE_URL", hide_env_values = true, global = true)]
    pub database_url: Option<DatabaseUrl>,
    /// How log lines are written.
    #[arg(long, env = "SWITCHBOARD_LOG_FORMAT", value_enum, default_value = "text", global = true)]
    pub log_format: LogFormat,
    /// The sealing keys in hex, newest first, separated by commas; the file `sealing.key` of the data folder where it is left out.
    #[arg(long, env = "SWITCHBOARD_SEALING_KEY", hide_env_values = true, hide = true, global = true)]
    pub sealing_key: Option<Secret>,
}

impl Installation {
    /// The database's URL, with the default of the data folder.
    pub fn database(&self) -> DatabaseUrl {
        self.database_url.clone().unwrap_or_else(|| DatabaseUrl::Sqlite(self.data_dir.join("switchboard.db")))
    }
}

/// How the server is reached and what it does.
#[derive(Args, Clone, Debug)]
pub struct Serving {
    /// The address and port to listen on.
    #[arg(long, env = "SWITCHBOARD_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// The address by which people reach it: links in mails begin with it.
    #[arg(long, env = "SWITCHBOARD_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// The mail server, smtp://… or smtps://…; mails are written as files where it is left out.
    #[arg(long, env = "SWITCHBOARD_SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<Secret>,
    /// Fills an empty database with the demo event.
    #[arg(long, env = "SWITCHBOARD_DEMO")]
    pub demo: bool,
    /// A network whose X-Forwarded-For headers are believed; may be given more than once.
    #[arg(long, env = "SWITCHBOARD_TRUSTED_PROXY", value_delimiter = ',')]
    pub trusted_proxy: Vec<IpNet>,
    /// Serves browsers over plain HTTP beyond this machine: passwords and cookies can then be read on the way.
    #[arg(long, env = "SWITCHBOARD_PLAIN_HTTP_LAN")]
    pub plain_http_lan: bool,
}

impl Serving {
    /// The address for links, without a slash at its end.
    pub fn public_url(&self) -> String {
        let given = self.public_url.clone().unwrap_or_else(|| format!("http://{}", self.listen));
        given.trim_end_matches('/').to_owned()
    }

    /// Refuses what is not safe together.
    ///
    /// # Errors
    /// A sentence for whoever starts the program.
    pub fn check(&self) -> Result<(), String> {
        if self.demo && !self.listen.ip().is_loopback() {
            return Err(format!(
                "--demo has well-known passwords and listens on this machine only, not on {}",
                self.listen
            ));
        }
        if let Some(url) = &self.public_url
            && !url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        {
            return Err(format!("--public-url {url:?} is not an http or https address"));
        }
        Ok(())
    }
}

/// Makes the data folder, for its owner alone.
///
/// # Errors
/// When the disk refuses.
pub fn make_data_dir(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_scheme_is_refused() {
        assert!(matches!("sqlite:data/x.db".parse(), Ok(DatabaseUrl::Sqlite(path)) if path == Path::new("data/x.db")));
        assert!(matches!("postgres://u:secret@h/d".parse(), Ok(DatabaseUrl::Postgres(_))));
        let message = "mysql://h/d".parse::<DatabaseUrl>().unwrap_err();
        assert!(message.contains("mysql") && message.contains("postgres://"));
    }

    #[test]
    fn a_password_is_not_printed() {
        let url: DatabaseUrl = "postgres://u:hunter2@h/d".parse().unwrap();
        assert!(!format!("{url:?}").contains("hunter2"));
    }
}
