//! How connections end: gently, by force, from either side.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{sync::Arc, time::Duration};

use common::{
    BINARY, CLOSE, TEXT, close_payload, config, endpoint, masked, over_pipe, over_tcp, read_all,
    soon, with_oracle,
};
use futures_util::StreamExt;
use switchboard_connection::{
    Closed, Connection, ConnectionExt, Delivery, Disconnect, Event, Frame, Initiator,
    WebSocketError,
};
use tokio::time::{Instant, sleep};
use tungstenite::Message;

fn local(disconnect: Disconnect, clean: bool) -> Closed {
    Closed::new(Initiator::Local, disconnect, clean)
}

#[tokio::test]
async fn ten_thousand_messages_arrive_before_the_close() {
    let endpoint = endpoint(config());
    let (socket, mut client) = with_oracle(&endpoint).await;
    let handle = Arc::clone(socket.handle());
    let reading = read_all(socket);
    let sending = tokio::spawn(async move {
        for n in 0..10_000 {
            handle.send(n.to_string()).await.unwrap();
        }
        handle.close(Disconnect::new(4000, "that was all"));
    });
    for n in 0..10_000 {
        let message = soon(client.next()).await.unwrap().unwrap();
        assert_eq!(message, Message::text(n.to_string()));
    }
    let close = soon(client.next()).await.unwrap().unwrap();
    assert!(matches!(close, Message::Close(Some(frame)) if frame.reason == "that was all"));
    assert!(soon(client.next()).await.is_none());
    sending.await.unwrap();
    let closed = soon(reading).await.unwrap();
    assert_eq!(closed, local(Disconnect::new(4000, "that was all"), true));
    assert_eq!(endpoint.stats().lost, 0);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_answers_the_close_is_cut_after_the_grace() {
    let (socket, mut peer) = over_pipe(&endpoint(config()), 1_024);
    let start = Instant::now();
    socket.close(Disconnect::NORMAL);
    let closed = read_all(socket).await.unwrap();
    assert_eq!(closed, local(Disconnect::NORMAL, false));
    let took = start.elapsed();
    assert!((5_000..5_200).contains(&took.as_millis()), "{took:?}");
    assert_eq!(
        peer.frames().await.len(),
        1,
        "the close frame, then the end"
    );
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_reads_is_cut_after_the_grace_too() {
    let endpoint = endpoint(config());
    let (socket, _peer) = over_pipe(&endpoint, 8);
    for _ in 0..10 {
        socket
            .try_send(&Frame::text("never read"), Delivery::Policy)
            .unwrap();
    }
    let start = Instant::now();
    socket.close(Disconnect::GOING_AWAY);
    let closed = read_all(socket).await.unwrap();
    assert_eq!(closed, local(Disconnect::GOING_AWAY, false));
    let took = start.elapsed();
    assert!((5_000..5_200).contains(&took.as_millis()), "{took:?}");
    assert!(
        endpoint.stats().lost >= 10,
        "what was accepted and never written is counted"
    );
}

#[tokio::test]
async fn a_busy_handler_does_not_hold_up_the_close() {
    let (mut socket, mut peer) = over_tcp(&endpoint(config())).await;
    socket.handle().close(Disconnect::new(4000, "now"));
    let frame = soon(peer.frame()).await.unwrap();
    assert_eq!(frame.close(), (4000, "now".into()));
    peer.send(&masked(CLOSE, &frame.payload)).await;
    // Only now does the handler look.
    let event = soon(socket.next()).await;
    assert!(matches!(event, Some(Event::Close(closed)) if closed.clean));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_is_busy_for_ever_does_not_hold_up_the_end() {
    let (socket, mut peer) = over_pipe(&endpoint(config()), 1_024);
    let handle = Arc::clone(socket.handle());
    handle.close(Disconnect::NORMAL);
    let frame = peer.frame().await.unwrap();
    peer.send(&masked(CLOSE, &frame.payload)).await;
    assert_eq!(handle.closed().await.disconnect, Disconnect::NORMAL);
    drop(socket);
}

#[tokio::test]
async fn a_dropped_socket_closes_and_ends_in_the_background() {
    let endpoint = endpoint(config());
    let (socket, mut peer) = over_tcp(&endpoint).await;
    let handle = Arc::clone(socket.handle());
    socket.send("last words").await.unwrap();
    drop(socket);
    let frame = soon(peer.frame()).await.unwrap();
    assert_eq!(frame.text(), "last words");
    // What the peer still sends is read away, so that the close handshake is clean.
    peer.send(&masked(BINARY, &vec![7; 100_000])).await;
    let (_, close) = soon(peer.frames_and_close()).await;
    assert_eq!(close, (1000, String::new()));
    assert_eq!(soon(handle.closed()).await, local(Disconnect::NORMAL, true));
    assert_eq!(endpoint.stats().closed, 1);
}

/// What comes between our close and the peer's answer is still delivered.
#[tokio::test]
async fn messages_that_crossed_our_close_are_delivered() {
    let (mut socket, mut peer) = over_tcp(&endpoint(config())).await;
    socket.close(Disconnect::NORMAL);
    peer.send(&masked(TEXT, b"crossed")).await;
    peer.send(&masked(CLOSE, &close_payload(1000, ""))).await;
    let event = soon(socket.next()).await;
    assert!(matches!(event, Some(Event::Text(text)) if text == "crossed"));
    let event = soon(socket.next()).await;
    assert!(matches!(event, Some(Event::Close(closed)) if closed.clean));
}

/// The close frame is the last one (RFC 6455 §5.5.1), also before a peer that still asks.
#[tokio::test]
async fn nothing_is_answered_after_our_close() {
    let (socket, mut peer) = over_tcp(&endpoint(config())).await;
    socket.close(Disconnect::NORMAL);
    let reading = read_all(socket);
    peer.send(&masked(common::PING, b"still there?")).await;
    peer.send(&masked(CLOSE, &close_payload(1000, ""))).await;
    let frames = soon(peer.frames()).await;
    assert_eq!((frames.len(), frames[0].first), (1, CLOSE));
    assert!(soon(reading).await.unwrap().clean);
}

#[tokio::test]
async fn two_closes_that_cross_are_clean() {
    let (mut socket, mut peer) = over_tcp(&endpoint(config())).await;
    peer.send(&masked(CLOSE, &close_payload(4001, "mine")))
        .await;
    socket.close(Disconnect::new(4000, "ours"));
    let event = soon(socket.next()).await;
    let Some(Event::Close(closed)) = event else {
        panic!("{event:?}");
    };
    assert_eq!(closed, local(Disconnect::new(4000, "ours"), true));
    let frames = soon(peer.frames()).await;
    assert_eq!((frames.len(), frames[0].close().0), (1, 4000));
}

#[tokio::test]
async fn a_peers_close_is_echoed() {
    let endpoint = endpoint(config());
    for payload in [
        close_payload(1000, ""),
        close_payload(1001, "tab closed"),
        close_payload(3000, "x"),
        close_payload(4999, &"r".repeat(123)),
        Vec::new(),
    ] {
        let (socket, mut peer) = over_tcp(&endpoint).await;
        let reading = read_all(socket);
        peer.send(&masked(CLOSE, &payload)).await;
        let frames = soon(peer.frames()).await;
        assert_eq!(frames.len(), 1);
        assert_eq!(frames[0].payload, payload);
        let closed = soon(reading).await.unwrap();
        assert_eq!((closed.by, closed.clean), (Initiator::Peer, true));
    }
}

#[tokio::test]
async fn a_peer_that_ends_in_the_middle_of_a_message() {
    let endpoint = endpoint(config());
    let (mut socket, mut peer) = over_tcp(&endpoint).await;
    peer.send(&masked(TEXT, &[b'x'; 100])[..20]).await;
    drop(peer);
    let event = soon(socket.next()).await;
    let lost = Closed::new(Initiator::Transport, Disconnect::ABNORMAL, false);
    assert!(
        matches!(&event, Some(Event::Close(closed)) if *closed == lost),
        "{event:?}"
    );
    assert!(socket.next().await.is_none());
    assert!(socket.is_closed());
    assert_eq!(socket.send("late").await.unwrap_err().code(), "CLOSED");
    assert_eq!(endpoint.stats().closed, 1);
}

#[tokio::test]
async fn a_peer_that_resets_in_the_middle_of_a_message() {
    let (mut socket, mut peer) = over_tcp(&endpoint(config())).await;
    peer.send(&masked(TEXT, &[b'x'; 100])[..20]).await;
    socket2::SockRef::from(&peer.stream)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(peer);
    let event = soon(socket.next()).await;
    assert!(
        matches!(event, Some(Event::Error(WebSocketError::Io(_)))),
        "{event:?}"
    );
    let event = soon(socket.next()).await;
    let lost = Closed::new(Initiator::Transport, Disconnect::ABNORMAL, false);
    assert!(
        matches!(&event, Some(Event::Close(closed)) if *closed == lost),
        "{event:?}"
    );
    assert!(socket.next().await.is_none());
}

/// A write that fails ends the connection, though nobody reads.
#[tokio::test]
async fn a_reset_is_noticed_by_writing() {
    let endpoint = endpoint(config());
    let (socket, peer) = over_tcp(&endpoint).await;
    socket2::SockRef::from(&peer.stream)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(peer);
    let sending = async {
        while socket.send("anybody?").await.is_ok() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    soon(sending).await;
    let closed = soon(socket.closed()).await;
    assert_eq!((closed.by, closed.clean), (Initiator::Transport, false));
    assert!(endpoint.stats().lost >= 1);
}

#[tokio::test]
async fn connections_outlive_their_endpoint() {
    let endpoint = endpoint(config());
    let (socket, mut peer) = over_tcp(&endpoint).await;
    drop(endpoint);
    socket.send("still here").await.unwrap();
    assert_eq!(soon(peer.frame()).await.unwrap().text(), "still here");
}
