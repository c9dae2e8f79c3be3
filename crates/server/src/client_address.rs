//! Who connects, behind proxies that are known.

use std::net::IpAddr;

use http::HeaderMap;
use ipnet::IpNet;

/// The client's address: that of the transport, unless it belongs to a trusted proxy; then the last
/// address of `X-Forwarded-For` that does not.
pub(crate) fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |ip: IpAddr| trusted.iter().any(|net| net.contains(&ip));
    let mut client = peer.to_canonical();
    let forwarded = headers.get_all("x-forwarded-for");
    let mut hops = forwarded.iter().rev().flat_map(|value| {
        value
            .to_str()
            .unwrap_or_default()
            .rsplit(',')
            .map(|hop| hop.trim().parse::<IpAddr>())
    });
    while is_trusted(client) {
        match hops.next() {
            Some(Ok(hop)) => client = hop.to_canonical(),
            _ => break,
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_stranger_cannot_claim_an_address() {
        assert_eq!(client("192.0.2.1", &["198.51.100.7"], &[]), "192.0.2.1");
        assert_eq!(
            client("192.0.2.1", &["198.51.100.7"], &["10.0.0.0/8"]),
            "192.0.2.1"
        );
    }

    #[test]
    fn the_last_hop_that_is_no_proxy_counts() {
        let trusted = &["10.0.0.0/8"];
        assert_eq!(
            client("10.0.0.1", &["6.6.6.6, 198.51.100.7, 10.0.0.2"], trusted),
            "198.51.100.7"
        );
        assert_eq!(
            client("10.0.0.1", &["6.6.6.6", "198.51.100.7"], trusted),
            "198.51.100.7"
        );
        assert_eq!(client("10.0.0.1", &["nonsense"], trusted), "10.0.0.1");
        assert_eq!(
            client("::ffff:10.0.0.1", &["198.51.100.7"], trusted),
            "198.51.100.7"
        );
    }
}
