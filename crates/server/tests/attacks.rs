//! One peer attacks; another one's echo goes on, and memory stays within bounds.

mod common;

use std::time::{Duration, Instant};

use common::{
    CLOSE, PING, Peer, TEXT, bind, echo_server, masked,
    process::{process_alone, resident_bytes},
    soon, until, with_connection,
};
use switchboard_connection::{
    ConnectionConfig, Disconnect, Event, OnRateLimit, WebSocket, WebSocketError,
};
use switchboard_server::{ListenerConfig, Server};
use tokio::{io::AsyncWriteExt, time::timeout};

const PATH: &str = "/namespace/attacked";
const MIB: usize = 1024 * 1024;

/// Much more than any attack of one peer may cost, much less than an unbounded one takes.
const ALLOWED: usize = 24 * MIB;

/// Writes `bytes` over and over, until the server takes nothing for a while; how much it took.
async fn flood(peer: &mut Peer, bytes: &[u8], longest: Duration) -> usize {
    let began = Instant::now();
    let mut written = 0;
    while began.elapsed() < longest {
        let rest = &bytes[written % bytes.len()..];
        match timeout(Duration::from_millis(300), peer.tcp.write(rest)).await {
            Ok(count) => written += count.expect("it is not cut for this"),
            Err(_) => break,
        }
    }
    written
}

/// Echoes on another connection while `attack` runs; how often that worked. Fails when one takes long.
async fn beside<T>(server: &Server, attack: impl Future<Output = T>) -> T {
    let mut other = Peer::join(server.local_addr(), PATH).await;
    assert!(other.echoes("before").await);
    let before = resident_bytes();
    let mut attack = std::pin::pin!(attack);
    let mut echoes = 0;
    let result = loop {
        tokio::select! {
            result = &mut attack => break result,
            () = tokio::time::sleep(Duration::from_millis(20)) => {
                let began = Instant::now();
                assert!(other.echoes("during").await);
                let took = began.elapsed();
                assert!(took < Duration::from_secs(2), "an echo took {took:?}");
                echoes += 1;
            }
        }
    };
    assert!(other.echoes("after").await, "after {echoes} echoes");
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < ALLOWED, "{} MiB more", grown / MIB);
    result
}

fn unlimited_rates() -> ConnectionConfig {
    ConnectionConfig::default()
        .with_message_rate(None)
        .with_control_rate(None)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pings_of_a_peer_that_never_reads() {
    let _alone = process_alone().await;
    // With the rate as shipped it is read at ten pings a second; without, its pongs are not kept.
    for limits in [ConnectionConfig::default(), unlimited_rates()] {
        let server = echo_server(with_connection(limits)).await;
        let pings = masked(PING, &[7; 125]).repeat(2_000);
        beside(&server, async {
            let mut attacker = Peer::join(server.local_addr(), PATH).await;
            let took = flood(&mut attacker, &pings, Duration::from_secs(2)).await;
            println!("{} MiB of pings were taken", took / MIB);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_is_too_fast_may_be_closed() {
    let _alone = process_alone().await;
    let limits = ConnectionConfig::default().with_on_rate_limit(OnRateLimit::Close);
    let server = echo_server(with_connection(limits)).await;
    let told = beside(&server, async {
        let mut attacker = Peer::join(server.local_addr(), PATH).await;
        attacker
            .tcp
            .write_all(&masked(PING, b"").repeat(100))
            .await
            .unwrap();
        attacker.closed().await
    });
    let limited = Disconnect::RATE_LIMITED;
    assert_eq!(
        told.await,
        Some((limited.code(), limited.reason().to_owned()))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_million_fragments() {
    let _alone = process_alone().await;
    for payload in [&b"x"[..], b""] {
        let server = echo_server(with_connection(unlimited_rates())).await;
        let told = beside(&server, async {
            let mut attacker = Peer::join(server.local_addr(), PATH).await;
            attacker
                .tcp
                .write_all(&masked(0x01, payload))
                .await
                .unwrap();
            let (mut reader, mut writer) = attacker.tcp.split();
            let fragments = masked(0x00, payload).repeat(5_000);
            let write = async {
                for _ in 0..100 {
                    if writer.write_all(&fragments).await.is_err() {
                        break;
                    }
                }
            };
            let mut input = Vec::new();
            let read = tokio::io::AsyncReadExt::read_to_end(&mut reader, &mut input);
            soon(async { tokio::join!(write, read) }).await.1.ok();
            input
        })
        .await;
        // The close frame, unless the reset that follows was faster.
        if !told.is_empty() {
            assert_eq!(told[0], CLOSE);
            assert_eq!(
                &told[2..],
                [&1008_u16.to_be_bytes()[..], b"TOO_MANY_FRAGMENTS"].concat()
            );
        }
        assert_eq!(server.stats().totals.failed, 1);
        until("it is gone", || server.stats().connections <= 1).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_that_break_the_rules_or_lie() {
    let _alone = process_alone().await;
    let server = echo_server(ListenerConfig::default()).await;
    let mut huge = vec![0x82, 0x80 | 127];
    huge.extend((1_u64 << 40).to_be_bytes());
    huge.extend([0; 4]);
    let mut above = masked(0x82, &[]);
    above.splice(
        1..,
        [0x80 | 127, 0, 0, 0, 0, 0, 0x0F, 0x42, 0x41, 0, 0, 0, 0],
    );
    let cases: [(&str, Vec<u8>, u16); 9] = [
        ("a claim of 1 TiB", huge, 1009),
        ("one byte above the limit", above, 1009),
        ("not masked", vec![TEXT, 2, b'h', b'i'], 1002),
        ("reserved bits", masked(0xF1, b"x"), 1002),
        ("an unknown opcode", masked(0x83, b"x"), 1002),
        ("a long ping", masked(PING, &[0; 126]), 1002),
        ("continuing nothing", masked(0x80, b"x"), 1002),
        ("a text that is none", masked(TEXT, &[0xC3, 0x28]), 1007),
        ("garbage", vec![0xFF; 4_096], 1002),
    ];
    for (what, bytes, code) in cases {
        let told = beside(&server, async {
            let mut attacker = Peer::join(server.local_addr(), PATH).await;
            attacker.tcp.write_all(&bytes).await.unwrap();
            attacker.closed().await
        });
        assert_eq!(told.await.map(|(code, _)| code), Some(code), "{what}");
    }
    assert_eq!(server.stats().totals.failed, 9);
}

/// Memory follows the bytes that come, not the length that is claimed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_that_many_peers_never_fulfil() {
    let _alone = process_alone().await;
    let server = echo_server(ListenerConfig::default()).await;
    beside(&server, async {
        let mut attackers = Vec::new();
        for _ in 0..200 {
            let mut attacker = Peer::join(server.local_addr(), PATH).await;
            let claim = &masked(0x82, &vec![0; 1_000_000])[..100];
            attacker.tcp.write_all(claim).await.unwrap();
            attackers.push(attacker);
        }
        until("all are in", || server.stats().connections == 201).await;
    })
    .await;
    until("they have left", || server.stats().connections <= 1).await;
}

/// What a handler learns of it.
#[tokio::test]
async fn a_handler_is_told_what_its_peer_did() {
    let (told, mut events) = tokio::sync::mpsc::unbounded_channel();
    let handler = move |mut socket: WebSocket| {
        let told = told.clone();
        async move {
            while let Some(event) = socket.next().await {
                told.send(event).unwrap();
            }
        }
    };
    let server = bind(ListenerConfig::default())
        .await
        .serve(handler)
        .unwrap();
    let mut attacker = Peer::join(server.local_addr(), PATH).await;
    attacker
        .tcp
        .write_all(&masked(TEXT, &[0xC3, 0x28]))
        .await
        .unwrap();
    attacker.closed().await;
    drop(attacker);
    let error = soon(events.recv()).await.unwrap();
    assert!(
        matches!(error, Event::Error(WebSocketError::NotUtf8)),
        "{error:?}"
    );
    let close = soon(events.recv()).await.unwrap();
    assert!(
        matches!(&close, Event::Close(closed) if closed.disconnect.code() == 1007),
        "{close:?}"
    );
}

/// One of a hundred stops reading. The others get everything, in order; it is closed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_a_hundred_stops_reading() {
    const MESSAGES: usize = 250;
    let _alone = process_alone().await;
    let limits = unlimited_rates().with_close_grace(Duration::from_millis(500));
    let server = echo_server(with_connection(limits)).await;
    let pool = server.pool();
    let stalled = Peer::join(server.local_addr(), PATH).await;
    let mut readers = Vec::new();
    for _ in 0..99 {
        let mut peer = Peer::join(server.local_addr(), PATH).await;
        readers.push(tokio::spawn(async move {
            for number in 0..MESSAGES {
                let (first, payload) = soon(peer.frame()).await.expect("a message");
                assert_eq!(first, TEXT);
                let expected = number.to_string();
                assert!(payload.starts_with(expected.as_bytes()), "message {number}");
            }
            peer
        }));
    }
    until("all are in", || pool.len() == 100).await;
    let before = resident_bytes();
    let (mut queued, mut slow, mut closed) = (0, 0, 0);
    let filling = "x".repeat(32 * 1024);
    for number in 0..MESSAGES {
        let report = pool
            .namespace("attacked")
            .send(format!("{number} {filling}"));
        queued += report.queued;
        slow += report.slow;
        closed += report.closed;
        assert_eq!(
            report.dropped + report.too_large + report.displaced,
            0,
            "{report:?}"
        );
        assert_eq!(
            report.queued + report.slow + report.closed,
            report.recipients()
        );
        assert!(report.recipients() == 100 || slow == 1);
        // As fast as those who read can follow.
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < ALLOWED, "{} MiB more", grown / MIB);
    for reader in readers {
        reader.await.expect("nobody else lost anything");
    }
    assert_eq!(slow, 1, "closed {closed}");
    assert!(queued >= 99 * MESSAGES);
    until("it is out", || pool.len() <= 99).await;
    until("it is counted", || {
        server.stats().totals.slow_consumers == 1
    })
    .await;
    drop(stalled);
}
