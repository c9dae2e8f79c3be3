//! What a client said when it connected.

use std::{
    net::{IpAddr, SocketAddr},
    ops::Range,
    time::{SystemTime, UNIX_EPOCH},
};

use http::request::Parts;
use serde::Serialize;

/// The request with which a client opened its connection: headers, query, address, time.
///
/// All texts stand in one block, since each connection keeps it for as long as it lives. What the client
/// sent to enter a namespace (`auth`) belongs to the socket: see [`Auth`](crate::extract::Auth).
#[derive(Debug)]
pub struct Handshake {
    /// Path and query, then name and value of each header, then of each query parameter.
    block: Box<str>,
    url: u32,
    headers: Box<[[u32; 2]]>,
    queries: Box<[[u32; 2]]>,
    peer: SocketAddr,
    client: IpAddr,
    issued: u64,
    secure: bool,
}

/// The address when there is none: a transport in memory.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);

impl Handshake {
    pub(crate) fn new(
        head: &Parts,
        queries: &[(String, String)],
        peer: Option<SocketAddr>,
        client: Option<IpAddr>,
        secure: bool,
    ) -> Self {
        let mut block = String::new();
        let url = head.uri.path_and_query().map_or("/", |url| url.as_str());
        block.push_str(url);
        let url = end(&block);
        let mut push = |name: &str, value: &str| {
            block.push_str(name);
            let middle = end(&block);
            block.push_str(value);
            [middle, end(&block)]
        };
        let headers = head
            .headers
            .iter()
            .map(|(name, value)| push(name.as_str(), &String::from_utf8_lossy(value.as_bytes())))
            .collect();
        let queries = queries.iter().map(|(k, v)| push(k, v)).collect();
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let peer = peer.unwrap_or(NOWHERE);
        Self {
            block: block.into_boxed_str(),
            url,
            headers,
            queries,
            peer,
            client: client.unwrap_or_else(|| peer.ip()),
            issued: now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX)),
            secure,
        }
    }

    /// Path and query of the request.
    pub fn url(&self) -> &str {
        &self.block[..self.url as usize]
    }

    /// The first header of this name, in lower case; bytes that are no UTF-8 are replaced.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers()
            .find_map(|(found, value)| (found == name).then_some(value))
    }

    /// All headers, names in lower case.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs(self.url, &self.headers)
    }

    /// The first query parameter of this name, decoded.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.queries()
            .find_map(|(found, value)| (found == name).then_some(value))
    }

    /// All query parameters, decoded; `EIO`, `transport` and `t` among them.
    pub fn queries(&self) -> impl Iterator<Item = (&str, &str)> {
        let begin = self.headers.last().map_or(self.url, |[_, end]| *end);
        self.pairs(begin, &self.queries)
    }

    /// Where the transport comes from.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The client's address: that of the transport, or what a trusted proxy says.
    pub fn address(&self) -> IpAddr {
        self.client
    }

    /// When it connected, in milliseconds since 1970.
    pub fn issued(&self) -> u64 {
        self.issued
    }

    /// Whether it came over TLS, as far as this process can see.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether a page of another origin sent it: it has an `Origin`.
    pub fn is_cross_domain(&self) -> bool {
        self.header("origin").is_some()
    }

    /// The handshake as Node's `socket.handshake`, which `fetchSockets` shows to other nodes.
    pub fn to_json<A: Serialize>(&self, auth: A) -> serde_json::Value {
        let object = |pairs: &mut dyn Iterator<Item = (&str, &str)>| {
            let pairs = pairs.map(|(k, v)| (k.to_owned(), v.into()));
            serde_json::Value::Object(pairs.collect())
        };
        serde_json::json!({
            "headers": object(&mut self.headers()),
            "time": crate::io::js_date::js_date_string(self.issued),
            "address": self.client.to_string(),
            "xdomain": self.is_cross_domain(),
            "secure": self.secure,
            "issued": self.issued,
            "url": self.url(),
            "query": object(&mut self.queries()),
            "auth": serde_json::to_value(auth).unwrap_or_default(),
        })
    }

    fn pairs<'a>(
        &'a self,
        mut begin: u32,
        ends: &'a [[u32; 2]],
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        ends.iter().map(move |&[middle, end]| {
            let name = &self.block[range(begin, middle)];
            let value = &self.block[range(middle, end)];
            begin = end;
            (name, value)
        })
    }
}

fn end(block: &str) -> u32 {
    u32::try_from(block.len()).expect("a request head is far smaller than 4 GiB")
}

fn range(begin: u32, end: u32) -> Range<usize> {
    begin as usize..end as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_gives_back_what_the_request_held() {
        let request = http::Request::get("/socket.io/?EIO=4&x=%20")
            .header("Host", "a.example")
            .header("Origin", "https://b.example")
            .header("X-Empty", "")
            .body(())
            .unwrap();
        let queries = [("EIO".into(), "4".into()), ("x".into(), " ".into())];
        let (head, ()) = request.into_parts();
        let handshake = Handshake::new(&head, &queries, None, None, false);
        assert_eq!(handshake.url(), "/socket.io/?EIO=4&x=%20");
        assert_eq!(handshake.header("origin"), Some("https://b.example"));
        assert_eq!(handshake.header("x-empty"), Some(""));
        assert_eq!(handshake.header("x-none"), None);
        assert_eq!(handshake.queries().count(), 2);
        assert_eq!(handshake.query("x"), Some(" "));
        assert!(handshake.is_cross_domain());
        let json = handshake.to_json(serde_json::json!({"token": 1}));
        assert_eq!(json["headers"]["host"], "a.example");
        assert_eq!(json["auth"]["token"], 1);
    }
}
