//! Frames that break a rule: the documented close code, and nobody else notices.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{
    BINARY, Bystander, CLOSE, PING, TEXT, close_payload, config, endpoint, masked, over_pipe,
    over_tcp, read_all, soon, unmasked,
};
use switchboard_connection::{ConnectionConfig, Initiator};

/// Sends `bytes`, whole and byte by byte; expects to be told `code` and `reason`, then the end.
async fn attack(config: ConnectionConfig, name: &str, bytes: &[u8], code: u16, reason: &str) {
    let endpoint = endpoint(config);
    let mut bystander = Bystander::new(&endpoint).await;
    for piece in [1, bytes.len()] {
        let (socket, mut peer) = over_tcp(&endpoint).await;
        let reading = read_all(socket);
        for piece in bytes.chunks(piece) {
            if !peer.try_send(piece).await {
                break;
            }
            tokio::task::yield_now().await;
        }
        let frames = soon(peer.frames()).await;
        assert_eq!(frames.len(), 1, "{name}: {frames:?}");
        assert_eq!(frames[0].close(), (code, reason.into()), "{name}");
        drop(peer);
        let closed = soon(reading).await.unwrap();
        assert_eq!(closed.by, Initiator::Local, "{name}");
        assert_eq!(closed.disconnect.code(), code, "{name}");
        bystander.still_echoes().await;
    }
    assert_eq!(endpoint.stats().failed, 2, "{name}");
}

#[tokio::test]
async fn each_broken_rule_of_the_protocol_is_1002() {
    for opcode in [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF] {
        let bytes = masked(0x80 | opcode, b"");
        attack(config(), "opcode", &bytes, 1002, "unknown opcode").await;
    }
    for bit in [0x40, 0x20, 0x10] {
        let bytes = masked(TEXT | bit, b"compressed?");
        attack(config(), "reserved", &bytes, 1002, "reserved bit set").await;
    }
    let control = "control frame is fragmented or too long";
    let nested = "message begun inside another";
    for (name, bytes, reason) in [
        ("unmasked", unmasked(TEXT, b"x"), "frame is not masked"),
        (
            "unmasked close",
            unmasked(CLOSE, b""),
            "frame is not masked",
        ),
        ("long ping", masked(PING, &[0; 126]), control),
        ("long close", masked(CLOSE, &[0; 126]), control),
        ("ping in fragments", masked(0x09, b"x"), control),
        ("close in fragments", masked(0x08, b""), control),
        (
            "nothing to continue",
            masked(0x80, b"x"),
            "continuation of no message",
        ),
        (
            "text inside text",
            [masked(0x01, b"a"), masked(TEXT, b"b")].concat(),
            nested,
        ),
        (
            "binary inside text",
            [masked(0x01, b"a"), masked(BINARY, b"b")].concat(),
            nested,
        ),
        (
            "the highest bit of a length",
            [&[BINARY, 0xFF][..], &[0xFF; 8]].concat(),
            "length has its highest bit set",
        ),
        (
            "half a close code",
            masked(CLOSE, &[3]),
            "close code is one byte",
        ),
    ] {
        attack(config(), name, &bytes, 1002, reason).await;
    }
}

#[tokio::test]
async fn close_codes_that_may_not_be_sent_are_1002() {
    for code in [
        0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 0xFFFF,
    ] {
        let bytes = masked(CLOSE, &close_payload(code, "x"));
        attack(
            config(),
            "close",
            &bytes,
            1002,
            "close code may not be sent",
        )
        .await;
    }
}

#[tokio::test]
async fn text_that_is_not_utf8_is_1007() {
    for bad in [
        &b"\xFF"[..],
        b"abc\xC0\xAF",
        b"\xED\xA0\x80",
        b"\xF4\x90\x80\x80",
        b"cut \xE2\x82",
    ] {
        attack(config(), "text", &masked(TEXT, bad), 1007, "NOT_UTF8").await;
        let (head, tail) = bad.split_at(bad.len() - 1);
        let fragments = [masked(0x01, head), masked(0x80, tail)].concat();
        attack(config(), "fragments", &fragments, 1007, "NOT_UTF8").await;
        let reason = [&[0x03, 0xE8], bad].concat();
        attack(
            config(),
            "reason",
            &masked(CLOSE, &reason),
            1007,
            "NOT_UTF8",
        )
        .await;
    }
}

#[tokio::test]
async fn what_is_too_large_is_1009_before_it_is_read() {
    let small = || {
        config()
            .with_max_message_size(1_000)
            .with_max_frame_size(600)
    };
    for len in [601_u64, 0xFFFF, 0x1_0000, 1 << 30, 1 << 40, i64::MAX as u64] {
        let mut bytes = vec![BINARY];
        if len <= 0xFFFF {
            bytes.push(0xFE);
            bytes.extend(u16::try_from(len).unwrap().to_be_bytes());
        } else {
            bytes.push(0xFF);
            bytes.extend(len.to_be_bytes());
        }
        // Not one byte of the payload.
        attack(small(), "claim", &bytes, 1009, "TOO_LARGE").await;
    }
    let fragments = [masked(0x02, &[0; 600]), masked(0x80, &[0; 401])].concat();
    attack(small(), "in fragments", &fragments, 1009, "TOO_LARGE").await;
}

#[tokio::test]
async fn what_is_just_allowed_is_delivered() {
    let config = config()
        .with_max_message_size(1_000)
        .with_max_frame_size(600)
        .with_max_fragments(3);
    let endpoint = endpoint(config);
    let (socket, mut peer) = over_tcp(&endpoint).await;
    common::echo(socket);
    for bytes in [
        masked(BINARY, &[1; 600]),
        [masked(0x02, &[1; 600]), masked(0x80, &[1; 400])].concat(),
        [masked(0x02, &[1; 1]), masked(0x00, b""), masked(0x80, b"")].concat(),
    ] {
        peer.send(&bytes).await;
        let frame = soon(peer.frame()).await.unwrap();
        assert_eq!(frame.first, BINARY);
    }
    assert_eq!(endpoint.stats().failed, 0);
}

/// A peer that breaks a rule with much behind it still reads why, and is cut in the end.
#[tokio::test]
async fn a_peer_that_goes_on_after_its_mistake_is_told_and_cut() {
    let endpoint = endpoint(config());
    let (socket, peer) = over_tcp(&endpoint).await;
    let reading = read_all(socket);
    let (mut reader, mut writer) = tokio::io::split(peer.stream);
    let flooding = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        let mut bytes = masked(0x83, b"");
        bytes.resize(64 * 1_024, 0);
        while writer.write_all(&bytes).await.is_ok() {}
    });
    let mut head = [0; 4];
    soon(tokio::io::AsyncReadExt::read_exact(&mut reader, &mut head))
        .await
        .unwrap();
    assert_eq!(head[0], CLOSE);
    assert_eq!(head[2..], 1002_u16.to_be_bytes());
    soon(flooding).await.unwrap();
    assert_eq!(soon(reading).await.unwrap().disconnect.code(), 1002);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_floods_after_its_mistake_does_not_get_the_whole_grace() {
    let config = config();
    let grace = config.close_grace;
    let (socket, mut peer) = over_pipe(&endpoint(config), 1 << 16);
    let reading = read_all(socket);
    let start = tokio::time::Instant::now();
    peer.send(&unmasked(TEXT, b"mistake")).await;
    let zeros = vec![0; 1 << 15];
    while peer.try_send(&zeros).await {
        tokio::task::yield_now().await;
    }
    assert_eq!(reading.await.unwrap().disconnect.code(), 1002);
    assert!(start.elapsed() < grace, "{:?}", start.elapsed());
}
