//! Events and channels.

use bytes::Bytes;
use serde_json::json;
use switchboard_wire::{
    Args, Encoded, Parser, Value,
    cluster::{
        ClusterError, ClusterLimits, Flags, Options, To,
        classic::{Broadcast, Channel, Channels, Writer},
    },
};

use crate::{NODE, args, bytes, hex, names, packets, values};

fn broadcast(message: &Bytes) -> Broadcast {
    Broadcast::decode(&ClusterLimits::default(), message).unwrap()
}

/// What the adapter published for each way to emit: rooms, exceptions, flags, arguments.
fn captured() -> Vec<(&'static str, Args, Options, &'static str)> {
    let binary = Args::from_values(vec![
        Bytes::from_static(b"\x01\x02\x03").into(),
        Value::Object(vec![("x".into(), Bytes::from_static(b"\x04\x05").into())]),
    ]);
    let to = |rooms, except, flags| Options {
        rooms: names(rooms),
        except: names(except),
        flags,
    };
    let none = Flags::default();
    vec![
        (
            "hello",
            args(json!([1, "2", {"a": [true, null, 1.5]}])),
            to(&[], &[], none),
            "93 a6384d62746e61
             83 a474797065 02 a464617461 94 a568656c6c6f 01 a132 81 a161 93 c3 c0 cb3ff8000000000000
             a36e7370 a12f
             83 a5726f6f6d73 90 a6657863657074 90 a5666c616773 80",
        ),
        (
            "hello",
            Args::empty(),
            to(&["room1"], &[], none),
            "93a6384d62746e6183a47479706502a46461746191a568656c6c6fa36e7370a12f83a5726f6f6d7391a5726f6f6d31a665786365707490a5666c61677380",
        ),
        (
            "hello",
            Args::empty(),
            to(&["room1", "room2"], &["room3"], none),
            "93a6384d62746e6183a47479706502a46461746191a568656c6c6fa36e7370a12f83a5726f6f6d7392a5726f6f6d31a5726f6f6d32a665786365707491a5726f6f6d33a5666c61677380",
        ),
        (
            "hello",
            Args::empty(),
            to(
                &[],
                &["Q7zfndKdA9kXkv5cAAAA"],
                none.with_volatile(true).with_compress(Some(false)),
            ),
            "93a6384d62746e6183a47479706502a46461746191a568656c6c6fa36e7370a12f83a5726f6f6d7390a665786365707491b451377a666e644b6441396b586b76356341414141a5666c61677382a8766f6c6174696c65c3a8636f6d7072657373c2",
        ),
        (
            "bin",
            binary,
            to(&[], &[], none),
            "93a6384d62746e6183a47479706502a46461746193a362696ec40301020381a178c4020405a36e7370a12f83a5726f6f6d7390a665786365707490a5666c61677380",
        ),
    ]
}

#[test]
fn events_are_written_as_node_writes_them() {
    for (name, args, options, expected) in captured() {
        for packet in packets(name, &args) {
            let written = NODE.broadcast(&packet, &To::from(&options)).unwrap();
            assert_eq!(hex(&written), hex(&bytes(expected)), "{packet:?}");
        }
    }
}

#[test]
fn events_of_node_are_read() {
    for (name, args, options, message) in captured() {
        let found = broadcast(&bytes(message));
        assert_eq!(
            (found.uid.as_str(), found.namespace.as_str()),
            ("8Mbtna", "/")
        );
        assert_eq!((found.event.as_str(), &found.options), (name, &options));
        assert_eq!(found.args, args);
        // Ready to be written for clients of either parser.
        for parser in [Parser::Json, Parser::Msgpack] {
            assert_eq!(
                parser.event("/", None, name, &found.args, None).unwrap(),
                parser.event("/", None, name, &args, None).unwrap()
            );
        }
    }
}

#[test]
fn an_id_and_a_namespace_of_the_packet_stay_at_home() {
    let node = Writer {
        uid: "u",
        namespace: "/admin",
    };
    for parser in [Parser::Json, Parser::Msgpack] {
        for data in [
            Args::of(&(1, "x")).unwrap(),
            Args::of(&(Value::from(Bytes::from_static(b"\x07")), "x")).unwrap(),
        ] {
            let packet = parser.event("/admin", Some(12), "e", &data, None).unwrap();
            let message = node.broadcast(&packet, &To::default()).unwrap();
            let found = broadcast(&message.into());
            assert_eq!(found.namespace, "/admin");
            assert_eq!((found.event.as_str(), found.args), ("e", data));
        }
    }
}

#[test]
fn numbers_are_those_of_javascript() {
    // A double that is an integer is an integer there, one beyond 64 bits stays a double.
    let data = (1.0, 1e21, -3.0, 0.5, u64::MAX);
    for packet in packets("n", &Args::of(&data).unwrap()) {
        let message = hex(&NODE.broadcast(&packet, &To::default()).unwrap());
        let expected = "96a16e01cb444b1ae4d6e2ef50fdcb3fe0000000000000cfffffffffffffffffa36e7370";
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn whatever_node_may_leave_out_may_be_left_out() {
    // No nsp, no rooms, except or flags; an id; numbers as rooms; the name of an event a number.
    let found = broadcast(&bytes("93 a175 82 a474797065 02 a464617461 91 07 80"));
    assert_eq!((found.namespace.as_str(), found.event.as_str()), ("/", "7"));
    assert_eq!(found.options, Options::default());
    let found = broadcast(&bytes(
        "93 a175 84 a474797065 02 a464617461 91 a165 a36e7370 a12f a26964 05
         82 a5726f6f6d73 93 2a fe cb3ff8000000000000 a6657863657074 92 c0 01",
    ));
    assert_eq!(found.options.rooms, ["42", "-2", "1.5"]);
    assert_eq!(found.options.except, ["1"], "nobody is in the room null");
}

#[test]
fn flags_of_any_form_are_read() {
    for (flags, expected) in [
        ("80", Flags::default()),
        ("c0", Flags::default()),
        (
            "82 a8766f6c6174696c65 01 a8636f6d7072657373 c0",
            Flags::default().with_volatile(true),
        ),
        (
            "82 a774696d656f7574 cb408f440000000000 a5626f6f6c73 c3",
            Flags::default().with_timeout(Some(1_000)),
        ),
        ("81 a774696d656f7574 ff", Flags::default()),
    ] {
        let message =
            format!("93 a175 82 a474797065 02 a464617461 91 a165 81 a5666c616773 {flags}");
        assert_eq!(
            broadcast(&bytes(&message)).options.flags,
            expected,
            "{flags}"
        );
    }
}

#[test]
fn old_and_odd_values_are_read() {
    // float32, str8, undefined, a date of notepack 2 and of 3, an ArrayBuffer.
    let found = broadcast(&bytes(
        "93 a175 82 a474797065 02 a464617461 98 a165 ca3fc00000 d90161 d40000
         d7000000000000000000 d6ff00000001 d7ff0000000000000001 c702000102 80",
    ));
    assert_eq!(
        values(&found.args),
        json!([
            1.5,
            "a",
            null,
            "1970-01-01T00:00:00.000Z",
            "1970-01-01T00:00:01.000Z",
            "1970-01-01T00:00:01.000Z",
            [1, 2]
        ])
    );
    let packet = Parser::Json
        .event("/", None, "e", &found.args, None)
        .unwrap();
    assert_eq!(
        packet.text.unwrap(),
        r#"451-["e",1.5,"a",null,"1970-01-01T00:00:00.000Z","1970-01-01T00:00:01.000Z","1970-01-01T00:00:01.000Z",{"_placeholder":true,"num":0}]"#
    );
    // As a field, undefined is nothing.
    let found = broadcast(&bytes(
        "93 a175 82 a474797065 02 a464617461 92 a165 82 a161 d40000 a162 01 80",
    ));
    let packet = Parser::Json
        .event("/", None, "e", &found.args, None)
        .unwrap();
    assert_eq!(packet.text.unwrap(), r#"42["e",{"b":1}]"#);
}

#[test]
fn what_is_no_event_is_refused() {
    let limits = ClusterLimits::default();
    for (message, code) in [
        ("", "MALFORMED_MESSAGE"),
        ("c1", "MALFORMED_MESSAGE"),
        ("80", "MALFORMED_MESSAGE"),
        (
            "93 a175 82 a474797065 02 a464617461 91 a165 80 c0",
            "MALFORMED_MESSAGE",
        ),
        (
            "93 a175 82 a474797065 02 a464617461 91 a165 c0",
            "INVALID_FIELD",
        ),
        (
            "92 a175 82 a474797065 02 a464617461 91 a165",
            "INVALID_FIELD",
        ),
        (
            "93 c0 82 a474797065 02 a464617461 91 a165 80",
            "INVALID_FIELD",
        ),
        ("93 a175 c0 80", "INVALID_FIELD"),
        ("93 a175 81 a474797065 02 80", "INVALID_FIELD"),
        ("93 a175 81 a464617461 91 a165 80", "NOT_AN_EVENT"),
        (
            "93 a175 82 a474797065 03 a464617461 91 a165 80",
            "NOT_AN_EVENT",
        ),
        (
            "93 a175 82 a474797065 02 a464617461 90 80",
            "INVALID_EVENT_NAME",
        ),
        (
            "93 a175 82 a474797065 02 a464617461 91 c0 80",
            "INVALID_EVENT_NAME",
        ),
        (
            "93 a175 82 a474797065 02 a464617461 91 a7636f6e6e656374 80",
            "INVALID_EVENT_NAME",
        ),
        // A room that is no name must not become everybody.
        (
            "93 a175 82 a474797065 02 a464617461 91 a165 81 a5726f6f6d73 91 c0",
            "INVALID_FIELD",
        ),
    ] {
        let error = Broadcast::decode(&limits, &bytes(message)).unwrap_err();
        assert_eq!(error.code(), code, "{message}");
    }
}

#[test]
fn limits_hold() {
    let (_, _, _, message) = captured().swap_remove(2);
    let message = bytes(message);
    let decode = |change: fn(&mut ClusterLimits)| {
        let mut limits = ClusterLimits::default();
        change(&mut limits);
        Broadcast::decode(&limits, &message).err()
    };
    assert_eq!(decode(|_| ()), None);
    assert_eq!(
        decode(|limits| limits.max_message_bytes = 40),
        Some(ClusterError::TooLarge)
    );
    assert_eq!(
        decode(|limits| limits.max_rooms = 1),
        Some(ClusterError::TooManyRooms)
    );
    assert_eq!(
        decode(|limits| limits.max_name_bytes = 4),
        Some(ClusterError::NameTooLong)
    );
    let deep = |levels: usize| {
        let mut message = bytes("93 a175 82 a474797065 02 a464617461 92 a165").to_vec();
        message.extend(vec![0x91; levels - 1]);
        message.extend(b"\x01\x80");
        Broadcast::decode(&ClusterLimits::default(), &message.into()).err()
    };
    assert_eq!(deep(129), None);
    assert_eq!(deep(130), Some(ClusterError::TooDeep));
    // A list that is only claimed.
    let claim = Broadcast::decode(&ClusterLimits::default(), &bytes("ddffffffff"));
    assert_eq!(claim, Err(ClusterError::Malformed));
}

#[test]
fn channels_are_named_and_told_apart() {
    let channels = Channels::new("socket.io", "/admin");
    assert_eq!(channels.broadcast(), "socket.io#/admin#");
    assert_eq!(channels.pattern(), "socket.io#/admin#*");
    assert_eq!(channels.request(), "socket.io-request#/admin#");
    assert_eq!(channels.response(), "socket.io-response#/admin#");
    assert_eq!(
        channels.own_response("8Mbtna"),
        "socket.io-response#/admin#8Mbtna#"
    );
    assert_eq!(channels.of_rooms(&names(&["a"])), "socket.io#/admin#a#");
    assert_eq!(channels.of_rooms(&names(&["a", "b"])), "socket.io#/admin#");
    assert_eq!(channels.of_rooms(&[]), "socket.io#/admin#");
    assert_eq!(
        Channels::new("k", r"/a*?[\]").pattern(),
        r"k#/a\*\?\[\\\]#*"
    );
    for (channel, expected) in [
        ("socket.io#/admin#", Some(Channel::Broadcast { room: None })),
        (
            "socket.io#/admin#a#b#",
            Some(Channel::Broadcast { room: Some("a#b") }),
        ),
        ("socket.io#/admin#a", None),
        ("socket.io#/administrator#", None),
        ("socket.io-request#/admin#", Some(Channel::Request)),
        ("socket.io-request#/admin#x#", None),
        (
            "socket.io-response#/admin#",
            Some(Channel::Response { uid: None }),
        ),
        (
            "socket.io-response#/admin#u#",
            Some(Channel::Response { uid: Some("u") }),
        ),
        ("other#/admin#", None),
    ] {
        assert_eq!(channels.parse(channel), expected, "{channel}");
    }
}

#[test]
fn what_is_no_event_packet_is_not_published() {
    let text = |text: &str| Encoded {
        text: Some(text.into()),
        binary: Vec::new(),
    };
    for packet in [
        Encoded::default(),
        text(""),
        text("42"),
        text("42{}"),
        text("43[1]"),
        text("45[1]"),
        text("42/x"),
        Parser::Json.disconnect("/"),
        Parser::Msgpack.disconnect("/"),
        Parser::Msgpack.ack("/", 1, &1).unwrap(),
        Encoded {
            text: None,
            binary: vec![Bytes::from_static(b"\xc1")],
        },
    ] {
        let error = NODE.broadcast(&packet, &To::default()).unwrap_err();
        assert_eq!(error.code(), "NOT_AN_EVENT", "{packet:?}");
    }
    for packet in [
        text("42[1"),
        text("42[1]]"),
        text("42[nul]"),
        Encoded {
            text: Some(r#"451-["e",{"_placeholder":true,"num":1}]"#.into()),
            binary: vec![Bytes::new()],
        },
    ] {
        let error = NODE.broadcast(&packet, &To::default()).unwrap_err();
        assert_eq!(error.code(), "INVALID_VALUE", "{packet:?}");
    }
    let deep = text(&format!("42{}{}", "[".repeat(129), "]".repeat(129)));
    assert_eq!(
        NODE.broadcast(&deep, &To::default()).unwrap_err().code(),
        "TOO_DEEP"
    );
}
