//! The agent's settings: a TOML file, read once at the start. What is wrong in it is named with its line.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;
use serde::Deserialize;
use toml::Spanned;

use super::database::{Dialect, Statement};
use super::template::{Escape, Template};
use crate::secrets::Secret;

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    feed: RawFeed,
    #[serde(default)]
    guard: RawGuard,
    sql: Option<RawSql>,
    file: Option<RawFile>,
    http: Option<RawHttp>,
    script: Option<RawScript>,
    gone: Option<RawRequest>,
    #[serde(default = "ten_minutes")]
    retry_seconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFeed {
    url: Spanned<String>,
    event: Spanned<String>,
    service_type: Spanned<String>,
    consumer: String,
    key_file: Option<Spanned<String>>,
    authority_file: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawGuard {
    percent: usize,
    floor: usize,
}

impl Default for RawGuard {
    fn default() -> Self {
        Self { percent: 20, floor: 10 }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSql {
    database: Option<Spanned<String>>,
    database_file: Option<Spanned<String>>,
    delete: Vec<Spanned<String>>,
    upsert: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    state: String,
    path: String,
    #[serde(default = "private")]
    mode: Spanned<String>,
    template: Option<Spanned<String>>,
    template_file: Option<Spanned<String>>,
    escape: Option<Spanned<String>>,
    #[serde(default)]
    reload: Vec<String>,
    #[serde(default = "half_a_minute")]
    reload_timeout_seconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHttp {
    state: String,
    put: RawRequest,
    delete: RawRequest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRequest {
    method: Option<Spanned<String>>,
    url: Spanned<String>,
    body: Option<Spanned<String>>,
    #[serde(default = "json_type")]
    content_type: String,
    authorization_file: Option<Spanned<String>>,
    #[serde(default = "ten_seconds")]
    timeout_seconds: u64,
    expect: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScript {
    state: String,
    address: Spanned<String>,
    prompt: Spanned<String>,
    #[serde(default = "line_feed")]
    line_end: String,
    #[serde(default = "ten_seconds")]
    timeout_seconds: u64,
    #[serde(default)]
    begin: Vec<RawLine>,
    delete: Vec<RawLine>,
    #[serde(default)]
    release: Vec<RawLine>,
    upsert: Vec<RawLine>,
    #[serde(default)]
    end: Vec<RawLine>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLine {
    send: Spanned<String>,
    expect: Option<Spanned<String>>,
    deny: Option<Spanned<String>>,
}

fn line_feed() -> String {
    "\n".to_owned()
}

fn private() -> Spanned<String> {
    Spanned::new(0..0, "600".to_owned())
}

const fn ten_minutes() -> u64 {
    600
}

const fn ten_seconds() -> u64 {
    10
}

const fn half_a_minute() -> u64 {
    30
}

fn json_type() -> String {
    "application/json".to_owned()
}

/// What a record has, for `upsert`; and what is known of one that is gone, for `delete`.
const OF_RECORDS: [&str; 18] = [
    "id",
    "slot",
    "number",
    "label",
    "ascii_label",
    "parameters",
    "secrets",
    "digests",
    "permissions",
    "fallback_number",
    "active",
    "restrictions",
    "effects",
    "members",
    "owner_username",
    "visibility",
    "version",
    "updated_at",
];
const OF_DELETIONS: [&str; 5] = ["id", "slot", "number", "parameters", "now"];

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

/// What is wrong, and from which byte on.
struct Wrong {
    at: Option<usize>,
    what: String,
}

impl Wrong {
    fn here(what: &str) -> Self {
        Self { at: None, what: what.to_owned() }
    }

    fn at(span: &Range<usize>, what: impl Into<String>) -> Self {
        Self { at: Some(span.start), what: what.into() }
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

struct Reader<'f> {
    folder: &'f Path,
}

impl Reader<'_> {
    fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    fn content(&self, path: &Spanned<String>) -> Result<String, Wrong> {
        let file = self.path(path.get_ref());
        std::fs::read_to_string(&file)
            .map_err(|error| Wrong::at(&path.span(), format!("{} cannot be read: {error}", file.display())))
    }

    fn secret(&self, path: &Spanned<String>) -> Result<Secret, Wrong> {
        Ok(Secret::new(self.content(path)?.trim()))
    }

    fn feed(&self, raw: RawFeed, key: Option<Secret>) -> Result<Feed, Wrong> {
        let url = reqwest::Url::parse(raw.url.get_ref())
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.query().is_none())
            .ok_or_else(|| Wrong::at(&raw.url.span(), "this is not the address of a Switchboard"))?;
        for slug in [&raw.event, &raw.service_type] {
            let is_slug = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if slug.get_ref().is_empty() || !slug.get_ref().chars().all(is_slug) {
                return Err(Wrong::at(&slug.span(), "this is not a slug"));
            }
        }
        let key = match (key, &raw.key_file) {
            (Some(key), _) => key,
            (None, Some(file)) => self.secret(file)?,
            (None, None) => {
                return Err(Wrong::at(&raw.url.span(), "the key is missing: `key_file`, or SWITCHBOARD_AGENT_KEY"));
            }
        };
        Ok(Feed {
            url: url.as_str().trim_end_matches('/').to_owned(),
            event: raw.event.into_inner(),
            service_type: raw.service_type.into_inner(),
            consumer: raw.consumer,
            key,
            authority: raw.authority_file.as_ref().map(|file| self.content(file)).transpose()?.map(String::into_bytes),
        })
    }

    fn sql(&self, raw: RawSql) -> Result<Sql, Wrong> {
        let database = match (&raw.database, &raw.database_file) {
            (Some(url), None) => Secret::new(url.get_ref().clone()),
            (None, Some(file)) => self.secret(file)?,
            _ => return Err(Wrong::here("[sql] needs either `database` or `database_file`")),
        };
        let (database, dialect) = match database.expose().strip_prefix("sqlite:") {
            Some(path) => (Secret::new(format!("sqlite:{}", self.path(path).display())), Dialect::Sqlite),
            None if database.expose().starts_with("postgres") => (database, Dialect::Postgres),
            None => {
                let span = raw.database.as_ref().or(raw.database_file.as_ref()).map_or(0..0, Spanned::span);
                return Err(Wrong::at(&span, "a database is `sqlite:FILE` or `postgres://…`"));
            }
        };
        let read = |statements: &[Spanned<String>], known: &[&str]| -> Result<Vec<Statement>, Wrong> {
            statements.iter().map(|sql| statement(sql, dialect, known)).collect()
        };
        Ok(Sql { database, delete: read(&raw.delete, &OF_DELETIONS)?, upsert: read(&raw.upsert, &OF_RECORDS)? })
    }

    fn file(&self, raw: RawFile) -> Result<FileDriver, Wrong> {
        let mode = u32::from_str_radix(raw.mode.get_ref(), 8)
            .ok()
            .filter(|mode| *mode <= 0o777)
            .ok_or_else(|| Wrong::at(&raw.mode.span(), "a mode is three octal digits, as in \"640\""))?;
        let content = match (&raw.template, &raw.template_file) {
            (Some(name), None) => Content::Server(name.get_ref().clone()),
            (None, Some(file)) => {
                let escape = match raw.escape.as_ref().map(|escape| escape.get_ref().as_str()) {
                    None | Some("line") => Escape::Line,
                    Some("json") => Escape::Json,
                    Some("xml") => Escape::Xml,
                    Some("word") => Escape::Word,
                    Some(_) => {
                        let span = raw.escape.as_ref().map_or(0..0, Spanned::span);
                        return Err(Wrong::at(&span, "`escape` is one of line, word, json and xml"));
                    }
                };
                let source = self.content(file)?;
                Content::Local(Template::parse(&source, escape).map_err(|why| Wrong::at(&file.span(), why))?)
            }
            _ => return Err(Wrong::here("[file] needs either `template` or `template_file`")),
        };
        Ok(FileDriver {
            state: self.path(&raw.state),
            path: self.path(&raw.path),
            mode,
            content,
            reload: raw.reload,
            reload_timeout: Duration::from_secs(raw.reload_timeout_seconds.max(1)),
        })
    }

    fn http(&self, raw: RawHttp) -> Result<Http, Wrong> {
        Ok(Http {
            state: self.path(&raw.state),
            put: self.request(raw.put, reqwest::Method::PUT)?,
            delete: self.request(raw.delete, reqwest::Method::DELETE)?,
        })
    }

    fn request(&self, raw: RawRequest, method: reqwest::Method) -> Result<Request, Wrong> {
        let method = match &raw.method {
            None => method,
            Some(name) => {
                name.get_ref().parse().map_err(|_| Wrong::at(&name.span(), "this is not a method of HTTP"))?
            }
        };
        if !raw.url.get_ref().starts_with("http://") && !raw.url.get_ref().starts_with("https://") {
            return Err(Wrong::at(&raw.url.span(), "an address begins with http:// or https://"));
        }
        let mut headers = Vec::new();
        if let Some(file) = &raw.authorization_file {
            headers.push(("Authorization".to_owned(), self.secret(file)?));
        }
        Ok(Request {
            method,
            url: template(&raw.url, Escape::Url)?,
            body: raw.body.as_ref().map(|body| template(body, escape_of(&raw.content_type))).transpose()?,
            content_type: raw.content_type,
            headers,
            timeout: Duration::from_secs(raw.timeout_seconds.max(1)),
            expect: pattern(raw.expect.as_ref())?,
        })
    }

    fn script(&self, raw: RawScript) -> Result<Script, Wrong> {
        if !raw.address.get_ref().contains(':') {
            return Err(Wrong::at(&raw.address.span(), "an address is HOST:PORT"));
        }
        let prompt = pattern(Some(&raw.prompt))?.ok_or_else(|| Wrong::here("there is no prompt"))?;
        Ok(Script {
            state: self.path(&raw.state),
            address: raw.address.into_inner(),
            prompt,
            line_end: raw.line_end,
            timeout: Duration::from_secs(raw.timeout_seconds.max(1)),
            begin: lines(raw.begin)?,
            delete: lines(raw.delete)?,
            release: lines(raw.release)?,
            upsert: lines(raw.upsert)?,
            end: lines(raw.end)?,
        })
    }
}

/// JSON and XML have escapes; of anything else only lines are known.
fn escape_of(content_type: &str) -> Escape {
    match content_type {
        kind if kind.contains("json") => Escape::Json,
        kind if kind.contains("xml") => Escape::Xml,
        kind if kind.contains("urlencoded") => Escape::Url,
        _ => Escape::Line,
    }
}

fn statement(sql: &Spanned<String>, dialect: Dialect, known: &[&str]) -> Result<Statement, Wrong> {
    let statement = Statement::parse(sql.get_ref(), dialect);
    match statement.paths.iter().find(|path| !known.contains(&path[0].as_str())) {
        Some(path) => {
            let what = format!("`:{}` is not among {}", path.join("."), known.join(", "));
            Err(Wrong::at(&sql.span(), what))
        }
        None => Ok(statement),
    }
}

fn template(source: &Spanned<String>, escape: Escape) -> Result<Template, Wrong> {
    Template::parse(source.get_ref(), escape).map_err(|why| Wrong::at(&source.span(), why))
}

fn pattern(source: Option<&Spanned<String>>) -> Result<Option<Regex>, Wrong> {
    let read = |source: &Spanned<String>| {
        Regex::new(source.get_ref())
            .map_err(|_| Wrong::at(&source.span(), "this is not a regular expression of the crate `regex`"))
    };
    source.map(read).transpose()
}

fn lines(raw: Vec<RawLine>) -> Result<Vec<Line>, Wrong> {
    let line = |raw: RawLine| {
        Ok(Line {
            send: template(&raw.send, Escape::Word)?,
            expect: pattern(raw.expect.as_ref())?,
            deny: pattern(raw.deny.as_ref())?,
        })
    };
    raw.into_iter().map(line).collect()
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
