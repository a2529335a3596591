//! The HTTP client for deliveries.

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::{Host, Url};

use super::destination::{Destinations, NOT_ALLOWED};
use super::model::{Failure, RetryAfter};
use super::signature::HEADER;
use platform::error::InternalError;
use platform::outgoing;

/// The number of hooks that one instance calls at the same time.
pub(super) const MAX_CONCURRENT: usize = 32;
/// The timeout of one request; shorter than the claim on a hook.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The timeout of the look-up of a name when a web hook is saved.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(2);
/// The number of bytes after which reading a response body stops.
const MAX_RESPONSE_BYTES: usize = 256 * 1024;

/// The HTTP clients and the concurrency limit of one instance.
pub struct WebhookClient {
    permits: Arc<Semaphore>,
    /// For https: public addresses and the allowed networks.
    https: Transport,
    /// For http: the allowed networks only.
    http: Transport,
}

struct Transport {
    client: reqwest::Client,
    destinations: Destinations,
}

impl Transport {
    fn new(destinations: Destinations) -> Result<Self, InternalError> {
        let client = outgoing::client_builder(None)
            .map_err(InternalError::new)?
            .dns_resolver(Arc::new(destinations.clone()))
            // A proxy would resolve the name by itself and bypass the check of the address.
            .no_proxy()
            .timeout(REQUEST_TIMEOUT)
            .build()
            .map_err(|error| InternalError::new(outgoing::describe(&error)))?;
        Ok(Self { client, destinations })
    }
}

impl WebhookClient {
    /// A client that may call public addresses and the networks in `allowed`.
    ///
    /// # Errors
    /// [`InternalError`] when TLS cannot be set up.
    pub fn new(allowed: &[IpNet]) -> Result<Self, InternalError> {
        Ok(Self {
            permits: Arc::new(Semaphore::new(MAX_CONCURRENT)),
            https: Transport::new(Destinations::public_and(allowed))?,
            http: Transport::new(Destinations::only(allowed))?,
        })
    }

    /// Checks whether deliveries may go to an address, as far as it can be known before the first one: a name that
    /// resolves to allowed addresses now can resolve to others later, which the delivery checks again.
    ///
    /// # Errors
    /// A sentence for the caller when no address of the host is allowed.
    pub(super) async fn check(&self, url: &Url) -> Result<(), &'static str> {
        let is_https = url.scheme() == "https";
        let destinations = if is_https { &self.https.destinations } else { &self.http.destinations };
        let is_allowed = match url.host() {
            Some(Host::Domain(name)) => {
                let found = tokio::time::timeout(RESOLVE_TIMEOUT, tokio::net::lookup_host((name, 0))).await;
                // A name that does not resolve yet may be set up later.
                found.ok().and_then(Result::ok).is_none_or(|found| {
                    let addresses: Vec<_> = found.collect();
                    addresses.is_empty() || addresses.iter().any(|address| destinations.allows(address.ip()))
                })
            }
            _ => destinations.allows_literal(url),
        };
        match (is_allowed, is_https) {
            (true, _) => Ok(()),
            (false, true) => Err("This address is in a private network that web hooks may not call. The server's \
                                  setting --web-hook-network allows one."),
            (false, false) => Err("With http:// web hooks call only the networks of the server's setting \
                                   --web-hook-network. Use https://, or have the network added there."),
        }
    }

    /// A permit for one delivery; `None` when [`MAX_CONCURRENT`] deliveries are running.
    pub(super) fn try_acquire(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.permits).try_acquire_owned().ok()
    }

    /// Posts a signed body and returns the body of a 2xx response.
    ///
    /// # Errors
    /// When the address is not allowed, the request failed, or the status is not 2xx.
    pub(super) async fn post(&self, url: &Url, signature: String, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let transport = if url.scheme() == "https" { &self.https } else { &self.http };
        if !transport.destinations.allows_literal(url) {
            return Err(NOT_ALLOWED.to_owned().into());
        }
        let request = transport
            .client
            .post(url.clone())
            .header("Content-Type", "application/json")
            .header(HEADER, signature)
            .body(body);
        let response = request.send().await.map_err(|error| outgoing::describe(&error))?;
        let status = response.status();
        if !status.is_success() {
            let header = response.headers().get("Retry-After").and_then(|value| value.to_str().ok());
            return Err(Failure {
                reason: format!("it answers {status}"),
                retry_after: header.and_then(RetryAfter::parse),
            });
        }
        read_body(response).await.map_err(|error| outgoing::describe(&error).into())
    }
}

async fn read_body(mut response: reqwest::Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_RESPONSE_BYTES {
            break;
        }
    }
    Ok(body)
}
