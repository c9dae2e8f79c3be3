//! The real classic adapter and emitter.

use bytes::Bytes;
use serde_json::{Value as Json, json};
use switchboard_wire::{
    Args, Encoded,
    cluster::{
        ClusterLimits, Flags, Options, To,
        classic::{
            Broadcast, Channel, Channels, RawResponse, Request, RequestBody, Response, Whom,
        },
        emitter,
    },
};

use crate::support::{
    NODE, Node, argument, bytes, doubles, event, hex, labelled, names, on, performed_events,
    remote, tag, tags, to,
};

#[test]
fn the_classic_adapter_does_what_our_messages_say() {
    let mut node = Node::start();
    let channels = Channels::new("socket.io", "/");
    let (room1, forty_two, s1, gone) = (
        names(&["room1"]),
        names(&["42"]),
        names(&["s1"]),
        names(&["gone"]),
    );
    let hello = event("hello", &argument(1));
    let binary = event("bin", &argument(Bytes::from_static(b"\x01\xff")));
    let publish = |packet: &Encoded, to: &To<'_>| {
        on(
            &channels.of_rooms(to.rooms),
            &NODE.broadcast(packet, to).unwrap(),
        )
    };
    let flags = Flags::default()
        .with_volatile(true)
        .with_compress(Some(false));
    let request = |written: Vec<u8>| on(channels.request(), &written);
    let everybody = To::default();
    let bytes_of = argument(Bytes::from_static(b"\x07"));
    let done = node.receive(
        "classic",
        &[
            publish(&hello, &everybody),
            publish(&hello, &to(&room1, &[])),
            publish(&hello, &to(&gone, &[])),
            publish(&hello, &to(&[], &s1).with_flags(flags)),
            publish(&binary, &to(&room1, &[])),
            publish(&hello, &to(&forty_two, &[])),
            request(NODE.join(&to(&room1, &[]), &["r5", "r6"]).unwrap()),
            request(NODE.leave(&to(&[], &s1), &["r5"]).unwrap()),
            request(NODE.disconnect(&to(&room1, &[]), true).unwrap()),
            request(
                NODE.server_side_emit(None, "ping-server", &argument("x"))
                    .unwrap(),
            ),
            request(
                NODE.server_side_emit(None, "ping-server", &bytes_of)
                    .unwrap(),
            ),
            request(emitter::server_side_emit("ping-server", &argument("x")).unwrap()),
            request(emitter::join(&to(&room1, &[]), &["r5"]).unwrap()),
        ],
    );
    let got = |id: &str, packets: Json| json!({"to": id, "packets": packets});
    let text = json!([r#"2["hello",1]"#]);
    let expected = [
        json!([got("s1", text.clone()), got("s2", text.clone())]),
        json!([got("s1", text.clone())]),
        json!([]),
        json!([{"to": "s2", "packets": text, "volatile": true, "compress": false}]),
        json!([got(
            "s1",
            json!([r#"51-["bin",{"_placeholder":true,"num":0}]"#, {"$bytes": "01ff"}])
        )]),
        // Its room is the number 42, which passes the filter of channels, and is another room.
        json!([]),
        json!([{"join": ["r5", "r6"], "by": "s1"}]),
        json!([{"leave": "r5", "by": "s2"}]),
        json!([{"disconnect": true, "by": "s1"}]),
        json!([{"server": ["x"], "asked": false}]),
        json!([{"server": [{"$bytes": "07"}], "asked": false}]),
        json!([{"server": ["x"], "asked": false}]),
        json!([{"join": ["r5"], "by": "s1"}]),
    ];
    for (at, (done, expected)) in done.iter().zip(&expected).enumerate() {
        assert_eq!((&done["did"], done.get("failed")), (expected, None), "{at}");
        assert_eq!(done["published"], json!([]), "{at}");
    }
}

#[test]
fn the_classic_adapter_answers_our_questions() {
    let mut node = Node::start();
    let (room1, everybody) = (names(&["room1"]), To::default());
    let hello = event("hello", &argument(1));
    let timeout = Flags::default().with_timeout(Some(1_000));
    let request = |written: Vec<u8>| on("socket.io-request#/#", &written);
    let answers = node.receive(
        "classic",
        &[
            request(NODE.sockets("q0", &room1).unwrap()),
            request(NODE.all_rooms("q1").unwrap()),
            request(NODE.fetch_sockets("q5", &to(&room1, &[])).unwrap()),
            request(
                NODE.server_side_emit(Some("q6"), "ping-server", &Args::empty())
                    .unwrap(),
            ),
            request(
                NODE.broadcast_with_ack("q7", &hello, &everybody.with_flags(timeout))
                    .unwrap(),
            ),
        ],
    );
    assert_eq!(
        responses(&answers[0]),
        [("q0".to_owned(), Response::SocketIds(names(&["s1"])))]
    );
    let all = names(&["s1", "room1", "s2", "room2", "42"]);
    assert_eq!(
        responses(&answers[1]),
        [("q1".to_owned(), Response::Rooms(all))]
    );
    assert_eq!(answers[3]["did"], json!([{"server": [], "asked": true}]));
    assert_eq!(
        responses(&answers[3]),
        [("q6".to_owned(), Response::ServerSideEmit(argument("pong")))]
    );
    let [(_, Response::Sockets(sockets))] = &responses(&answers[2])[..] else {
        panic!("{}", answers[2])
    };
    assert_eq!((sockets.len(), sockets[0].id.as_str()), (1, "s1"));
    assert_eq!(sockets[0].rooms, ["s1", "room1"]);
    assert_eq!(
        tag(&sockets[0].handshake),
        doubles(&json!({"auth": {}, "headers": {}, "issued": 1_795_225_806_852_u64}))
    );
    assert_eq!(
        responses(&answers[4]),
        [
            ("q7".to_owned(), Response::ClientCount(2)),
            ("q7".to_owned(), Response::Ack(argument("s1"))),
            ("q7".to_owned(), Response::Ack(argument("s2"))),
        ]
    );
}

#[test]
fn the_classic_adapter_takes_our_answers() {
    let mut node = Node::start();
    let limits = ClusterLimits::default();
    let mut with_bytes = remote("r2");
    with_bytes.data = Bytes::from_static(b"\x09").into();
    let channel = "socket.io-response#/#";
    for (question, kind) in [("fetch", 5), ("rooms", 1), ("server", 6), ("ask", 7)] {
        let asked = node.receive("classic", &[json!({"question": question})]);
        let published = &asked[0]["published"][0];
        assert_eq!(published["channel"], "socket.io-request#/#");
        let request = Request::decode(&limits, &bytes(&published["hex"])).unwrap();
        let id = request.request_id.unwrap();
        let (first, second, answer) = match request.body {
            RequestBody::FetchSockets { .. } if kind == 5 => (
                vec![NODE.sockets_fetched(&id, &[remote("r1")])],
                vec![NODE.sockets_fetched(&id, std::slice::from_ref(&with_bytes))],
                json!([
                    {"id": "r1", "handshake": {"auth": {"token": "x"}}, "rooms": ["r1", "é"], "data": {"n": 1}},
                    {"id": "r2", "handshake": {"auth": {"token": "x"}}, "rooms": ["r2", "é"], "data": {"$bytes": "09"}}
                ]),
            ),
            RequestBody::AllRooms if kind == 1 => (
                vec![NODE.rooms(&id, &["aa"])],
                vec![NODE.rooms(&id, &["room1", "zz"])],
                json!([42, "aa", "room1", "room2", "s1", "s2", "zz"]),
            ),
            RequestBody::ServerSideEmit { .. } if kind == 6 => (
                vec![NODE.server_side_answer(&id, &argument("one"))],
                vec![NODE.server_side_answer(&id, &argument(Bytes::from_static(b"\x02")))],
                json!(["one", {"$bytes": "02"}]),
            ),
            RequestBody::Broadcast { .. } if kind == 7 => (
                vec![NODE.client_count(&id, 1), NODE.ack(&id, &argument("one"))],
                vec![
                    NODE.client_count(&id, 1),
                    NODE.ack(&id, &argument(Bytes::from_static(b"\x02"))),
                ],
                json!(["one", {"$bytes": "02"}]),
            ),
            other => panic!("{other:?}"),
        };
        let items = |written: Vec<Result<Vec<u8>, _>>| -> Vec<Json> {
            written
                .into_iter()
                .map(|written| on(channel, &written.unwrap()))
                .collect()
        };
        let early = node.receive("classic", &items(first));
        assert!(
            early.iter().all(|item| item["did"] == json!([])),
            "{question}: {early:?}"
        );
        let late = node.receive("classic", &items(second));
        assert_eq!(
            late.last().unwrap()["did"],
            json!([{"answer": answer}]),
            "{question}"
        );
    }
}

#[test]
fn what_the_classic_adapter_publishes_is_read() {
    let mut node = Node::start();
    let limits = ClusterLimits::default();
    let channels = Channels::new("socket.io", "/");
    let items = node.perform("classic");
    assert!(items.iter().all(|item| item["label"] != "local"));
    for (label, name, args, options) in performed_events() {
        let item = labelled(&items, label);
        let found = Broadcast::decode(&limits, &bytes(&item["hex"])).unwrap();
        assert_eq!((found.event.as_str(), tags(&found.args)), (name, args));
        assert_eq!(found.options, options);
        let channel = item["channel"].as_str().unwrap();
        assert_eq!(channel, channels.of_rooms(&options.rooms));
        let room = (options.rooms.len() == 1).then_some("room1");
        assert_eq!(channels.parse(channel), Some(Channel::Broadcast { room }));
    }
    let request = |label: &str| {
        let item = labelled(&items, label);
        assert_eq!(item["channel"], channels.request());
        Request::decode(&limits, &bytes(&item["hex"])).unwrap()
    };
    let room1 = || Options {
        rooms: names(&["room1"]),
        ..Options::default()
    };
    let except = Options {
        except: names(&["x"]),
        ..room1()
    };
    for (label, body, asks) in [
        (
            "join",
            RequestBody::Join {
                who: Whom::Matching(room1()),
                rooms: names(&["r5", "r6"]),
            },
            false,
        ),
        (
            "leave",
            RequestBody::Leave {
                who: Whom::Matching(except),
                rooms: names(&["r5"]),
            },
            false,
        ),
        (
            "disconnect",
            RequestBody::Disconnect {
                who: Whom::Matching(room1()),
                close: true,
            },
            false,
        ),
        ("fetch", RequestBody::FetchSockets { who: room1() }, true),
        ("all-rooms", RequestBody::AllRooms, true),
        (
            "server",
            RequestBody::ServerSideEmit {
                event: "ping-server".into(),
                args: Args::of(&(1, json!({"x": 2}))).unwrap(),
            },
            false,
        ),
        (
            "server-ask",
            RequestBody::ServerSideEmit {
                event: "ping-server".into(),
                args: Args::empty(),
            },
            true,
        ),
        (
            "ask",
            RequestBody::Broadcast {
                namespace: "/".into(),
                event: "q".into(),
                args: argument(7),
                options: Options {
                    flags: Flags::default().with_timeout(Some(1_000)),
                    ..Options::default()
                },
            },
            true,
        ),
    ] {
        let found = request(label);
        assert_eq!(
            (found.body, found.request_id.is_some()),
            (body, asks),
            "{label}"
        );
        assert!(found.uid.is_some_and(|uid| uid.len() == 6));
    }
}

#[test]
fn the_emitter_of_node_and_ours_are_one() {
    let mut node = Node::start();
    let items = node.perform("emitter");
    let (room1, a, b) = (names(&["room1"]), names(&["a", "42"]), names(&["b"]));
    let channels = Channels::new("socket.io", "/");
    let flags = Flags::default()
        .with_volatile(true)
        .with_compress(Some(false));
    let plain = event("hello", &Args::of(&json!({"a": 1})).unwrap());
    let binary = event("hello", &argument(Bytes::from_static(b"\x01\x02")));
    for (label, channel, ours) in [
        (
            "emit",
            channels.broadcast().to_owned(),
            emitter::broadcast("/", &plain, &To::default()),
        ),
        (
            "room",
            channels.room("room1"),
            emitter::broadcast("/", &binary, &to(&room1, &[]).with_flags(flags)),
        ),
        (
            "join",
            channels.request().to_owned(),
            emitter::join(&to(&room1, &[]), &["r7"]),
        ),
        (
            "leave",
            channels.request().to_owned(),
            emitter::leave(&to(&[], &room1), &["r7"]),
        ),
        (
            "disconnect",
            channels.request().to_owned(),
            emitter::disconnect(&To::default(), true),
        ),
        (
            "server",
            channels.request().to_owned(),
            emitter::server_side_emit("ping-server", &argument(5)),
        ),
    ] {
        let item = labelled(&items, label);
        assert_eq!(item["channel"], json!(channel), "{label}");
        assert_eq!(item["hex"], json!(hex(&ours.unwrap())), "{label}");
    }
    // A number as a room is written as its text, so this one is only read.
    let item = labelled(&items, "rooms");
    assert_eq!(
        item["channel"],
        Channels::new("socket.io", "/admin").broadcast()
    );
    let found = Broadcast::decode(&ClusterLimits::default(), &bytes(&item["hex"])).unwrap();
    assert_eq!(
        (found.uid.as_str(), found.namespace.as_str()),
        ("emitter", "/admin")
    );
    assert_eq!((found.options.rooms, found.options.except), (a, b));
}

fn responses(item: &Json) -> Vec<(String, Response)> {
    let limits = ClusterLimits::default();
    let published = item["published"].as_array().unwrap();
    published
        .iter()
        .map(|published| {
            assert_eq!(published["channel"], "socket.io-response#/#");
            let message = bytes(&published["hex"]);
            let raw = RawResponse::parse(&limits, &message).unwrap();
            (raw.request_id().to_owned(), raw.read().unwrap())
        })
        .collect()
}
