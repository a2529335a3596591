//! Outgoing HTTP: client settings shared by the agent and web hooks.

use std::error::Error as _;
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Returns a client builder: TLS by rustls with ring, the system's certificate authorities and those of `authority`
/// (PEM). Redirects are not followed, as a body may contain secrets.
///
/// # Errors
/// A sentence when `authority` contains no valid certificate.
pub fn client_builder(authority: Option<&[u8]>) -> Result<reqwest::ClientBuilder, String> {
    install_tls();
    let mut builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("switchboard/", env!("CARGO_PKG_VERSION")));
    if let Some(pem) = authority {
        let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(|error| describe(&error))?;
        if certificates.is_empty() {
            return Err("the file contains no certificate".to_owned());
        }
        builder = builder.tls_certs_merge(certificates);
    }
    Ok(builder)
}

/// Installs ring as the process's TLS provider. Further calls have no effect.
pub fn install_tls() {
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// Describes an error by its innermost cause, without the URL, which may contain secrets.
pub fn describe(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timeout".to_owned();
    }
    let Some(mut cause) = error.source() else { return "the request is invalid".to_owned() };
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn describes_the_cause_without_the_url() {
        let client = client_builder(None).unwrap().build().unwrap();
        let error = client.get("http://127.0.0.1:1/hidden?token=x").send().await.unwrap_err();
        let description = describe(&error);
        assert!(description.contains("refused") && !description.contains("hidden"), "{description}");
        assert!(client_builder(Some(b"nothing")).is_err());
    }
}
