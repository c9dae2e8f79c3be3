//! The msgpack parser against what `socket.io-msgpack-parser` 3.0.2 writes, accepts and refuses. Each
//! row was taken from it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write;

use bytes::Bytes;
use serde_json::json;
use switchboard_wire::{Args, Body, DecodeError, Decoder, Encoded, Limits, Packet, Parser, Value};

const MSGPACK: Parser = Parser::Msgpack;

fn bytes(hex: &str) -> Bytes {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn decode(hex: &str) -> Result<Option<Packet>, DecodeError> {
    Decoder::client().binary(MSGPACK, &Limits::default(), bytes(hex))
}

/// An event's id, name and arguments.
fn event(hex: &str) -> (Option<u64>, String, Args) {
    match decode(hex).unwrap().unwrap().body {
        Body::Event(event) => (event.id, event.name.to_string(), event.args),
        other => panic!("{other:?}"),
    }
}

fn args(hex: &str) -> serde_json::Value {
    let (_, _, args) = event(hex);
    serde_json::to_value(args.values()).unwrap()
}

#[test]
fn packets_of_the_reference_are_read() {
    for (hex, namespace) in [
        ("82a47479706500a36e7370a12f", "/"),
        // What the client sends without auth: `data` is there and undefined.
        ("83a47479706500a464617461d40000a36e7370a12f", "/"),
        ("82a47479706500a36e7370a3612c62", "a,b"),
        (
            "82a474797065cb0000000000000000a36e7370a12f"
                .get(..)
                .unwrap(),
            "/",
        ),
        ("83a47479706507a47479706500a36e7370a12f", "/"),
    ] {
        let packet = decode(hex).unwrap().unwrap();
        assert_eq!(packet.namespace, namespace);
        assert!(matches!(packet.body, Body::Connect(None)), "{hex}");
    }
    let packet = decode("83a47479706500a46461746181a5746f6b656ea178a36e7370a12f")
        .unwrap()
        .unwrap();
    let Body::Connect(Some(auth)) = packet.body else {
        panic!("{packet:?}")
    };
    assert_eq!(
        serde_json::to_value(auth.value(0)).unwrap(),
        json!({"token": "x"})
    );
    assert_eq!(auth.len(), 1);
    for hex in [
        "82a47479706501a36e7370a12f",
        "83a47479706501a36e7370a12fa464617461d40000",
    ] {
        assert!(matches!(
            decode(hex).unwrap().unwrap().body,
            Body::Disconnect
        ));
    }
    let (id, name, list) = event(
        "85a47479706502a46461746192a16501a76f7074696f6e7381a8636f6d7072657373c3a2696403a36e7370a12f",
    );
    assert_eq!(
        (id, name.as_str(), list.values()),
        (Some(3), "e", vec![Value::from(1)])
    );
    let (id, name, _) = event("84a47479706502a46461746191a165a26964cb3ff0000000000000a36e7370a12f");
    assert_eq!((id, name.as_str()), (Some(1), "e"));
    for hex in [
        "84a47479706502a36e7370a12fa26964d40000a46461746191a165",
        "84a47479706502a36e7370a12fa26964ffa46461746191a165",
    ] {
        assert_eq!(event(hex).0, None);
    }
    let (_, name, _) = event("83a47479706502a4646174619207a178a36e7370a12f");
    assert_eq!(name, "7");
    let packet = decode("84a269640ca47479706503a4646174619101a36e7370a12f")
        .unwrap()
        .unwrap();
    let Body::Ack { id: 12, args } = packet.body else {
        panic!("{packet:?}")
    };
    assert_eq!(args.values(), [Value::from(1)]);
    assert!(
        decode("83a47479706503a36e7370a12fa46461746190")
            .unwrap()
            .is_none()
    );
    let packet = decode("83a47479706504a36e7370a22f78a46461746182a76d657373616765b1496e76616c6964206e616d657370616365a464617461d40000").unwrap().unwrap();
    let Body::ConnectError(error) = packet.body else {
        panic!("{packet:?}")
    };
    assert_eq!(
        (packet.namespace.as_str(), error.message.as_str()),
        ("/x", "Invalid namespace")
    );
}

#[test]
fn values_of_the_reference_are_read() {
    assert_eq!(
        args(
            "83a47479706502a46461746199a176c0c3cb3ff8000000000000ffa4e282ac1e81a16191019080a36e7370a12f"
        ),
        json!([null, true, 1.5, -1, "\u{20ac}\u{1e}", {"a": [1]}, [], {}]),
    );
    // undefined, {a: undefined}, NaN, Infinity, new Date(0)
    assert_eq!(
        args(
            "83a47479706502a46461746196a175d4000081a161d40000cb7ff8000000000000cb7ff0000000000000d7000000000000000000a36e7370a12f"
        ),
        json!([null, {"a": null}, null, null, "1970-01-01T00:00:00.000Z"]),
    );
    // A date of notepack 2; then of notepack 3, in its three lengths.
    for (date, iso) in [
        ("d700000001a1fbcd95ca", "2026-11-21T01:51:56.874Z"),
        ("d6ff00000000", "1970-01-01T00:00:00.000Z"),
        ("d7ffd0611a006a05a5bc", "2026-05-14T10:36:44.874Z"),
        ("c70cff3b023380ffffffffffffffff", "1969-12-31T23:59:59.990Z"),
    ] {
        let hex = format!("83a47479706502a46461746192a164{date}a36e7370a12f");
        assert_eq!(args(&hex), json!([iso]), "{date}");
    }
    assert_eq!(
        args(
            "83a47479706502a464617461dc0015a169007fcc80ccffcd0100cdffffce00010000ceffffffffcf0000000100000000cf001fffffffffffffffe0d0dfd080d1ff7fd18000d2ffff7fffd280000000d3ffffffff7fffffffd3ffe0000000000001a36e7370a12f"
        ),
        integers(),
    );
    let (_, _, list) = event(
        "84a47479706502a46461746193a16582a16191c40101a162c400c702000908a36e7370a22f6ea2696405",
    );
    assert_eq!(list.value(1), Some(Value::Binary(bytes("0908"))));
    assert_eq!(
        list.value(0).unwrap().get("b"),
        Some(&Value::Binary(Bytes::new()))
    );
    // An extension of unknown type, as notepack shows it.
    let (_, _, list) = event("83a47479706502a46461746192a165d50501ffa36e7370a12f");
    let shown = vec![Value::from(5), Value::Binary(bytes("01ff"))];
    assert_eq!(list.values(), [Value::Array(shown)]);
}

fn integers() -> serde_json::Value {
    json!([
        0,
        127,
        128,
        255,
        256,
        65535,
        65536,
        4_294_967_295_u64,
        4_294_967_296_u64,
        9_007_199_254_740_991_u64,
        -1,
        -32,
        -33,
        -128,
        -129,
        -32768,
        -32769,
        -2_147_483_648_i64,
        -2_147_483_649_i64,
        -9_007_199_254_740_991_i64
    ])
}

#[test]
fn what_the_reference_refuses_is_refused() {
    use DecodeError as E;
    for (hex, error) in [
        ("83a47479706500a36e7370a12fa464617461c0", E::InvalidPayload),
        ("83a47479706500a36e7370a12fa46461746190", E::InvalidPayload),
        (
            "83a47479706500a36e7370a12fa464617461c40101",
            E::InvalidPayload,
        ),
        (
            "83a47479706500a36e7370a12fa464617461d7000000000000000000",
            E::InvalidPayload,
        ),
        (
            "83a47479706500a36e7370a12fa464617461a178",
            E::InvalidPayload,
        ),
        (
            "83a47479706500a464617461d40500a36e7370a12f",
            E::InvalidPayload,
        ),
        ("83a47479706501a36e7370a12fa464617461c0", E::InvalidPayload),
        ("83a47479706502a36e7370a12fa46461746180", E::InvalidPayload),
        ("82a47479706502a36e7370a12f", E::InvalidPayload),
        ("83a47479706503a36e7370a12fa2696401", E::InvalidPayload),
        ("82a47479706504a36e7370a12f", E::InvalidPayload),
        ("83a47479706505a36e7370a12fa46461746191a165", E::UnknownType),
        ("83a47479706506a36e7370a12fa46461746191a165", E::UnknownType),
        ("82a474797065ffa36e7370a12f", E::UnknownType),
        (
            "83a474797065a132a36e7370a12fa46461746191a165",
            E::UnknownType,
        ),
        ("82a36e7370a12fa46461746191a165", E::UnknownType),
        ("82a474797065c0a36e7370a12f", E::UnknownType),
        ("81a47479706500", E::InvalidNamespace),
        ("82a47479706500a36e7370c0", E::InvalidNamespace),
        ("82a47479706500a36e737001", E::InvalidNamespace),
        (
            "84a47479706502a36e7370a12fa26964c0a46461746191a165",
            E::InvalidId,
        ),
        (
            "84a47479706502a36e7370a12fa26964cb3fe0000000000000a46461746191a165",
            E::InvalidId,
        ),
        (
            "84a47479706502a36e7370a12fa26964a131a46461746191a165",
            E::InvalidId,
        ),
        ("c0", E::NotMsgpack),
        ("90", E::NotMsgpack),
        ("a161", E::NotMsgpack),
        ("", E::NotMsgpack),
        ("c1", E::NotMsgpack),
        ("82a47479706500a36e7370a12f00", E::NotMsgpack),
        ("82a47479706500a36e7370a1", E::NotMsgpack),
        (
            "83a47479706502a464617461ddffffffffa36e7370a12f",
            E::NotMsgpack,
        ),
        (
            "83a47479706502a464617461dfffffffffa36e7370a12f",
            E::NotMsgpack,
        ),
        (
            "83a47479706502a464617461c6ffffffffa36e7370a12f",
            E::NotMsgpack,
        ),
        // Accepted by the reference, which lets any event name pass.
        (
            "83a47479706502a36e7370a12fa46461746190",
            E::InvalidEventName,
        ),
        (
            "83a47479706502a36e7370a12fa4646174619180",
            E::InvalidEventName,
        ),
        (
            "83a47479706502a36e7370a12fa46461746191a7636f6e6e656374",
            E::ReservedName,
        ),
    ] {
        assert_eq!(decode(hex).err(), Some(error), "{hex}");
    }
    let text = Decoder::server().text(MSGPACK, &Limits::default(), "2[\"e\"]");
    assert_eq!(text.err(), Some(E::NotMsgpack));
    let refusal = bytes("83a47479706504a36e7370a12fa464617461a16d");
    let result = Decoder::server().binary(MSGPACK, &Limits::default(), refusal.clone());
    assert_eq!(result.err(), Some(E::UnexpectedType));
    let limits = Limits {
        max_event_bytes: 10,
        ..Limits::default()
    };
    let result = Decoder::client().binary(MSGPACK, &limits, refusal);
    assert_eq!(result.err(), Some(E::TooLarge));
}

#[test]
fn deep_values_are_refused() {
    let nested = |depth: usize| {
        let hex = format!(
            "83a47479706502a46461746192a165{}c0a36e7370a12f",
            "91".repeat(depth)
        );
        decode(&hex).map(|packet| packet.is_some())
    };
    // The list of arguments counts as one.
    assert_eq!(nested(127), Ok(true));
    assert_eq!(nested(128), Err(DecodeError::TooDeep));
    assert_eq!(nested(100_000), Err(DecodeError::TooDeep));
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it reads better at each call"
)]
fn written(encoded: Encoded) -> String {
    assert_eq!(encoded.text, None);
    let [packet] = &encoded.binary[..] else {
        panic!("{encoded:?}")
    };
    packet.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

#[test]
fn packets_are_written_as_the_reference_writes_them() {
    let none: Option<&Value> = None;
    let request = MSGPACK.connect_request("/", none).unwrap();
    assert_eq!(written(request), "82a47479706500a36e7370a12f");
    let request = MSGPACK
        .connect_request("/admin", Some(&json!({"t": 1})))
        .unwrap();
    assert_eq!(
        written(request),
        "83a47479706500a46461746181a17401a36e7370a62f61646d696e"
    );
    let consent = MSGPACK.connect("/chat", "s", Some("p"));
    assert_eq!(
        written(consent),
        "83a47479706500a46461746182a3736964a173a3706964a170a36e7370a52f63686174"
    );
    assert_eq!(
        written(MSGPACK.disconnect("/admin")),
        "82a47479706501a36e7370a62f61646d696e"
    );
    let refusal = MSGPACK.connect_error("/", "m", None);
    assert_eq!(
        written(refusal),
        "83a47479706504a46461746181a76d657373616765a16da36e7370a12f"
    );
    let event = |data: &Value| written(MSGPACK.event("/", None, "e", data, None).unwrap());
    assert_eq!(
        event(&1.into()),
        "83a47479706502a46461746192a16501a36e7370a12f"
    );
    let bytes = Value::Binary(bytes("010203"));
    assert_eq!(
        event(&bytes),
        "83a47479706502a46461746192a165c403010203a36e7370a12f"
    );
    let event = MSGPACK.event("/admin", Some(12), "e", &(), None).unwrap();
    assert_eq!(
        written(event),
        "84a47479706502a46461746191a165a269640ca36e7370a62f61646d696e"
    );
    let event = MSGPACK.event("/", None, "e", &(1, "a"), Some("o")).unwrap();
    assert_eq!(
        written(event),
        "83a47479706502a46461746194a16501a161a16fa36e7370a12f"
    );
    let ack = MSGPACK.ack("/", 1, &None::<u8>).unwrap();
    assert_eq!(
        written(ack),
        "84a47479706503a46461746191c0a2696401a36e7370a12f"
    );
}

#[test]
fn values_are_written_as_the_reference_writes_them() {
    let args = |json: serde_json::Value| {
        Args::from_values(serde_json::from_value::<Vec<Value>>(json).unwrap())
    };
    let event = |name, data: &Args| written(MSGPACK.event("/", None, name, data, None).unwrap());
    assert_eq!(
        event(
            "v",
            &args(json!([null, true, 1.5, -1, "\u{20ac}\u{1e}", {"a": [1]}, [], {}]))
        ),
        "83a47479706502a46461746199a176c0c3cb3ff8000000000000ffa4e282ac1e81a16191019080a36e7370a12f",
    );
    assert_eq!(
        event("i", &args(integers())),
        "83a47479706502a464617461dc0015a169007fcc80ccffcd0100cdffffce00010000ceffffffffcf0000000100000000cf001fffffffffffffffe0d0dfd080d1ff7fd18000d2ffff7fffd280000000d3ffffffff7fffffffd3ffe0000000000001a36e7370a12f",
    );
    for (value, start) in [
        (json!("a".repeat(31)), "bf6161"),
        (json!("a".repeat(32)), "d9206161"),
        (json!("a".repeat(256)), "da01006161"),
        (json!("a".repeat(65_536)), "db000100006161"),
        (json!(vec![1; 15]), "9f0101"),
        (json!(vec![1; 16]), "dc00100101"),
        (json!(vec![1; 65_536]), "dd000100000101"),
        (
            json!(
                (0..16)
                    .map(|n| (n.to_string(), 1))
                    .collect::<std::collections::BTreeMap<_, _>>()
            ),
            "de0010a1",
        ),
        (json!(1e300), "cb7e37e43c8800759c"),
    ] {
        let hex = event("e", &args(json!([value])));
        assert!(
            hex["83a47479706502a46461746192a165".len()..].starts_with(start),
            "{start}"
        );
    }
    for (len, start) in [(255, "c4ff00"), (256, "c5010000"), (65_536, "c60001000000")] {
        let hex = event(
            "e",
            &Args::from_values(vec![Value::Binary(vec![0; len].into())]),
        );
        assert!(
            hex["83a47479706502a46461746192a165".len()..].starts_with(start),
            "{start}"
        );
    }
}
