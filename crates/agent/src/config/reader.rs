//! From the file's words to what the agent works with.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use regex::Regex;
use toml::Spanned;

use super::raw::{RawFeed, RawFile, RawHttp, RawLine, RawRequest, RawScript, RawSql};
use super::{Content, Feed, FileDriver, Http, Line, Request, Script, Sql};
use crate::database::{Dialect, Statement};
use crate::template::{Escape, Template};
use platform::secrets::Secret;

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

/// What is wrong, and from which byte on.
pub struct Wrong {
    pub at: Option<usize>,
    pub what: String,
}

impl Wrong {
    pub fn here(what: &str) -> Self {
        Self { at: None, what: what.to_owned() }
    }

    fn at(span: &Range<usize>, what: impl Into<String>) -> Self {
        Self { at: Some(span.start), what: what.into() }
    }
}

/// The line of a byte, from 1.
pub fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

/// Reads what is in the folder of the settings.
pub struct Reader<'f> {
    pub folder: &'f Path,
}

impl Reader<'_> {
    fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// A command, its program found as every path of the file: one that is only a name is looked for in `PATH`.
    fn command(&self, mut words: Vec<String>) -> Vec<String> {
        if let Some(program) = words.first_mut().filter(|program| program.contains('/')) {
            *program = self.path(program).to_string_lossy().into_owned();
        }
        words
    }

    fn content(&self, path: &Spanned<String>) -> Result<String, Wrong> {
        let file = self.path(path.get_ref());
        std::fs::read_to_string(&file)
            .map_err(|error| Wrong::at(&path.span(), format!("{} cannot be read: {error}", file.display())))
    }

    fn secret(&self, path: &Spanned<String>) -> Result<Secret, Wrong> {
        Ok(Secret::new(self.content(path)?.trim()))
    }

    pub fn feed(&self, raw: RawFeed, key: Option<Secret>) -> Result<Feed, Wrong> {
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

    pub fn sql(&self, raw: RawSql) -> Result<Sql, Wrong> {
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

    pub fn file(&self, raw: RawFile) -> Result<FileDriver, Wrong> {
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
            reload: self.command(raw.reload),
            reload_timeout: Duration::from_secs(raw.reload_timeout_seconds.max(1)),
        })
    }

    pub fn http(&self, raw: RawHttp) -> Result<Http, Wrong> {
        Ok(Http {
            state: self.path(&raw.state),
            put: self.request(raw.put, reqwest::Method::PUT)?,
            delete: self.request(raw.delete, reqwest::Method::DELETE)?,
        })
    }

    pub fn request(&self, raw: RawRequest, method: reqwest::Method) -> Result<Request, Wrong> {
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

    pub fn script(&self, raw: RawScript) -> Result<Script, Wrong> {
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
