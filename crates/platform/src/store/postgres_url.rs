//! PostgreSQL URLs and their connections: the parameters of libpq for TLS, and TLS by rustls.
//!
//! `sslmode` has the meaning of libpq (PostgreSQL documentation, section “SSL Support”): `disable`; `allow` and
//! `prefer` (the default) use TLS if the server offers it; `require` demands TLS; `verify-ca` and `verify-full` also
//! check the server's certificate, and `verify-full` its name. `sslrootcert` names a PEM file of trusted certificates,
//! or is `system`. Without it the system's certificate authorities are trusted.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Time limit of a connection's establishment, including TLS and authentication.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The established connection, which a task has to drive.
pub type PostgresConnection = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// Failure to parse the URL or to connect. The message names the cause and contains no password.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct PostgresError(String);

impl PostgresError {
    /// The error of a URL that is none.
    pub(super) fn malformed() -> Self {
        Self("the PostgreSQL URL is malformed; its form is postgres://user:password@host:port/database".to_owned())
    }
}

/// What is checked of the server's certificate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verification {
    /// Nothing: the connection is encrypted, but its other end can be anyone.
    Nothing,
    /// A trusted authority has signed it.
    Authority,
    /// A trusted authority has signed it, and it is for the host of the URL.
    AuthorityAndName,
}

/// The TLS parameters of a URL.
#[derive(Clone, PartialEq, Eq, Debug)]
struct TlsParameters {
    mode: SslMode,
    verification: Verification,
    /// A PEM file; `None` for the system's certificate authorities.
    authorities: Option<String>,
}

/// A PostgreSQL server and database, with everything that a connection needs.
#[derive(Clone)]
pub struct PostgresUrl {
    config: Config,
    tls: MakeRustlsConnect,
}

impl PostgresUrl {
    /// Parses `postgres://…` or `postgresql://…` and reads the trusted certificates.
    ///
    /// # Errors
    /// When the URL is malformed, a parameter is unknown, or the certificates cannot be read.
    pub fn parse(url: &str) -> Result<Self, PostgresError> {
        let (mut config, parameters) = parse(url)?;
        // Host names and certificates have no meaning for a socket of this machine; libpq ignores `sslmode` there too.
        let is_unix = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        config.ssl_mode(if is_unix { SslMode::Disable } else { parameters.mode });
        if config.get_application_name().is_none() {
            config.application_name("switchboard");
        }
        Ok(Self { config, tls: MakeRustlsConnect::new(client_config(&parameters)?) })
    }

    /// Checks the form of a URL, without reading files.
    ///
    /// # Errors
    /// When the URL is malformed or a parameter is unknown.
    pub fn check(url: &str) -> Result<(), PostgresError> {
        parse(url).map(drop)
    }

    /// The connector with the TLS settings of this URL.
    pub fn tls(&self) -> MakeRustlsConnect {
        self.tls.clone()
    }

    /// Connects. The caller drives the returned connection.
    ///
    /// # Errors
    /// When the server cannot be reached, refuses the connection, or TLS fails; the message says which.
    pub async fn connect(&self) -> Result<(Client, PostgresConnection), PostgresError> {
        match tokio::time::timeout(CONNECT_TIMEOUT, self.config.connect(self.tls.clone())).await {
            Ok(result) => result.map_err(|error| self.describe(&error)),
            Err(_) => Err(PostgresError(format!(
                "PostgreSQL at {} does not answer within {} seconds",
                self.hosts(),
                CONNECT_TIMEOUT.as_secs()
            ))),
        }
    }

    fn describe(&self, error: &tokio_postgres::Error) -> PostgresError {
        let hosts = self.hosts();
        if let Some(refusal) = error.as_db_error() {
            return PostgresError(format!("PostgreSQL at {hosts} refused the connection: {}", refusal.message()));
        }
        let mut cause: &dyn std::error::Error = error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        // The kind of tokio-postgres's errors is only in their text.
        let text = error.to_string();
        PostgresError(if text.starts_with("error performing TLS handshake") {
            format!("TLS with PostgreSQL at {hosts} failed (sslmode in the URL): {cause}")
        } else if text.starts_with("error connecting to server") {
            format!("PostgreSQL at {hosts} cannot be reached: {cause}")
        } else {
            format!("the connection to PostgreSQL at {hosts} failed: {cause}")
        })
    }

    fn hosts(&self) -> String {
        let ports = self.config.get_ports();
        let hosts = self.config.get_hosts().iter().enumerate().map(|(index, host)| match host {
            Host::Unix(path) => path.display().to_string(),
            Host::Tcp(name) => {
                let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
                if name.parse().is_ok_and(|address: IpAddr| address.is_ipv6()) {
                    format!("[{name}]:{port}")
                } else {
                    format!("{name}:{port}")
                }
            }
        });
        hosts.collect::<Vec<_>>().join(", ")
    }
}

/// Parses the URL without the TLS parameters, which tokio-postgres knows only in part.
pub(super) fn parse_config(url: &str) -> Option<Config> {
    parse(url).ok().map(|(config, _)| config)
}

fn parse(url: &str) -> Result<(Config, TlsParameters), PostgresError> {
    // As in tokio-postgres, the credentials end at the first `@` and can contain a `?`.
    let credentials_end = url.find('@').unwrap_or(0);
    let query_start = url[credentials_end..].find('?').map(|at| credentials_end + at);
    let (base, query) = match query_start {
        Some(at) => (&url[..at], &url[at + 1..]),
        None => (url, ""),
    };
    let (mut mode, mut root_certificates) = (None, None);
    let mut others = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
        match name {
            "sslmode" => mode = Some(value),
            "sslrootcert" => root_certificates = Some(value).filter(|file| !file.is_empty()),
            _ => others.push(pair),
        }
    }
    let without_parameters = base.parse::<Config>().map_err(|_| PostgresError::malformed())?;
    let config = match others.as_slice() {
        [] => without_parameters,
        others => format!("{base}?{}", others.join("&")).parse().map_err(|_| {
            PostgresError(
                "the PostgreSQL URL has a parameter that is unknown or has an invalid value; TLS has the parameters \
                 sslmode and sslrootcert"
                    .into(),
            )
        })?,
    };
    Ok((config, tls_parameters(mode.as_deref(), root_certificates)?))
}

fn tls_parameters(mode: Option<&str>, root_certificates: Option<String>) -> Result<TlsParameters, PostgresError> {
    let uses_system = root_certificates.as_deref() == Some("system");
    // libpq: a file of certificates makes `require` verify them, and the system's authorities sign for everyone.
    let with_file = if root_certificates.is_some() { Verification::Authority } else { Verification::Nothing };
    let (mode, verification) = match mode {
        None | Some("prefer" | "allow") if !uses_system => (SslMode::Prefer, with_file),
        Some("require") if !uses_system => (SslMode::Require, with_file),
        Some("disable") => (SslMode::Disable, Verification::Nothing),
        Some("verify-ca") if !uses_system => (SslMode::Require, Verification::Authority),
        None | Some("verify-full") => (SslMode::Require, Verification::AuthorityAndName),
        Some("prefer" | "allow" | "require" | "verify-ca") => {
            return Err(PostgresError("sslrootcert=system requires sslmode=verify-full".into()));
        }
        Some(_) => {
            return Err(PostgresError(
                "sslmode is one of disable, allow, prefer, require, verify-ca and verify-full".into(),
            ));
        }
    };
    Ok(TlsParameters { mode, verification, authorities: root_certificates.filter(|_| !uses_system) })
}

fn client_config(parameters: &TlsParameters) -> Result<rustls::ClientConfig, PostgresError> {
    let certificates = match (parameters.verification, &parameters.authorities) {
        (Verification::Nothing, _) => Vec::new(),
        (_, Some(file)) => read_certificates(file)?,
        (_, None) => rustls_native_certs::load_native_certs().certs,
    };
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates.iter().cloned());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier {
        verification: parameters.verification,
        roots,
        pinned: if parameters.authorities.is_some() { certificates } else { Vec::new() },
        provider: Arc::clone(&provider),
    };
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| PostgresError(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(config)
}

fn read_certificates(file: &str) -> Result<Vec<CertificateDer<'static>>, PostgresError> {
    let unreadable = |error: &dyn std::fmt::Display| PostgresError(format!("sslrootcert={file}: {error}"));
    let pem = std::fs::read(file).map_err(|error| unreadable(&error))?;
    let certificates: Vec<_> =
        CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(|error| unreadable(&error))?;
    if certificates.is_empty() { Err(unreadable(&"the file contains no certificate")) } else { Ok(certificates) }
}

/// Verifies the server's certificate as far as `sslmode` demands.
#[derive(Debug)]
struct Verifier {
    verification: Verification,
    roots: RootCertStore,
    /// Certificates of `sslrootcert`. A self-signed one of the server itself is trusted, as by libpq.
    pinned: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.verification != Verification::Nothing {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            if !self.pinned.contains(end_entity) {
                let algorithms = self.provider.signature_verification_algorithms.all;
                verify_server_cert_signed_by_trust_anchor(&certificate, &self.roots, intermediates, now, algorithms)?;
            }
            if self.verification == Verification::AuthorityAndName {
                verify_server_name(&certificate, server_name)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(url: &str) -> Result<(SslMode, Verification, Option<String>), String> {
        let (_, tls) = parse(url).map_err(|error| error.to_string())?;
        Ok((tls.mode, tls.verification, tls.authorities))
    }

    #[test]
    fn has_the_ssl_modes_of_libpq() {
        use Verification::{Authority, AuthorityAndName, Nothing};
        for (query, mode, verification) in [
            ("", SslMode::Prefer, Nothing),
            ("?sslmode=disable", SslMode::Disable, Nothing),
            ("?sslmode=allow", SslMode::Prefer, Nothing),
            ("?sslmode=prefer&connect_timeout=3", SslMode::Prefer, Nothing),
            ("?application_name=x&sslmode=require", SslMode::Require, Nothing),
            ("?sslmode=require&sslrootcert=a.pem", SslMode::Require, Authority),
            ("?sslmode=verify-ca", SslMode::Require, Authority),
            ("?sslmode=verify-full", SslMode::Require, AuthorityAndName),
            ("?sslrootcert=system", SslMode::Require, AuthorityAndName),
        ] {
            let parsed = tls(&format!("postgres://u:p@h/d{query}")).unwrap();
            assert_eq!((parsed.0, parsed.1), (mode, verification), "{query}");
        }
        let file = tls("postgres://u:p@h/d?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem").unwrap().2;
        assert_eq!(file.as_deref(), Some("/etc/ca.pem"));
        for query in ["sslmode=", "sslmode=verify", "sslmode=require&sslrootcert=system", "sslcrl=x", "port=x"] {
            let error = tls(&format!("postgres://u:hunter22@h/d?{query}")).unwrap_err();
            assert!(error.contains("sslmode") && !error.contains("hunter22"), "{query}: {error}");
        }
    }

    #[test]
    fn a_password_may_contain_a_question_mark() {
        let (config, tls) = parse("postgres://u:a?sslmode=x@h/d?sslmode=require").unwrap();
        assert_eq!((config.get_password(), tls.mode), (Some(&b"a?sslmode=x"[..]), SslMode::Require));
        assert!(PostgresUrl::parse("postgres://u@h/d?sslmode=verify-ca&sslrootcert=/nowhere.pem").is_err());
    }

    #[tokio::test]
    async fn names_the_cause_and_the_server_of_a_failure() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let url = PostgresUrl::parse(&format!("postgres://u:hunter22@127.0.0.1:{port}/d")).unwrap();
        let error = url.connect().await.err().unwrap().to_string();
        assert!(error.starts_with(&format!("PostgreSQL at 127.0.0.1:{port} cannot be reached: ")), "{error}");
        assert!(error.contains("refused") && !error.contains("hunter22"), "{error}");
    }
}
