//! The cluster's messages: anything may arrive, and what is written is read as the same.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use bytes::Bytes;
use proptest::{
    collection::{btree_map, vec},
    prelude::*,
};
use switchboard_wire::{
    Args, Body, Decoder, Encoded, Limits, Packet, Parser, Value,
    cluster::{
        ClusterLimits, Flags, Message, MessageBody, Options, Outgoing, RemoteSocket, To,
        classic::{Broadcast, Channels, RawResponse, Request, RequestBody, Response, Whom, Writer},
        sharded, streams,
        streams::{Entry, SavedSession},
    },
};

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        // As text a double that is an integer is no other than the integer.
        any::<i32>().prop_map(|number| Value::from(f64::from(number) + 0.5)),
        ".{0,20}".prop_map(Value::from),
        vec(any::<u8>(), 0..40).prop_map(|bytes| Value::from(Bytes::from(bytes))),
    ];
    leaf.prop_recursive(4, 30, 18, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..18).prop_map(Value::from),
            btree_map(".{0,3}|_placeholder|num", inner, 0..18).prop_map(Value::from_iter),
        ]
    })
}

fn any_args() -> impl Strategy<Value = Args> {
    vec(any_value(), 0..4).prop_map(Args::from_values)
}

fn any_names() -> impl Strategy<Value = Vec<String>> {
    vec(".{0,12}", 0..4)
}

fn any_options() -> impl Strategy<Value = Options> {
    let flags = (any::<bool>(), any::<Option<bool>>(), any::<Option<u32>>());
    (any_names(), any_names(), flags).prop_map(|(rooms, except, (volatile, compress, timeout))| {
        let flags = Flags::default()
            .with_volatile(volatile)
            .with_compress(compress)
            .with_timeout(timeout.map(u64::from));
        Options {
            rooms,
            except,
            flags,
        }
    })
}

fn packets(args: &Args) -> Vec<Encoded> {
    // A value that looks like a placeholder beside bytes is one for the JSON parser, as in Node.
    [Parser::Json, Parser::Msgpack]
        .into_iter()
        .filter_map(|parser| parser.event("/", Some(3), "e", args, None).ok())
        .filter(|packet| said(packet).is_some_and(|said| said == *args))
        .collect()
}

/// What a client takes from a packet.
fn said(packet: &Encoded) -> Option<Args> {
    let limits = Limits::default();
    let mut decoder = Decoder::client();
    let mut found: Option<Packet> = None;
    let parser = match &packet.text {
        Some(text) => {
            found = decoder.text(Parser::Json, &limits, text.get(1..)?).ok()?;
            Parser::Json
        }
        None => Parser::Msgpack,
    };
    for bytes in &packet.binary {
        found = decoder.binary(parser, &limits, bytes.clone()).ok()?;
    }
    match found?.body {
        Body::Event(event) => Some(event.args),
        _ => None,
    }
}

/// Gives bytes to everything that reads messages.
fn read_everything(message: &Bytes) {
    let limits = ClusterLimits::default();
    if let Ok(found) = Broadcast::decode(&limits, message) {
        drop(packets(&found.args));
    }
    drop(Request::decode(&limits, message));
    if let Ok(response) = RawResponse::parse(&limits, message) {
        drop(response.read());
    }
    if let Ok(found) = sharded::decode(&limits, message)
        && let MessageBody::Broadcast { args, .. } = found.body
    {
        drop(packets(&args));
    }
    drop(streams::decode(&limits, message));
    drop(SavedSession::decode(&limits, message));
    let text = String::from_utf8_lossy(message);
    let _ = Channels::new("socket.io", "/").parse(&text);
    for kind in 0..15 {
        let entry = Entry {
            uid: "u".into(),
            nsp: "/".into(),
            kind: kind.to_string(),
            data: Some(text.clone().into_owned()),
        };
        drop(entry.decode(&limits));
    }
}

const NODE: Writer<'static> = Writer {
    uid: "u",
    namespace: "/",
};

/// One message of each kind.
fn samples(args: &Args, options: &Options, sockets: &[RemoteSocket]) -> Vec<Bytes> {
    let to = To::from(options);
    let mut samples = vec![
        NODE.join(&to, &options.rooms),
        NODE.server_side_emit(Some("r"), "e", args),
        NODE.sockets_fetched("r", sockets),
        NODE.ack("r", args),
        NODE.client_count("r", 3),
    ];
    for packet in packets(args) {
        samples.push(NODE.broadcast(&packet, &to));
        samples.push(NODE.broadcast_with_ack("r", &packet, &to));
        let message = Outgoing::Broadcast {
            packet: &packet,
            to,
            request_id: None,
        };
        samples.push(sharded::encode("u", "/", &message));
        samples.push(streams::encode("u", "/", &message));
    }
    samples
        .into_iter()
        .map(|sample| sample.unwrap().into())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..200)) {
        read_everything(&bytes.into());
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in r#"\{["a-z:,\[\]\{\}0-9 \\u]{0,80}"#) {
        read_everything(&text.into());
    }

    #[test]
    fn damaged_messages_are_read_without_a_panic(
        args in any_args(),
        options in any_options(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<bool>(),
    ) {
        for sample in samples(&args, &options, &[]) {
            let mut damaged = sample.to_vec();
            let at = at.index(damaged.len());
            damaged[at] = byte;
            if cut {
                damaged.truncate(at);
            }
            read_everything(&damaged.into());
        }
    }

    #[test]
    fn events_come_back_as_they_were(args in any_args(), options in any_options()) {
        let limits = ClusterLimits::default();
        for packet in packets(&args) {
            let to = To::from(&options);
            let found = Broadcast::decode(&limits, &NODE.broadcast(&packet, &to).unwrap().into()).unwrap();
            prop_assert_eq!((&found.args, &found.options), (&args, &options));
            // Every client gets what was sent, whichever parser it has.
            for parser in [Parser::Json, Parser::Msgpack] {
                let ours = parser.event("/", None, "e", &args, None);
                let theirs = parser.event("/", None, "e", &found.args, None);
                prop_assert_eq!(ours.ok(), theirs.ok());
            }
            let message = Outgoing::Broadcast { packet: &packet, to, request_id: Some("r") };
            let expected = Message {
                uid: "u".into(),
                namespace: "/".into(),
                body: MessageBody::Broadcast {
                    event: "e".into(),
                    args: args.clone(),
                    options: options.clone(),
                    request_id: Some("r".into()),
                },
            };
            let sharded = sharded::encode("u", "/", &message).unwrap();
            prop_assert_eq!(&sharded::decode(&limits, &sharded.into()).unwrap(), &expected);
            let published = streams::encode("u", "/", &message).unwrap();
            prop_assert_eq!(&streams::decode(&limits, &published.into()).unwrap(), &expected);
            let entry = Entry::encode("u", "/", &message, false).unwrap();
            prop_assert_eq!(&entry.decode(&limits).unwrap(), &expected);
        }
    }

    #[test]
    fn requests_and_answers_come_back_as_they_were(
        args in any_args(),
        options in any_options(),
        value in any_value(),
        close in any::<bool>(),
    ) {
        let limits = ClusterLimits::default();
        let to = To::from(&options);
        // Requests leave the flags at home.
        let plain = Options { flags: Flags::default(), ..options.clone() };
        let who = Whom::Matching(plain.clone());
        let request = |written: Result<Vec<u8>, _>| {
            let message = Bytes::from(written.unwrap());
            Request::decode(&limits, &message).unwrap().body
        };
        let rooms = options.rooms.clone();
        prop_assert_eq!(
            request(NODE.join(&to, &rooms)),
            RequestBody::Join { who: who.clone(), rooms: rooms.clone() }
        );
        prop_assert_eq!(
            request(NODE.leave(&to, &rooms)),
            RequestBody::Leave { who: who.clone(), rooms: rooms.clone() }
        );
        prop_assert_eq!(request(NODE.disconnect(&to, close)), RequestBody::Disconnect { who, close });
        prop_assert_eq!(request(NODE.fetch_sockets("r", &to)), RequestBody::FetchSockets { who: plain });
        prop_assert_eq!(request(NODE.sockets("r", &rooms)), RequestBody::Sockets { rooms: rooms.clone() });
        prop_assert_eq!(
            request(NODE.server_side_emit(None, "e", &args)),
            RequestBody::ServerSideEmit { event: "e".into(), args }
        );
        let response = |written: Result<Vec<u8>, _>| {
            let message = Bytes::from(written.unwrap());
            RawResponse::parse(&limits, &message).unwrap().read().unwrap()
        };
        let one = Args::from_values(vec![value.clone()]);
        prop_assert_eq!(response(NODE.ack("r", &one)), Response::Ack(one.clone()));
        prop_assert_eq!(response(NODE.server_side_answer("r", &one)), Response::ServerSideEmit(one));
        let socket = RemoteSocket { id: "s".into(), handshake: Value::Null, rooms: rooms.clone(), data: value.clone() };
        let sockets = [socket.clone(), socket];
        prop_assert_eq!(response(NODE.sockets_fetched("r", &sockets)), Response::Sockets(sockets.to_vec()));
        let session = SavedSession { sid: "s".into(), pid: "p".into(), rooms, data: value };
        prop_assert_eq!(&SavedSession::decode(&limits, session.encode().unwrap().as_bytes()).unwrap(), &session);
    }
}

#[test]
fn arguments_with_attachments_pass_on_whatever_hides_in_them() {
    let limits = Limits::default();
    let mut decoder = Decoder::server();
    let text = r#"51-["e",{"a":[1,{"\u005fplaceholder":true,"num":0}],"b":"_placeholder"},{"x":[{"y":1.50}]}]"#;
    assert_eq!(decoder.text(Parser::Json, &limits, text), Ok(None));
    let packet = decoder
        .binary(Parser::Json, &limits, Bytes::from_static(b"\x07"))
        .unwrap();
    let Some(Packet {
        body: Body::Event(event),
        ..
    }) = packet
    else {
        panic!("an event")
    };
    let again = Parser::Json
        .event("/", None, "e", &event.args, None)
        .unwrap();
    assert_eq!(
        again.text.as_deref(),
        Some(
            r#"451-["e",{"a":[1,{"_placeholder":true,"num":0}],"b":"_placeholder"},{"x":[{"y":1.50}]}]"#
        )
    );
    assert_eq!(again.binary, [Bytes::from_static(b"\x07")]);
    let msgpack = Parser::Msgpack
        .event("/", None, "e", &event.args, None)
        .unwrap();
    assert_eq!(said(&msgpack).unwrap(), event.args);
}

#[test]
fn a_list_without_end_is_read_without_being_walked_for_each_level() {
    // 128 levels over 300,000 values: what is written is written once.
    let mut message = b"\x93\xa1u\x82\xa4type\x02\xa4data\x92\xa1e".to_vec();
    message.extend([0x91; 120]);
    message.extend(b"\xdd\x00\x04\x93\xe0");
    message.extend(vec![0x01; 300_000]);
    message.push(0x80);
    let found = Broadcast::decode(&ClusterLimits::default(), &message.into()).unwrap();
    let packet = Parser::Json
        .event("/", None, "e", &found.args, None)
        .unwrap();
    assert_eq!(
        packet.text.unwrap().len(),
        r#"42["e",]"#.len() + 240 + 600_001
    );
}
