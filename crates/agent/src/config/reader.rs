//! Validation: converts the deserialized settings to [`super::Config`].

use std::net::IpAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use regex::Regex;
use toml::Spanned;

use super::raw::{RawCommandLine, RawFeed, RawFile, RawHttp, RawRequest, RawScript, RawSql};
use super::{CommandLine, Content, FeedConfig, FileConfig, HttpConfig, RequestTemplate, ScriptConfig, SqlConfig};
use crate::database::{Dialect, Statement};
use crate::template::{Escape, Template};
use platform::secrets::Secret;
use platform::store::PostgresUrl;

/// Parameters of an `upsert` statement.
const UPSERT_PARAMETERS: [&str; 18] = [
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
/// Parameters of a `delete` statement.
const DELETE_PARAMETERS: [&str; 5] = ["id", "slot", "number", "parameters", "now"];

/// An invalid setting.
pub struct ConfigError {
    /// Byte offset in the file.
    pub offset: Option<usize>,
    pub message: String,
}

impl ConfigError {
    pub fn new(message: &str) -> Self {
        Self { offset: None, message: message.to_owned() }
    }

    fn at(span: &Range<usize>, message: impl Into<String>) -> Self {
        Self { offset: Some(span.start), message: message.into() }
    }
}

/// Returns the line of a byte offset, counted from 1.
pub fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}

/// Validates settings and reads the files that they name.
pub struct Reader<'f> {
    /// Folder of the settings file, to which paths are relative.
    pub folder: &'f Path,
}

impl Reader<'_> {
    fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// Resolves the program of a command; a name without a slash is searched in `PATH` at execution.
    fn command(&self, mut command: Vec<String>) -> Vec<String> {
        if let Some(program) = command.first_mut().filter(|program| program.contains('/')) {
            *program = self.path(program).to_string_lossy().into_owned();
        }
        command
    }

    fn read_file(&self, path: &Spanned<String>) -> Result<String, ConfigError> {
        let file = self.path(path.get_ref());
        std::fs::read_to_string(&file)
            .map_err(|error| ConfigError::at(&path.span(), format!("{} cannot be read: {error}", file.display())))
    }

    fn read_secret(&self, path: &Spanned<String>) -> Result<Secret, ConfigError> {
        Ok(Secret::new(self.read_file(path)?.trim()))
    }

    pub fn feed(&self, raw: RawFeed, key: Option<Secret>) -> Result<FeedConfig, ConfigError> {
        let url = reqwest::Url::parse(raw.url.get_ref())
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.query().is_none())
            .ok_or_else(|| ConfigError::at(&raw.url.span(), "this is not the base URL of a Switchboard server"))?;
        if url.scheme() == "http" && !raw.plain_http && !is_loopback(&url) {
            return Err(ConfigError::at(
                &raw.url.span(),
                "http:// would send the key in clear text: use https://, or `plain_http = true` in a trusted network",
            ));
        }
        for slug in [&raw.event, &raw.service_type] {
            let is_slug = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if slug.get_ref().is_empty() || !slug.get_ref().chars().all(is_slug) {
                return Err(ConfigError::at(&slug.span(), "this is not a slug"));
            }
        }
        let key = match (key, &raw.key_file) {
            (Some(key), _) => key,
            (None, Some(file)) => self.read_secret(file)?,
            (None, None) => {
                return Err(ConfigError::at(
                    &raw.url.span(),
                    "the key is missing: `key_file`, or SWITCHBOARD_AGENT_KEY",
                ));
            }
        };
        Ok(FeedConfig {
            url: url.as_str().trim_end_matches('/').to_owned(),
            event: raw.event.into_inner(),
            service_type: raw.service_type.into_inner(),
            consumer: raw.consumer,
            key,
            authority: raw
                .authority_file
                .as_ref()
                .map(|file| self.read_file(file))
                .transpose()?
                .map(String::into_bytes),
        })
    }

    pub fn sql(&self, raw: RawSql) -> Result<SqlConfig, ConfigError> {
        let database = match (&raw.database, &raw.database_file) {
            (Some(url), None) => Secret::new(url.get_ref().clone()),
            (None, Some(file)) => self.read_secret(file)?,
            _ => return Err(ConfigError::new("[sql] needs either `database` or `database_file`")),
        };
        let span = raw.database.as_ref().or(raw.database_file.as_ref()).map_or(0..0, Spanned::span);
        let (database, dialect) = match database.expose().strip_prefix("sqlite:") {
            Some(path) => (Secret::new(format!("sqlite:{}", self.path(path).display())), Dialect::Sqlite),
            None if database.expose().starts_with("postgres") => {
                PostgresUrl::check(database.expose()).map_err(|error| ConfigError::at(&span, error.to_string()))?;
                (database, Dialect::Postgres)
            }
            None => {
                return Err(ConfigError::at(&span, "a database is `sqlite:FILE` or `postgres://…`"));
            }
        };
        let parse = |statements: &[Spanned<String>], parameters: &[&str]| -> Result<Vec<Statement>, ConfigError> {
            statements.iter().map(|sql| parse_statement(sql, dialect, parameters)).collect()
        };
        Ok(SqlConfig {
            database,
            delete: parse(&raw.delete, &DELETE_PARAMETERS)?,
            upsert: parse(&raw.upsert, &UPSERT_PARAMETERS)?,
        })
    }

    pub fn file(&self, raw: RawFile) -> Result<FileConfig, ConfigError> {
        let mode = u32::from_str_radix(raw.mode.get_ref(), 8)
            .ok()
            .filter(|mode| *mode <= 0o777)
            .ok_or_else(|| ConfigError::at(&raw.mode.span(), "a mode is three octal digits, as in \"640\""))?;
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
                        return Err(ConfigError::at(&span, "`escape` is one of line, word, json and xml"));
                    }
                };
                let source = self.read_file(file)?;
                Content::Local(Template::parse(&source, escape).map_err(|error| ConfigError::at(&file.span(), error))?)
            }
            _ => return Err(ConfigError::new("[file] needs either `template` or `template_file`")),
        };
        Ok(FileConfig {
            state: self.path(&raw.state),
            path: self.path(&raw.path),
            mode,
            content,
            reload: self.command(raw.reload),
            reload_timeout: Duration::from_secs(raw.reload_timeout_seconds.max(1)),
        })
    }

    pub fn http(&self, raw: RawHttp) -> Result<HttpConfig, ConfigError> {
        Ok(HttpConfig {
            state: self.path(&raw.state),
            put: self.request(raw.put, reqwest::Method::PUT)?,
            delete: self.request(raw.delete, reqwest::Method::DELETE)?,
        })
    }

    pub fn request(&self, raw: RawRequest, method: reqwest::Method) -> Result<RequestTemplate, ConfigError> {
        let method = match &raw.method {
            None => method,
            Some(name) => {
                name.get_ref().parse().map_err(|_| ConfigError::at(&name.span(), "this is not an HTTP method"))?
            }
        };
        if !raw.url.get_ref().starts_with("http://") && !raw.url.get_ref().starts_with("https://") {
            return Err(ConfigError::at(&raw.url.span(), "a URL begins with http:// or https://"));
        }
        Ok(RequestTemplate {
            sends_clear_credentials: raw.authorization_file.is_some() && is_plain_remote(raw.url.get_ref()),
            method,
            url: parse_template(&raw.url, Escape::Url)?,
            body: raw.body.as_ref().map(|body| parse_template(body, escape_of(&raw.content_type))).transpose()?,
            content_type: raw.content_type,
            authorization: raw.authorization_file.as_ref().map(|file| self.read_secret(file)).transpose()?,
            timeout: Duration::from_secs(raw.timeout_seconds.max(1)),
            expect: parse_pattern(raw.expect.as_ref())?,
        })
    }

    pub fn script(&self, raw: RawScript) -> Result<ScriptConfig, ConfigError> {
        if !raw.address.get_ref().contains(':') {
            return Err(ConfigError::at(&raw.address.span(), "an address is HOST:PORT"));
        }
        let prompt = parse_pattern(Some(&raw.prompt))?.ok_or_else(|| ConfigError::new("there is no prompt"))?;
        Ok(ScriptConfig {
            state: self.path(&raw.state),
            address: raw.address.into_inner(),
            prompt,
            line_end: raw.line_end,
            timeout: Duration::from_secs(raw.timeout_seconds.max(1)),
            begin: parse_commands(raw.begin)?,
            delete: parse_commands(raw.delete)?,
            release: parse_commands(raw.release)?,
            upsert: parse_commands(raw.upsert)?,
            end: parse_commands(raw.end)?,
        })
    }
}

/// Returns whether a URL is of this machine.
fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let address = host.parse::<IpAddr>();
    host == "localhost" || host.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Returns whether the template of a URL is `http://` and its host, which may be a value, is not this machine.
fn is_plain_remote(template: &str) -> bool {
    let Some(rest) = template.strip_prefix("http://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    !reqwest::Url::parse(&format!("http://{authority}")).is_ok_and(|url| is_loopback(&url))
}

/// Returns the escaping of a request body. A content type without a known syntax is treated as lines of text.
fn escape_of(content_type: &str) -> Escape {
    match content_type {
        kind if kind.contains("json") => Escape::Json,
        kind if kind.contains("xml") => Escape::Xml,
        kind if kind.contains("urlencoded") => Escape::Url,
        _ => Escape::Line,
    }
}

fn parse_statement(sql: &Spanned<String>, dialect: Dialect, parameters: &[&str]) -> Result<Statement, ConfigError> {
    let statement = Statement::parse(sql.get_ref(), dialect);
    match statement.paths.iter().find(|path| !parameters.contains(&path[0].as_str())) {
        Some(path) => {
            let message = format!("`:{}` is not among {}", path.join("."), parameters.join(", "));
            Err(ConfigError::at(&sql.span(), message))
        }
        None => Ok(statement),
    }
}

fn parse_template(source: &Spanned<String>, escape: Escape) -> Result<Template, ConfigError> {
    Template::parse(source.get_ref(), escape).map_err(|error| ConfigError::at(&source.span(), error))
}

fn parse_pattern(source: Option<&Spanned<String>>) -> Result<Option<Regex>, ConfigError> {
    let parse = |source: &Spanned<String>| {
        Regex::new(source.get_ref())
            .map_err(|_| ConfigError::at(&source.span(), "this is not a regular expression of the crate `regex`"))
    };
    source.map(parse).transpose()
}

fn parse_commands(raw: Vec<RawCommandLine>) -> Result<Vec<CommandLine>, ConfigError> {
    let command = |raw: RawCommandLine| {
        Ok(CommandLine {
            send: parse_template(&raw.send, Escape::Word)?,
            expect: parse_pattern(raw.expect.as_ref())?,
            deny: parse_pattern(raw.deny.as_ref())?,
        })
    };
    raw.into_iter().map(command).collect()
}
