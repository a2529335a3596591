//! The agent's settings: a TOML file that is read once at the start. Errors contain the line.

mod raw;
mod reader;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;

use super::database::Statement;
use super::template::Template;
use platform::secrets::Secret;
use raw::RawConfig;
use reader::{ConfigError, Reader, line_of};

/// Settings of one agent: one feed and one telephone system.
pub struct Config {
    pub feed: Arc<FeedConfig>,
    pub guard: GuardConfig,
    pub driver: Driver,
    /// Request for every number that was removed, deactivated or moved (`[gone]`).
    pub release_hook: Option<RequestTemplate>,
    /// Interval between two attempts to apply failed records.
    pub retry: Duration,
}

/// The feed and the consumer's credentials.
pub struct FeedConfig {
    /// Base URL without a trailing slash.
    pub url: String,
    pub event: String,
    pub service_type: String,
    pub consumer: String,
    pub key: Secret,
    /// Certificate authority in addition to the system's, PEM.
    pub authority: Option<Vec<u8>>,
}

/// Limits of the prune guard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GuardConfig {
    /// Maximum share of extensions that one batch deletes, in percent.
    pub percent: usize,
    /// Number of deletions that is always permitted.
    pub floor: usize,
}

/// The driver and its settings.
#[expect(clippy::large_enum_variant, reason = "the process has one instance")]
pub enum Driver {
    Sql(SqlConfig),
    File(FileConfig),
    Http(HttpConfig),
    Script(ScriptConfig),
}

/// Statements against a database.
pub struct SqlConfig {
    pub database: Secret,
    pub delete: Vec<Statement>,
    pub upsert: Vec<Statement>,
}

/// A file that contains every extension.
pub struct FileConfig {
    pub state: PathBuf,
    pub path: PathBuf,
    pub mode: u32,
    pub content: Content,
    /// Program and arguments, run without a shell.
    pub reload: Vec<String>,
    pub reload_timeout: Duration,
}

/// Source of a file's content.
#[expect(clippy::large_enum_variant, reason = "the process has one instance")]
pub enum Content {
    /// Name of a template of the service type, rendered by the server.
    Server(String),
    /// Template rendered by the agent.
    Local(Template),
}

/// HTTP requests for each extension.
pub struct HttpConfig {
    pub state: PathBuf,
    pub put: RequestTemplate,
    pub delete: RequestTemplate,
}

/// An HTTP request with templates for URL and body.
pub struct RequestTemplate {
    pub method: reqwest::Method,
    pub url: Template,
    pub body: Option<Template>,
    pub content_type: String,
    /// Value of the `Authorization` header.
    pub authorization: Option<Secret>,
    pub timeout: Duration,
    /// Pattern that the body of a successful response matches; without it every 2xx is a success.
    pub expect: Option<Regex>,
    /// The `Authorization` header goes over `http://` to another machine.
    pub sends_clear_credentials: bool,
}

/// Command lines over TCP.
pub struct ScriptConfig {
    pub state: PathBuf,
    pub address: String,
    /// Pattern of the prompt, which ends every response.
    pub prompt: Regex,
    /// Terminator of a command line.
    pub line_end: String,
    pub timeout: Duration,
    pub begin: Vec<CommandLine>,
    pub delete: Vec<CommandLine>,
    pub release: Vec<CommandLine>,
    pub upsert: Vec<CommandLine>,
    pub end: Vec<CommandLine>,
}

/// A command with the patterns of its response.
pub struct CommandLine {
    pub send: Template,
    /// Pattern of success.
    pub expect: Option<Regex>,
    /// Pattern of failure.
    pub deny: Option<Regex>,
}

impl Config {
    /// Returns the URL of the replica's database: the telephone system's for the `sql` driver, otherwise a SQLite file.
    pub fn state_url(&self) -> String {
        match &self.driver {
            Driver::Sql(sql) => sql.database.expose().to_owned(),
            Driver::File(FileConfig { state, .. })
            | Driver::Http(HttpConfig { state, .. })
            | Driver::Script(ScriptConfig { state, .. }) => format!("sqlite:{}", state.display()),
        }
    }

    /// Returns the requests of the driver and the release hook.
    pub fn requests(&self) -> Vec<&RequestTemplate> {
        let of_driver = match &self.driver {
            Driver::Http(http) => vec![&http.put, &http.delete],
            _ => Vec::new(),
        };
        of_driver.into_iter().chain(&self.release_hook).collect()
    }

    /// Returns [`Self::state_url`] for read access, which does not create a missing file.
    pub fn read_only_state_url(&self) -> String {
        let url = self.state_url();
        match url.strip_prefix("sqlite:") {
            Some(path) if !Path::new(path).exists() => "sqlite::memory:".to_owned(),
            _ => url,
        }
    }

    /// Reads the settings file. Paths in it are relative to its folder. `key` overrides `feed.key_file`.
    ///
    /// # Errors
    /// A sentence with file, line and reason, without secrets.
    pub fn read(path: &Path, key: Option<Secret>) -> Result<Self, String> {
        let file = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| format!("{file} cannot be read: {error}"))?;
        let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
        Self::parse(&text, &folder, key).map_err(|error| match error.offset {
            Some(offset) => format!("{file}, line {}: {}", line_of(&text, offset), error.message),
            None => format!("{file}: {}", error.message),
        })
    }

    fn parse(text: &str, folder: &Path, key: Option<Secret>) -> Result<Self, ConfigError> {
        let raw: RawConfig = toml::from_str(text).map_err(|error| ConfigError {
            offset: error.span().map(|span| span.start),
            message: error.message().to_owned(),
        })?;
        let reader = Reader { folder };
        let drivers = [raw.sql.is_some(), raw.file.is_some(), raw.http.is_some(), raw.script.is_some()];
        if drivers.iter().filter(|is_present| **is_present).count() != 1 {
            return Err(ConfigError::new("exactly one of [sql], [file], [http] and [script] is required"));
        }
        let driver = if let Some(sql) = raw.sql {
            Driver::Sql(reader.sql(sql)?)
        } else if let Some(file) = raw.file {
            Driver::File(reader.file(file)?)
        } else if let Some(http) = raw.http {
            Driver::Http(reader.http(http)?)
        } else if let Some(script) = raw.script {
            Driver::Script(reader.script(script)?)
        } else {
            return Err(ConfigError::new("there is no driver"));
        };
        Ok(Self {
            feed: Arc::new(reader.feed(raw.feed, key)?),
            guard: GuardConfig { percent: raw.guard.percent, floor: raw.guard.floor },
            driver,
            release_hook: raw.gone.map(|request| reader.request(request, reqwest::Method::POST)).transpose()?,
            retry: Duration::from_secs(raw.retry_seconds.max(1)),
        })
    }
}

#[cfg(test)]
mod tests;
