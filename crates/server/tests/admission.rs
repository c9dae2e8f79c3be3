//! Who enters, where, and what the others are told.

mod common;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use common::{
    Peer, ask, bind, close_of, connect, echo, echo_server, next_text, round_trip, soon, until,
    upgrade, upgrade_with,
};
use http::{Response, StatusCode, header};
use switchboard_connection::{
    Address, Connection, ConnectionExt, ConnectionId, Disconnect, Namespace, WebSocket,
};
use switchboard_pool::{OnDuplicate, Pool, PoolConfig};
use switchboard_server::{Admission, Admit, Body, ListenerConfig, Refusal, UpgradeRequest};
use tokio::{io::AsyncWriteExt, sync::Notify};

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

#[derive(Debug)]
struct Nickname(String);

/// Namespace and id from query and header; kept for the handler: the nickname.
fn by_query(request: &UpgradeRequest<'_>) -> Result<Admission, Refusal> {
    let Some(name) = request.query("nick name") else {
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"));
    };
    let tenant = request
        .head
        .headers
        .get("x-tenant")
        .and_then(|tenant| tenant.to_str().ok());
    let namespace = Namespace::new(tenant.unwrap_or("none"))
        .map_err(|_| Refusal::new(StatusCode::BAD_REQUEST, "BAD_TENANT"))?;
    let id = ConnectionId::new(format!("id of {name}")).unwrap();
    Ok(Admission::new(Address::new(id, namespace))
        .with(Nickname(name))
        .with(request.peer))
}

#[tokio::test]
async fn a_hook_decides_who_enters_and_where() {
    let config = ListenerConfig::default().with_path("/ws");
    let greet = |mut socket: WebSocket| async move {
        let name = socket.metadata().get::<Nickname>().expect("kept");
        assert!(socket.metadata().get::<std::net::SocketAddr>().is_some());
        socket.send(format!("hello {}", name.0)).await.unwrap();
        while socket.next().await.is_some() {}
    };
    let server = bind(config)
        .await
        .with_admit(by_query)
        .serve(greet)
        .unwrap();
    let reply = ask(server.local_addr(), upgrade("/ws?x=1")).await.unwrap();
    assert_eq!(reply.told(), (401, "UNAUTHENTICATED"));

    let request = upgrade_with(
        "/ws?x=1&nick+name=no&nick%20name=ada+l%21",
        "X-Tenant: acme\r\n",
    );
    let mut peer = Peer::open(server.local_addr()).await;
    peer.tcp.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(soon(peer.reply()).await.unwrap().status, 101);
    let expected = b"hello ada l!".to_vec();
    assert_eq!(soon(peer.frame()).await, Some((common::TEXT, expected)));
    assert!(server.pool().has("acme", "id of ada l!"));
    assert_eq!(server.stats().refused, 1);
}

/// Asks somebody else, who answers when told to.
struct Slow {
    asked: Arc<Notify>,
    go: Arc<Notify>,
}

#[async_trait]
impl Admit for Slow {
    async fn admit(&self, _: &UpgradeRequest<'_>) -> Result<Admission, Refusal> {
        self.asked.notify_one();
        self.go.notified().await;
        Ok(Admission::to(Namespace::from_static("slow")))
    }
}

#[tokio::test]
async fn a_hook_may_wait_and_a_client_that_leaves_meanwhile_frees_its_place() {
    let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let hook = Slow {
        asked: Arc::clone(&asked),
        go: Arc::clone(&go),
    };
    let server = bind(ListenerConfig::default())
        .await
        .with_admit(hook)
        .serve(echo)
        .unwrap();

    let mut impatient = Peer::open(server.local_addr()).await;
    impatient
        .tcp
        .write_all(upgrade("/namespace/a").as_bytes())
        .await
        .unwrap();
    soon(asked.notified()).await;
    assert_eq!(
        server.stats().connections,
        1,
        "it has a place while it is asked about"
    );
    drop(impatient);
    until("its place is free", || server.stats().connections == 0).await;

    let address = server.local_addr();
    let patient = tokio::spawn(async move { connect(address, "/namespace/a").await });
    soon(asked.notified()).await;
    go.notify_one();
    round_trip(&mut soon(patient).await.unwrap(), "hello").await;
    assert_eq!(server.pool().count("slow"), 1);
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

/// Everybody has the id that the query gives.
fn by_id(request: &UpgradeRequest<'_>) -> Result<Admission, Refusal> {
    let id = ConnectionId::new(request.query("id").unwrap()).unwrap();
    Ok(Admission::new(Address::new(
        id,
        Namespace::from_static("ids"),
    )))
}

#[tokio::test]
async fn a_taken_id_is_refused() {
    let server = bind(ListenerConfig::default())
        .await
        .with_admit(by_id)
        .serve(echo)
        .unwrap();
    let mut first = connect(server.local_addr(), "/namespace/x?id=7").await;
    round_trip(&mut first, "there").await;
    let reply = ask(server.local_addr(), upgrade("/namespace/x?id=7"))
        .await
        .unwrap();
    assert_eq!(reply.told(), (409, "DUPLICATE_ID"));
    round_trip(&mut first, "still there").await;
    assert_eq!(server.stats().connections, 1);

    // Many at once: whoever comes through the check together is told in the close frame.
    let attempts = (0..20).map(|_| async {
        let mut peer = Peer::open(server.local_addr()).await;
        peer.tcp
            .write_all(upgrade("/namespace/x?id=8").as_bytes())
            .await
            .unwrap();
        match soon(peer.reply()).await.unwrap().status {
            409 => None,
            101 if peer.echoes("mine").await => Some(peer),
            status => {
                assert_eq!(status, 101);
                None
            }
        }
    });
    let winners = futures_util::future::join_all(attempts).await;
    assert_eq!(winners.iter().flatten().count(), 1);
    assert_eq!(server.pool().count("ids"), 2);
    until("losers are gone", || server.stats().connections == 2).await;
}

#[tokio::test]
async fn a_pool_that_replaces_closes_the_old_connection() {
    let pool = Pool::new(PoolConfig::default().with_on_duplicate(OnDuplicate::Replace));
    let listener = bind(ListenerConfig::default())
        .await
        .with_pool(pool.clone());
    let server = listener.with_admit(by_id).serve(echo).unwrap();
    let mut old = connect(server.local_addr(), "/namespace/x?id=7").await;
    round_trip(&mut old, "there").await;
    let mut new = connect(server.local_addr(), "/namespace/x?id=7").await;
    let replaced = Disconnect::REPLACED;
    assert_eq!(
        close_of(&mut old).await,
        Some((replaced.code(), replaced.reason().to_owned()))
    );
    round_trip(&mut new, "here").await;
    until("the old place is free", || server.stats().connections == 1).await;
    assert_eq!(pool.len(), 1);
    pool.get("ids", "7").unwrap().send("found").await.unwrap();
    assert_eq!(next_text(&mut new).await, "found");
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

#[tokio::test]
async fn a_refusal_tells_whole_seconds_to_wait() {
    let hook = |_: &UpgradeRequest<'_>| -> Result<Admission, Refusal> {
        let wait = Duration::from_millis(1_200);
        Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, "QUOTA").with_retry_after(wait))
    };
    let server = bind(ListenerConfig::default())
        .await
        .with_admit(hook)
        .serve(echo)
        .unwrap();
    let reply = ask(server.local_addr(), upgrade("/namespace/a"))
        .await
        .unwrap();
    assert_eq!(reply.told(), (429, "QUOTA"));
    assert_eq!(reply.header(header::RETRY_AFTER.as_str()), Some("2"));
}
