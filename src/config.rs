//! Configuration from flags and `SWITCHBOARD_…` environment variables.
//!
//! Values that may contain a password are wrapped in [`Secret`] and parsed here, as clap's parse errors would quote
//! them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};
use ipnet::IpNet;

use platform::mail::{self, SmtpUrl};
use platform::secrets::Secret;
use platform::store::DatabaseUrl;

/// Variable with the sealing keys in base64url, newest first, separated by commas. There is no flag for it, as flags
/// are visible in process lists.
const SEALING_KEY_VARIABLE: &str = "SWITCHBOARD_SEALING_KEY";

/// Format of log lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum LogFormat {
    /// Human-readable text.
    Text,
    /// One JSON object per line.
    Json,
}

/// Settings of every command: data folder, database and logs.
#[derive(Args, Clone, Debug)]
pub struct Installation {
    /// The folder of the database, the sealing key and the mail files.
    #[arg(long, env = "SWITCHBOARD_DATA_DIR", value_name = "FOLDER", default_value = "./data", global = true)]
    pub data_dir: PathBuf,
    /// sqlite:FILE or postgres://…; default: the embedded database in the data folder.
    #[arg(long, env = "SWITCHBOARD_DATABASE_URL", value_name = "URL", hide_env_values = true, global = true)]
    pub database_url: Option<Secret>,
    /// The format of log lines.
    #[arg(long, env = "SWITCHBOARD_LOG_FORMAT", value_enum, default_value = "text", global = true)]
    pub log_format: LogFormat,
}

impl Installation {
    /// Returns the database URL; default: `switchboard.db` in the data folder.
    ///
    /// # Errors
    /// A sentence when the URL is malformed or its scheme is not supported.
    pub fn database(&self) -> Result<DatabaseUrl, String> {
        match non_empty(self.database_url.as_ref()) {
            Some(url) => url.expose().parse().map_err(|error| format!("--database-url: {error}")),
            None => Ok(DatabaseUrl::Sqlite(self.data_dir.join("switchboard.db"))),
        }
    }

    /// Returns the sealing keys of `SWITCHBOARD_SEALING_KEY`; if it is not set, they are in `sealing.key` in the data
    /// folder.
    pub fn sealing_key(&self) -> Option<Secret> {
        std::env::var(SEALING_KEY_VARIABLE).ok().map(Secret::new).filter(|key| !key.is_empty())
    }
}

/// Treats an empty variable, as in a compose file, as unset.
fn non_empty(text: Option<&Secret>) -> Option<&Secret> {
    text.filter(|text| !text.is_empty())
}

/// Settings of the server.
#[derive(Args, Clone, Debug)]
pub struct Serving {
    /// The address and port to listen on.
    #[arg(
        long,
        env = "SWITCHBOARD_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:8080",
        value_parser = parse_listen,
        global = true
    )]
    pub listen: SocketAddr,
    /// The URL of the web pages, used in links in mails.
    #[arg(long, env = "SWITCHBOARD_PUBLIC_URL", value_name = "URL", global = true)]
    pub public_url: Option<String>,
    /// The mail server: smtp://[user:password@]host[:port] or smtps://…; default: mail is written to files. Beyond this
    /// machine TLS is required; ?tls=none switches it off.
    #[arg(long, env = "SWITCHBOARD_SMTP_URL", value_name = "URL", hide_env_values = true, global = true)]
    pub smtp_url: Option<Secret>,
    /// The sender of mails, also with a name: “Phones <phones@example.org>”; default: switchboard@ and the host of the
    /// public URL.
    #[arg(long, env = "SWITCHBOARD_MAIL_FROM", value_name = "ADDRESS", global = true)]
    pub mail_from: Option<String>,
    /// Loads the demo event into an empty database.
    #[arg(long, env = "SWITCHBOARD_DEMO", value_parser = BoolishValueParser::new(), global = true)]
    pub demo: bool,
    /// An address or network whose X-Forwarded-For headers are trusted; repeatable.
    #[arg(
        long,
        env = "SWITCHBOARD_TRUSTED_PROXY",
        value_name = "CIDR",
        value_delimiter = ',',
        value_parser = parse_network,
        global = true
    )]
    pub trusted_proxy: Vec<IpNet>,
    /// A private address or network that web hooks may call, also over plain HTTP; repeatable.
    #[arg(
        long,
        env = "SWITCHBOARD_WEB_HOOK_NETWORK",
        value_name = "CIDR",
        value_delimiter = ',',
        value_parser = parse_network,
        global = true
    )]
    pub web_hook_network: Vec<IpNet>,
    /// Permits browsers over plain HTTP from other hosts: passwords and cookies are then sent in clear text.
    #[arg(long, env = "SWITCHBOARD_PLAIN_HTTP_LAN", value_parser = BoolishValueParser::new(), global = true)]
    pub plain_http_lan: bool,
}

/// Parses an address and a port; `localhost` is 127.0.0.1.
fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let local = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
    local.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))).or_else(|| text.parse().ok()).ok_or_else(|| {
        "an IP address and a port are required, such as 127.0.0.1:8080, 0.0.0.0:8080 (all IPv4 addresses) or [::1]:8080"
            .to_owned()
    })
}

/// Parses `10.0.0.0/8` or a single address.
fn parse_network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let single = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| single()).map_err(|_| "an address or a network is required, such as 10.0.0.0/8".to_owned())
}

impl Serving {
    /// Returns the URL of the web pages without a trailing slash.
    pub fn public_url(&self) -> String {
        self.public_url_at(self.listen)
    }

    /// Returns the URL of the web pages of a server that listens on this address, for a port that the system chose.
    pub fn public_url_at(&self, address: SocketAddr) -> String {
        match self.configured_public_url() {
            Some(url) => url.trim_end_matches('/').to_owned(),
            // Not an address that a browser can open.
            None if address.ip().is_unspecified() => format!("http://localhost:{}", address.port()),
            None => format!("http://{address}"),
        }
    }

    /// Returns what will not work with these settings: one sentence each, for the log.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let is_remote = !self.listen.ip().to_canonical().is_loopback();
        if is_remote && self.configured_public_url().is_none() {
            warnings.push(format!(
                "no --public-url: links in mails begin with {}, which other machines may not reach",
                self.public_url()
            ));
        }
        let has_https = self.configured_public_url().is_some_and(|url| url.starts_with("https:"));
        if is_remote && !has_https && !self.plain_http_lan {
            warnings.push(
                "browsers on other machines cannot sign in by http://, as they drop the session's cookie: put a proxy \
                 with HTTPS in front and set --public-url https://…, or use --plain-http-lan on a trusted network"
                    .to_owned(),
            );
        }
        warnings
    }

    fn configured_public_url(&self) -> Option<&str> {
        self.public_url.as_deref().filter(|url| !url.is_empty())
    }

    /// Returns the mail server; `None` when mail is written to files.
    ///
    /// # Errors
    /// A sentence that does not quote the URL, which may contain a password.
    pub fn mail_server(&self) -> Result<Option<SmtpUrl>, String> {
        let url = non_empty(self.smtp_url.as_ref()).map(|url| url.expose().parse());
        url.transpose().map_err(|error: mail::SmtpUrlError| format!("--smtp-url: {error}"))
    }

    /// Returns the sender's address.
    pub fn mail_from(&self) -> String {
        if let Some(address) = self.mail_from.as_deref().filter(|address| !address.is_empty()) {
            return address.to_owned();
        }
        let url = url::Url::parse(&self.public_url());
        let address = url.as_ref().ok().and_then(url::Url::domain).map(|domain| format!("switchboard@{domain}"));
        address.filter(|address| mail::is_address(address)).unwrap_or_else(|| "switchboard@localhost".to_owned())
    }

    /// Checks that the settings are valid and safe in combination.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn check(&self) -> Result<(), String> {
        if self.demo && !self.listen.ip().to_canonical().is_loopback() {
            return Err(format!(
                "--demo has well-known passwords and therefore requires a loopback address, not {}",
                self.listen
            ));
        }
        if let Some(url) = self.configured_public_url() {
            let is_local =
                check_public_url(url, self.plain_http_lan).map_err(|error| format!("--public-url: {error}"))?;
            if self.demo && !is_local {
                return Err("--demo has well-known passwords and cannot be used with a --public-url of other machines"
                    .to_owned());
            }
        }
        if !mail::is_sender(&self.mail_from()) {
            return Err("--mail-from: an address is required, such as switchboard@example.org or \
                        “Switchboard <switchboard@example.org>”"
                .to_owned());
        }
        self.mail_server().map(drop)
    }
}

/// Checks the public URL; returns whether it is on this machine. Plain HTTP requires a loopback host or
/// `--plain-http-lan`.
fn check_public_url(text: &str, plain_http_lan: bool) -> Result<bool, &'static str> {
    let url = url::Url::parse(text).map_err(|_| "a URL is required, such as https://numbers.example.org")?;
    let host = url.host().ok_or("the URL has no host")?;
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err("the URL must not have credentials, a query or a fragment");
    }
    if !matches!(url.path(), "" | "/") {
        return Err("the URL must not have a path: the pages are at the root of their host");
    }
    let is_loopback = match &host {
        url::Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
    };
    match url.scheme() {
        "https" => Ok(is_loopback),
        "http" if is_loopback || plain_http_lan => Ok(is_loopback),
        "http" => {
            Err("plain http:// sends passwords in clear text; use https://, or --plain-http-lan on a trusted network")
        }
        _ => Err("the URL must begin with https:// or http://"),
    }
}

/// Creates the data folder with access for its owner only. An existing one must not be writable by others.
///
/// # Errors
/// A sentence with the path when the folder cannot be created or others can write to it.
pub fn create_data_dir(folder: &Path) -> Result<(), String> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| format!("--data-dir: the folder {} cannot be created: {error}", folder.display()))?;
    check_folder_mode("data folder", folder)
}

/// Checks that others cannot put files into a folder. A missing folder is created with a safe mode later.
///
/// # Errors
/// A sentence with the path and the remedy.
pub fn check_folder_mode(name: &str, folder: &Path) -> Result<(), String> {
    let Ok(metadata) = std::fs::metadata(folder) else { return Ok(()) };
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o022 == 0 {
        return Ok(());
    }
    let folder = folder.display();
    Err(format!("others can write to the {name} {folder} (mode {mode:04o}); prevent it with: chmod go-w {folder}"))
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
