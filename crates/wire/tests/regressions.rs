//! What property tests and fuzzing have found, each with the input that showed it.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use switchboard_wire::{Args, Body, Decoder, Limits, Packet, Parser};

/// What follows an event's name in its text; with an attachment or without.
fn of_json(json: &str, attachment: bool) -> Args {
    let (mut decoder, limits) = (Decoder::server(), Limits::default());
    let kind = if attachment { "51-" } else { "2" };
    let text = format!("{kind}[\"e\",{json}]");
    let packet = decoder.text(Parser::Json, &limits, text).expect("an event");
    let packet = packet.or_else(|| {
        let bytes = Bytes::from_static(b"x");
        decoder.binary(Parser::Json, &limits, bytes).expect("whole")
    });
    args(packet)
}

fn of_msgpack(message: &Bytes) -> Args {
    let limits = Limits::default();
    let packet = Decoder::server().binary(Parser::Msgpack, &limits, message.clone());
    args(packet.expect("an event"))
}

fn args(packet: Option<Packet>) -> Args {
    match packet {
        Some(Packet {
            body: Body::Event(event),
            ..
        }) => event.args,
        other => panic!("{other:?}"),
    }
}

/// `-8.1e59` was read as -8: the deserializer of JSON leaves what follows an integer of 128 bits to its
/// caller, who did not look.
#[test]
fn a_fraction_is_no_integer_of_128_bits() {
    for json in ["-8.133804029718312e59", "0.0", "1e2"] {
        let args = of_json(json, false);
        assert!(args.get::<i128>(0).is_err(), "{json}");
        assert!(args.get::<u128>(0).is_err(), "{json}");
    }
    assert_eq!(of_json("-8", false).get::<i128>(0), Ok(-8));
}

/// `"One"` was a variant without its value where the packet had attachments, and an error elsewhere.
#[test]
fn a_variant_alone_has_no_value() {
    #[derive(Debug, PartialEq, Deserialize)]
    enum Choice {
        One(Option<u8>),
        Unit,
    }
    for attachment in [false, true] {
        let read = |json| of_json(json, attachment).get::<Choice>(0);
        assert!(read(r#""One""#).is_err());
        assert_eq!(read(r#"{"One":null}"#), Ok(Choice::One(None)));
        assert_eq!(read(r#""Unit""#), Ok(Choice::Unit));
        assert_eq!(read(r#"{"Unit":null}"#), Ok(Choice::Unit));
    }
}

/// `"+7"` was a number as a key where the packet had attachments or was msgpack, and an error elsewhere.
#[test]
fn a_key_is_a_number_as_json_writes_it() {
    for key in ["+7", "007", " 7", "7 ", "7.5"] {
        let json = format!("{{\"{key}\":1}}");
        let map: BTreeMap<&str, u8> = [(key, 1)].into();
        let msgpack = Parser::Msgpack
            .event("/", None, "e", &(map,), None)
            .unwrap();
        for args in [
            of_json(&json, false),
            of_json(&json, true),
            of_msgpack(&msgpack.binary[0]),
        ] {
            assert!(args.get::<BTreeMap<u8, u8>>(0).is_err(), "{key}");
        }
    }
    let expected: BTreeMap<i16, u8> = [(-7, 1)].into();
    assert_eq!(of_json(r#"{"-7":1}"#, true).get(0), Ok(expected));
}

/// An `i128` between 2^63 and 2^64 was written as a double with msgpack, and exactly as a `u128`.
#[test]
fn wide_integers_stay_exact() {
    let number = i128::from(u64::MAX - 1);
    let encoded = Parser::Msgpack
        .event("/", None, "e", &(number,), None)
        .unwrap();
    assert_eq!(of_msgpack(&encoded.binary[0]).get(0), Ok(u64::MAX - 1));
}

/// A map by booleans was read by `serde_json` one byte into the key: with a text that was known to be
/// UTF-8 that gave half a character. We hand it bytes, which it checks.
#[test]
fn a_key_that_is_no_boolean_is_an_error() {
    for key in ["\u{1171e}&", "é", "", "\\u00e9", "true ", "t"] {
        for attachment in [false, true] {
            let args = of_json(&format!("{{\"{key}\":null}}"), attachment);
            assert!(args.get::<BTreeMap<bool, Option<u8>>>(0).is_err(), "{key}");
        }
    }
}
