//! The destinations that web hooks may call: public addresses, and the networks that `--web-hook-network` allows.
//!
//! Without this check an admin could make the server send requests to internal services (server-side request forgery):
//! a database, a cloud's metadata service, an administration page. The check applies to the IP address of the
//! connection, not to the host name, because a name can resolve to another address at the second look-up (DNS
//! rebinding).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// The longest URL, in characters.
const MAX_URL: usize = 2000;

/// Checks the form of a web hook's URL.
///
/// # Errors
/// A sentence for the caller: no URL, too long, a scheme other than http and https, no host, credentials, or a
/// fragment.
pub fn validate_url(text: &str) -> Result<(), &'static str> {
    let url = Url::parse(text).map_err(|_| "This is not an address.")?;
    if text.len() > MAX_URL {
        return Err("This address is too long.");
    }
    if !matches!(url.scheme(), "https" | "http") {
        return Err("An address begins with https://, or, within a network of your own, with http://.");
    }
    if url.host().is_none() {
        return Err("This address has no host.");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("An address must not contain credentials: the signature authenticates deliveries.");
    }
    if url.fragment().is_some() {
        return Err("An address must not contain a fragment (`#…`).");
    }
    Ok(())
}

/// A set of networks that may be called.
#[derive(Clone, Debug)]
pub struct Destinations {
    networks: Arc<[IpNet]>,
    /// Whether every public address may be called too.
    public: bool,
}

impl Destinations {
    /// Public addresses and these networks.
    pub fn public_and(networks: &[IpNet]) -> Self {
        Self { networks: networks.into(), public: true }
    }

    /// These networks only.
    pub fn only(networks: &[IpNet]) -> Self {
        Self { networks: networks.into(), public: false }
    }

    /// Whether this address may be called.
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        (self.public && is_public(address)) || self.networks.iter().any(|network| network.contains(&address))
    }

    /// Whether the host of a URL may be called when it is an IP address, for which no resolver runs. A host name is
    /// checked when it is resolved.
    pub fn allows_literal(&self, url: &Url) -> bool {
        match url.host() {
            Some(Host::Ipv4(address)) => self.allows(address.into()),
            Some(Host::Ipv6(address)) => self.allows(address.into()),
            Some(Host::Domain(_)) => true,
            None => false,
        }
    }
}

impl Resolve for Destinations {
    fn resolve(&self, name: Name) -> Resolving {
        let destinations = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| destinations.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err(io::Error::other(NOT_ALLOWED).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// The failure reason for an address that is not allowed.
pub const NOT_ALLOWED: &str = "the address is in no network that web hooks may call (--web-hook-network)";

/// Whether an address is globally reachable (the special-purpose address registries of IANA, RFC 6890 and its updates).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // An IPv6 address that embeds an IPv4 address is as public as that one: NAT64 (RFC 6052) and 6to4 (RFC 3056).
    let octets = address.octets();
    let embedded = |at: usize| Ipv4Addr::new(octets[at], octets[at + 1], octets[at + 2], octets[at + 3]);
    if address.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        return is_public_v4(embedded(12));
    }
    if first == 0x2002 {
        return is_public_v4(embedded(2));
    }
    // Global unicast without its reserved parts: 2001::/23 (which includes Teredo) and documentation prefixes.
    (0x2000..0x4000).contains(&first)
        && !(first == 0x2001 && (second < 0x0200 || second == 0x0db8))
        && !(first == 0x3fff && second < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_and_allowed_networks_are_called() {
        let destinations = Destinations::public_and(&["10.42.0.0/16".parse().unwrap(), "fd42::/32".parse().unwrap()]);
        let allowed = ["1.1.1.1", "10.42.3.4", "::ffff:10.42.3.4", "fd42::1", "2606:4700::1111", "64:ff9b::1.1.1.1"];
        for address in allowed {
            assert!(destinations.allows(address.parse().unwrap()), "{address}");
        }
        let refused = [
            "127.0.0.1",
            "10.43.0.1",
            "192.168.0.1",
            "172.16.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.2.1",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "64:ff9b::127.0.0.1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
        ];
        for address in refused {
            assert!(!destinations.allows(address.parse().unwrap()), "{address}");
        }
        let only = Destinations::only(&["10.42.0.0/16".parse().unwrap()]);
        assert!(only.allows("10.42.0.1".parse().unwrap()) && !only.allows("1.1.1.1".parse().unwrap()));
    }

    #[test]
    fn malformed_urls_are_refused() {
        for good in ["https://pbx.example/hook?x=1", "http://10.1.2.3:8080/", "https://[2001:db8::1]/"] {
            assert_eq!(validate_url(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "pbx.example",
            "ftp://x.example/",
            "file:///etc/passwd",
            "https://u:p@x.example/",
            "https://x/#a",
            "http://",
        ] {
            assert!(validate_url(bad).is_err(), "{bad}");
        }
        assert!(validate_url(&format!("https://x.example/{}", "a".repeat(2000))).is_err());
        // Other notations of an IP address are normalised before the check.
        let hidden = Url::parse("http://0x7f.1/").unwrap();
        assert!(!Destinations::public_and(&[]).allows_literal(&hidden), "{hidden}");
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_an_internal_address_is_refused() {
        let resolve =
            |destinations: Destinations| async move { destinations.resolve("localhost".parse().unwrap()).await };
        let refused = resolve(Destinations::public_and(&[])).await.err().unwrap();
        assert_eq!(refused.to_string(), NOT_ALLOWED);
        let loopback = Destinations::only(&["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
        assert!(resolve(loopback).await.unwrap().all(|address| address.ip().is_loopback()));
    }
}
