//! The agent's settings: a TOML file, read once at the start. What is wrong in it is named with its line.

mod raw;
mod reader;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;

use super::database::Statement;
use super::template::Template;
use platform::secrets::Secret;
use raw::Raw;
use reader::{Reader, Wrong, line_of};

/// What the agent follows, and what it writes to.
pub struct Config {
    pub feed: Arc<Feed>,
    pub guard: Guard,
    pub driver: Driver,
    /// Called for every number that is gone or silent.
    pub gone: Option<Request>,
    /// After how long records that failed are tried again.
    pub retry: Duration,
}

/// Which feed, and as whom.
pub struct Feed {
    /// Without a slash at its end.
    pub url: String,
    pub event: String,
    pub service_type: String,
    pub consumer: String,
    pub key: Secret,
    /// A certificate authority besides the system's own, PEM.
    pub authority: Option<Vec<u8>>,
}

/// When a deletion is too large to be believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Guard {
    /// More than so many of a hundred.
    pub percent: usize,
    /// At most so many are always believed.
    pub floor: usize,
}

/// What it writes to.
#[expect(clippy::large_enum_variant, reason = "there is one in the program")]
pub enum Driver {
    Sql(Sql),
    File(FileDriver),
    Http(Http),
    Script(Script),
}

/// Statements against a database.
pub struct Sql {
    pub database: Secret,
    pub delete: Vec<Statement>,
    pub upsert: Vec<Statement>,
}

/// A file that is written as a whole.
pub struct FileDriver {
    pub state: PathBuf,
    pub path: PathBuf,
    pub mode: u32,
    pub content: Content,
    /// A program and its arguments; no shell reads them.
    pub reload: Vec<String>,
    pub reload_timeout: Duration,
}

/// Where a file's content comes from.
#[expect(clippy::large_enum_variant, reason = "there is one in the program")]
pub enum Content {
    /// The server renders a template of the service type.
    Server(String),
    /// A template of the agent's own.
    Local(Template),
}

/// Requests for each extension.
pub struct Http {
    pub state: PathBuf,
    pub put: Request,
    pub delete: Request,
}

/// A request, with templates for its parts.
pub struct Request {
    pub method: reqwest::Method,
    pub url: Template,
    pub body: Option<Template>,
    pub content_type: String,
    pub headers: Vec<(String, Secret)>,
    pub timeout: Duration,
    /// What an answer must contain to count as done; without it every 2xx does.
    pub expect: Option<Regex>,
}

/// Lines over TCP.
pub struct Script {
    pub state: PathBuf,
    pub address: String,
    /// What ends every answer.
    pub prompt: Regex,
    /// What ends every line.
    pub line_end: String,
    pub timeout: Duration,
    pub begin: Vec<Line>,
    pub delete: Vec<Line>,
    pub release: Vec<Line>,
    pub upsert: Vec<Line>,
    pub end: Vec<Line>,
}

/// One line and what its answer must and must not say.
pub struct Line {
    pub send: Template,
    pub expect: Option<Regex>,
    pub deny: Option<Regex>,
}

impl Config {
    /// Where the agent's own tables are: in the database that it writes to, or in a file of their own.
    pub fn state_url(&self) -> String {
        match &self.driver {
            Driver::Sql(sql) => sql.database.expose().to_owned(),
            Driver::File(FileDriver { state, .. })
            | Driver::Http(Http { state, .. })
            | Driver::Script(Script { state, .. }) => format!("sqlite:{}", state.display()),
        }
    }

    /// The same for reading alone: a file that is not there is not made.
    pub fn dry_state_url(&self) -> String {
        let url = self.state_url();
        match url.strip_prefix("sqlite:") {
            Some(path) if !Path::new(path).exists() => "sqlite::memory:".to_owned(),
            _ => url,
        }
    }

    /// Reads the file. Paths in it are relative to its folder. `key` stands in for `feed.key_file`.
    ///
    /// # Errors
    /// A sentence with file, line and what is wrong; it shows no secret.
    pub fn read(path: &Path, key: Option<Secret>) -> Result<Self, String> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| format!("{shown} cannot be read: {error}"))?;
        let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
        Self::parse(&text, &folder, key).map_err(|wrong| match wrong.at {
            Some(at) => format!("{shown}, line {}: {}", line_of(&text, at), wrong.what),
            None => format!("{shown}: {}", wrong.what),
        })
    }

    fn parse(text: &str, folder: &Path, key: Option<Secret>) -> Result<Self, Wrong> {
        let raw: Raw = toml::from_str(text)
            .map_err(|error| Wrong { at: error.span().map(|span| span.start), what: error.message().to_owned() })?;
        let reader = Reader { folder };
        let drivers = [raw.sql.is_some(), raw.file.is_some(), raw.http.is_some(), raw.script.is_some()];
        if drivers.iter().filter(|is_there| **is_there).count() != 1 {
            return Err(Wrong::here("exactly one of [sql], [file], [http] and [script] says what to write to"));
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
            return Err(Wrong::here("there is no driver"));
        };
        Ok(Self {
            feed: Arc::new(reader.feed(raw.feed, key)?),
            guard: Guard { percent: raw.guard.percent, floor: raw.guard.floor },
            driver,
            gone: raw.gone.map(|gone| reader.request(gone, reqwest::Method::POST)).transpose()?,
            retry: Duration::from_secs(raw.retry_seconds.max(1)),
        })
    }
}

#[cfg(test)]
mod tests;
