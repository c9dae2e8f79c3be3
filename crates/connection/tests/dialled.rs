//! The side that dials: what it sends, and what it makes of a server's answer.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{collections::HashSet, time::Duration};

use common::{
    BINARY, CLOSE, PING, PONG, Peer, TEXT, address, close_payload, config, echo, endpoint, masked,
    soon, unmasked,
};
use futures_util::{SinkExt, StreamExt};
use switchboard_connection::{
    Connection, ConnectionExt, DialError, Disconnect, Event, Initiator, WebSocket, WebSocketError,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tungstenite::handshake::derive_accept_key;

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/path?query", listener.local_addr().unwrap());
    (listener, url)
}

/// Takes one request; returns the stream and the request.
async fn request(listener: &TcpListener) -> (TcpStream, String) {
    let (mut tcp, _) = listener.accept().await.unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        tcp.read_buf(&mut request).await.unwrap();
    }
    (tcp, String::from_utf8(request).unwrap())
}

fn switching(request: &str) -> String {
    let key = request
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
        .unwrap();
    let accept = derive_accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

/// Dials a server that answers with what `answer` makes of the request.
async fn dial(answer: impl Fn(&str) -> Vec<u8>) -> (Result<WebSocket, DialError>, Peer<TcpStream>) {
    let (listener, url) = listener().await;
    let endpoint = endpoint(config());
    let serving = async {
        let (mut tcp, request) = request(&listener).await;
        tcp.write_all(&answer(&request)).await.unwrap();
        Peer::new(tcp)
    };
    soon(async { tokio::join!(endpoint.dial(url).connect(), serving) }).await
}

#[tokio::test]
async fn an_exchange_with_a_tungstenite_server() {
    let (listener, url) = listener().await;
    let serving = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut server = tokio_tungstenite::accept_async(tcp).await.unwrap();
        while let Some(Ok(message)) = server.next().await {
            if !message.is_close() {
                server.send(message).await.unwrap();
            }
        }
    });
    let endpoint = endpoint(config());
    let mut socket = soon(endpoint.dial(url).connect()).await.unwrap();
    assert_eq!(socket.address().namespace.as_str(), "dialled");
    for len in [0, 1, 125, 126, 0xFFFF, 0x1_0000, 500_000] {
        let bytes = vec![7; len];
        socket.send(bytes.clone()).await.unwrap();
        let event = soon(socket.next()).await;
        assert!(matches!(&event, Some(Event::Binary(echo)) if *echo == bytes));
    }
    socket.close(Disconnect::new(4000, "done"));
    let event = soon(socket.next()).await;
    let Some(Event::Close(closed)) = event else {
        panic!("{event:?}");
    };
    assert_eq!((closed.by, closed.clean), (Initiator::Local, true));
    soon(serving).await.unwrap();
}

#[tokio::test]
async fn both_sides_may_be_ours() {
    let (listener, url) = listener().await;
    let endpoint = endpoint(config());
    let accepting = async {
        let (tcp, _) = listener.accept().await.unwrap();
        let handshake = endpoint.handshake(tcp).await.unwrap();
        assert_eq!(handshake.request().headers()["x-token"], "secret");
        assert_eq!(handshake.request().uri().path(), "/path");
        handshake.accept(address("1")).await.unwrap()
    };
    let dialling = endpoint
        .dial(url)
        .header("X-Token", "secret")
        .address(address("mine"))
        .connect();
    let (server, client) = soon(async { tokio::join!(accepting, dialling) }).await;
    let client = client.unwrap();
    assert_eq!(*client.address(), address("mine"));
    common::ask_for_an_echo(client, echo(server)).await;
}

#[tokio::test]
async fn every_frame_is_masked_each_with_another_mask() {
    let (socket, mut server) = dial(|request| switching(request).into_bytes()).await;
    let mut socket = socket.unwrap();
    server.send(&unmasked(PING, b"ping")).await;
    assert!(matches!(soon(socket.next()).await, Some(Event::Ping(_))));
    for _ in 0..20 {
        socket.send("text").await.unwrap();
    }
    socket.send(vec![7; 70_000]).await.unwrap();
    socket.ping(b"asked").unwrap();
    socket.close(Disconnect::new(4000, "bye"));
    let (frames, close) = soon(server.frames_and_close()).await;
    assert_eq!(close, (4000, "bye".into()));
    let masks: HashSet<_> = frames.iter().map(|frame| frame.mask.unwrap()).collect();
    assert!(masks.len() >= 22, "{masks:?}");
    assert_eq!((frames[0].first, &*frames[0].payload), (PONG, &b"ping"[..]));
    assert!(frames[1..21].iter().all(|frame| frame.text() == "text"));
    assert_eq!(
        (frames[21].first, frames[21].payload.len()),
        (BINARY, 70_000)
    );
    assert_eq!(
        (frames[22].first, &*frames[22].payload),
        (PING, &b"asked"[..])
    );
}

#[tokio::test]
async fn frames_in_the_packet_of_the_answer_are_not_lost() {
    let (socket, _server) = dial(|request| {
        let mut answer = switching(request).into_bytes();
        answer.extend(unmasked(TEXT, b"welcome"));
        answer.extend(unmasked(CLOSE, &close_payload(4000, "bye")));
        answer
    })
    .await;
    let mut socket = socket.unwrap();
    assert!(matches!(soon(socket.next()).await, Some(Event::Text(text)) if text == "welcome"));
    let event = soon(socket.next()).await;
    assert!(matches!(event, Some(Event::Close(closed)) if closed.disconnect.code() == 4000));
}

#[tokio::test]
async fn a_status_that_refuses_is_told() {
    let answer =
        b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbusy";
    let (result, _) = dial(|_| answer.to_vec()).await;
    let Err(DialError::Refused(response)) = result else {
        panic!("{result:?}");
    };
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "7");
}

#[tokio::test]
async fn answers_that_break_the_protocol() {
    let wrong = |request: &str| {
        let answer = switching(request);
        let at = answer.find("Accept: ").unwrap() + 8;
        answer[..at].to_owned() + "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    };
    let (result, _) = dial(|request| wrong(request).into_bytes()).await;
    assert!(matches!(result, Err(DialError::Protocol(_))), "{result:?}");
    let (result, _) = dial(|_| b"\x16\x03\x01 no HTTP\r\n\r\n".to_vec()).await;
    assert!(matches!(result, Err(DialError::Protocol(_))), "{result:?}");
    let (result, _) = dial(|request| {
        let filler = format!("\r\nX: {}\r\n\r\n", "x".repeat(20_000));
        switching(request).replace("\r\n\r\n", &filler).into_bytes()
    })
    .await;
    assert!(matches!(result, Err(DialError::Protocol(_))), "{result:?}");
}

#[tokio::test]
async fn a_server_that_masks_its_frames_is_refused() {
    let (socket, mut server) = dial(|request| switching(request).into_bytes()).await;
    let mut socket = socket.unwrap();
    server.send(&masked(TEXT, b"masked")).await;
    let event = soon(socket.next()).await;
    assert!(
        matches!(
            event,
            Some(Event::Error(WebSocketError::Protocol("frame is masked")))
        ),
        "{event:?}"
    );
    let frames = soon(server.frames()).await;
    assert_eq!(frames[0].close(), (1002, "frame is masked".into()));
    assert!(frames[0].mask.is_some());
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let (_listener, url) = listener().await;
    let config = config().with_handshake_timeout(Duration::from_millis(100));
    let result = soon(endpoint(config).dial(url).connect()).await;
    assert!(matches!(result, Err(DialError::TimedOut)), "{result:?}");
}

#[tokio::test]
async fn nobody_there_and_nonsense_are_told_apart() {
    let (listener, url) = listener().await;
    drop(listener);
    let endpoint = endpoint(config());
    let result = soon(endpoint.dial(url).connect()).await;
    assert!(matches!(result, Err(DialError::Io(_))), "{result:?}");
    for url in [
        "",
        "no url",
        "http://localhost/",
        "https://localhost/",
        "ws://",
        "ws:///path",
    ] {
        let result = soon(endpoint.dial(url).connect()).await;
        assert!(
            matches!(result, Err(DialError::InvalidRequest(_))),
            "{url:?}: {result:?}"
        );
    }
    let result = endpoint
        .dial("ws://localhost/")
        .header("X", "line\r\nbreak: 1")
        .connect();
    assert!(matches!(
        soon(result).await,
        Err(DialError::InvalidRequest(_))
    ));
}

#[tokio::test]
async fn wss_needs_a_tls_configuration() {
    let (_listener, url) = listener().await;
    let url = url.replace("ws://", "wss://");
    let result = soon(endpoint(config()).dial(url).connect()).await;
    assert!(matches!(result, Err(DialError::Tls(_))), "{result:?}");
}
