//! Openings that come to nothing, each with the documented answer.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::time::Duration;

use common::{Bystander, CLOSE, TEXT, address, close_payload, config, endpoint, masked, soon};
use http::StatusCode;
use switchboard_connection::{AcceptError, Endpoint, Event, Transport};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, sleep},
};

const HEAD: &str = "GET /chat HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Sends `request`, and returns what came of it and the answer's status line with its headers.
async fn ask(endpoint: &Endpoint, request: &[u8]) -> (Result<(), AcceptError>, String) {
    let (server, mut client) = common::tcp_pair().await;
    let accepting = async {
        let handshake = endpoint.handshake(server).await?;
        handshake.accept(address("1")).await.map(drop)
    };
    let asking = async {
        client.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
            if client.read_buf(&mut answer).await.unwrap_or(0) == 0 {
                break;
            }
        }
        String::from_utf8_lossy(&answer).to_lowercase()
    };
    soon(async { tokio::join!(accepting, asking) }).await
}

fn without(header: &str) -> String {
    let lines = HEAD.split_inclusive("\r\n");
    lines
        .filter(|line| !line.starts_with(header))
        .collect::<String>()
        + "\r\n"
}

#[tokio::test]
async fn a_good_request_is_answered_with_101() {
    let (result, answer) = ask(&endpoint(config()), format!("{HEAD}\r\n").as_bytes()).await;
    result.unwrap();
    assert!(answer.starts_with("http/1.1 101 "), "{answer}");
    assert!(answer.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="));
}

#[tokio::test]
async fn what_is_no_websocket_request_is_answered_with_400() {
    let endpoint = endpoint(config());
    let mut bystander = Bystander::new(&endpoint).await;
    let many = "X: y\r\n".repeat(200);
    for request in [
        "\x16\x03\x01\x02\0\x01\0\x01\r\n\r\n".to_owned(),
        "\0\0\0\0\r\n\r\n".to_owned(),
        "\r\n\r\n\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nno colon\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        format!("{}\r\n", HEAD.replace("GET", "POST")),
        format!("{}\r\n", HEAD.replace("HTTP/1.1", "HTTP/1.0")),
        format!("{HEAD}{many}\r\n"),
        without("Sec-WebSocket-Key"),
        without("Connection"),
        without("Upgrade"),
    ] {
        let (result, answer) = ask(&endpoint, request.as_bytes()).await;
        assert!(
            matches!(result, Err(AcceptError::NotWebSocket(_))),
            "{request:?}: {result:?}"
        );
        assert!(answer.starts_with("http/1.1 400 "), "{request:?}: {answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
    bystander.still_echoes().await;
    assert_eq!(endpoint.stats().opened, 1, "only the bystander");
}

#[tokio::test]
async fn another_version_is_told_ours_with_426() {
    let endpoint = endpoint(config());
    for request in [
        HEAD.replace("Version: 13", "Version: 8") + "\r\n",
        without("Sec-WebSocket-Version"),
    ] {
        let (result, answer) = ask(&endpoint, request.as_bytes()).await;
        assert!(matches!(result, Err(AcceptError::NotWebSocket(_))));
        assert!(answer.starts_with("http/1.1 426 "), "{answer}");
        assert!(answer.contains("sec-websocket-version: 13"), "{answer}");
    }
}

#[tokio::test]
async fn a_head_over_its_limit_is_answered_with_431() {
    let endpoint = endpoint(config());
    let mut bystander = Bystander::new(&endpoint).await;
    let fill = |len: usize| format!("{HEAD}X: {}\r\n\r\n", "x".repeat(len - HEAD.len() - 7));
    let (result, answer) = ask(&endpoint, fill(16 * 1_024).as_bytes()).await;
    result.unwrap();
    assert!(
        answer.starts_with("http/1.1 101 "),
        "just allowed: {answer}"
    );
    for len in [16 * 1_024 + 1, 20_000, 60_000] {
        let (result, answer) = ask(&endpoint, fill(len).as_bytes()).await;
        assert!(matches!(result, Err(AcceptError::TooLarge)), "{result:?}");
        assert!(answer.starts_with("http/1.1 431 "), "{answer}");
    }
    bystander.still_echoes().await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_dribbles_is_dropped_at_the_deadline() {
    let endpoint = endpoint(config());
    let (server, mut client) = tokio::io::duplex(1_024);
    let dribbling = tokio::spawn(async move {
        for byte in HEAD.bytes() {
            if client.write_u8(byte).await.is_err() {
                return true;
            }
            sleep(Duration::from_millis(100)).await;
        }
        false
    });
    let start = Instant::now();
    let result = endpoint.handshake(Transport::stream(server, None)).await;
    assert!(matches!(result, Err(AcceptError::TimedOut)));
    assert_eq!(start.elapsed().as_secs(), 5);
    assert!(dribbling.await.unwrap(), "the transport is closed");
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_dropped_at_the_deadline() {
    let (server, _client) = tokio::io::duplex(1_024);
    let endpoint = endpoint(config());
    let result = endpoint.handshake(Transport::stream(server, None)).await;
    assert!(matches!(result, Err(AcceptError::TimedOut)));
}

/// A peer that asks and does not read the answer must not hold the handshake for ever either.
#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_its_answer_is_dropped_at_the_deadline() {
    let (server, mut client) = tokio::io::duplex(16);
    let endpoint = endpoint(config());
    let request = format!("{HEAD}\r\n");
    let (handshake, _) = tokio::join!(
        endpoint.handshake(Transport::stream(server, None)),
        client.write_all(request.as_bytes()),
    );
    let accepted = handshake.unwrap().accept(address("1")).await;
    assert!(matches!(accepted, Err(AcceptError::TimedOut)));
    assert_eq!(endpoint.stats().opened, 0);
}

#[tokio::test]
async fn a_peer_that_leaves_in_the_middle() {
    let (server, mut client) = common::tcp_pair().await;
    client.write_all(&HEAD.as_bytes()[..50]).await.unwrap();
    drop(client);
    let result = soon(endpoint(config()).handshake(server)).await;
    assert!(matches!(result, Err(AcceptError::Io(_))), "{result:?}");
}

#[tokio::test]
async fn refusing_tells_the_status() {
    let (server, mut client) = common::tcp_pair().await;
    client
        .write_all(format!("{HEAD}\r\n").as_bytes())
        .await
        .unwrap();
    let endpoint = endpoint(config());
    let handshake = soon(endpoint.handshake(server)).await.unwrap();
    handshake
        .refuse(StatusCode::SERVICE_UNAVAILABLE)
        .await
        .unwrap();
    let mut answer = String::new();
    soon(client.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert_eq!(endpoint.stats().opened, 0);
}

/// A client may send before it has our answer.
#[tokio::test]
async fn frames_in_the_packet_of_the_request_are_not_lost() {
    let (server, mut client) = common::tcp_pair().await;
    let mut bytes = format!("{HEAD}\r\n").into_bytes();
    bytes.extend(masked(TEXT, b"early"));
    bytes.extend(masked(CLOSE, &close_payload(4000, "bird")));
    client.write_all(&bytes).await.unwrap();
    let endpoint = endpoint(config());
    let handshake = soon(endpoint.handshake(server)).await.unwrap();
    let mut socket = handshake.accept(address("1")).await.unwrap();
    assert!(matches!(soon(socket.next()).await, Some(Event::Text(text)) if text == "early"));
    let event = soon(socket.next()).await;
    assert!(matches!(event, Some(Event::Close(closed)) if closed.disconnect.reason() == "bird"));
}
