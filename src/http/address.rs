//! The address of the client behind proxies, and whether rates apply to it.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

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

/// Whether the peer is exempt from rates: it is on this machine, and no proxy is trusted. A trusted proxy on this
/// machine would exempt every client.
pub fn is_exempt_from_rates(peer: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.is_empty() && peer.to_canonical().is_loopback()
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
    fn loopback_is_exempt_unless_a_proxy_is_trusted() {
        let trusted: Vec<IpNet> = vec!["127.0.0.0/8".parse().unwrap()];
        for (peer, exempt) in [("127.0.0.1", true), ("::1", true), ("::ffff:127.0.0.1", true), ("192.0.2.1", false)] {
            assert_eq!(is_exempt_from_rates(peer.parse().unwrap(), &[]), exempt);
            assert!(!is_exempt_from_rates(peer.parse().unwrap(), &trusted));
        }
    }

    proptest! {
        #[test]
        fn no_header_panics(headers in proptest::collection::vec("[0-9a-f:.,\\[\\] x]{0,60}", 0..4)) {
            let trusted = ["10.0.0.0/8".parse().unwrap()];
            client_address("10.0.0.1".parse().unwrap(), headers.iter().map(String::as_str), &trusted);
        }
    }
}
