//! The settings as deserialized from TOML, before validation.

use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConfig {
    pub feed: RawFeed,
    #[serde(default)]
    pub guard: RawGuard,
    pub sql: Option<RawSql>,
    pub file: Option<RawFile>,
    pub http: Option<RawHttp>,
    pub script: Option<RawScript>,
    pub gone: Option<RawRequest>,
    #[serde(default = "seconds_600")]
    pub retry_seconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawFeed {
    pub url: Spanned<String>,
    pub event: Spanned<String>,
    pub service_type: Spanned<String>,
    pub consumer: String,
    pub key_file: Option<Spanned<String>>,
    #[serde(default)]
    pub plain_http: bool,
    pub authority_file: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawGuard {
    pub percent: usize,
    pub floor: usize,
}

impl Default for RawGuard {
    fn default() -> Self {
        Self { percent: 20, floor: 10 }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawSql {
    pub database: Option<Spanned<String>>,
    pub database_file: Option<Spanned<String>>,
    pub delete: Vec<Spanned<String>>,
    pub upsert: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawFile {
    pub state: String,
    pub path: String,
    #[serde(default = "mode_600")]
    pub mode: Spanned<String>,
    pub template: Option<Spanned<String>>,
    pub template_file: Option<Spanned<String>>,
    pub escape: Option<Spanned<String>>,
    #[serde(default)]
    pub reload: Vec<String>,
    #[serde(default = "seconds_30")]
    pub reload_timeout_seconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawHttp {
    pub state: String,
    pub put: RawRequest,
    pub delete: RawRequest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRequest {
    pub method: Option<Spanned<String>>,
    pub url: Spanned<String>,
    pub body: Option<Spanned<String>>,
    #[serde(default = "content_type_json")]
    pub content_type: String,
    pub authorization_file: Option<Spanned<String>>,
    #[serde(default = "seconds_10")]
    pub timeout_seconds: u64,
    pub expect: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawScript {
    pub state: String,
    pub address: Spanned<String>,
    pub prompt: Spanned<String>,
    #[serde(default = "line_feed")]
    pub line_end: String,
    #[serde(default = "seconds_10")]
    pub timeout_seconds: u64,
    #[serde(default)]
    pub begin: Vec<RawCommandLine>,
    pub delete: Vec<RawCommandLine>,
    #[serde(default)]
    pub release: Vec<RawCommandLine>,
    pub upsert: Vec<RawCommandLine>,
    #[serde(default)]
    pub end: Vec<RawCommandLine>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCommandLine {
    pub send: Spanned<String>,
    pub expect: Option<Spanned<String>>,
    pub deny: Option<Spanned<String>>,
}

fn line_feed() -> String {
    "\n".to_owned()
}

fn mode_600() -> Spanned<String> {
    Spanned::new(0..0, "600".to_owned())
}

const fn seconds_600() -> u64 {
    600
}

const fn seconds_10() -> u64 {
    10
}

const fn seconds_30() -> u64 {
    30
}

fn content_type_json() -> String {
    "application/json".to_owned()
}
