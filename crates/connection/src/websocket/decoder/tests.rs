//! The decoder against RFC 6455, its limits, and arbitrary bytes.

use proptest::prelude::*;

use super::*;
use crate::frame::Frame;

const LIMITS: Limits = Limits {
    message: 1_000,
    frame: 1_000,
    fragments: 4,
};

fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [1, 2, 3, 4];
    let mut bytes = vec![first];
    if payload.len() < 126 {
        bytes.push(0x80 | u8::try_from(payload.len()).unwrap());
    } else {
        bytes.push(0x80 | 0x7E);
        bytes.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
    }
    bytes.extend(mask);
    let begin = bytes.len();
    bytes.extend(payload);
    crate::mask::apply(&mut bytes[begin..], mask, 0);
    bytes
}

fn decode_in_pieces(bytes: &[u8], size: usize) -> Result<Vec<Item>, WebSocketError> {
    let mut decoder = Decoder::new(Role::Server);
    let mut items = Vec::new();
    let mut waiting = Vec::new();
    for piece in bytes.chunks(size) {
        waiting.extend_from_slice(piece);
        loop {
            let (used, item) = decoder.decode(&waiting, LIMITS)?;
            waiting.drain(..used);
            match item {
                Some(item) => items.push(item),
                None => break,
            }
        }
    }
    assert!(!decoder.is_midway());
    Ok(items)
}

#[test]
fn control_frames_may_stand_between_fragments() {
    let bytes = [
        masked(0x01, "hä".as_bytes()),
        masked(0x89, b"ping"),
        masked(0x00, b""),
        masked(0x80, "ß".as_bytes()),
        masked(0x88, b"\x03\xe8bye"),
    ]
    .concat();
    for size in [1, 2, 3, 7, 1_000] {
        assert_eq!(
            decode_in_pieces(&bytes, size).unwrap(),
            [
                Item::Ping(b"ping".to_vec()),
                Item::Text("häß".into()),
                Item::Close(Disconnect::new(1000, "bye")),
            ]
        );
    }
}

#[test]
fn what_a_header_shows_is_refused_before_the_payload_comes() {
    let refuse = |bytes: &[u8]| {
        let result = Decoder::new(Role::Server).decode(bytes, LIMITS);
        result.unwrap_err().disconnect().code()
    };
    assert_eq!(refuse(b"\x83\x80"), 1002, "unknown opcode");
    assert_eq!(refuse(b"\xC1\x80"), 1002, "reserved bit");
    assert_eq!(refuse(b"\x81\x01"), 1002, "not masked");
    assert_eq!(refuse(b"\x89\xFE"), 1002, "long ping");
    assert_eq!(refuse(b"\x09\x80"), 1002, "fragmented ping");
    assert_eq!(refuse(b"\x80\x80"), 1002, "continuation of nothing");
    assert_eq!(refuse(b"\x82\xFE\xFF\xFF"), 1009, "frame too large");
    assert_eq!(
        refuse(b"\x82\xFF\0\0\0\xFF\0\0\0\0"),
        1009,
        "a false claim of 1 TiB"
    );
    assert_eq!(
        refuse(b"\x82\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
        1002,
        "highest bit"
    );
}

#[test]
fn a_message_is_limited_over_all_its_fragments() {
    let code = |bytes: Vec<u8>| {
        decode_in_pieces(&bytes, 64)
            .unwrap_err()
            .disconnect()
            .code()
    };
    assert_eq!(
        code([masked(0x02, &[0; 600]), masked(0x80, &[0; 600])].concat()),
        1009
    );
    let mut fragments = masked(0x02, b"");
    for _ in 0..4 {
        fragments.extend(masked(0x00, b""));
    }
    assert_eq!(code(fragments), 1008);
}

#[test]
fn close_payloads() {
    let close = |payload: &[u8]| decode_in_pieces(&masked(0x88, payload), 64);
    assert_eq!(close(b"").unwrap(), [Item::Close(Disconnect::NO_STATUS)]);
    assert_eq!(close(b"\x03").unwrap_err().disconnect().code(), 1002);
    assert_eq!(
        close(b"\x03\xed").unwrap_err().disconnect().code(),
        1002,
        "1005"
    );
    assert_eq!(
        close(b"\x03\xe8\xff").unwrap_err().disconnect().code(),
        1007
    );
    assert_eq!(
        close(b"\x0f\xa0x").unwrap(),
        [Item::Close(Disconnect::new(4000, "x"))]
    );
}

#[test]
fn text_fails_at_the_first_bad_byte_of_an_unfinished_frame() {
    let mut decoder = Decoder::new(Role::Server);
    let bytes = masked(0x81, b"abc\xffdefghij");
    assert!(decoder.decode(&bytes[..8], LIMITS).is_ok());
    assert!(matches!(
        decoder.decode(&bytes[8..12], LIMITS),
        Err(WebSocketError::NotUtf8)
    ));
}

proptest! {
    #[test]
    fn server_frames_read_by_a_client_are_what_was_encoded(
        messages in proptest::collection::vec((any::<bool>(), "[a-zä]{0,300}"), 0..8),
        size in 1_usize..400,
    ) {
        let mut bytes = Vec::new();
        let mut expected = Vec::new();
        for (text, message) in messages {
            if text {
                bytes.extend_from_slice(Frame::text(&message).as_bytes());
                expected.push(Item::Text(message));
            } else {
                bytes.extend_from_slice(Frame::binary(&message).as_bytes());
                expected.push(Item::Binary(message.into_bytes()));
            }
        }
        let mut decoder = Decoder::new(Role::Client);
        let (mut waiting, mut items) = (Vec::new(), Vec::new());
        for piece in bytes.chunks(size) {
            waiting.extend_from_slice(piece);
            loop {
                let (used, item) = decoder.decode(&waiting, LIMITS).unwrap();
                waiting.drain(..used);
                match item {
                    Some(item) => items.push(item),
                    None => break,
                }
            }
        }
        prop_assert_eq!(items, expected);
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
        server: bool,
        piece in 1_usize..64,
    ) {
        fuzz_decoder(&bytes, server, piece);
    }
}
