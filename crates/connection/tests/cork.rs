//! Everything that one turn sends to one peer leaves with one write.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use common::{Peer, address, config, endpoint, over_tcp, soon};
use switchboard_connection::{
    Connection, ConnectionExt, Cork, Corked, Delivery, Disconnect, Endpoint, Frame, Sent,
    Transport, WebSocket,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, DuplexStream, ReadBuf};

/// A pipe that counts how often it is written to.
struct Counting {
    pipe: DuplexStream,
    writes: Arc<AtomicUsize>,
}

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_read(context, buffer)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.pipe).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.pipe).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(context)
    }
}

/// A connection, its peer, and how often it was written to.
fn counted(endpoint: &Endpoint) -> (WebSocket, Peer<DuplexStream>, Arc<AtomicUsize>) {
    let (pipe, client) = tokio::io::duplex(1 << 20);
    let writes = Arc::<AtomicUsize>::default();
    let stream = Counting {
        pipe,
        writes: Arc::clone(&writes),
    };
    let transport = Transport::stream(stream, None);
    let socket = endpoint.accepted(transport, &[], address("counted"));
    (socket, Peer::new(client), writes)
}

fn send(connection: &dyn Connection, n: usize) {
    let sent = connection.try_send(&Frame::text(n.to_string()), Delivery::Policy);
    assert_eq!(sent, Ok(Sent::Queued));
}

#[tokio::test]
async fn without_a_cork_each_send_is_a_write() {
    let (socket, _peer, writes) = counted(&endpoint(config()));
    for n in 1..=20 {
        send(socket.handle().as_ref(), n);
        assert_eq!(writes.load(Ordering::Relaxed), n);
    }
}

#[tokio::test]
async fn a_turn_is_one_write_and_corks_nest() {
    let (socket, mut peer, writes) = counted(&endpoint(config()));
    {
        let _turn = Cork::new();
        for n in 0..20 {
            let _inner = Cork::new();
            send(socket.handle().as_ref(), n);
        }
        socket.close(Disconnect::NORMAL);
        assert_eq!(
            writes.load(Ordering::Relaxed),
            0,
            "nothing before the turn ends"
        );
    }
    assert_eq!(writes.load(Ordering::Relaxed), 1);
    let (frames, _) = peer.frames_and_close().await;
    assert_eq!(frames.len(), 20);
}

#[tokio::test]
async fn each_poll_of_a_corked_future_is_a_turn() {
    let (socket, _peer, writes) = counted(&endpoint(config()));
    Corked::new(async {
        for turn in 1..=5 {
            for _ in 0..10 {
                socket.send("x").await.unwrap();
            }
            assert_eq!(writes.load(Ordering::Relaxed), turn - 1);
            tokio::task::yield_now().await;
            assert_eq!(writes.load(Ordering::Relaxed), turn);
        }
    })
    .await;
}

/// Batches this large are flushed by a task, in pieces, and on several workers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_over_many_peers_is_one_write_each() {
    let endpoint = endpoint(config());
    let mut peers: Vec<_> = (0..1_500).map(|_| counted(&endpoint)).collect();
    {
        let _turn = Cork::new();
        let frames = [Frame::text("0"), Frame::text("1"), Frame::text("2")];
        for frame in &frames {
            for (socket, ..) in &peers {
                socket.try_send(frame, Delivery::Policy).unwrap();
            }
        }
    }
    for (_, peer, writes) in &mut peers {
        for n in 0..3 {
            let frame = soon(peer.frame()).await.unwrap();
            assert_eq!(frame.text(), n.to_string());
        }
        assert_eq!(writes.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn over_tcp_the_peers_first_read_holds_the_whole_turn() {
    let (socket, mut peer) = over_tcp(&endpoint(config())).await;
    {
        let _turn = Cork::new();
        for n in 0..500 {
            send(socket.handle().as_ref(), n);
        }
    }
    let expected: Vec<u8> = (0..500)
        .flat_map(|n| Frame::text(n.to_string()).as_bytes().to_vec())
        .collect();
    let mut bytes = vec![0; 64 * 1_024];
    let count = soon(peer.stream.read(&mut bytes)).await.unwrap();
    assert_eq!(bytes[..count], expected);
}

/// Tokio gives each poll of a task a budget of 128 operations; a turn may write to more peers.
#[tokio::test]
async fn a_turn_that_writes_to_many_finds_none_of_them_blocked() {
    let endpoint = endpoint(config());
    let peers: Vec<_> = (0..300).map(|_| counted(&endpoint)).collect();
    for (socket, ..) in &peers {
        send(socket.handle().as_ref(), 1);
        let sent = socket.try_send(&Frame::text("2"), Delivery::Volatile);
        assert_eq!(sent, Ok(Sent::Queued));
    }
}

/// The outbox bounds what a peer does not take, not what one turn says.
#[tokio::test]
async fn a_turn_may_say_more_than_the_outbox_holds() {
    let endpoint = endpoint(config().with_outbox_messages(16));
    let (socket, mut peer) = over_tcp(&endpoint).await;
    {
        let _turn = Cork::new();
        for n in 0..5_000 {
            send(socket.handle().as_ref(), n);
        }
    }
    for n in 0..5_000 {
        assert_eq!(soon(peer.frame()).await.unwrap().text(), n.to_string());
    }
    assert!(!socket.is_closed());
    assert_eq!(endpoint.stats().dropped, 0);
}

#[tokio::test]
async fn a_peer_that_is_closed_within_the_turn_gets_all_of_it() {
    let (socket, mut peer) = over_tcp(&endpoint(config())).await;
    {
        let _turn = Cork::new();
        for n in 0..100 {
            send(socket.handle().as_ref(), n);
        }
        socket.close(Disconnect::new(4000, "end of turn"));
        let late = socket.try_send(&Frame::text("late"), Delivery::Policy);
        assert!(late.is_err());
    }
    let (frames, close) = soon(peer.frames_and_close()).await;
    assert_eq!((frames.len(), close.0), (100, 4000));
}

#[tokio::test]
async fn a_handler_that_panics_within_a_turn_leaves_the_cork_whole() {
    let (socket, mut peer) = over_tcp(&endpoint(config())).await;
    let handle = Arc::clone(socket.handle());
    let panicked = tokio::spawn(Corked::new(async move {
        send(handle.as_ref(), 1);
        panic!("on purpose");
    }));
    assert!(panicked.await.is_err());
    assert_eq!(soon(peer.frame()).await.unwrap().text(), "1");
    send(socket.handle().as_ref(), 2);
    assert_eq!(soon(peer.frame()).await.unwrap().text(), "2");
}
