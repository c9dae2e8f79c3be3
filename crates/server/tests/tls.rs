//! The same over TLS.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use common::{Peer, bind, echo, soon, until, upgrade, with_connection};
use futures_util::{SinkExt, StreamExt};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::{PrivateKeyDer, ServerName};
use switchboard_connection::{ConnectionConfig, Disconnect, Event};
use switchboard_pool::Drain;
use switchboard_server::{ListenerConfig, Server};
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

/// What the server shows, and what its clients trust.
fn identity() -> (Arc<ServerConfig>, TlsConnector) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let server = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (Arc::new(server), TlsConnector::from(Arc::new(client)))
}

async fn tls_server(config: ListenerConfig) -> (Server, TlsConnector) {
    let (identity, connector) = identity();
    (
        bind(config).await.with_tls(identity).serve(echo).unwrap(),
        connector,
    )
}

type Client = WebSocketStream<TlsStream<TcpStream>>;

async fn connect(server: SocketAddr, connector: &TlsConnector) -> Client {
    let tcp = TcpStream::connect(server).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let tls = soon(connector.connect(name, tcp)).await.unwrap();
    let handshake = client_async("wss://localhost/namespace/tls", tls);
    soon(Box::pin(handshake)).await.expect("accepted").0
}

async fn round_trip(client: &mut Client, text: &str) {
    client.send(Message::text(text)).await.unwrap();
    assert_eq!(
        soon(client.next()).await.unwrap().unwrap(),
        Message::text(text)
    );
}

#[tokio::test]
async fn messages_of_all_sizes_and_a_broadcast_arrive() {
    let (server, connector) = tls_server(ListenerConfig::default()).await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(connect(server.local_addr(), &connector).await);
    }
    for size in [0, 1, 125, 126, 65_535, 65_536, 900_000] {
        round_trip(&mut clients[0], &"x".repeat(size)).await;
    }
    assert_eq!(server.pool().namespace("tls").send("to all").queued, 3);
    for client in &mut clients {
        assert_eq!(
            soon(client.next()).await.unwrap().unwrap(),
            Message::text("to all")
        );
    }
    drop(clients);
    until("all are gone", || server.stats().connections == 0).await;
    assert!(server.pool().is_empty());
}

#[tokio::test]
async fn a_drain_says_goodbye_over_tls_too() {
    let (server, connector) = tls_server(ListenerConfig::default()).await;
    let mut client = connect(server.local_addr(), &connector).await;
    round_trip(&mut client, "hello").await;
    let shutdown = tokio::spawn(server.shutdown(Drain::per_second(100)));
    let close = soon(client.next()).await.unwrap().unwrap();
    let Message::Close(Some(close)) = close else {
        panic!("no close: {close:?}")
    };
    assert_eq!(u16::from(close.code), Disconnect::GOING_AWAY.code());
    while soon(client.next())
        .await
        .is_some_and(|message| message.is_ok())
    {}
    assert_eq!(soon(shutdown).await.unwrap().unwrap().closed, 1);
}

#[tokio::test]
async fn who_does_not_finish_the_tls_handshake_is_cut() {
    let limits = ConnectionConfig::default().with_handshake_timeout(Duration::from_millis(500));
    let (server, connector) = tls_server(with_connection(limits)).await;
    let began = Instant::now();
    let mut mute = Peer::open(server.local_addr()).await;
    let mut half = Peer::open(server.local_addr()).await;
    // The first bytes of a client's hello.
    half.tcp.write_all(&[0x16, 3, 1, 2, 0, 1, 0]).await.unwrap();
    let mut silent_inside = {
        let tcp = TcpStream::connect(server.local_addr()).await.unwrap();
        connector
            .connect(ServerName::try_from("localhost").unwrap(), tcp)
            .await
            .unwrap()
    };
    round_trip(
        &mut connect(server.local_addr(), &connector).await,
        "not disturbed",
    )
    .await;

    let mut rest = Vec::new();
    let inside = tokio::io::AsyncReadExt::read_to_end(&mut silent_inside, &mut rest);
    let ((), (), inside) = soon(async { tokio::join!(mute.ended(), half.ended(), inside) }).await;
    // Cut, with or without a goodbye of TLS.
    inside.ok();
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(450), "{took:?}");
    assert!(took < Duration::from_secs(8), "{took:?}");
}

#[tokio::test]
async fn plain_http_on_a_tls_port_ends_at_once() {
    let (server, connector) = tls_server(ListenerConfig::default()).await;
    let mut plain = Peer::open(server.local_addr()).await;
    plain
        .tcp
        .write_all(upgrade("/namespace/tls").as_bytes())
        .await
        .unwrap();
    soon(plain.ended()).await;
    round_trip(
        &mut connect(server.local_addr(), &connector).await,
        "not disturbed",
    )
    .await;
}

#[tokio::test]
async fn a_peer_that_vanishes_is_noticed() {
    let limits = ConnectionConfig::default()
        .with_ping_interval(Duration::from_millis(200))
        .with_ping_timeout(Duration::from_millis(200));
    let (identity, connector) = identity();
    let (told, mut closes) = tokio::sync::mpsc::unbounded_channel();
    let handler = move |mut socket: switchboard_connection::WebSocket| {
        let told = told.clone();
        async move {
            while let Some(event) = socket.next().await {
                if let Event::Close(closed) = event {
                    told.send(closed.disconnect).unwrap();
                }
            }
        }
    };
    let server = bind(with_connection(limits))
        .await
        .with_tls(identity)
        .serve(handler)
        .unwrap();
    // It never reads, so it never answers a ping.
    let _vanished = connect(server.local_addr(), &connector).await;
    assert_eq!(soon(closes.recv()).await, Some(Disconnect::TIMED_OUT));
    until("its place is free", || server.stats().connections == 0).await;
    assert_eq!(server.stats().totals.timed_out, 1);
}
