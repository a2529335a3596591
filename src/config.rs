//! Configuration: small typed sections from flags and `SWITCHBOARD_…` variables.
//!
//! Texts that may hold a password arrive wrapped and are parsed here, since the command line's own errors would
//! quote them.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};
use ipnet::IpNet;

use platform::mail::{self, SmtpUrl};
use platform::secrets::Secret;
use platform::store::{DatabaseUrl, DatabaseUrlError};

/// The variable with the sealing keys in base64url, newest first, separated by commas. It is no flag: flags show in
/// process lists.
const SEALING_KEY_VARIABLE: &str = "SWITCHBOARD_SEALING_KEY";

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
    #[arg(long, env = "SWITCHBOARD_DATA_DIR", value_name = "FOLDER", default_value = "./data", global = true)]
    pub data_dir: PathBuf,
    /// sqlite:FILE or postgres://…; the embedded database in the data folder where it is left out.
    #[arg(long, env = "SWITCHBOARD_DATABASE_URL", value_name = "URL", hide_env_values = true, global = true)]
    pub database_url: Option<Secret>,
    /// How log lines are written.
    #[arg(long, env = "SWITCHBOARD_LOG_FORMAT", value_enum, default_value = "text", global = true)]
    pub log_format: LogFormat,
}

impl Installation {
    /// The database's URL, with the default of the data folder.
    ///
    /// # Errors
    /// When the URL names no database that is known.
    pub fn database(&self) -> Result<DatabaseUrl, DatabaseUrlError> {
        match given(self.database_url.as_ref()) {
            Some(url) => url.expose().parse(),
            None => Ok(DatabaseUrl::Sqlite(self.data_dir.join("switchboard.db"))),
        }
    }

    /// The sealing keys of `SWITCHBOARD_SEALING_KEY`; the file `sealing.key` of the data folder holds them where it is
    /// not set.
    pub fn sealing_key(&self) -> Option<Secret> {
        std::env::var(SEALING_KEY_VARIABLE).ok().map(Secret::new).filter(|key| !key.is_empty())
    }
}

/// A variable that is set to nothing, as in a compose file, is one that is not set.
fn given(text: Option<&Secret>) -> Option<&Secret> {
    text.filter(|text| !text.is_empty())
}

/// How the server is reached and what it does.
#[derive(Args, Clone, Debug)]
pub struct Serving {
    /// The address and port to listen on.
    #[arg(
        long,
        env = "SWITCHBOARD_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:8080",
        global = true
    )]
    pub listen: SocketAddr,
    /// The address by which people reach it: links in mails begin with it.
    #[arg(long, env = "SWITCHBOARD_PUBLIC_URL", value_name = "URL", global = true)]
    pub public_url: Option<String>,
    /// The mail server: smtp://[user:password@]host[:port] or smtps://…; mails are written as files where it is left out.
    #[arg(long, env = "SWITCHBOARD_SMTP_URL", value_name = "URL", hide_env_values = true, global = true)]
    pub smtp_url: Option<Secret>,
    /// The sender of mails; switchboard@ and the host of the public URL where it is left out.
    #[arg(long, env = "SWITCHBOARD_MAIL_FROM", value_name = "ADDRESS", global = true)]
    pub mail_from: Option<String>,
    /// Fills an empty database with the demo event.
    #[arg(long, env = "SWITCHBOARD_DEMO", value_parser = BoolishValueParser::new(), global = true)]
    pub demo: bool,
    /// An address or network whose X-Forwarded-For headers are believed; may be given more than once.
    #[arg(long, env = "SWITCHBOARD_TRUSTED_PROXY", value_name = "CIDR", value_delimiter = ',', value_parser = network, global = true)]
    pub trusted_proxy: Vec<IpNet>,
    /// An address or network that web hooks may call though it is not public, over plain HTTP too; may be given more than once.
    #[arg(long, env = "SWITCHBOARD_WEB_HOOK_NETWORK", value_name = "CIDR", value_delimiter = ',', value_parser = network, global = true)]
    pub web_hook_network: Vec<IpNet>,
    /// Serves browsers over plain HTTP beyond this machine: passwords and cookies can then be read on the way.
    #[arg(long, env = "SWITCHBOARD_PLAIN_HTTP_LAN", value_parser = BoolishValueParser::new(), global = true)]
    pub plain_http_lan: bool,
}

/// Reads `10.0.0.0/8`, or a single address.
fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let single = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| single()).map_err(|_| "it is an address or a network, such as 10.0.0.0/8".to_owned())
}

impl Serving {
    /// The address for links, without a slash at its end.
    pub fn public_url(&self) -> String {
        let given = self.given_public_url().map_or_else(|| format!("http://{}", self.listen), str::to_owned);
        given.trim_end_matches('/').to_owned()
    }

    fn given_public_url(&self) -> Option<&str> {
        self.public_url.as_deref().filter(|url| !url.is_empty())
    }

    /// The mail server; None where mails are written as files.
    ///
    /// # Errors
    /// A sentence that does not quote the URL, which may hold a password.
    pub fn mail_server(&self) -> Result<Option<SmtpUrl>, String> {
        let url = given(self.smtp_url.as_ref()).map(|url| url.expose().parse());
        url.transpose().map_err(|error: mail::SmtpUrlError| format!("--smtp-url: {error}"))
    }

    /// The sender of mails.
    pub fn mail_from(&self) -> String {
        if let Some(address) = self.mail_from.as_deref().filter(|address| !address.is_empty()) {
            return address.to_owned();
        }
        let url = url::Url::parse(&self.public_url());
        let address = url.as_ref().ok().and_then(url::Url::domain).map(|domain| format!("switchboard@{domain}"));
        address.filter(|address| mail::is_address(address)).unwrap_or_else(|| "switchboard@localhost".to_owned())
    }

    /// Refuses what is not safe together.
    ///
    /// # Errors
    /// A sentence for whoever starts the program.
    pub fn check(&self) -> Result<(), String> {
        if self.demo && !self.listen.ip().to_canonical().is_loopback() {
            return Err(format!(
                "--demo has well-known passwords and listens on this machine only, not on {}",
                self.listen
            ));
        }
        if let Some(url) = self.given_public_url() {
            check_public_url(url, self.plain_http_lan).map_err(|error| format!("--public-url: {error}"))?;
        }
        if !mail::is_address(&self.mail_from()) {
            return Err("--mail-from: it is an address, such as switchboard@example.org".to_owned());
        }
        self.mail_server().map(drop)
    }
}

/// Plain HTTP beyond this machine is for those who say so by `--plain-http-lan`.
fn check_public_url(text: &str, plain_http_lan: bool) -> Result<(), &'static str> {
    let url = url::Url::parse(text).map_err(|_| "it is a URL, such as https://numbers.example.org")?;
    let host = url.host().ok_or("it names no host")?;
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err("it has no login, no query and no fragment");
    }
    let is_here = match &host {
        url::Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_here || plain_http_lan => Ok(()),
        "http" => Err(
            "over plain http:// everybody on the way reads passwords; use https://, or --plain-http-lan on a network that you trust",
        ),
        _ => Err("it begins with https:// or http://"),
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
#[path = "config_tests.rs"]
mod tests;
