//! Which pages may connect.
//!
//! A browser lets any page open a WebSocket to any server, with the user's cookies, and CORS does not
//! cover it: the `Origin` header is all there is. What passes: no origin (no browser), the listener's
//! own, loopback to loopback (development), and what the configuration lists.

use http::{HeaderMap, Uri, header, uri::Authority};

/// Checks the `Origin` of upgrade requests.
#[derive(Debug)]
pub(crate) struct Origins {
    any: bool,
    listed: Vec<String>,
    absent: bool,
}

impl Origins {
    pub(crate) fn new(listed: &[String], absent: bool) -> Self {
        Self {
            any: listed.iter().any(|origin| origin == "*"),
            listed: listed
                .iter()
                .map(|o| o.trim_end_matches('/').to_ascii_lowercase())
                .collect(),
            absent,
        }
    }

    pub(crate) fn allow(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else {
            return self.absent;
        };
        if self.any {
            return true;
        }
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        let origin = origin.to_ascii_lowercase();
        if self.listed.contains(&origin) {
            return true;
        }
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let host = host.and_then(|host| host.to_ascii_lowercase().parse::<Authority>().ok());
        match (origin.parse::<Uri>(), host) {
            (Ok(origin), Some(host)) => same_or_loopback(&origin, &host),
            _ => false,
        }
    }
}

fn same_or_loopback(origin: &Uri, host: &Authority) -> bool {
    let Some(authority) = origin.authority() else {
        return false;
    };
    let port = match origin.scheme_str() {
        Some("http") => 80,
        Some("https") => 443,
        _ => return false,
    };
    // Behind a proxy that ends TLS the host header has no port, and nobody knows the scheme.
    let same_port = match (authority.port_u16(), host.port_u16()) {
        (None, None) => true,
        (a, b) => a.unwrap_or(port) == b.unwrap_or(port),
    };
    (authority.host() == host.host() && same_port)
        || (is_loopback(authority.host()) && is_loopback(host.host()))
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn allows(listed: &[&str], origin: &str, host: &str) -> bool {
        let listed: Vec<String> = listed.iter().map(|&origin| origin.to_owned()).collect();
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        Origins::new(&listed, true).allow(&headers)
    }

    #[test]
    fn own_origin_passes_whatever_the_spelling_of_the_port() {
        assert!(allows(&[], "https://Example.com", "example.com"));
        assert!(allows(&[], "https://example.com", "example.com:443"));
        assert!(allows(&[], "http://example.com:8080", "example.com:8080"));
        assert!(!allows(&[], "http://example.com:8081", "example.com:8080"));
    }

    #[test]
    fn foreign_origins_are_refused() {
        assert!(!allows(&[], "https://evil.example", "example.com"));
        assert!(!allows(
            &[],
            "https://example.com.evil.example",
            "example.com"
        ));
        assert!(!allows(&[], "null", "example.com"));
        assert!(!allows(&[], "file://", "example.com"));
        assert!(!allows(&[], "https://evil.example", "localhost:8080"));
        assert!(!allows(&[], "http://localhost", "example.com"));
    }

    #[test]
    fn loopback_may_speak_to_loopback() {
        assert!(allows(&[], "http://localhost:3000", "127.0.0.1:8080"));
        assert!(allows(&[], "http://[::1]:3000", "localhost:8080"));
    }

    #[test]
    fn listed_origins_pass_exactly() {
        assert!(allows(
            &["https://app.example"],
            "https://app.example",
            "api.example"
        ));
        assert!(!allows(
            &["https://app.example"],
            "http://app.example",
            "api.example"
        ));
        assert!(allows(&["*"], "https://evil.example", "example.com"));
    }

    #[test]
    fn an_absent_origin_is_a_setting() {
        assert!(Origins::new(&[], true).allow(&HeaderMap::new()));
        assert!(!Origins::new(&[], false).allow(&HeaderMap::new()));
    }
}
