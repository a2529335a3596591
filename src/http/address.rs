//! The address of the client behind proxies, and whether the client is on this machine.

use std::net::{IpAddr, SocketAddr};

use axum::http::uri::Authority;
use axum::http::{HeaderMap, header};
use ipnet::IpNet;
use platform::access::rates::RateAddress;

/// The address of the client. Without trusted proxies it is the peer's. Behind one, the `X-Forwarded-For` headers
/// (`forwarded`, in the order of the request) are read from right to left, because each proxy appends the address of
/// its own peer: the first address that is not a trusted proxy is the client. Everything left of it may be forged.
pub fn client_address<'a>(peer: IpAddr, forwarded: impl IntoIterator<Item = &'a str>, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let mut client = peer.to_canonical();
    if !is_trusted(&client) {
        return client;
    }
    let headers: Vec<&str> = forwarded.into_iter().collect();
    let hops = headers.iter().rev().flat_map(|header| header.rsplit(','));
    for hop in hops {
        // A proxy may write `unknown` (RFC 7239, section 6.2).
        let Some(address) = parse_hop(hop) else { break };
        client = address;
        if !is_trusted(&client) {
            break;
        }
    }
    client
}

/// Reads `192.0.2.1`, `192.0.2.1:1234`, `2001:db8::1` or `[2001:db8::1]:1234`.
fn parse_hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address| address.to_canonical())
}

/// Whether a request comes from a program on this machine: its peer is loopback, no proxy is trusted, and no proxy has
/// forwarded it. It is exempt from rates.
pub fn is_local(peer: IpAddr, trusted: &[IpNet], is_forwarded: bool) -> bool {
    !is_forwarded && trusted.is_empty() && peer.to_canonical().is_loopback()
}

/// Headers that proxies add. Their content is not evaluated here.
const FORWARDING: [&str; 6] =
    ["x-forwarded-for", "forwarded", "x-real-ip", "x-forwarded-host", "x-forwarded-proto", "via"];

/// Whether a proxy has forwarded a request, trusted or not.
pub fn is_forwarded(headers: &HeaderMap) -> bool {
    FORWARDING.iter().any(|name| headers.contains_key(*name))
}

/// Whether the `Host` of a request names this machine. A page of another site whose name resolves to loopback sends its
/// own name (DNS rebinding).
pub fn has_local_host(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else { return false };
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

/// The address for which a connection is counted; `None` for loopback and trusted proxies, whose connections carry the
/// requests of others.
pub fn counted_address(peer: IpAddr, trusted: &[IpNet]) -> Option<RateAddress> {
    let peer = peer.to_canonical();
    let carries_others = peer.is_loopback() || trusted.iter().any(|net| net.contains(&peer));
    (!carries_others).then(|| RateAddress::from(peer))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn client(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        client_address(peer.parse().unwrap(), forwarded.iter().copied(), &trusted).to_string()
    }

    #[test]
    fn without_a_trusted_proxy_the_peer_is_the_client() {
        assert_eq!(client("198.51.100.7", &["192.0.2.1"], &[]), "198.51.100.7");
        assert_eq!(client("198.51.100.7", &["192.0.2.1"], &["10.0.0.0/8"]), "198.51.100.7");
        assert_eq!(client("::ffff:198.51.100.7", &[], &[]), "198.51.100.7");
    }

    #[test]
    fn the_rightmost_address_that_is_no_proxy_is_the_client() {
        let trusted = &["10.0.0.0/8", "fd00::/8"];
        assert_eq!(client("10.0.0.1", &["192.0.2.1"], trusted), "192.0.2.1");
        assert_eq!(client("10.0.0.1", &["6.6.6.6, 192.0.2.1, 10.0.0.2"], trusted), "192.0.2.1");
        assert_eq!(client("10.0.0.1", &["6.6.6.6", "192.0.2.1", "fd00::2"], trusted), "192.0.2.1");
        assert_eq!(client("::ffff:10.0.0.1", &["[2001:db8::1]:443"], trusted), "2001:db8::1");
        assert_eq!(client("10.0.0.1", &["192.0.2.1:5060"], trusted), "192.0.2.1");
        assert_eq!(client("10.0.0.1", &["::ffff:192.0.2.1"], trusted), "192.0.2.1");
    }

    #[test]
    fn an_unreadable_hop_ends_the_search() {
        let trusted = &["10.0.0.0/8"];
        assert_eq!(client("10.0.0.1", &[], trusted), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["192.0.2.1, unknown, 10.0.0.2"], trusted), "10.0.0.2");
        assert_eq!(client("10.0.0.1", &["10.0.0.3, 10.0.0.2"], trusted), "10.0.0.3");
        assert_eq!(client("10.0.0.1", &[","], trusted), "10.0.0.1");
    }

    #[test]
    fn loopback_is_local_unless_there_is_a_proxy() {
        let trusted: Vec<IpNet> = vec!["127.0.0.0/8".parse().unwrap()];
        for (peer, local) in [("127.0.0.1", true), ("::1", true), ("::ffff:127.0.0.1", true), ("192.0.2.1", false)] {
            assert_eq!(is_local(peer.parse().unwrap(), &[], false), local);
            assert!(!is_local(peer.parse().unwrap(), &[], true));
            assert!(!is_local(peer.parse().unwrap(), &trusted, false));
        }
    }

    #[test]
    fn connections_of_proxies_are_not_counted_by_address() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        for carrier in ["127.0.0.1", "::1", "::ffff:10.1.2.3"] {
            assert_eq!(counted_address(carrier.parse().unwrap(), &trusted), None, "{carrier}");
        }
        assert!(counted_address("192.0.2.1".parse().unwrap(), &trusted).is_some());
    }

    #[test]
    fn the_host_is_local_by_name_or_address() {
        let is_local = |host: &str| has_local_host(&HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]));
        for local in ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.8.0.1:80", "[::1]:8080", "[::1]"] {
            assert!(is_local(local), "{local}");
        }
        for other in
            ["example.org", "localhost.example.org:8080", "192.0.2.1", "[2001:db8::1]", "127.0.0.1.nip.io", "%"]
        {
            assert!(!is_local(other), "{other}");
        }
        assert!(!has_local_host(&HeaderMap::new()));
    }

    proptest! {
        #[test]
        fn no_header_panics(headers in proptest::collection::vec("[0-9a-f:.,\\[\\] x]{0,60}", 0..4)) {
            let trusted = ["10.0.0.0/8".parse().unwrap()];
            client_address("10.0.0.1".parse().unwrap(), headers.iter().map(String::as_str), &trusted);
        }
    }
}
