//! One exchange with tungstenite over everything that can carry a connection.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{convert::Infallible, sync::Arc};

use common::{address, config, echo, endpoint, soon, tcp_pair};
use futures_util::{SinkExt, StreamExt};
use http_body_util::Empty;
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use switchboard_connection::{Closed, Connection, Disconnect, Initiator, Transport, WebSocket};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_tungstenite::{WebSocketStream, client_async};
use tungstenite::{
    Message,
    handshake::derive_accept_key,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

/// Messages of every header size there and back, then a close by the client.
async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    socket: WebSocket,
    mut client: WebSocketStream<S>,
) {
    let handle = Arc::clone(socket.handle());
    let echo = echo(socket);
    for len in [0, 1, 125, 126, 0xFFFF, 0x1_0000, 500_000] {
        let message = Message::binary(vec![7; len]);
        client.send(message.clone()).await.unwrap();
        assert_eq!(soon(client.next()).await.unwrap().unwrap(), message);
    }
    let text = Message::text("grüße");
    client.send(text.clone()).await.unwrap();
    assert_eq!(soon(client.next()).await.unwrap().unwrap(), text);

    let frame = CloseFrame {
        code: CloseCode::Library(4321),
        reason: "done".into(),
    };
    client.close(Some(frame.clone())).await.unwrap();
    let answer = soon(client.next()).await.unwrap().unwrap();
    assert_eq!(answer, Message::Close(Some(frame)));
    let closed = Closed::new(Initiator::Peer, Disconnect::new(4321, "done"), true);
    assert_eq!(soon(echo).await.unwrap(), closed);
    assert_eq!(soon(handle.closed()).await, closed);
    assert!(soon(client.next()).await.is_none());
}

/// Both ends after a handshake over `server` and `client`.
async fn shake_hands<S: AsyncRead + AsyncWrite + Unpin>(
    server: impl Into<Transport>,
    client: S,
) -> (WebSocket, WebSocketStream<S>) {
    let endpoint = endpoint(config());
    let accepting = async {
        let handshake = endpoint.handshake(server).await.unwrap();
        assert_eq!(handshake.request().uri().path(), "/chat");
        handshake.accept(address("1")).await.unwrap()
    };
    let (socket, client) = tokio::join!(accepting, client_async("ws://localhost/chat", client));
    (socket, client.unwrap().0)
}

#[tokio::test]
async fn accepted_over_tcp() {
    let (server, client) = tcp_pair().await;
    let client_addr = client.local_addr().unwrap();
    let (socket, client) = shake_hands(server, client).await;
    assert_eq!(socket.peer_addr(), Some(client_addr));
    exchange(socket, client).await;
}

#[tokio::test]
async fn accepted_over_a_pipe_in_memory() {
    for buffer in [16, 1_024, 1 << 20] {
        let (server, client) = tokio::io::duplex(buffer);
        let (socket, client) = shake_hands(Transport::stream(server, None), client).await;
        exchange(socket, client).await;
    }
}

#[tokio::test]
async fn accepted_over_tls() {
    let (server_config, client_config) = tls_configs();
    let (server, client) = tcp_pair().await;
    let accept = TlsAcceptor::from(server_config).accept(server);
    let name = "localhost".try_into().unwrap();
    let connect = TlsConnector::from(client_config).connect(name, client);
    let (server, client) = tokio::join!(accept, connect);
    let transport = Transport::stream(server.unwrap(), None);
    let (socket, client) = shake_hands(transport, client.unwrap()).await;
    exchange(socket, client).await;
}

#[tokio::test]
async fn dialled_over_tls_with_wss() {
    let (server_config, client_config) = tls_configs();
    let endpoint = endpoint(config());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://localhost:{}/", listener.local_addr().unwrap().port());
    let accepting = async {
        let (tcp, peer) = listener.accept().await.unwrap();
        let tls = TlsAcceptor::from(server_config).accept(tcp).await.unwrap();
        let transport = Transport::stream(tls, Some(peer));
        let handshake = endpoint.handshake(transport).await.unwrap();
        handshake.accept(address("tls")).await.unwrap()
    };
    let dialing = endpoint.dial(url).tls(client_config).connect();
    let (socket, client) = soon(async { tokio::join!(accepting, dialing) }).await;
    assert!(socket.peer_addr().is_some());
    common::ask_for_an_echo(client.unwrap(), echo(socket)).await;
}

#[tokio::test]
async fn wss_without_trust_is_refused() {
    let (server_config, _) = tls_configs();
    let roots = Arc::new(rustls::RootCertStore::empty());
    let verifier = rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let endpoint = endpoint(config());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://localhost:{}/", listener.local_addr().unwrap().port());
    let accepting = async {
        let (tcp, _) = listener.accept().await.unwrap();
        TlsAcceptor::from(server_config).accept(tcp).await.is_err()
    };
    let dialing = endpoint.dial(url).tls(Arc::new(verifier)).connect();
    let (refused, dialled) = soon(async { tokio::join!(accepting, dialing) }).await;
    assert!(refused && dialled.is_err());
}

fn tls_configs() -> (Arc<rustls::ServerConfig>, Arc<rustls::ClientConfig>) {
    drop(rustls::crypto::ring::default_provider().install_default());
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls_pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let certificate = made.cert.der().clone();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let server = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())
        .unwrap();
    let client = rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (Arc::new(server), Arc::new(client))
}

/// A server that knows HTTP and hands its upgraded streams to us.
async fn behind_hyper<S, C>(server: S, client: C)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    C: AsyncRead + AsyncWrite + Unpin,
{
    let endpoint = endpoint(config());
    let (sockets, mut accepted) = tokio::sync::mpsc::channel(1);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let (endpoint, sockets) = (endpoint.clone(), sockets.clone());
        let key = request.headers()["sec-websocket-key"].as_bytes();
        let response = Response::builder()
            .status(101)
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-accept", derive_accept_key(key))
            .body(Empty::<&[u8]>::new());
        tokio::spawn(async move {
            let upgraded = hyper::upgrade::on(&mut request).await.unwrap();
            let socket = endpoint.upgraded(upgraded, None, address("hyper"));
            sockets.send(socket).await.unwrap();
        });
        async move { Ok::<_, Infallible>(response.unwrap()) }
    });
    let serving = http1::Builder::new().serve_connection(TokioIo::new(server), service);
    tokio::spawn(serving.with_upgrades());
    let (client, _) = soon(client_async("ws://localhost/", client)).await.unwrap();
    let socket = soon(accepted.recv()).await.unwrap();
    exchange(socket, client).await;
}

#[tokio::test]
async fn upgraded_by_hyper_over_tcp() {
    let (server, client) = tcp_pair().await;
    behind_hyper(server, client).await;
}

#[tokio::test]
async fn upgraded_by_hyper_over_another_stream() {
    let (server, client) = tokio::io::duplex(4_096);
    behind_hyper(server, client).await;
}
