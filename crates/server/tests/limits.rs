//! How many may come, how fast, and how much they may say before they are in.

mod common;

use std::time::{Duration, Instant};

use common::{
    Peer, ask, bind, connect, echo, echo_server, process, round_trip, soon, until, upgrade,
    upgrade_with, with_connection,
};
use futures_util::future::join_all;
use switchboard_connection::{ConnectionConfig, Rate};
use switchboard_server::ListenerConfig;
use tokio::io::AsyncWriteExt;

const PATH: &str = "/namespace/a";

#[tokio::test]
async fn c11_over_quota_is_told_to_come_back() {
    let config = ListenerConfig::default()
        .with_max_connections(Some(2))
        .with_retry_after(Duration::from_millis(6_500));
    let server = echo_server(config).await;
    let mut first = connect(server.local_addr(), PATH).await;
    let second = Peer::join(server.local_addr(), PATH).await;
    for _ in 0..3 {
        let reply = ask(server.local_addr(), upgrade(PATH)).await.unwrap();
        assert_eq!(reply.told(), (503, "TOO_MANY_CONNECTIONS"));
        assert_eq!(reply.header("retry-after"), Some("7"));
        assert_eq!(reply.header("connection"), Some("close"));
    }
    round_trip(&mut first, "not disturbed").await;
    let stats = server.stats();
    assert_eq!(
        (stats.connections, stats.max_connections, stats.refused),
        (2, 2, 3)
    );

    drop(second);
    until("a place is free", || server.stats().connections == 1).await;
    assert!(
        Peer::join(server.local_addr(), PATH)
            .await
            .echoes("in")
            .await
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn c11_over_quota_the_cap_holds_when_all_come_at_once() {
    let server = echo_server(ListenerConfig::default().with_max_connections(Some(20))).await;
    let address = server.local_addr();
    let all = (0..100).map(|_| {
        tokio::spawn(async move {
            let mut peer = Peer::open(address).await;
            peer.tcp.write_all(upgrade(PATH).as_bytes()).await.ok();
            let status = soon(peer.reply()).await.map(|reply| reply.status);
            (status, peer)
        })
    });
    let all: Vec<_> = join_all(all)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let count = |wanted| {
        all.iter()
            .filter(|(status, _)| *status == Some(wanted))
            .count()
    };
    assert_eq!((count(101), count(503)), (20, 80));
    assert_eq!(server.stats().connections, 20);
}

/// Above the cap there is room for 128 that are told 503; further ones are dropped unheard.
#[tokio::test]
async fn mutes_above_the_cap_are_dropped_and_counted() {
    let server = echo_server(ListenerConfig::default().with_max_connections(Some(1))).await;
    let mut inside = Peer::join(server.local_addr(), PATH).await;
    let mutes = join_all((0..128).map(|_| Peer::open(server.local_addr()))).await;
    let mut dropped = Peer::open(server.local_addr()).await;
    dropped.ended().await;
    until("counted", || server.stats().refused == 1).await;
    assert!(inside.echoes("not disturbed").await);

    drop(mutes);
    let mut reply = None;
    while reply.is_none() {
        reply = ask(server.local_addr(), upgrade(PATH)).await;
    }
    assert_eq!(reply.unwrap().told(), (503, "TOO_MANY_CONNECTIONS"));
}

#[tokio::test]
async fn an_address_has_a_cap_behind_trusted_proxies() {
    let config = ListenerConfig::default()
        .with_trusted_proxies(vec!["127.0.0.0/8".parse().unwrap()])
        .with_max_connections_per_address(Some(2));
    let server = echo_server(config).await;
    let join = async |from: &str| {
        let mut peer = Peer::open(server.local_addr()).await;
        let request = upgrade_with(PATH, &format!("X-Forwarded-For: {from}\r\n"));
        peer.tcp.write_all(request.as_bytes()).await.unwrap();
        let reply = soon(peer.reply()).await.unwrap();
        (reply, peer)
    };
    let mut inside = Vec::new();
    // What the client itself claims stands further left and does not count.
    for from in ["198.51.100.7", "6.6.6.6, 198.51.100.7", "198.51.100.8"] {
        let (reply, peer) = join(from).await;
        assert_eq!(reply.status, 101, "{from}");
        inside.push(peer);
    }
    for from in ["198.51.100.7", "1.2.3.4, 198.51.100.7, 127.0.0.9"] {
        let (reply, _) = join(from).await;
        assert_eq!(reply.told(), (429, "TOO_MANY_CONNECTIONS"), "{from}");
        assert_eq!(reply.header("retry-after"), Some("5"));
    }
    inside.remove(0);
    until("a place is free", || server.stats().connections == 2).await;
    assert_eq!(join("198.51.100.7").await.0.status, 101);
}

#[tokio::test]
async fn a_stranger_cannot_choose_its_address() {
    let config = ListenerConfig::default().with_max_connections_per_address(Some(1));
    let server = echo_server(config).await;
    let _inside = Peer::join(server.local_addr(), PATH).await;
    let request = upgrade_with(PATH, "X-Forwarded-For: 198.51.100.7\r\n");
    assert_eq!(ask(server.local_addr(), request).await.unwrap().status, 429);
}

#[tokio::test]
async fn handshakes_have_a_rate() {
    let rate = Rate::new(5, 3);
    let server = echo_server(ListenerConfig::default().with_connect_rate(Some(rate))).await;
    let mut inside = Vec::new();
    for _ in 0..3 {
        inside.push(Peer::join(server.local_addr(), PATH).await);
    }
    let reply = ask(server.local_addr(), upgrade(PATH)).await.unwrap();
    assert_eq!(reply.told(), (503, "RATE_LIMITED"));
    assert_eq!(reply.header("retry-after"), Some("5"));
    tokio::time::sleep(Duration::from_millis(300)).await;
    inside.push(Peer::join(server.local_addr(), PATH).await);
}

#[tokio::test]
async fn heads_have_a_size_and_a_number_of_headers() {
    let server = echo_server(ListenerConfig::default()).await;
    let with = |headers: usize, size: usize| {
        let mut more = String::new();
        for number in 0..headers {
            more.extend(["X-", &number.to_string(), ": y\r\n"]);
        }
        if size > 0 {
            more.extend(["X-Long: ", &"z".repeat(size), "\r\n"]);
        }
        upgrade_with(PATH, &more)
    };
    // Five headers are there already.
    for (what, request, status) in [
        ("15 KiB", with(0, 15 * 1024), 101),
        ("17 KiB", with(0, 17 * 1024), 431),
        ("1 MiB", with(0, 1024 * 1024), 431),
        ("100 headers", with(95, 0), 101),
        ("101 headers", with(96, 0), 431),
        ("1,000 headers", with(1_000, 0), 431),
        (
            "a path of 64 KiB",
            upgrade(&format!("/namespace/{}", "n".repeat(65_536))),
            431,
        ),
    ] {
        let reply = ask(server.local_addr(), request).await.expect(what);
        // A path that alone is too long may also be told 414.
        let told = if reply.status == 414 {
            431
        } else {
            reply.status
        };
        assert_eq!(told, status, "{what}");
    }
}

#[tokio::test]
async fn small_heads_can_be_asked_for() {
    let limits = ConnectionConfig::default().with_max_head_size(1_024);
    let server = echo_server(with_connection(limits)).await;
    let with = |size: usize| upgrade_with(PATH, &format!("X-Long: {}\r\n", "z".repeat(size)));
    assert_eq!(
        ask(server.local_addr(), with(700)).await.unwrap().status,
        101
    );
    assert_eq!(
        ask(server.local_addr(), with(1_000)).await.unwrap().status,
        431
    );
}

fn impatient() -> ListenerConfig {
    with_connection(ConnectionConfig::default().with_handshake_timeout(Duration::from_secs(1)))
}

#[tokio::test]
async fn dribblers_are_cut_and_stop_nobody() {
    let server = echo_server(impatient()).await;
    let address = server.local_addr();
    let began = Instant::now();
    // Some say nothing, some half a request, some go on byte by byte.
    let dribblers: Vec<_> = (0..500)
        .map(|number| {
            tokio::spawn(async move {
                let mut peer = Peer::open(address).await;
                let request = upgrade(PATH);
                let half = if number % 3 == 0 {
                    0
                } else {
                    request.len() / 2
                };
                peer.tcp
                    .write_all(&request.as_bytes()[..half])
                    .await
                    .unwrap();
                let rest = request.as_bytes()[half..request.len() - 4].chunks(1);
                for byte in rest.filter(|_| number % 3 == 2) {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    if peer.tcp.write_all(byte).await.is_err() {
                        break;
                    }
                }
                peer.ended().await;
                began.elapsed()
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    for _ in 0..20 {
        let mut peer = Peer::join(address, PATH).await;
        assert!(peer.echoes("not disturbed").await);
    }
    assert!(
        began.elapsed() < Duration::from_millis(900),
        "while they dribble"
    );
    for cut in join_all(dribblers).await {
        let cut = cut.unwrap();
        assert!(
            (Duration::from_millis(900)..Duration::from_secs(6)).contains(&cut),
            "{cut:?}"
        );
    }
    until("their places are free", || server.stats().connections == 0).await;
}

/// Whatever a transport is used for: an answered page does not keep it open.
#[tokio::test]
async fn idle_transports_are_cut() {
    let listener = bind(impatient()).await;
    let page = |_| async { http::Response::new(switchboard_server::Body::from("page")) };
    let server = listener.with_http(page).serve(echo).unwrap();
    let began = Instant::now();
    let mut mute = Peer::open(server.local_addr()).await;
    let mut half = Peer::open(server.local_addr()).await;
    half.tcp
        .write_all(b"GET /namespace/a HTTP/1.1\r\nHost:")
        .await
        .unwrap();
    let mut reader = Peer::open(server.local_addr()).await;
    reader
        .tcp
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(soon(reader.reply()).await.unwrap().body, "page");
    tokio::join!(mute.ended(), half.ended(), reader.ended());
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(900), "{took:?}");
    assert!(took < Duration::from_secs(8), "{took:?}");
}

/// The backlog holds all of a storm, also while nobody accepts.
#[tokio::test]
async fn a_storm_waits_in_the_backlog() {
    let listener = bind(ListenerConfig::default()).await;
    let address = listener.local_addr().unwrap();
    let before = process::listen_overflows();
    let began = Instant::now();
    let storm: Vec<_> = (0..2_000)
        .map(|_| tokio::spawn(Peer::open(address)))
        .collect();
    let mut peers = Vec::with_capacity(2_000);
    for peer in storm {
        peers.push(soon(peer).await.unwrap());
    }
    // A backlog that is full makes the kernel drop what completes a connection; the next attempt comes
    // a second later. With room for all of them nobody waits, though nobody has accepted yet.
    let server = listener.serve(echo).unwrap();
    let accepted = peers.into_iter().map(|mut peer| async move {
        peer.tcp.write_all(upgrade(PATH).as_bytes()).await.unwrap();
        assert_eq!(soon(peer.reply()).await.expect("an answer").status, 101);
        peer
    });
    let mut peers = join_all(accepted).await;
    assert_eq!(server.stats().connections, 2_000);
    assert_eq!(server.stats().refused, 0);
    assert!(peers[1_999].echoes("in").await);
    assert!(began.elapsed() < Duration::from_secs(20));
    // The counter is that of the whole machine: it may only be judged while nobody else listens.
    if let (Some(before), Some(after)) = (before, process::listen_overflows()) {
        println!(
            "listen overflows of this network namespace meanwhile: {}",
            after - before
        );
    }
}
