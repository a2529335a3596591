//! HTTP to the outside: one way to make a client, for the agent and for web hooks.

use std::error::Error as _;
use std::time::Duration;

/// How long a connection may take to come about.
const CONNECTING: Duration = Duration::from_secs(10);

/// A builder of clients: TLS with rustls over ring and the system's certificate authorities, besides `authority` (PEM); no redirects,
/// since a body with secrets goes where it was meant to or nowhere.
///
/// # Errors
/// A sentence when `authority` holds no certificate.
pub fn client(authority: Option<&[u8]>) -> Result<reqwest::ClientBuilder, String> {
    install_tls();
    let mut builder = reqwest::Client::builder()
        .connect_timeout(CONNECTING)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("switchboard/", env!("CARGO_PKG_VERSION")));
    if let Some(pem) = authority {
        let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(|error| words(&error))?;
        if certificates.is_empty() {
            return Err("the file holds no certificate".to_owned());
        }
        builder = builder.tls_certs_merge(certificates);
    }
    Ok(builder)
}

/// Chooses ring for every TLS connection of the process; a second time does nothing.
pub fn install_tls() {
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// What went wrong, without the address: it may hold more than a log should.
pub fn words(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it takes too long".to_owned();
    }
    let mut cause = error.source();
    let mut last = None;
    while let Some(error) = cause {
        last = Some(error.to_string());
        cause = error.source();
    }
    last.unwrap_or_else(|| "the request could not be made".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failure_names_its_cause_and_no_address() {
        let client = client(None).unwrap().build().unwrap();
        let error = client.get("http://127.0.0.1:1/hidden?token=x").send().await.unwrap_err();
        let words = words(&error);
        assert!(words.contains("refused") && !words.contains("hidden"), "{words}");
        assert!(super::client(Some(b"nothing")).is_err());
    }
}
