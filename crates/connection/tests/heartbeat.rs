//! Who counts as gone, and who does not.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::time::Duration;

use common::{
    CLOSE, PING, PONG, TEXT, config, endpoint, masked, over_pipe, read_all, soon, with_oracle,
};
use futures_util::StreamExt;
use switchboard_connection::{
    Closed, Connection, Delivery, Disconnect, Event, Frame, Initiator, SlowConsumer,
};
use tokio::{
    io::AsyncReadExt,
    time::{Instant, sleep},
};
use tungstenite::Message;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn timed_out() -> Closed {
    Closed::new(Initiator::Local, Disconnect::TIMED_OUT, false)
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_gives_no_sign_is_gone_after_interval_and_timeout() {
    let endpoint = endpoint(config());
    let (socket, mut peer) = over_pipe(&endpoint, 1_024);
    let start = Instant::now();
    let closed = read_all(socket).await.unwrap();
    assert_eq!(closed, timed_out());
    let took = start.elapsed();
    assert!((secs(45)..secs(46)).contains(&took), "{took:?}");
    let frames = peer.frames().await;
    assert_eq!(frames[0].first, PING);
    assert_eq!(frames[1].close(), (1001, "TIMED_OUT".into()));
    assert_eq!(frames.len(), 2);
    assert_eq!(endpoint.stats().timed_out, 1);
}

#[tokio::test(start_paused = true)]
async fn any_byte_is_a_sign_of_life() {
    let (socket, mut peer) = over_pipe(&endpoint(config()), 1_024);
    let start = Instant::now();
    let reading = read_all(socket);
    sleep(secs(30)).await;
    peer.send(&masked(TEXT, b"slow")[..1]).await;
    assert_eq!(reading.await.unwrap(), timed_out());
    let took = start.elapsed();
    assert!((secs(70)..secs(71)).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_pings_stays_for_hours() {
    let (socket, mut peer) = over_pipe(&endpoint(config()), 1_024);
    let handle = std::sync::Arc::clone(socket.handle());
    let reading = read_all(socket);
    let start = Instant::now();
    let mut pings = 0;
    while start.elapsed() < secs(3 * 3_600) {
        let frame = peer.frame().await.expect("a ping");
        assert_eq!(frame.first, PING);
        peer.send(&masked(PONG, &frame.payload)).await;
        pings += 1;
    }
    assert!((420..=433).contains(&pings), "{pings}");
    assert!(!handle.is_closed() && !reading.is_finished());
}

#[tokio::test(start_paused = true)]
async fn no_interval_means_no_pings() {
    let config = config()
        .with_ping_interval(Duration::ZERO)
        .with_idle_timeout(Duration::ZERO);
    let (socket, mut peer) = over_pipe(&endpoint(config), 1_024);
    let reading = read_all(socket);
    let frame = tokio::time::timeout(secs(86_400), peer.frame()).await;
    assert!(frame.is_err(), "{frame:?}");
    assert!(!reading.is_finished());
}

/// Answers pings for ever.
async fn answer_pings(mut peer: common::Peer<tokio::io::DuplexStream>) {
    while let Some(frame) = peer.frame().await {
        if frame.first == PING {
            peer.send(&masked(PONG, &frame.payload)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_is_busy_for_long_loses_nobody() {
    let endpoint = endpoint(config());
    let (mut socket, mut peer) = over_pipe(&endpoint, 4_096);
    peer.send(&masked(TEXT, b"work")).await;
    assert!(matches!(socket.next().await, Some(Event::Text(_))));
    tokio::spawn(answer_pings(peer));
    sleep(secs(600)).await;
    assert!(!socket.is_closed(), "the answers lie unread");
    assert!(matches!(socket.next().await, Some(Event::Pong(_))));
    tokio::spawn(async move { while socket.next().await.is_some() {} });
    sleep(secs(600)).await;
    assert_eq!(endpoint.stats().closed, 0);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_does_not_read_yet_loses_nobody() {
    let (mut socket, peer) = over_pipe(&endpoint(config()), 4_096);
    tokio::spawn(answer_pings(peer));
    sleep(secs(600)).await;
    assert!(!socket.is_closed(), "the answers lie unread");
    assert!(matches!(socket.next().await, Some(Event::Pong(_))));
}

/// `select!` drops the future of the next event, and its other branch works for long.
#[tokio::test(start_paused = true)]
async fn a_handler_that_stopped_waiting_loses_nobody() {
    let (mut socket, peer) = over_pipe(&endpoint(config()), 4_096);
    tokio::spawn(answer_pings(peer));
    tokio::select! {
        event = socket.next() => panic!("{event:?}"),
        () = sleep(secs(1)) => sleep(secs(600)).await,
    }
    assert!(!socket.is_closed(), "the answers lie unread");
    assert!(matches!(socket.next().await, Some(Event::Pong(_))));
}

/// Once the handler reads again, a peer that is gone is noticed again.
#[tokio::test(start_paused = true)]
async fn a_peer_that_vanished_while_the_handler_was_busy_is_noticed_after() {
    let (socket, _peer) = over_pipe(&endpoint(config()), 4_096);
    sleep(secs(600)).await;
    let start = Instant::now();
    assert_eq!(read_all(socket).await.unwrap(), timed_out());
    assert!(start.elapsed() <= secs(46), "{:?}", start.elapsed());
}

/// The answer comes within the millisecond of the ping, as it does in a data centre.
#[tokio::test]
async fn an_answer_within_the_same_millisecond_counts() {
    let config = config()
        .with_ping_interval(Duration::from_millis(100))
        .with_ping_timeout(Duration::from_millis(60));
    let endpoint = endpoint(config);
    let mut peers = Vec::new();
    for _ in 0..8 {
        let (socket, mut client) = with_oracle(&endpoint).await;
        read_all(socket);
        // tungstenite answers pings while it reads.
        peers.push(tokio::spawn(async move {
            while let Some(Ok(Message::Ping(_))) = client.next().await {}
        }));
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!(endpoint.stats().timed_out, 0);
    assert!(peers.iter().all(|peer| !peer.is_finished()));
}

/// A slow link that is never empty: no ping gets through, yet the peer takes bytes all the time.
#[tokio::test(start_paused = true)]
async fn a_slow_link_that_always_carries_bytes_is_alive() {
    let config = config()
        .with_outbox_bytes(4_096)
        .with_slow_consumer(SlowConsumer::DropOldest);
    let endpoint = endpoint(config);
    let (socket, mut peer) = over_pipe(&endpoint, 64);
    let handle = std::sync::Arc::clone(socket.handle());
    let reading = read_all(socket);
    let feed = tokio::spawn(async move {
        let frame = Frame::text("x".repeat(500));
        while handle.try_send(&frame, Delivery::Policy).is_ok() {
            sleep(Duration::from_millis(100)).await;
        }
    });
    for _ in 0..600 {
        sleep(secs(1)).await;
        let mut bytes = [0; 100];
        assert_ne!(peer.stream.read(&mut bytes).await.unwrap(), 0);
    }
    assert!(!feed.is_finished() && !reading.is_finished());
}

#[tokio::test]
async fn a_peer_is_asked_and_its_answer_heard() {
    let (mut socket, mut client) = with_oracle(&endpoint(config())).await;
    let answering = tokio::spawn(async move { while let Some(Ok(_)) = client.next().await {} });
    socket.ping(b"are you there?").unwrap();
    let event = soon(socket.next()).await;
    assert!(
        matches!(&event, Some(Event::Pong(payload)) if payload == "are you there?"),
        "{event:?}"
    );
    drop(answering);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_pinged_after_a_close() {
    let config = config().with_close_grace(secs(100));
    let (socket, mut peer) = over_pipe(&endpoint(config), 1_024);
    socket.close(Disconnect::NORMAL);
    let closed = read_all(socket).await.unwrap();
    assert_eq!(
        closed,
        Closed::new(Initiator::Local, Disconnect::NORMAL, false)
    );
    let frames = peer.frames().await;
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].first, CLOSE);
}
