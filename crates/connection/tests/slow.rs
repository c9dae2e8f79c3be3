//! Peers that read slowly or not at all: policies, bounds, counts, and everybody else.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{sync::Arc, time::Duration};

use common::{
    CLOSE, PING, PONG, config, echo, endpoint, masked, over_pipe, over_tcp, read_all, soon,
};
use switchboard_connection::{
    Closed, Connection, ConnectionExt, Delivery, Disconnect, Endpoint, Frame, Initiator,
    SEND_DEADLINE, SendError, Sent, SlowConsumer, WebSocketHandle,
};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpSocket, TcpStream},
    time::{Instant, sleep},
};

/// Ten messages of 100 bytes fit.
fn small(policy: SlowConsumer) -> Endpoint {
    let config = config()
        .with_outbox_bytes(1_024)
        .with_slow_consumer(policy)
        .with_ping_interval(Duration::ZERO);
    endpoint(config)
}

/// 100 bytes on the wire.
fn numbered(n: usize) -> Frame {
    Frame::text(format!("{n:098}"))
}

fn send(handle: &WebSocketHandle, n: usize) -> Result<Sent, SendError> {
    handle.try_send(&numbered(n), Delivery::Policy)
}

#[tokio::test(start_paused = true)]
async fn by_default_a_slow_peer_is_closed_and_gets_what_was_accepted() {
    let endpoint = small(SlowConsumer::Close);
    let (socket, mut peer) = over_pipe(&endpoint, 250);
    let accepted = (0..100).take_while(|n| send(&socket, *n).is_ok()).count();
    assert!((10..=13).contains(&accepted), "{accepted}");
    assert_eq!(
        send(&socket, 0),
        Err(SendError::Closed),
        "after the one refusal"
    );
    let handle = Arc::clone(socket.handle());
    let reading = read_all(socket);
    let (frames, close) = peer.frames_and_close().await;
    assert_eq!(close, (1013, "SLOW_CONSUMER".into()));
    let texts: Vec<usize> = frames.iter().map(|f| f.text().parse().unwrap()).collect();
    assert_eq!(texts, (0..accepted).collect::<Vec<_>>());
    let closed = Closed::new(Initiator::Local, Disconnect::SLOW_CONSUMER, true);
    assert_eq!(reading.await.unwrap(), closed);
    let stats = endpoint.stats();
    assert_eq!((stats.slow_consumers, stats.dropped, stats.lost), (1, 1, 0));
    assert_eq!(handle.dropped(), 1);
}

/// Sends 1,000 numbers while the peer does not read, then 1 to mark the end; returns what arrived.
async fn flood(policy: SlowConsumer) -> (Vec<usize>, u64) {
    let endpoint = small(policy);
    let (socket, mut peer) = over_pipe(&endpoint, 250);
    let mut dropped = 0;
    for n in 0..1_000 {
        match send(&socket, n).unwrap() {
            Sent::Queued => {}
            Sent::Displaced(count) => dropped += u64::from(count),
            Sent::Dropped => dropped += 1,
            sent => panic!("{sent:?}"),
        }
        assert!(socket.outbox_bytes() <= 1_024);
    }
    assert_eq!(socket.dropped(), dropped);
    assert_eq!(endpoint.stats().dropped, dropped);
    socket.close(Disconnect::NORMAL);
    let (frames, close) = peer.frames_and_close().await;
    assert_eq!(close.0, 1000);
    let numbers: Vec<usize> = frames.iter().map(|f| f.text().parse().unwrap()).collect();
    assert_eq!(
        numbers.len() as u64 + dropped,
        1_000,
        "each is counted once"
    );
    assert!(numbers.is_sorted());
    (numbers, dropped)
}

#[tokio::test(start_paused = true)]
async fn dropping_the_oldest_keeps_the_newest_state() {
    let (numbers, dropped) = flood(SlowConsumer::DropOldest).await;
    assert_eq!(*numbers.last().unwrap(), 999);
    assert_eq!(numbers[0], 0, "it was begun, so it had to be ended");
    assert!(dropped > 900);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_newest_keeps_the_history() {
    let (numbers, dropped) = flood(SlowConsumer::DropNewest).await;
    assert_eq!(numbers, (0..numbers.len()).collect::<Vec<_>>());
    assert!(dropped > 900);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_producer_is_refused_and_nothing_is_lost() {
    let endpoint = small(SlowConsumer::Wait);
    let (socket, mut peer) = over_pipe(&endpoint, 250);
    let accepted = (0..100).take_while(|n| send(&socket, *n).is_ok()).count();
    assert_eq!(send(&socket, 0), Err(SendError::Full));
    assert!(!socket.is_closed());
    assert_eq!((socket.dropped(), endpoint.stats().dropped), (0, 0));

    let handle = Arc::clone(socket.handle());
    let waiting = tokio::spawn(async move { handle.send(numbered(accepted)).await });
    sleep(SEND_DEADLINE / 2).await;
    assert!(!waiting.is_finished());
    for n in 0..=accepted {
        assert_eq!(peer.frame().await.unwrap().text(), format!("{n:098}"));
    }
    assert_eq!(waiting.await.unwrap(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn waiting_for_room_ends_at_the_deadline() {
    let config = config()
        .with_outbox_bytes(1_024)
        .with_write_timeout(Duration::from_mins(10))
        .with_ping_interval(Duration::ZERO);
    let (socket, mut peer) = over_pipe(&endpoint(config), 250);
    let mut accepted = 0;
    while socket
        .try_send(&numbered(accepted), Delivery::Refuse)
        .is_ok()
    {
        accepted += 1;
    }
    let start = Instant::now();
    assert_eq!(
        socket.send(numbered(accepted)).await,
        Err(SendError::TimedOut)
    );
    assert_eq!(start.elapsed().as_secs(), SEND_DEADLINE.as_secs());
    assert!(!socket.is_closed());
    socket.close(Disconnect::NORMAL);
    let (frames, _) = peer.frames_and_close().await;
    assert_eq!(frames.len(), accepted, "what timed out was not sent");
}

#[tokio::test(start_paused = true)]
async fn a_close_ends_the_wait_for_room() {
    let (socket, _peer) = over_pipe(&small(SlowConsumer::Wait), 8);
    while send(&socket, 0).is_ok() {}
    let handle = Arc::clone(socket.handle());
    let waiting = tokio::spawn(async move { handle.send(numbered(0)).await });
    sleep(Duration::from_secs(1)).await;
    socket.close(Disconnect::NORMAL);
    assert_eq!(waiting.await.unwrap(), Err(SendError::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_no_byte_is_cut_after_the_write_timeout() {
    let endpoint = small(SlowConsumer::Wait);
    let (socket, _peer) = over_pipe(&endpoint, 8);
    send(&socket, 0).unwrap();
    let start = Instant::now();
    let closed = read_all(socket).await.unwrap();
    assert_eq!(
        closed,
        Closed::new(Initiator::Local, Disconnect::SLOW_CONSUMER, false)
    );
    let took = start.elapsed();
    assert!((10_000..10_100).contains(&took.as_millis()), "{took:?}");
    assert_eq!(endpoint.stats().slow_consumers, 1);
    assert_eq!(endpoint.stats().lost, 1);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_a_byte_now_and_then_is_kept() {
    let endpoint = small(SlowConsumer::Wait);
    let (socket, mut peer) = over_pipe(&endpoint, 1);
    send(&socket, 0).unwrap();
    let reading = read_all(socket);
    for _ in 0..100 {
        sleep(Duration::from_secs(1)).await;
        peer.stream.read_u8().await.unwrap();
    }
    assert!(!reading.is_finished());
    assert_eq!(endpoint.stats().lost, 0);
}

#[tokio::test(start_paused = true)]
async fn volatile_messages_are_the_first_to_go() {
    let (socket, mut peer) = over_pipe(&small(SlowConsumer::Close), 250);
    let volatile = |n| socket.try_send(&numbered(n), Delivery::Volatile);
    assert_eq!(volatile(0), Ok(Sent::Queued));
    for n in 1..4 {
        send(&socket, n).unwrap();
    }
    assert_eq!(
        volatile(4),
        Ok(Sent::Dropped),
        "there is room, but the peer is behind"
    );
    assert_eq!(socket.dropped(), 1);
    for n in 0..4 {
        assert_eq!(peer.frame().await.unwrap().text(), format!("{n:098}"));
    }
    sleep(Duration::from_millis(1)).await;
    assert_eq!(volatile(5), Ok(Sent::Queued), "the peer caught up");
    assert_eq!(peer.frame().await.unwrap().text(), format!("{:098}", 5));
}

#[tokio::test]
async fn what_can_never_fit_is_refused_at_once() {
    for policy in [
        SlowConsumer::Close,
        SlowConsumer::DropOldest,
        SlowConsumer::DropNewest,
        SlowConsumer::Wait,
    ] {
        let (socket, _peer) = over_pipe(&small(policy), 64);
        let large = vec![0; 2_000];
        assert_eq!(socket.send(large.clone()).await, Err(SendError::TooLarge));
        let sent = socket.try_send(&large.into(), Delivery::Policy);
        assert_eq!(sent, Err(SendError::TooLarge));
        assert!(!socket.is_closed());
    }
}

/// A client with a receive buffer of a few kilobytes, as a sleeping phone.
async fn narrow(endpoint: &Endpoint) -> (switchboard_connection::WebSocket, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpSocket::new_v4().unwrap();
    client.set_recv_buffer_size(4_096).unwrap();
    let client = client.connect(listener.local_addr().unwrap());
    let (client, accepted) = tokio::join!(client, listener.accept());
    let server = accepted.unwrap().0;
    socket2::SockRef::from(&server)
        .set_send_buffer_size(8_192)
        .unwrap();
    let socket = endpoint.accepted(server.into(), &[], common::address("narrow"));
    (socket, client.unwrap())
}

#[tokio::test]
async fn one_stuck_peer_disturbs_nobody() {
    let config = config()
        .with_outbox_bytes(64 * 1_024)
        .with_slow_consumer(SlowConsumer::DropOldest);
    let endpoint = endpoint(config);
    let (stuck, _sleeping) = narrow(&endpoint).await;
    let mut peers = Vec::new();
    let mut handles = vec![Arc::clone(stuck.handle())];
    for _ in 0..4 {
        let (socket, mut peer) = over_tcp(&endpoint).await;
        handles.push(Arc::clone(socket.handle()));
        echo(socket);
        peers.push(tokio::spawn(async move {
            for n in 0..2_000 {
                assert_eq!(peer.frame().await.unwrap().text(), format!("{n:098}"));
            }
        }));
    }
    for n in 0..2_000 {
        for handle in &handles {
            send(handle, n).unwrap();
        }
        // The peers share this thread.
        tokio::task::yield_now().await;
    }
    for peer in peers {
        soon(peer).await.unwrap();
    }
    assert!(stuck.dropped() > 100, "{}", stuck.dropped());
    assert!(stuck.outbox_bytes() <= 64 * 1_024);
    assert_eq!(
        endpoint.stats().dropped,
        stuck.dropped(),
        "nobody else lost any"
    );
}

#[tokio::test]
async fn a_stalled_socket_is_cut_after_the_write_timeout() {
    let config = config()
        .with_write_timeout(Duration::from_millis(200))
        .with_slow_consumer(SlowConsumer::Wait);
    let endpoint = endpoint(config);
    let (socket, _sleeping) = narrow(&endpoint).await;
    while socket.try_send(&numbered(0), Delivery::Policy).is_ok() {}
    let closed = soon(socket.closed()).await;
    assert_eq!(
        closed,
        Closed::new(Initiator::Local, Disconnect::SLOW_CONSUMER, false)
    );
    assert_eq!(endpoint.stats().slow_consumers, 1);
}

#[tokio::test(start_paused = true)]
async fn a_pong_finds_its_way_though_the_outbox_is_never_empty() {
    let endpoint = small(SlowConsumer::DropOldest);
    let (socket, mut peer) = over_pipe(&endpoint, 64);
    let handle = Arc::clone(socket.handle());
    read_all(socket);
    for n in 0..8 {
        send(&handle, n).unwrap();
    }
    peer.send(&masked(PING, b"alive?")).await;
    for n in 0..100 {
        send(&handle, n).unwrap();
        if peer.frame().await.unwrap().first == PONG {
            return;
        }
    }
    panic!("no pong among 100 messages");
}

#[tokio::test(start_paused = true)]
async fn nothing_follows_a_close_frame_not_even_a_pong_that_waited() {
    let endpoint = small(SlowConsumer::DropOldest);
    let (socket, mut peer) = over_pipe(&endpoint, 64);
    let handle = Arc::clone(socket.handle());
    read_all(socket);
    for n in 0..8 {
        send(&handle, n).unwrap();
    }
    peer.send(&masked(PING, b"alive?")).await;
    sleep(Duration::from_millis(1)).await;
    handle.close(Disconnect::NORMAL);
    let mut last = 0;
    while let Some(frame) = peer.frame().await {
        assert_ne!(last, CLOSE);
        last = frame.first;
        if last == CLOSE {
            peer.send(&masked(CLOSE, b"\x03\xe8")).await;
        }
    }
    assert_eq!(last, CLOSE);
}

#[tokio::test]
async fn pings_of_one_turn_find_no_more_room_than_the_outbox_has() {
    let (socket, _peer) = over_pipe(&small(SlowConsumer::Close), 64);
    let _cork = switchboard_connection::Cork::new();
    let queued = (0..100).filter(|_| socket.ping(&[0; 98]) == Ok(Sent::Queued));
    assert_eq!(queued.count(), 10);
    assert!(!socket.is_closed());
}
