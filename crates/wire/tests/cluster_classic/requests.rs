//! Requests and answers.

use bytes::Bytes;
use serde_json::{Value as Json, json};
use switchboard_wire::{
    Args, Parser,
    cluster::{
        ClusterLimits, Flags, Options, To,
        classic::{RawResponse, Request, RequestBody, Response, Whom},
    },
};

use crate::{NODE, args, bytes, hex, names, packets, text, values};

fn request(message: impl Into<Bytes>) -> Request {
    Request::decode(&ClusterLimits::default(), &message.into()).unwrap()
}

fn response(message: impl Into<Bytes>) -> (String, Response) {
    let (limits, message) = (ClusterLimits::default(), message.into());
    let raw = RawResponse::parse(&limits, &message).unwrap();
    (raw.request_id().to_owned(), raw.read().unwrap())
}

#[test]
fn requests_are_written_as_node_writes_them() {
    let (one, none) = (names(&["room1"]), Vec::new());
    let room1 = To::new(&one, &none);
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
#[expect(clippy::too_many_lines, reason = "a list of all requests")]
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
fn an_answer_may_name_as_many_rooms_as_a_node_has() {
    let rooms: Vec<_> = (0..70_000).map(|room| room.to_string()).collect();
    assert_eq!(
        response(NODE.rooms("r", &rooms).unwrap()).1,
        Response::Rooms(rooms.clone())
    );
    let ids = response(NODE.socket_ids("r", &rooms).unwrap()).1;
    assert_eq!(ids, Response::SocketIds(rooms));
}
