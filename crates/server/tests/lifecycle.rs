//! From accepted to gone: counts, handlers that end early or panic, the end of the server.

mod common;

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use common::{
    Peer, bind, close_of, connect, echo, echo_server, round_trip, soon, until, upgrade,
    with_connection,
};
use switchboard_connection::{ConnectionConfig, ConnectionExt, Disconnect, Event, WebSocket};
use switchboard_pool::{Drain, DrainError, DrainOutcome};
use switchboard_server::ListenerConfig;
use tokio::{io::AsyncWriteExt, sync::Notify};

#[tokio::test]
async fn c12_counts_follow_who_comes_and_goes() {
    let server = echo_server(ListenerConfig::default()).await;
    let pool = server.pool();
    let mut a = connect(server.local_addr(), "/namespace/x").await;
    round_trip(&mut a, "in").await;
    assert_eq!((pool.len(), server.stats().connections), (1, 1));
    let mut b = connect(server.local_addr(), "/namespace/x").await;
    round_trip(&mut b, "in").await;
    let mut c = connect(server.local_addr(), "/namespace/y").await;
    round_trip(&mut c, "in").await;
    assert_eq!(
        (pool.len(), pool.count("x"), pool.namespaces().len()),
        (3, 2, 2)
    );
    assert_eq!(server.stats().connections, 3);

    a.close(None).await.unwrap();
    until("one left", || {
        pool.count("x") == 1 && server.stats().connections == 2
    })
    .await;
    drop(b);
    until("the namespace has gone", || !pool.has_namespace("x")).await;
    c.close(None).await.unwrap();
    until("all left", || server.stats().connections == 0).await;
    assert!(pool.is_empty() && pool.namespaces().is_empty());
    let totals = server.stats().totals;
    assert_eq!((totals.opened, totals.closed), (3, 3));
}

#[tokio::test]
async fn a_handler_that_returns_early_closes_with_1000() {
    let handler = |mut socket: WebSocket| async move {
        socket.next().await;
        socket.send("last words").await.unwrap();
    };
    let server = bind(ListenerConfig::default())
        .await
        .serve(handler)
        .unwrap();
    let mut peer = Peer::join(server.local_addr(), "/namespace/a").await;
    assert!(!peer.echoes("what it gets is something else").await);
    assert_eq!(peer.closed().await, Some((1000, String::new())));
    until("it has left the pool", || server.pool().is_empty()).await;
}

/// Otherwise a cap would not bound file descriptors: peers that never answer a close, one after another.
#[tokio::test]
async fn a_place_is_taken_until_the_connection_has_ended() {
    let limits = ConnectionConfig::default().with_close_grace(Duration::from_millis(700));
    let config = with_connection(limits).with_max_connections(Some(1));
    let server = bind(config).await.serve(|_: WebSocket| async {}).unwrap();
    let began = Instant::now();
    let mut mute = Peer::join(server.local_addr(), "/namespace/a").await;
    assert_eq!(mute.closed().await, Some((1000, String::new())));
    let reply = common::ask(server.local_addr(), upgrade("/namespace/a"))
        .await
        .unwrap();
    assert_eq!(
        reply.told(),
        (503, "TOO_MANY_CONNECTIONS"),
        "it has not answered the close"
    );
    until("its place is free", || server.stats().connections == 0).await;
    assert!(
        began.elapsed() >= Duration::from_millis(650),
        "{:?}",
        began.elapsed()
    );

    let mut polite = Peer::join(server.local_addr(), "/namespace/a").await;
    polite.closed().await;
    let answered = Instant::now();
    polite.send(common::CLOSE, &1000_u16.to_be_bytes()).await;
    until("its place is free", || server.stats().connections == 0).await;
    assert!(
        answered.elapsed() < Duration::from_millis(500),
        "{:?}",
        answered.elapsed()
    );
}

/// Echoes, and panics when told to.
async fn fragile(mut socket: WebSocket) {
    while let Some(event) = socket.next().await {
        match event {
            Event::Text(text) if text == "panic" => panic!("as the test wants it"),
            Event::Text(text) => drop(socket.send(text).await),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_panic_ends_its_own_connection_only() {
    let server = bind(ListenerConfig::default())
        .await
        .serve(fragile)
        .unwrap();
    let mut other = connect(server.local_addr(), "/namespace/a").await;
    let mut victim = Peer::join(server.local_addr(), "/namespace/a").await;
    assert!(victim.echoes("before").await);
    victim.send(common::TEXT, b"panic").await;
    assert!(victim.closed().await.is_some());
    drop(victim);
    until("its place is free", || server.stats().connections == 1).await;
    assert_eq!(server.pool().len(), 1);
    round_trip(&mut other, "not disturbed").await;
    round_trip(
        &mut connect(server.local_addr(), "/namespace/a").await,
        "come in",
    )
    .await;
}

#[tokio::test]
async fn a_panic_tells_1011() {
    let server = bind(ListenerConfig::default())
        .await
        .serve(fragile)
        .unwrap();
    let mut victim = Peer::join(server.local_addr(), "/namespace/a").await;
    victim.send(common::TEXT, b"panic").await;
    let told = Disconnect::INTERNAL;
    assert_eq!(
        victim.closed().await,
        Some((told.code(), told.reason().to_owned()))
    );
}

/// The part of a handler that runs before its future is made.
#[tokio::test]
async fn a_panic_before_the_first_await_leaves_nothing() {
    let calls = AtomicUsize::new(0);
    let handler = move |socket: WebSocket| {
        assert!(
            calls.fetch_add(1, Ordering::Relaxed) > 0,
            "the first call panics"
        );
        echo(socket)
    };
    let server = bind(ListenerConfig::default())
        .await
        .serve(handler)
        .unwrap();
    let mut victim = Peer::join(server.local_addr(), "/namespace/a").await;
    assert!(victim.closed().await.is_some());
    drop(victim);
    until("nothing is left", || server.stats().connections == 0).await;
    assert!(server.pool().is_empty());
    assert!(
        Peer::join(server.local_addr(), "/namespace/a")
            .await
            .echoes("in")
            .await
    );
}

#[tokio::test]
async fn a_dropped_server_stops_to_listen_and_open_connections_live_on() {
    let server = echo_server(ListenerConfig::default()).await;
    let address = server.local_addr();
    let pool = server.pool().clone();
    let mut client = connect(address, "/namespace/a").await;
    let mut half = Peer::open(address).await;
    half.tcp.write_all(b"GET ").await.unwrap();
    round_trip(&mut client, "before").await;
    drop(server);
    half.ended().await;
    until("the port is free", || TcpListener::bind(address).is_ok()).await;
    round_trip(&mut client, "after").await;
    assert_eq!(pool.len(), 1);
    client.close(None).await.unwrap();
    until("it has left", || pool.is_empty()).await;
}

#[tokio::test]
async fn a_shutdown_resolves_after_all_handlers_with_the_port_closed() {
    let finished = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&finished);
    let handler = move |mut socket: WebSocket| {
        let finished = Arc::clone(&counter);
        async move {
            while socket.next().await.is_some() {}
            tokio::time::sleep(Duration::from_millis(300)).await;
            finished.fetch_add(1, Ordering::Relaxed);
        }
    };
    let server = bind(ListenerConfig::default())
        .await
        .serve(handler)
        .unwrap();
    let (address, pool) = (server.local_addr(), server.pool().clone());
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(connect(address, "/namespace/a").await);
    }
    until("all are in", || pool.len() == 5).await;
    let readers = clients.into_iter().map(|mut client| {
        tokio::spawn(async move { close_of(&mut client).await.map(|(code, _)| code) })
    });
    let readers: Vec<_> = readers.collect();
    let report = soon(server.shutdown(Drain::per_second(1_000)))
        .await
        .unwrap();
    assert_eq!(finished.load(Ordering::Relaxed), 5);
    assert_eq!((report.begun, report.closed), (5, 5));
    assert!(report.left.is_empty() && pool.is_empty());
    TcpListener::bind(address).expect("nobody listens any more");
    for reader in readers {
        assert_eq!(reader.await.unwrap(), Some(1001));
    }
}

#[tokio::test]
async fn a_shutdown_of_nobody_closes_the_port_and_cuts_who_has_not_asked() {
    let server = echo_server(ListenerConfig::default()).await;
    let address = server.local_addr();
    let mut mute = Peer::open(address).await;
    let report = soon(server.shutdown(Drain::per_second(1))).await.unwrap();
    assert_eq!(report.outcome, DrainOutcome::Completed);
    TcpListener::bind(address).expect("nobody listens any more");
    let began = Instant::now();
    mute.ended().await;
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_shutdown_names_whom_its_deadline_left() {
    let server = echo_server(ListenerConfig::default()).await;
    let pool = server.pool().clone();
    let mut stays = Vec::new();
    for _ in 0..3 {
        stays.push(connect(server.local_addr(), "/namespace/a").await);
    }
    until("all are in", || pool.len() == 3).await;
    let drain = Drain::per_second(1).until(Duration::from_millis(100));
    let report = soon(server.shutdown(drain)).await.unwrap();
    assert_eq!(report.outcome, DrainOutcome::DeadlinePassed);
    assert!((2..=3).contains(&report.left.len()), "{report:?}");
    assert_eq!(report.left.len(), pool.len());
}

#[tokio::test]
async fn a_shutdown_that_is_dropped_lets_open_connections_live() {
    let server = echo_server(ListenerConfig::default()).await;
    let (address, pool) = (server.local_addr(), server.pool().clone());
    let mut client = Peer::join(address, "/namespace/a").await;
    assert!(client.echoes("before").await);
    let mut second = Peer::join(address, "/namespace/a").await;
    let shutdown = server.shutdown(Drain::per_second(1).without_jitter());
    assert!(pool.refuses_newcomers(), "from the call on");
    drop(shutdown);
    until("the port is free", || TcpListener::bind(address).is_ok()).await;
    assert!(
        !pool.refuses_newcomers(),
        "another listener may use the pool"
    );
    assert!(client.echoes("after").await && second.echoes("after").await);
}

#[tokio::test]
async fn a_shutdown_that_cannot_begin_closes_nobody() {
    let server = echo_server(ListenerConfig::default()).await;
    let mut client = Peer::join(server.local_addr(), "/namespace/a").await;
    let error = soon(server.shutdown(Drain::per_second(0)))
        .await
        .unwrap_err();
    assert_eq!(error, DrainError::ZeroPace);
    assert!(client.echoes("after").await);
}

/// A handler that does not end is not waited for for ever.
#[tokio::test]
async fn a_shutdown_waits_a_few_seconds_for_handlers_that_go_on() {
    let never = Arc::new(Notify::new());
    let handler = move |_socket: WebSocket| {
        let never = Arc::clone(&never);
        async move { never.notified().await }
    };
    let limits = ConnectionConfig::default().with_close_grace(Duration::from_millis(200));
    let server = bind(with_connection(limits)).await.serve(handler).unwrap();
    let _client = Peer::join(server.local_addr(), "/namespace/a").await;
    let pool = server.pool().clone();
    until("it is in", || pool.len() == 1).await;
    let began = Instant::now();
    let report = soon(server.shutdown(Drain::per_second(10))).await.unwrap();
    assert_eq!(report.outcome, DrainOutcome::Completed);
    let took = began.elapsed();
    assert!(
        took >= Duration::from_millis(4_500) && took < Duration::from_secs(9),
        "{took:?}"
    );
}

#[tokio::test]
async fn closing_from_the_handle_ends_the_handler() {
    let server = echo_server(ListenerConfig::default()).await;
    let mut client = connect(server.local_addr(), "/namespace/a").await;
    round_trip(&mut client, "in").await;
    let connection = server
        .pool()
        .connections("a")
        .iter()
        .next()
        .unwrap()
        .clone();
    assert!(connection.close(Disconnect::new(4_001, "kicked")));
    assert_eq!(
        close_of(&mut client).await,
        Some((4_001, "kicked".to_owned()))
    );
    assert!(soon(connection.closed()).await.clean);
    until("its place is free", || server.stats().connections == 0).await;
}
