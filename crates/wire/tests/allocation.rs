//! Reading costs memory by the bytes that came, never by a length that is only claimed.
//!
//! What this thread has allocated is counted, so tests do not disturb each other.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    hint::black_box,
};

use bytes::Bytes;
use proptest::{collection::vec, prelude::*};
use switchboard_wire::{
    Body, DecodeError, Decoder, Limits, Packet, Parser, Value,
    engine::{Part, decode_payload},
};

thread_local! {
    static NOW: Cell<usize> = const { Cell::new(0) };
    static MOST: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn took(bytes: usize) {
    // A thread that ends has no count any more.
    let _ = NOW.try_with(|now| {
        now.set(now.get().wrapping_add(bytes));
        let _ = MOST.try_with(|most| most.set(most.get().max(now.get())));
    });
}

fn gave(bytes: usize) {
    let _ = NOW.try_with(|now| now.set(now.get().saturating_sub(bytes)));
}

#[expect(
    unsafe_code,
    reason = "counts what the system's allocator is asked for"
)]
// SAFETY: every call goes to the system's allocator as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        gave(layout.size());
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// The most that `run` held at once, beyond what there was before.
fn most<T>(run: impl FnOnce() -> T) -> (usize, T) {
    let before = NOW.with(Cell::get);
    MOST.with(|most| most.set(before));
    let result = black_box(run());
    (MOST.with(Cell::get) - before, result)
}

/// What a message may cost beside its bytes, whatever it is.
const ROOM: usize = 512;

fn decode(parser: Parser, message: &Bytes) -> Result<Option<Packet>, DecodeError> {
    Decoder::server().binary(parser, &Limits::default(), message.clone())
}

#[test]
fn the_count_counts() {
    let (held, _) = most(|| Vec::<u8>::with_capacity(1 << 20));
    assert!(held >= 1 << 20);
}

/// Four gigabytes claimed by nine bytes, for each kind that has a length, wherever it stands.
#[test]
fn claimed_lengths_of_msgpack_cost_nothing() {
    let kinds = [
        0xc4, 0xc5, 0xc6, // bin
        0xc7, 0xc8, 0xc9, // ext
        0xd9, 0xda, 0xdb, // str
        0xdc, 0xdd, // array
        0xde, 0xdf, // map
    ];
    let heads: [&[u8]; 5] = [
        b"",
        b"\x84",
        b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data",
        b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x93\xa1e\x01",
        b"\x83\xa4type\x02\xa3nsp",
    ];
    for kind in kinds {
        for head in heads {
            let mut message = head.to_vec();
            message.push(kind);
            message.extend_from_slice(&[0xff; 5]);
            let message = Bytes::from(message);
            let (held, found) = most(|| decode(Parser::Msgpack, &message));
            assert_eq!(found.unwrap_err(), DecodeError::NotMsgpack, "{kind:x}");
            assert!(held <= ROOM, "{kind:x} behind {head:?}: {held}");
        }
    }
}

/// A list that says it is as long as the message allows, inside of another: a reader that believed it
/// would make room for each.
#[test]
fn nested_claims_are_not_added_up() {
    let mut list = Vec::new();
    for _ in 0..120 {
        list.extend_from_slice(b"\xdc\x0f\x00");
    }
    list.resize(0x1000, 0xc0);
    let mut message = b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1e".to_vec();
    message.extend_from_slice(&list);
    let message = Bytes::from(message);
    let (held, found) = most(|| decode(Parser::Msgpack, &message));
    assert!(found.is_err() && held <= ROOM, "{held}");
}

#[test]
fn claimed_attachments_cost_nothing() {
    let limits = Limits {
        max_attachments: usize::MAX,
        ..Limits::default()
    };
    for (text, accepted) in [
        ("518446744073709551615-[\"e\"]", true),
        ("5999999999-[\"e\"]", true),
        ("599999999999999999999999999-[\"e\"]", false),
    ] {
        let mut decoder = Decoder::server();
        let (held, found) = most(|| decoder.text(Parser::Json, &limits, text));
        assert_eq!(found.is_ok(), accepted, "{text}");
        assert!(held <= 2 * ROOM, "{text}: {held}");
    }
}

/// Attachments that are awaited are the bytes that came, held once.
#[test]
fn what_is_awaited_holds_only_what_came() {
    let mut decoder = Decoder::server();
    let limits = Limits::default();
    let parts: Vec<Bytes> = (0..9).map(|_| vec![1; 50_000].into()).collect();
    let (held, ()) = most(|| {
        decoder.text(Parser::Json, &limits, "510-[\"e\"]").unwrap();
        for part in parts {
            assert_eq!(decoder.binary(Parser::Json, &limits, part), Ok(None));
        }
    });
    assert!(held <= 4 * ROOM, "{held}");
    let last = Bytes::from(vec![1; 600_000]);
    let found = decoder.binary(Parser::Json, &limits, last);
    assert_eq!(found, Err(DecodeError::TooLarge));
    assert!(!decoder.is_assembling());
}

/// A length that decoding has let pass is true; `Vec` makes room by it, once.
#[test]
fn typed_readers_make_room_for_what_is_there() {
    let mut message = b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1e\xdc\x03\xe8".to_vec();
    message.resize(message.len() + 1_000, 0x90);
    let size = message.len();
    let packet = decode(Parser::Msgpack, &message.into());
    let Ok(Some(Packet {
        body: Body::Event(event),
        ..
    })) = packet
    else {
        panic!("{packet:?}");
    };
    let (held, found) = most(|| event.args.get::<Vec<Vec<u64>>>(0).unwrap());
    assert_eq!(found.len(), 1_000);
    assert!(held <= size_of::<Vec<u64>>() * size + ROOM, "{held}");
}

fn nearly_msgpack() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => any::<u8>().prop_map(|byte| vec![byte]),
        1 => (0xc4..=0xdf_u8, any::<[u8; 4]>()).prop_map(|(kind, len)| [&[kind], &len[..]].concat()),
        1 => "[a-z]{0,9}".prop_map(|text| [&[0xa0 | u8::try_from(text.len()).expect("short")], text.as_bytes()].concat()),
    ];
    vec(piece, 0..200).prop_map(|pieces| {
        let mut message = b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1e".to_vec();
        message.extend(pieces.concat());
        message
    })
}

proptest! {
    /// Decoding keeps slices of the message; only text that is no UTF-8 is written anew, at three times
    /// its length at most.
    #[test]
    fn decoding_msgpack_costs_what_came(message in nearly_msgpack(), random in vec(any::<u8>(), 0..500)) {
        for message in [Bytes::from(message), Bytes::from(random)] {
            let (held, _) = most(|| decode(Parser::Msgpack, &message));
            prop_assert!(held <= 3 * message.len() + ROOM, "{}", held);
        }
    }

    /// A value takes at most its own size per byte, and twice that while a list grows.
    #[test]
    fn reading_values_costs_what_came(message in nearly_msgpack()) {
        let message = Bytes::from(message);
        if let Ok(Some(Packet { body: Body::Event(event), .. })) = decode(Parser::Msgpack, &message) {
            let (held, _) = most(|| event.args.values());
            let factor = 4 * size_of::<(String, Value)>();
            prop_assert!(held <= factor * message.len() + ROOM, "{}", held);
        }
    }

    #[test]
    fn decoding_json_costs_what_came(text in "[0-6]([0-9]{1,20}-)?(/[a-z]{0,50},)?[0-9]{0,20}\\[\"[a-z]{0,50}\"(,[\\[\\]{}\",0-9a-z]{0,5}){0,20}\\]?") {
        let (held, _) = most(|| Decoder::server().text(Parser::Json, &Limits::default(), text.as_str()));
        prop_assert!(held <= 4 * text.len() + ROOM, "{}", held);
    }

    #[test]
    fn polling_bodies_cost_what_came(body in "([4b\u{1e}]|[A-Za-z0-9+/=]{0,9}){0,60}") {
        let (held, _) = most(|| decode_payload(&body).map(|part| part.map(|part| match part {
            Part::Binary(payload) => payload.len(),
            Part::Packet(_) => 0,
        })).filter_map(Result::ok).sum::<usize>());
        prop_assert!(held <= body.len() + ROOM, "{}", held);
    }
}
