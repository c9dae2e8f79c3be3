//! Many tasks at one connection at once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use common::{config, endpoint, over_pipe, over_tcp, read_all, soon, with_oracle};
use futures_util::StreamExt;
use switchboard_connection::{
    Connection, ConnectionExt, Delivery, Disconnect, Frame, SendError, Sent, SlowConsumer,
};
use tokio::sync::Barrier;
use tungstenite::Message;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_tasks_messages_keep_their_order() {
    const TASKS: usize = 16;
    const MESSAGES: usize = 500;
    let config = config().with_outbox_messages(64);
    let endpoint = endpoint(config);
    let (socket, mut client) = with_oracle(&endpoint).await;
    let mut tasks = Vec::new();
    for task in 0..TASKS {
        let handle = Arc::clone(socket.handle());
        tasks.push(tokio::spawn(async move {
            for n in 0..MESSAGES {
                handle.send(format!("{task} {n}")).await.unwrap();
            }
        }));
    }
    let mut next = HashMap::new();
    for _ in 0..TASKS * MESSAGES {
        let message = soon(client.next()).await.unwrap().unwrap();
        let text = message.into_text().unwrap();
        let (task, n) = text.split_once(' ').unwrap();
        let expected = next.entry(task.to_owned()).or_insert(0);
        assert_eq!(n.parse(), Ok(*expected), "task {task}");
        *expected += 1;
    }
    for task in tasks {
        soon(task).await.unwrap();
    }
    assert_eq!(next.len(), TASKS);
    assert!(!socket.is_closed());
}

/// Whatever was accepted before the close arrives once; what came later was refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sends_closes_and_waits_race() {
    const TASKS: usize = 64;
    let config = config()
        .with_outbox_bytes(4_096)
        .with_slow_consumer(SlowConsumer::Wait);
    let endpoint = endpoint(config);
    for round in 0..20 {
        let (socket, mut peer) = if round % 2 == 0 {
            let (socket, peer) = over_tcp(&endpoint).await;
            (socket, Either::Tcp(peer))
        } else {
            let (socket, peer) = over_pipe(&endpoint, 100);
            (socket, Either::Pipe(peer))
        };
        let barrier = Arc::new(Barrier::new(TASKS));
        let firsts = Arc::<AtomicUsize>::default();
        let mut tasks = Vec::new();
        for task in 0..TASKS {
            let handle = Arc::clone(socket.handle());
            let (barrier, firsts) = (Arc::clone(&barrier), Arc::clone(&firsts));
            tasks.push(tokio::spawn(async move {
                barrier.wait().await;
                let mut accepted = Vec::new();
                for n in 0..20 {
                    let text = format!("{task} {n}");
                    match handle.try_send(&Frame::text(&text), Delivery::Policy) {
                        Ok(Sent::Queued) => accepted.push(text),
                        Err(SendError::Full) if task % 3 == 0 => {
                            handle.ready(text.len()).await.ok();
                        }
                        Err(SendError::Full) => tokio::task::yield_now().await,
                        Err(SendError::Closed) => break,
                        other => panic!("{other:?}"),
                    }
                    if task % 16 == 5 && n == 15 {
                        let first = handle.close(Disconnect::new(4000, format!("by {task}")));
                        firsts.fetch_add(usize::from(first), Ordering::Relaxed);
                    }
                }
                (accepted, handle.closed().await)
            }));
        }
        let reading = read_all(socket);
        let (received, close) = soon(peer.frames_and_close()).await;
        let closed = soon(reading).await.unwrap();
        assert!(closed.clean);
        assert_eq!(close, (4000, closed.disconnect.reason().to_owned()));
        let mut all = Vec::new();
        for task in tasks {
            let (accepted, seen) = soon(task).await.unwrap();
            assert_eq!(seen, closed, "every waiter hears the same end");
            all.extend(accepted);
        }
        assert_eq!(firsts.load(Ordering::Relaxed), 1);
        let mut received: Vec<_> = received.iter().map(|f| f.text().to_owned()).collect();
        all.sort();
        received.sort();
        assert_eq!(received, all);
    }
    let stats = endpoint.stats();
    assert_eq!((stats.opened, stats.closed, stats.lost), (20, 20, 0));
}

enum Either {
    Tcp(common::Peer<tokio::net::TcpStream>),
    Pipe(common::Peer<tokio::io::DuplexStream>),
}

impl Either {
    async fn frames_and_close(&mut self) -> (Vec<common::WireFrame>, (u16, String)) {
        match self {
            Self::Tcp(peer) => peer.frames_and_close().await,
            Self::Pipe(peer) => peer.frames_and_close().await,
        }
    }
}

/// A connection that many wait for ends by the peer's doing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_who_wait_for_the_end_hear_of_it() {
    let endpoint = endpoint(config());
    let (socket, mut client) = with_oracle(&endpoint).await;
    let waiting: Vec<_> = (0..64)
        .map(|_| {
            let handle = Arc::clone(socket.handle());
            tokio::spawn(async move { handle.closed().await })
        })
        .collect();
    let handle = Arc::clone(socket.handle());
    let reading = read_all(socket);
    client.close(None).await.unwrap();
    while let Some(Ok(message)) = soon(client.next()).await {
        assert!(matches!(message, Message::Close(_)));
    }
    let closed = soon(reading).await.unwrap();
    for waiter in waiting {
        assert_eq!(soon(waiter).await.unwrap(), closed);
    }
    assert_eq!(handle.close_and_wait(Disconnect::NORMAL).await, closed);
}

/// Dropping a send that waits sends nothing, and its place goes to another.
#[tokio::test(start_paused = true)]
async fn a_send_that_is_dropped_sends_nothing() {
    let config = config().with_outbox_bytes(64);
    let (socket, mut peer) = over_pipe(&endpoint(config), 1);
    socket.send(vec![0; 60]).await.unwrap();
    let dropped = socket.send("dropped while it waits");
    let time = std::time::Duration::from_secs(1);
    assert!(tokio::time::timeout(time, dropped).await.is_err());
    let kept = socket.send("kept");
    let (frame, kept) = tokio::join!(peer.frame(), kept);
    kept.unwrap();
    assert_eq!(frame.unwrap().payload, [0; 60]);
    assert_eq!(peer.frame().await.unwrap().text(), "kept");
}
