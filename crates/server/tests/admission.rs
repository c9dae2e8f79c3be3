//! Who enters, where, and what the others are told.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{
    Peer, ask, bind, connect, echo, echo_server, round_trip, soon, until, upgrade, upgrade_with,
};
use http::Response;
use switchboard_server::{Body, ListenerConfig};
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn the_path_names_the_namespace() {
    let server = echo_server(ListenerConfig::default()).await;
    let mut client = connect(server.local_addr(), "/namespace/chat").await;
    round_trip(&mut client, "hello").await;
    assert_eq!(server.pool().count("chat"), 1);

    let mut encoded = connect(server.local_addr(), "/namespace/caf%C3%A9%2Fbar%20%25").await;
    round_trip(&mut encoded, "hello").await;
    assert_eq!(server.pool().count("café/bar %"), 1);
}

#[tokio::test]
async fn names_have_1_to_256_bytes_of_utf8() {
    let server = echo_server(ListenerConfig::default()).await;
    let longest = format!("/namespace/{}", "n".repeat(256));
    assert_eq!(
        ask(server.local_addr(), upgrade(&longest))
            .await
            .unwrap()
            .status,
        101
    );
    for path in [&format!("{longest}n"), "/namespace/%FF"] {
        let reply = ask(server.local_addr(), upgrade(path)).await.unwrap();
        assert_eq!(reply.told(), (400, "INVALID_NAMESPACE"), "{path}");
    }
    assert_eq!(
        ask(server.local_addr(), upgrade("/namespace/"))
            .await
            .unwrap()
            .status,
        404
    );
    until("refusals leave nothing", || server.stats().connections == 0).await;
}

#[tokio::test]
async fn what_is_no_websocket_is_told_why() {
    let server = echo_server(ListenerConfig::default()).await;
    let cases: [(&str, String, (u16, &str)); 8] = [
        ("another path", upgrade("/elsewhere"), (404, "NOT_FOUND")),
        (
            "a page of another path",
            "GET / HTTP/1.1\r\nHost: x\r\n\r\n".into(),
            (404, "NOT_FOUND"),
        ),
        (
            "no upgrade",
            "GET /namespace/a HTTP/1.1\r\nHost: x\r\n\r\n".into(),
            (426, "UPGRADE_REQUIRED"),
        ),
        (
            "POST",
            upgrade("/namespace/a").replace("GET", "POST"),
            (426, "UPGRADE_REQUIRED"),
        ),
        (
            "wrong version",
            upgrade("/namespace/a").replace("Version: 13", "Version: 8"),
            (426, "WEBSOCKET_VERSION"),
        ),
        (
            "no key",
            upgrade("/namespace/a").replace("Sec-WebSocket-Key", "X-Key"),
            (400, "INVALID_HANDSHAKE"),
        ),
        (
            "connection is not to be upgraded",
            upgrade("/namespace/a").replace("Connection: Upgrade", "Connection: keep-alive"),
            (400, "INVALID_HANDSHAKE"),
        ),
        (
            "HTTP/1.0",
            upgrade("/namespace/a").replace("HTTP/1.1", "HTTP/1.0"),
            (400, "INVALID_HANDSHAKE"),
        ),
    ];
    for (what, request, told) in cases {
        let reply = ask(server.local_addr(), request).await.expect(what);
        assert_eq!(reply.told(), told, "{what}");
        assert_eq!(
            reply.header("content-type"),
            Some("application/json"),
            "{what}"
        );
        let version = (told.0 == 426).then_some("13");
        assert_eq!(reply.header("sec-websocket-version"), version, "{what}");
    }
    assert_eq!(
        ask(server.local_addr(), "HELLO\r\n\r\n")
            .await
            .unwrap()
            .status,
        400
    );
    assert!(server.pool().is_empty());
    until("refusals leave nothing", || server.stats().connections == 0).await;
}

/// A handshake whose body never comes must not hold a place that nobody watches.
#[tokio::test]
async fn a_handshake_with_a_body_is_refused() {
    let server = echo_server(ListenerConfig::default()).await;
    for body in ["Content-Length: 1000\r\n", "Transfer-Encoding: chunked\r\n"] {
        let request = upgrade_with("/namespace/a", body);
        let reply = ask(server.local_addr(), request).await.unwrap();
        assert_eq!(reply.told(), (400, "INVALID_HANDSHAKE"), "{body}");
    }
    until("refusals leave nothing", || server.stats().connections == 0).await;
}

#[tokio::test]
async fn frames_right_behind_the_handshake_are_not_lost() {
    let server = echo_server(ListenerConfig::default()).await;
    let mut peer = Peer::open(server.local_addr()).await;
    let mut bytes = upgrade("/namespace/a").into_bytes();
    bytes.extend(common::masked(common::TEXT, b"early"));
    peer.tcp.write_all(&bytes).await.unwrap();
    assert_eq!(soon(peer.reply()).await.unwrap().status, 101);
    assert_eq!(
        soon(peer.frame()).await,
        Some((common::TEXT, b"early".to_vec()))
    );
}

#[tokio::test]
async fn other_requests_go_to_the_http_handler() {
    let page = |request: http::Request<hyper::body::Incoming>| async move {
        Response::new(Body::from(format!("page {}", request.uri().path())))
    };
    let listener = bind(ListenerConfig::default()).await;
    let server = listener.with_http(page).serve(echo).unwrap();
    for path in ["/", "/namespace/a"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        let reply = ask(server.local_addr(), request).await.unwrap();
        assert_eq!((reply.status, reply.body), (200, format!("page {path}")));
    }
    let reply = ask(server.local_addr(), upgrade("/elsewhere"))
        .await
        .unwrap();
    assert_eq!(
        reply.told(),
        (404, "NOT_FOUND"),
        "a WebSocket elsewhere is no page"
    );
    round_trip(
        &mut connect(server.local_addr(), "/namespace/a").await,
        "hello",
    )
    .await;

    // A page and a WebSocket over one transport.
    let mut peer = Peer::open(server.local_addr()).await;
    peer.tcp
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(soon(peer.reply()).await.unwrap().status, 200);
    peer.tcp
        .write_all(upgrade("/namespace/a").as_bytes())
        .await
        .unwrap();
    assert_eq!(soon(peer.reply()).await.unwrap().status, 101);
    assert!(peer.echoes("hello").await);
}

#[tokio::test]
async fn foreign_pages_are_refused() {
    let listed = vec!["https://app.example".to_owned()];
    let server = echo_server(ListenerConfig::default().with_origins(listed)).await;
    let host = format!("{}", server.local_addr());
    let ask = async |host: &str, origin: &str| {
        let origin = if origin.is_empty() {
            String::new()
        } else {
            format!("Origin: {origin}\r\n")
        };
        let request = upgrade_with("/namespace/a", &origin).replace("switchboard.test", host);
        ask(server.local_addr(), request).await.unwrap()
    };
    for (host, origin) in [
        ("switchboard.test", ""),
        ("switchboard.test", "http://switchboard.test"),
        ("switchboard.test", "https://app.example"),
        (host.as_str(), "http://localhost:3000"),
    ] {
        assert_eq!(ask(host, origin).await.status, 101, "{origin} at {host}");
    }
    for (host, origin) in [
        ("switchboard.test", "https://evil.example"),
        ("switchboard.test", "null"),
        ("switchboard.test", "http://localhost:3000"),
        ("switchboard.test", "https://app.example.evil.example"),
        (host.as_str(), "https://evil.example"),
    ] {
        assert_eq!(
            ask(host, origin).await.told(),
            (403, "FOREIGN_ORIGIN"),
            "{origin} at {host}"
        );
    }
    assert_eq!(server.stats().refused, 5);

    let strict = echo_server(ListenerConfig::default().with_allow_absent_origin(false)).await;
    let reply = common::ask(strict.local_addr(), upgrade("/namespace/a"))
        .await
        .unwrap();
    assert_eq!(reply.told(), (403, "FOREIGN_ORIGIN"));
}
