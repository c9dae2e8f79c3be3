//! The classic adapter and the emitter, against bytes that `@socket.io/redis-adapter` 8.3.0 and
//! `@socket.io/redis-emitter` 5.1.0 published.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write;

use bytes::Bytes;
use serde_json::{Value as Json, json};
use switchboard_wire::{
    Args, Encoded, Parser, Value,
    cluster::{
        ClusterError, ClusterLimits, Flags, Options, To,
        classic::{
            Broadcast, Channel, Channels, RawResponse, Request, RequestBody, Response, Whom, Writer,
        },
    },
};

const NODE: Writer<'static> = Writer {
    uid: "8Mbtna",
    namespace: "/",
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

fn bytes(hex: &str) -> Bytes {
    let hex: String = hex.split_whitespace().collect();
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn text(written: Vec<u8>) -> String {
    String::from_utf8(written).unwrap()
}

/// The packet as either parser encodes it.
fn packets(name: &str, args: &Args) -> [Encoded; 2] {
    [Parser::Json, Parser::Msgpack].map(|parser| parser.event("/", None, name, args, None).unwrap())
}

fn args(values: Json) -> Args {
    let Json::Array(values) = values else {
        panic!("a list")
    };
    Args::from_values(
        values
            .into_iter()
            .map(|value| serde_json::from_value(value).unwrap())
            .collect(),
    )
}

fn broadcast(message: &Bytes) -> Broadcast {
    Broadcast::decode(&ClusterLimits::default(), message).unwrap()
}

fn request(message: impl Into<Bytes>) -> Request {
    Request::decode(&ClusterLimits::default(), &message.into()).unwrap()
}

fn response(message: impl Into<Bytes>) -> (String, Response) {
    let (limits, message) = (ClusterLimits::default(), message.into());
    let raw = RawResponse::parse(&limits, &message).unwrap();
    (raw.request_id().to_owned(), raw.read().unwrap())
}

fn values(args: &Args) -> Json {
    serde_json::to_value(args.values()).unwrap()
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
fn requests_are_written_as_node_writes_them() {
    let (rooms, none) = (names(&["room1"]), Vec::new());
    let room1 = To::new(&rooms, &none);
    for (written, expected) in [
        (
            NODE.all_rooms("dmSe9C"),
            r#"{"uid":"8Mbtna","requestId":"dmSe9C","type":1}"#,
        ),
        (
            NODE.join(&room1, &["r5", "r6"]),
            r#"{"uid":"8Mbtna","type":2,"opts":{"rooms":["room1"],"except":[]},"rooms":["r5","r6"]}"#,
        ),
        (
            NODE.leave(&room1, &["r5"]),
            r#"{"uid":"8Mbtna","type":3,"opts":{"rooms":["room1"],"except":[]},"rooms":["r5"]}"#,
        ),
        (
            NODE.disconnect(&room1, true),
            r#"{"uid":"8Mbtna","type":4,"opts":{"rooms":["room1"],"except":[]},"close":true}"#,
        ),
        (
            NODE.fetch_sockets("Om2Q21", &To::default()),
            r#"{"uid":"8Mbtna","requestId":"Om2Q21","type":5,"opts":{"rooms":[],"except":[]}}"#,
        ),
        (
            NODE.server_side_emit(None, "ping-server", &args(json!([1, {"x": 2}]))),
            r#"{"uid":"8Mbtna","type":6,"data":["ping-server",1,{"x":2}]}"#,
        ),
        (
            NODE.server_side_emit(Some("LcyB4v"), "ping-server", &Args::empty()),
            r#"{"uid":"8Mbtna","requestId":"LcyB4v","type":6,"data":["ping-server"]}"#,
        ),
        (
            NODE.socket_ids("aaaaaa", &["Id7F"]),
            r#"{"requestId":"aaaaaa","sockets":["Id7F"]}"#,
        ),
        (
            NODE.rooms("dmSe9C", &["X5nB", "room1"]),
            r#"{"requestId":"dmSe9C","rooms":["X5nB","room1"]}"#,
        ),
        (NODE.done("dmSe9C"), r#"{"requestId":"dmSe9C"}"#),
        (
            NODE.server_side_answer("LcyB4v", &args(json!(["pong-from-B"]))),
            r#"{"type":6,"requestId":"LcyB4v","data":"pong-from-B"}"#,
        ),
        (
            NODE.server_side_answer("LcyB4v", &Args::empty()),
            r#"{"type":6,"requestId":"LcyB4v"}"#,
        ),
        (
            NODE.client_count("blCHGw", 1),
            r#"{"type":8,"requestId":"blCHGw","clientCount":1}"#,
        ),
    ] {
        assert_eq!(text(written.unwrap()), expected);
    }
}

const TYPE_7: &str = "85a3756964a6384d62746e61a9726571756573744964a6626c43484777a47479706507a67061636b657483a47479706502a46461746192a17107a36e7370a12fa46f70747383a5726f6f6d7390a665786365707490a5666c61677381a774696d656f7574cd03e8";
const TYPE_9: &str =
    "83a47479706509a9726571756573744964a6626c43484777a67061636b6574aa61636b2d66726f6d2d42";

#[test]
fn a_question_and_its_acks_are_written_as_node_writes_them() {
    let to = To::default().with_flags(Flags::default().with_timeout(Some(1_000)));
    for packet in packets("q", &args(json!([7]))) {
        let written = NODE.broadcast_with_ack("blCHGw", &packet, &to).unwrap();
        assert_eq!(hex(&written), TYPE_7);
    }
    let ack = NODE
        .ack("blCHGw", &args(json!(["ack-from-B", "more"])))
        .unwrap();
    assert_eq!(hex(&ack), TYPE_9);
    let bytes = Args::from_values(vec![Bytes::from_static(b"\x01\xff").into()]);
    let binary = hex(&NODE.ack("blCHGw", &bytes).unwrap());
    assert!(binary.ends_with("a67061636b6574c40201ff"), "{binary}");
    let empty = NODE.ack("blCHGw", &Args::empty()).unwrap();
    assert!(
        hex(&empty).starts_with("82a474797065"),
        "no answer is no field"
    );
}

#[test]
fn requests_are_read_in_either_encoding() {
    let options = Options {
        rooms: names(&["room1"]),
        except: names(&["x"]),
        flags: Flags::default(),
    };
    let matching = || Whom::Matching(options.clone());
    let one = || Whom::Socket("sid1".into());
    let opts = json!({"rooms": ["room1"], "except": ["x"]});
    let packet = json!({"type": 2, "data": ["q", 7], "nsp": "/admin"});
    for (message, body) in [
        (
            json!({"requestId": "r", "type": 0, "rooms": ["a"]}),
            RequestBody::Sockets {
                rooms: names(&["a"]),
            },
        ),
        (
            json!({"uid": "u", "requestId": "r", "type": 1}),
            RequestBody::AllRooms,
        ),
        (
            json!({"uid": "u", "type": 2, "opts": opts, "rooms": ["r5", 6]}),
            RequestBody::Join {
                who: matching(),
                rooms: names(&["r5", "6"]),
            },
        ),
        (
            json!({"requestId": "r", "type": 2, "sid": "sid1", "room": 5}),
            RequestBody::Join {
                who: one(),
                rooms: names(&["5"]),
            },
        ),
        (
            json!({"type": 3, "opts": opts, "rooms": []}),
            RequestBody::Leave {
                who: matching(),
                rooms: Vec::new(),
            },
        ),
        (
            json!({"requestId": "r", "type": 3, "sid": "sid1", "room": "a"}),
            RequestBody::Leave {
                who: one(),
                rooms: names(&["a"]),
            },
        ),
        (
            json!({"type": 4, "opts": opts, "close": true}),
            RequestBody::Disconnect {
                who: matching(),
                close: true,
            },
        ),
        (
            json!({"type": 4, "opts": opts}),
            RequestBody::Disconnect {
                who: matching(),
                close: false,
            },
        ),
        (
            json!({"requestId": "r", "type": 4, "sid": "sid1", "close": false}),
            RequestBody::Disconnect {
                who: one(),
                close: false,
            },
        ),
        (
            json!({"uid": "u", "requestId": "r", "type": 5, "opts": opts}),
            RequestBody::FetchSockets {
                who: options.clone(),
            },
        ),
        (
            json!({"uid": "emitter", "type": 6, "data": ["ping-server", 5]}),
            RequestBody::ServerSideEmit {
                event: "ping-server".into(),
                args: args(json!([5])),
            },
        ),
        (
            json!({"uid": "u", "requestId": "r", "type": 7, "packet": packet, "opts": opts}),
            RequestBody::Broadcast {
                namespace: "/admin".into(),
                event: "q".into(),
                args: args(json!([7])),
                options: options.clone(),
            },
        ),
    ] {
        let uid = message
            .get("uid")
            .map(|uid| uid.as_str().unwrap().to_owned());
        let request_id = message
            .get("requestId")
            .map(|id| id.as_str().unwrap().to_owned());
        let expected = Request {
            uid,
            request_id,
            body,
        };
        assert_eq!(request(message.to_string()), expected);
        assert_eq!(request(as_msgpack(&message)), expected, "{message}");
    }
    let Request {
        body:
            RequestBody::Broadcast {
                event,
                args,
                options,
                ..
            },
        ..
    } = request(bytes(TYPE_7))
    else {
        panic!("a broadcast")
    };
    assert_eq!((event.as_str(), values(&args)), ("q", json!([7])));
    assert_eq!(options.flags.timeout, Some(1_000));
}

/// A value as msgpack: the arguments of a packet, cut out of it.
fn as_msgpack(value: &Json) -> Bytes {
    let packet = Parser::Msgpack.event("/", None, "", value, None).unwrap();
    let packet = &packet.binary[0];
    packet.slice(14..packet.len() - 6)
}

#[test]
fn what_is_no_request_is_refused() {
    for (message, code) in [
        ("", "MALFORMED_MESSAGE"),
        ("{", "MALFORMED_MESSAGE"),
        ("{} x", "MALFORMED_MESSAGE"),
        ("\u{90}", "MALFORMED_MESSAGE"),
        ("{}", "INVALID_FIELD"),
        (r#"{"type":"1"}"#, "INVALID_FIELD"),
        (r#"{"type":-1}"#, "INVALID_FIELD"),
        (r#"{"type":8}"#, "UNKNOWN_MESSAGE_TYPE"),
        (r#"{"type":1000}"#, "UNKNOWN_MESSAGE_TYPE"),
        (r#"{"type":2}"#, "INVALID_FIELD"),
        (r#"{"type":2,"sid":"s"}"#, "INVALID_FIELD"),
        (r#"{"type":2,"opts":[]}"#, "INVALID_FIELD"),
        (r#"{"type":5}"#, "INVALID_FIELD"),
        (r#"{"type":6}"#, "INVALID_FIELD"),
        (r#"{"type":6,"data":[]}"#, "INVALID_EVENT_NAME"),
        (r#"{"type":6,"data":{}}"#, "INVALID_FIELD"),
        (r#"{"type":7,"opts":{}}"#, "INVALID_FIELD"),
        (r#"{"type":1,"requestId":{}}"#, "INVALID_FIELD"),
    ] {
        let message = Bytes::copy_from_slice(message.as_bytes());
        let error = Request::decode(&ClusterLimits::default(), &message).unwrap_err();
        assert_eq!(error.code(), code, "{message:?}");
    }
}

#[test]
fn answers_are_read() {
    let handshake = json!({
        "headers": {"host": "localhost"}, "time": "Sat Nov 21 2026 01:50:06 GMT+0000 (Coordinated Universal Time)",
        "address": "127.0.0.1", "xdomain": false, "secure": false, "issued": 1_795_225_806_852_u64,
        "url": "/socket.io/?EIO=4&transport=websocket", "query": {"EIO": "4", "transport": "websocket"}, "auth": {}
    });
    let sockets =
        json!([{"id": "X5nB", "handshake": handshake, "rooms": ["X5nB", 7], "data": {"n": 1}}]);
    for message in [
        json!({"requestId": "r", "sockets": sockets})
            .to_string()
            .into(),
        as_msgpack(&json!({"requestId": "r", "sockets": sockets})),
    ] {
        let (id, Response::Sockets(found)) = response(message) else {
            panic!("sockets")
        };
        assert_eq!((id.as_str(), found.len()), ("r", 1));
        assert_eq!(
            (found[0].id.as_str(), &found[0].rooms),
            ("X5nB", &names(&["X5nB", "7"]))
        );
        assert_eq!(
            serde_json::to_value(&found[0].handshake).unwrap(),
            handshake
        );
        assert_eq!(
            serde_json::to_value(&found[0].data).unwrap(),
            json!({"n": 1})
        );
        let (_, again) = response(NODE.sockets_fetched("r", &found).unwrap());
        assert_eq!(again, Response::Sockets(found));
    }
    let data = |value| args(json!([value]));
    for (message, expected) in [
        (
            json!({"requestId": "r", "sockets": ["a", "b"]}),
            Response::SocketIds(names(&["a", "b"])),
        ),
        (
            json!({"requestId": "r", "sockets": []}),
            Response::Sockets(Vec::new()),
        ),
        (
            json!({"requestId": "r", "rooms": ["a", 5]}),
            Response::Rooms(names(&["a", "5"])),
        ),
        (json!({"requestId": "r"}), Response::Done),
        (
            json!({"type": 6, "requestId": "r", "data": "pong"}),
            Response::ServerSideEmit(data(json!("pong"))),
        ),
        (
            json!({"type": 6, "requestId": "r"}),
            Response::ServerSideEmit(Args::empty()),
        ),
        (
            json!({"type": 8, "requestId": "r", "clientCount": 3}),
            Response::ClientCount(3),
        ),
        (
            json!({"type": 9, "requestId": "r", "packet": [1]}),
            Response::Ack(data(json!([1]))),
        ),
    ] {
        assert_eq!(
            response(message.to_string()),
            ("r".to_owned(), expected.clone())
        );
        assert_eq!(response(as_msgpack(&message)), ("r".to_owned(), expected));
    }
    let (id, Response::Ack(ack)) = response(bytes(TYPE_9)) else {
        panic!("an ack")
    };
    assert_eq!(
        (id.as_str(), values(&ack)),
        ("blCHGw", json!(["ack-from-B"]))
    );
}

#[test]
fn bytes_make_a_message_msgpack() {
    let binary = Args::from_values(vec![Bytes::from_static(b"\x01").into()]);
    let written = NODE.server_side_emit(Some("r"), "e", &binary).unwrap();
    assert_eq!(written[0], 0x84);
    let RequestBody::ServerSideEmit { args, .. } = request(written).body else {
        panic!("a server-side emit")
    };
    assert_eq!(args, binary);
    let (_, answer) = response(NODE.server_side_answer("r", &binary).unwrap());
    assert_eq!(answer, Response::ServerSideEmit(binary));
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
