//! The emitter, the sharded and the streams adapter, against what `@socket.io/redis-emitter` 5.1.0,
//! `@socket.io/redis-adapter` 8.3.0 and `@socket.io/redis-streams-adapter` 0.3.1 publish.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write;

use bytes::Bytes;
use serde_json::{Value as Json, json};
use switchboard_wire::{
    Args, Encoded, Parser, Value,
    cluster::{
        ClusterError, ClusterLimits, Flags, Message, MessageBody, Options, Outgoing, RemoteSocket,
        To, emitter, sharded,
        sharded::{Channel, Channels, SubscriptionMode},
        streams,
        streams::{Entry, SavedSession},
    },
};

const UID: &str = "179917eaccb376aa";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn event(name: &str, args: &Args) -> Encoded {
    Parser::Json.event("/", None, name, args, None).unwrap()
}

fn args(values: Json) -> Args {
    let Json::Array(values) = values else {
        panic!("a list")
    };
    let values = values
        .into_iter()
        .map(|value| serde_json::from_value(value).unwrap());
    Args::from_values(values.collect())
}

fn binary() -> Args {
    Args::from_values(vec![Bytes::from_static(b"\x01\x02").into()])
}

fn sharded(message: &Outgoing<'_>) -> Vec<u8> {
    sharded::encode(UID, "/", message).unwrap()
}

fn unsharded(message: impl Into<Bytes>) -> Message {
    sharded::decode(&ClusterLimits::default(), &message.into()).unwrap()
}

fn socket() -> RemoteSocket {
    RemoteSocket {
        id: "s1".into(),
        handshake: serde_json::from_value(json!({"auth": {}})).unwrap(),
        rooms: names(&["s1"]),
        data: Value::Null,
    }
}

#[test]
fn the_emitter_writes_what_node_s_writes() {
    let room1 = names(&["room1"]);
    let room1 = To::new(&room1, &[]);
    let hello = args(json!([{"a": 1}]));
    for parser in [Parser::Json, Parser::Msgpack] {
        let packet = parser.event("/", None, "hello", &hello, None).unwrap();
        assert_eq!(
            hex(&emitter::broadcast("/", &packet, &To::default()).unwrap()),
            "93a7656d697474657283a47479706502a46461746192a568656c6c6f81a16101a36e7370a12f83a5726f6f6d7390a5666c61677380a665786365707490"
        );
    }
    for (written, expected) in [
        (
            emitter::join(&room1, &["r7"]),
            r#"{"type":2,"opts":{"rooms":["room1"],"except":[]},"rooms":["r7"]}"#,
        ),
        (
            emitter::leave(&room1, &["r7"]),
            r#"{"type":3,"opts":{"rooms":["room1"],"except":[]},"rooms":["r7"]}"#,
        ),
        (
            emitter::disconnect(&To::default(), true),
            r#"{"type":4,"opts":{"rooms":[],"except":[]},"close":true}"#,
        ),
        (
            emitter::server_side_emit("ping-server", &args(json!([5]))),
            r#"{"uid":"emitter","type":6,"data":["ping-server",5]}"#,
        ),
    ] {
        assert_eq!(String::from_utf8(written.unwrap()).unwrap(), expected);
    }
}

#[expect(clippy::too_many_lines, reason = "a list of all messages")]
/// Each message, and its `type` and `data` as Node writes them.
fn all(check: &mut dyn FnMut(Outgoing<'_>, &str, &MessageBody)) {
    let (rooms, joined) = (names(&["room1"]), names(&["r9"]));
    let to = To::new(&rooms, &[]);
    let options = Options::from_to(&to);
    let opts = r#""opts":{"rooms":["room1"],"except":[],"flags":{}}"#;
    let hello = event("hello", &args(json!([1])));
    let (list, id) = (args(json!([1])), || "5df5aa8e5d34a80e".to_owned());
    let asked = to.with_flags(Flags::default().with_timeout(Some(500)));
    let (pong, sockets) = (args(json!(["pong"])), [socket()]);
    check(
        Outgoing::Broadcast {
            packet: &hello,
            to,
            request_id: None,
        },
        &format!(r#""type":3,"data":{{"packet":{{"type":2,"data":["hello",1]}},{opts}}}"#),
        &MessageBody::Broadcast {
            event: "hello".into(),
            args: list.clone(),
            options: options.clone(),
            request_id: None,
        },
    );
    check(
        Outgoing::Broadcast {
            packet: &hello,
            to: asked,
            request_id: Some("5df5aa8e5d34a80e"),
        },
        r#""type":3,"data":{"packet":{"type":2,"data":["hello",1]},"requestId":"5df5aa8e5d34a80e","opts":{"rooms":["room1"],"except":[],"flags":{"timeout":500}}}"#,
        &MessageBody::Broadcast {
            event: "hello".into(),
            args: list.clone(),
            options: Options::from_to(&asked),
            request_id: Some(id()),
        },
    );
    check(
        Outgoing::Join { to, rooms: &joined },
        &format!(r#""type":4,"data":{{{opts},"rooms":["r9"]}}"#),
        &MessageBody::Join {
            options: options.clone(),
            rooms: joined.clone(),
        },
    );
    check(
        Outgoing::Leave { to, rooms: &joined },
        &format!(r#""type":5,"data":{{{opts},"rooms":["r9"]}}"#),
        &MessageBody::Leave {
            options: options.clone(),
            rooms: joined.clone(),
        },
    );
    check(
        Outgoing::Disconnect { to, close: true },
        &format!(r#""type":6,"data":{{{opts},"close":true}}"#),
        &MessageBody::Disconnect {
            options: options.clone(),
            close: true,
        },
    );
    check(
        Outgoing::FetchSockets {
            to,
            request_id: "5df5aa8e5d34a80e",
        },
        &format!(r#""type":7,"data":{{{opts},"requestId":"5df5aa8e5d34a80e"}}"#),
        &MessageBody::FetchSockets {
            options,
            request_id: id(),
        },
    );
    check(
        Outgoing::SocketsFetched {
            request_id: "5df5aa8e5d34a80e",
            sockets: &sockets,
        },
        r#""type":8,"data":{"requestId":"5df5aa8e5d34a80e","sockets":[{"id":"s1","handshake":{"auth":{}},"rooms":["s1"],"data":null}]}"#,
        &MessageBody::SocketsFetched {
            request_id: id(),
            sockets: sockets.to_vec(),
        },
    );
    check(
        Outgoing::ServerSideEmit {
            event: "ping-server",
            args: &list,
            request_id: None,
        },
        r#""type":9,"data":{"packet":["ping-server",1]}"#,
        &MessageBody::ServerSideEmit {
            event: "ping-server".into(),
            args: list.clone(),
            request_id: None,
        },
    );
    check(
        Outgoing::ServerSideEmit {
            event: "ping-server",
            args: &Args::empty(),
            request_id: Some("5df5aa8e5d34a80e"),
        },
        r#""type":9,"data":{"requestId":"5df5aa8e5d34a80e","packet":["ping-server"]}"#,
        &MessageBody::ServerSideEmit {
            event: "ping-server".into(),
            args: Args::empty(),
            request_id: Some(id()),
        },
    );
    check(
        Outgoing::ServerSideAnswer {
            request_id: "5df5aa8e5d34a80e",
            args: &pong,
        },
        r#""type":10,"data":{"requestId":"5df5aa8e5d34a80e","packet":"pong"}"#,
        &MessageBody::ServerSideAnswer {
            request_id: id(),
            args: pong.clone(),
        },
    );
    check(
        Outgoing::ClientCount {
            request_id: "5df5aa8e5d34a80e",
            count: 1,
        },
        r#""type":11,"data":{"requestId":"5df5aa8e5d34a80e","clientCount":1}"#,
        &MessageBody::ClientCount {
            request_id: id(),
            count: 1,
        },
    );
    check(
        Outgoing::Ack {
            request_id: "5df5aa8e5d34a80e",
            args: &pong,
        },
        r#""type":12,"data":{"requestId":"5df5aa8e5d34a80e","packet":"pong"}"#,
        &MessageBody::Ack {
            request_id: id(),
            args: pong.clone(),
        },
    );
    check(
        Outgoing::InitialHeartbeat,
        r#""type":1"#,
        &MessageBody::InitialHeartbeat,
    );
    check(Outgoing::Heartbeat, r#""type":2"#, &MessageBody::Heartbeat);
    check(
        Outgoing::AdapterClose,
        r#""type":13"#,
        &MessageBody::AdapterClose,
    );
}

trait FromTo {
    fn from_to(to: &To<'_>) -> Self;
}

impl FromTo for Options {
    fn from_to(to: &To<'_>) -> Self {
        Self {
            rooms: to.rooms.to_vec(),
            except: to.except.to_vec(),
            flags: to.flags,
        }
    }
}

#[test]
fn sharded_messages_are_written_and_read_as_node_does() {
    all(&mut |message, expected, body| {
        let written = sharded(&message);
        let text = String::from_utf8(written.clone()).unwrap();
        assert_eq!(text, format!(r#"{{{expected},"uid":"{UID}","nsp":"/"}}"#));
        let expected = Message {
            uid: UID.into(),
            namespace: "/".into(),
            body: body.clone(),
        };
        assert_eq!(unsharded(written), expected);
    });
}

#[test]
fn streams_publish_the_ephemeral_and_add_the_durable() {
    let limits = ClusterLimits::default();
    all(&mut |message, expected, body| {
        let expected_message = Message {
            uid: UID.into(),
            namespace: "/".into(),
            body: body.clone(),
        };
        // Everything may be read from both ways: versions before 0.3 sent all through the stream.
        let published = streams::encode(UID, "/", &message).unwrap();
        assert_eq!(
            streams::decode(&limits, &published.into()).unwrap(),
            expected_message
        );
        let entry = Entry::encode(UID, "/", &message, false).unwrap();
        assert_eq!(entry.decode(&limits).unwrap(), expected_message);
        let data = entry
            .data
            .as_ref()
            .map(|data| format!(r#","data":{data}"#))
            .unwrap_or_default();
        assert_eq!(format!(r#""type":{}{data}"#, entry.kind), expected);
        let fields: Vec<_> = entry
            .fields()
            .into_iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect();
        assert_eq!(Entry::of_fields(fields), Some(entry));

        let kind = expected[7..].split(',').next().unwrap();
        let asks = expected.contains("requestId");
        let durable = matches!(kind, "1" | "2" | "4" | "5" | "6" | "13") || (kind == "3" && !asks);
        assert_eq!(streams::is_ephemeral(&message), !durable, "{expected}");
    });
    let message = Outgoing::FetchSockets {
        to: To::default(),
        request_id: "r",
    };
    // {type, data: {opts: {rooms, except, flags}, requestId}, uid, nsp}
    assert_eq!(
        hex(&streams::encode("u", "/", &message).unwrap()),
        "84a47479706507a46461746182a46f70747383a5726f6f6d7390a665786365707490a5666c61677380a9726571756573744964a172a3756964a175a36e7370a12f"
    );
}

#[test]
fn bytes_make_a_message_msgpack() {
    let (packet, list) = (event("e", &binary()), binary());
    let message = Outgoing::Broadcast {
        packet: &packet,
        to: To::default(),
        request_id: None,
    };
    let written = sharded(&message);
    assert_eq!(
        hex(&written),
        "84a47479706503a46461746182a67061636b657482a47479706502a46461746192a165c4020102a46f70747383a5726f6f6d7390a665786365707490a5666c61677380a3756964b031373939313765616363623337366161a36e7370a12f"
    );
    let body = |args| MessageBody::Broadcast {
        event: "e".into(),
        args,
        options: Options::default(),
        request_id: None,
    };
    assert_eq!(unsharded(written).body, body(binary()));

    let entry = Entry::encode(UID, "/", &message, false).unwrap();
    assert!(
        entry
            .data
            .as_ref()
            .unwrap()
            .starts_with("gqZwYWNrZXSCpHR5cGUC")
    );
    assert_eq!(
        entry.decode(&ClusterLimits::default()).unwrap().body,
        body(binary())
    );
    let plain = Entry::encode(UID, "/", &message, true).unwrap();
    assert_eq!(
        plain.data.unwrap(),
        r#"{"packet":{"type":2,"data":["e",{"type":"Buffer","data":[1,2]}]},"opts":{"rooms":[],"except":[],"flags":{}}}"#
    );

    for message in [
        Outgoing::Ack {
            request_id: "r",
            args: &list,
        },
        Outgoing::ServerSideEmit {
            event: "e",
            args: &list,
            request_id: None,
        },
        Outgoing::ServerSideAnswer {
            request_id: "r",
            args: &list,
        },
        Outgoing::SocketsFetched {
            request_id: "r",
            sockets: &[RemoteSocket {
                data: Value::from(Bytes::from_static(b"x")),
                ..socket()
            }],
        },
    ] {
        let written = sharded(&message);
        assert_eq!(written[0], 0x84, "{message:?}");
        assert_eq!(
            sharded::decode(&ClusterLimits::default(), &written.into()).map(|_| ()),
            Ok(())
        );
    }
    let text = Outgoing::Ack {
        request_id: "r",
        args: &args(json!(["x"])),
    };
    assert_eq!(sharded(&text)[0], b'{');
}

#[test]
fn what_is_no_message_is_refused() {
    for (message, code) in [
        ("", "MALFORMED_MESSAGE"),
        ("{", "MALFORMED_MESSAGE"),
        ("{}", "INVALID_FIELD"),
        (r#"{"type":3,"uid":"u"}"#, "INVALID_FIELD"),
        (r#"{"type":3,"nsp":"/"}"#, "INVALID_FIELD"),
        (r#"{"type":3,"uid":"u","nsp":"/"}"#, "INVALID_FIELD"),
        (
            r#"{"type":0,"uid":"u","nsp":"/","data":{}}"#,
            "UNKNOWN_MESSAGE_TYPE",
        ),
        (
            r#"{"type":14,"uid":"u","nsp":"/","data":{}}"#,
            "UNKNOWN_MESSAGE_TYPE",
        ),
        (
            r#"{"type":300,"uid":"u","nsp":"/","data":{}}"#,
            "UNKNOWN_MESSAGE_TYPE",
        ),
        (
            r#"{"type":3,"uid":"u","nsp":"/","data":{"packet":{"type":2,"data":["e"]}}}"#,
            "INVALID_FIELD",
        ),
        (
            r#"{"type":3,"uid":"u","nsp":"/","data":{"packet":{"type":0,"data":["e"]},"opts":{}}}"#,
            "NOT_AN_EVENT",
        ),
        (
            r#"{"type":3,"uid":"u","nsp":"/","data":{"packet":{"type":2,"data":["disconnect"]},"opts":{}}}"#,
            "INVALID_EVENT_NAME",
        ),
        (
            r#"{"type":4,"uid":"u","nsp":"/","data":{"opts":{}}}"#,
            "INVALID_FIELD",
        ),
        (
            r#"{"type":7,"uid":"u","nsp":"/","data":{"opts":{}}}"#,
            "INVALID_FIELD",
        ),
        (
            r#"{"type":8,"uid":"u","nsp":"/","data":{"requestId":"r","sockets":[1]}}"#,
            "INVALID_FIELD",
        ),
        (
            r#"{"type":11,"uid":"u","nsp":"/","data":{"requestId":"r"}}"#,
            "INVALID_FIELD",
        ),
        (
            r#"{"type":12,"uid":"u","nsp":"/","data":{}}"#,
            "INVALID_FIELD",
        ),
    ] {
        let error = sharded::decode(&ClusterLimits::default(), &Bytes::from(message)).unwrap_err();
        assert_eq!(error.code(), code, "{message}");
    }
    let limits = ClusterLimits::default();
    let entry = |kind: &str, data: Option<&str>| Entry {
        uid: "u".into(),
        nsp: "/".into(),
        kind: kind.into(),
        data: data.map(str::to_owned),
    };
    assert_eq!(
        entry("x", None).decode(&limits),
        Err(ClusterError::InvalidField("type"))
    );
    assert_eq!(
        entry("3", Some("")).decode(&limits),
        Err(ClusterError::InvalidField("data"))
    );
    assert_eq!(
        entry("3", Some("%")).decode(&limits),
        Err(ClusterError::Malformed)
    );
    assert_eq!(
        entry("3", Some("{]")).decode(&limits),
        Err(ClusterError::Malformed)
    );
    assert_eq!(Entry::of_fields([(&b"uid"[..], &b"u"[..])]), None);
}

#[test]
fn channels_are_computed_as_node_does() {
    let (packet, list) = (event("e", &Args::empty()), Args::empty());
    let (one, two, id) = (
        names(&["lobby"]),
        names(&["a", "b"]),
        names(&["Q7zfndKdA9kXkv5cAAAA"]),
    );
    // Twenty characters, as JavaScript counts: ten that take two each.
    let astral = names(&["😀😀😀😀😀😀😀😀😀😀"]);
    let channel = |mode, message: &Outgoing<'_>| Channels::new("socket.io", "/", mode).of(message);
    let to = |rooms| Outgoing::Broadcast {
        packet: &packet,
        to: To::new(rooms, &[]),
        request_id: None,
    };
    let main = "socket.io#/#";
    for (rooms, fixed, dynamic, private) in [
        (&[][..], main, main, main),
        (&one, main, "socket.io#/#lobby#", "socket.io#/#lobby#"),
        (&two, main, main, main),
        (&id, main, main, "socket.io#/#Q7zfndKdA9kXkv5cAAAA#"),
        (&astral, main, main, "socket.io#/#😀😀😀😀😀😀😀😀😀😀#"),
    ] {
        assert_eq!(channel(SubscriptionMode::Static, &to(rooms)), fixed);
        assert_eq!(channel(SubscriptionMode::Dynamic, &to(rooms)), dynamic);
        assert_eq!(
            channel(SubscriptionMode::DynamicPrivate, &to(rooms)),
            private
        );
    }
    for other in [
        Outgoing::Broadcast {
            packet: &packet,
            to: To::new(&one, &[]),
            request_id: Some("r"),
        },
        Outgoing::Join {
            to: To::new(&one, &[]),
            rooms: &two,
        },
        Outgoing::ServerSideEmit {
            event: "e",
            args: &list,
            request_id: None,
        },
    ] {
        assert_eq!(channel(SubscriptionMode::DynamicPrivate, &other), main);
    }
    for (mode, public, own) in [
        (SubscriptionMode::Static, false, false),
        (SubscriptionMode::Dynamic, true, false),
        (SubscriptionMode::DynamicPrivate, true, true),
    ] {
        let channels = Channels::new("socket.io", "/", mode);
        assert_eq!(
            (channels.subscribes_to(false), channels.subscribes_to(true)),
            (public, own)
        );
    }
    let channels = Channels::new("socket.io", "/", SubscriptionMode::Dynamic);
    assert_eq!(channels.response(UID), format!("socket.io#/#{UID}#"));
    assert_eq!(channels.parse("socket.io#/#"), Some(Channel::Main));
    assert_eq!(
        channels.parse("socket.io#/#a#b#"),
        Some(Channel::Named("a#b"))
    );
    assert_eq!(channels.parse("socket.io#/#a"), None);
    assert_eq!(channels.parse("socket.io#/x#"), None);
    assert_eq!(streams::public_channel("socket.io", "/"), "socket.io#/#");
    assert_eq!(
        streams::private_channel("socket.io", "/", "u"),
        "socket.io#/#u#"
    );
}

#[test]
fn sessions_are_kept_as_node_keeps_them() {
    // Buffer.from(encode({sid, pid, rooms, data})).toString("base64") of @msgpack/msgpack 2.8
    let session = SavedSession {
        sid: "s1".into(),
        pid: "p1".into(),
        rooms: names(&["s1", "room1"]),
        data: serde_json::from_value(json!({"a": 1})).unwrap(),
    };
    let encoded = session.encode().unwrap();
    assert_eq!(
        encoded,
        "hKNzaWSiczGjcGlkonAxpXJvb21zkqJzMaVyb29tMaRkYXRhgaFhAQ=="
    );
    assert_eq!(SavedSession::key("sio:session:", "p1"), "sio:session:p1");
    let limits = ClusterLimits::default();
    assert_eq!(
        SavedSession::decode(&limits, encoded.as_bytes()),
        Ok(session)
    );
    for bad in [
        "",
        "%",
        "gA==",
        "hKNzaWSiczGjcGlkonAxpXJvb21zkqJzMaVyb29tMaRkYXRhgaFhAQE=",
    ] {
        assert!(
            SavedSession::decode(&limits, bad.as_bytes()).is_err(),
            "{bad}"
        );
    }
}

#[test]
fn offsets_are_checked() {
    for (offset, valid) in [
        ("0-0", true),
        ("1795225916874-12", true),
        ("", false),
        ("-", false),
        ("+", false),
        ("1-", false),
        ("-1", false),
        ("1-1-1", false),
        ("1-1\n", false),
        ("99999999999999999999999-0", false),
    ] {
        assert_eq!(streams::is_offset(offset), valid, "{offset:?}");
    }
}
