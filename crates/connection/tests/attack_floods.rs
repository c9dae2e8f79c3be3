//! Much of what is allowed: floods cost their sender time, and us no memory.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::time::Duration;

use common::{
    BINARY, Bystander, PING, TEXT, config, endpoint, masked, over_pipe, over_tcp, read_all, soon,
};
use switchboard_connection::{
    Connection, ConnectionConfig, Disconnect, Event, OnRateLimit, Rate, WebSocketError,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout},
};

const MIB: usize = 1024 * 1024;

/// Virtual and resident memory of this process in bytes.
fn memory() -> (usize, usize) {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: Vec<usize> = statm
        .split_whitespace()
        .map(|pages| pages.parse().unwrap())
        .collect();
    (pages[0] * 4_096, pages[1] * 4_096)
}

/// Writes `bytes` again and again until the peer took all or takes no more; returns how many it took.
async fn push(stream: &mut (impl AsyncWriteExt + Unpin), bytes: &[u8], times: usize) -> usize {
    for time in 0..times {
        let writing = timeout(Duration::from_millis(500), stream.write_all(bytes));
        if !matches!(writing.await, Ok(Ok(()))) {
            return time;
        }
    }
    times
}

#[tokio::test]
async fn a_ping_flood_that_never_reads_holds_one_pong() {
    let endpoint = endpoint(config());
    let mut bystander = Bystander::new(&endpoint).await;
    let (socket, mut peer) = over_tcp(&endpoint).await;
    // So that the pongs are stuck here, not in the kernel.
    socket2::SockRef::from(&peer.stream)
        .set_recv_buffer_size(4_096)
        .unwrap();
    let handle = std::sync::Arc::clone(socket.handle());
    read_all(socket);
    let before = memory().1;
    let pings = masked(PING, &[b'p'; 125]).repeat(1_000);
    push(&mut peer.stream, &pings, 200).await;
    assert!(
        handle.outbox_bytes() <= 64 * 1_024,
        "{}",
        handle.outbox_bytes()
    );
    let grown = memory().1.saturating_sub(before);
    assert!(grown < 16 * MIB, "{} KiB", grown / 1_024);
    assert!(!handle.is_closed());
    bystander.still_echoes().await;
}

/// The shipped rate: beyond it we do not read, and TCP slows the sender down.
#[tokio::test]
async fn a_ping_flood_is_paused_by_its_rate() {
    let endpoint = endpoint(ConnectionConfig::default());
    let mut bystander = Bystander::new(&endpoint).await;
    let (socket, mut peer) = over_tcp(&endpoint).await;
    let handle = std::sync::Arc::clone(socket.handle());
    let reading = read_all(socket);
    let pings = masked(PING, &[b'p'; 125]).repeat(1_000);
    let taken = push(&mut peer.stream, &pings, 1_000).await;
    assert!(taken < 1_000, "all 131 MB went through");
    assert!(!handle.is_closed() && !reading.is_finished());
    bystander.still_echoes().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_flood_is_read_at_its_rate() {
    let config = ConnectionConfig::default().with_message_rate(Some(Rate::new(10, 5)));
    let (mut socket, mut peer) = over_pipe(&endpoint(config), MIB);
    peer.send(&masked(TEXT, b"again").repeat(105)).await;
    let start = Instant::now();
    for _ in 0..105 {
        assert!(matches!(socket.next().await, Some(Event::Text(_))));
    }
    let took = start.elapsed();
    let expected = Duration::from_millis(9_800)..Duration::from_millis(10_300);
    assert!(expected.contains(&took), "{took:?}");
    assert!(!socket.is_closed());
}

#[tokio::test(start_paused = true)]
async fn pings_and_messages_have_rates_of_their_own() {
    let config = ConnectionConfig::default()
        .with_control_rate(Some(Rate::new(1, 1)))
        .with_on_rate_limit(OnRateLimit::Close);
    let (mut socket, mut peer) = over_pipe(&endpoint(config), MIB);
    let bytes = [masked(PING, b"").repeat(2), masked(TEXT, b"x")].concat();
    peer.send(&masked(TEXT, b"x").repeat(100)).await;
    peer.send(&bytes).await;
    for _ in 0..100 {
        assert!(matches!(socket.next().await, Some(Event::Text(_))));
    }
    assert!(matches!(socket.next().await, Some(Event::Ping(_))));
    let event = socket.next().await;
    assert!(
        matches!(event, Some(Event::Error(WebSocketError::RateLimited))),
        "{event:?}"
    );
}

#[tokio::test]
async fn a_message_flood_is_closed_where_that_is_chosen() {
    let config = ConnectionConfig::default()
        .with_message_rate(Some(Rate::new(10, 5)))
        .with_on_rate_limit(OnRateLimit::Close);
    let endpoint = endpoint(config);
    let mut bystander = Bystander::new(&endpoint).await;
    let (mut socket, mut peer) = over_tcp(&endpoint).await;
    peer.send(&masked(TEXT, b"again").repeat(100)).await;
    for _ in 0..5 {
        let event = soon(socket.next()).await;
        assert!(matches!(event, Some(Event::Text(_))), "{event:?}");
    }
    let reading = read_all(socket);
    let frames = soon(peer.frames()).await;
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].close(), (1008, "RATE_LIMITED".into()));
    drop(peer);
    let closed = soon(reading).await.unwrap();
    assert_eq!(closed.disconnect, Disconnect::RATE_LIMITED);
    bystander.still_echoes().await;
}

#[tokio::test]
async fn tiny_fragments_are_counted() {
    let endpoint = endpoint(config());
    let mut bystander = Bystander::new(&endpoint).await;
    for (payload, fragments) in [
        (&b"x"[..], 1_025),
        (b"", 1_025),
        (b"x", 500_000),
        (b"", 500_000),
    ] {
        let (socket, peer) = over_tcp(&endpoint).await;
        let reading = read_all(socket);
        let before = memory().1;
        let (mut reader, mut writer) = tokio::io::split(peer.stream);
        let flooding = tokio::spawn(async move {
            let mut bytes = masked(0x02, payload);
            bytes.extend(masked(0x00, payload).repeat(fragments - 1));
            // Cut in the middle, if it is much.
            drop(writer.write_all(&bytes).await);
            writer
        });
        let mut close = [0; 22];
        soon(reader.read_exact(&mut close)).await.unwrap();
        assert_eq!(close[..4], [0x88, 20, 0x03, 0xF0], "1008");
        assert_eq!(close[4..], *b"TOO_MANY_FRAGMENTS");
        drop(soon(flooding).await.unwrap());
        drop(reader);
        assert_eq!(soon(reading).await.unwrap().disconnect.code(), 1008);
        let grown = memory().1.saturating_sub(before);
        assert!(grown < 16 * MIB, "{} KiB", grown / 1_024);
        bystander.still_echoes().await;
    }
    assert_eq!(endpoint.stats().failed, 4);
}

/// Memory grows with what arrives, not with what a header claims.
#[tokio::test]
async fn claims_reserve_nothing() {
    const CLAIM: u64 = 16 * 1024 * 1024;
    let config = config()
        .with_max_message_size(usize::try_from(CLAIM).unwrap())
        .with_max_frame_size(usize::try_from(CLAIM).unwrap());
    let endpoint = endpoint(config);
    let mut bystander = Bystander::new(&endpoint).await;
    let mut peers = Vec::new();
    let before = memory();
    for _ in 0..200 {
        let (socket, mut peer) = over_tcp(&endpoint).await;
        let mut bytes = vec![BINARY, 0xFF];
        bytes.extend(CLAIM.to_be_bytes());
        bytes.extend([1, 2, 3, 4]);
        bytes.extend([0; 1_000]);
        peer.send(&bytes).await;
        peers.push((peer, read_all(socket)));
    }
    bystander.still_echoes().await;
    assert!(peers.iter().all(|(_, reading)| !reading.is_finished()));
    let after = memory();
    let grown = (
        after.0.saturating_sub(before.0),
        after.1.saturating_sub(before.1),
    );
    assert!(
        grown.0 < 128 * MIB && grown.1 < 16 * MIB,
        "{grown:?} of 3.2 GB claimed"
    );
}
