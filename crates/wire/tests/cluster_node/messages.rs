//! The real sharded and streams adapters.

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::{Value as Json, json};
use switchboard_wire::{
    Args, Encoded,
    cluster::{
        ClusterLimits, Flags, Message, MessageBody, Options, Outgoing, To,
        sharded::{self, SubscriptionMode},
        streams::{self, Entry, SavedSession},
    },
};

use crate::support::{
    Node, argument, bytes, event, labelled, names, on, performed_events, remote, tag, tags, to,
};

#[test]
fn what_the_sharded_and_the_streams_adapter_publish_is_read() {
    let mut node = Node::start();
    let limits = ClusterLimits::default();
    let channels = sharded::Channels::new("socket.io", "/", SubscriptionMode::Dynamic);
    for adapter in ["sharded", "streams"] {
        let items = node.perform(adapter);
        let read = |label: &str| {
            let item = labelled(&items, label);
            let message = match item.get("entry") {
                None if adapter == "sharded" => sharded::decode(&limits, &bytes(&item["hex"])),
                None => streams::decode(&limits, &bytes(&item["hex"])),
                Some(entry) => entry_of(entry).decode(&limits),
            }
            .unwrap();
            assert_eq!((message.uid.len(), message.namespace.as_str()), (16, "/"));
            message.body
        };
        for (label, name, args, options) in performed_events() {
            let MessageBody::Broadcast {
                event,
                args: found,
                options: whom,
                request_id,
            } = read(label)
            else {
                panic!("{label}")
            };
            assert_eq!(
                (event.as_str(), tags(&found)),
                (name, args),
                "{adapter} {label}"
            );
            assert_eq!((whom, request_id), (options, None));
        }
        for (label, body) in performed_messages() {
            assert_eq!(with_plain_id(read(label)), body, "{adapter} {label}");
        }
        if adapter == "sharded" {
            assert_eq!(
                labelled(&items, "room")["channel"],
                json!(channels.room("room1"))
            );
            for label in ["emit", "rooms", "ask", "join", "fetch"] {
                assert_eq!(
                    labelled(&items, label)["channel"],
                    channels.main(),
                    "{label}"
                );
            }
        } else {
            for label in [
                "emit",
                "room",
                "rooms",
                "binary",
                "join",
                "leave",
                "disconnect",
            ] {
                assert_eq!(labelled(&items, label)["stream"], "socket.io", "{label}");
            }
            for label in ["ask", "fetch", "server", "server-ask"] {
                let channel = streams::public_channel("socket.io", "/");
                assert_eq!(
                    labelled(&items, label)["channel"],
                    json!(channel),
                    "{label}"
                );
            }
            let saved = labelled(&items, "session");
            assert_eq!(saved["key"], json!(SavedSession::key("sio:session:", "p1")));
            let value = saved["value"].as_str().unwrap();
            let session = SavedSession::decode(&limits, value.as_bytes()).unwrap();
            assert_eq!((session.sid.as_str(), session.pid.as_str()), ("s1", "p1"));
            assert_eq!(tag(&session.data), json!({"a": 1.0, "b": {"$bytes": "07"}}));
            assert_eq!(session.encode().unwrap(), value);
        }
    }
}

#[test]
fn the_sharded_and_the_streams_adapter_do_what_our_messages_say() {
    let mut node = Node::start();
    let (room1, s1, joined) = (names(&["room1"]), names(&["s1"]), names(&["r5", "r6"]));
    let hello = event("hello", &argument(1));
    let binary = event("bin", &argument(Bytes::from_static(b"\x01\xff")));
    let (x, seven) = (argument("x"), argument(Bytes::from_static(b"\x07")));
    let flags = Flags::default()
        .with_volatile(true)
        .with_compress(Some(true));
    let (lists, not_s1) = (&joined[..], to(&[], &s1));
    let got = |id: &str, packets: Json| json!({"to": id, "packets": packets});
    let text = json!([r#"2["hello",1]"#]);
    let parts = json!([r#"51-["bin",{"_placeholder":true,"num":0}]"#, {"$bytes": "01ff"}]);
    let both = json!([got("s1", text.clone()), got("s2", text.clone())]);
    let rare = json!([{"to": "s2", "packets": text, "volatile": true, "compress": true}]);
    let left = json!([{"leave": "r5", "by": "s1"}, {"leave": "r6", "by": "s1"}]);
    let told = |what: Json| json!([{"server": [what], "asked": false}]);
    let done = [
        (broadcast(&hello, To::default(), None), both),
        (
            broadcast(&hello, to(&room1, &[]), None),
            json!([got("s1", text)]),
        ),
        (broadcast(&hello, not_s1.with_flags(flags), None), rare),
        (
            broadcast(&binary, to(&s1, &[]), None),
            json!([got("s1", parts)]),
        ),
        (
            Outgoing::Join {
                to: to(&room1, &[]),
                rooms: lists,
            },
            json!([{"join": ["r5", "r6"], "by": "s1"}]),
        ),
        (
            Outgoing::Leave {
                to: to(&room1, &[]),
                rooms: lists,
            },
            left,
        ),
        (
            Outgoing::Disconnect {
                to: not_s1,
                close: false,
            },
            json!([{"disconnect": false, "by": "s2"}]),
        ),
        (call(&x, None), told(json!("x"))),
        (call(&seven, None), told(json!({"$bytes": "07"}))),
    ];
    for adapter in ["sharded", "streams"] {
        let items: Vec<_> = done
            .iter()
            .map(|(message, _)| sent(adapter, message))
            .collect();
        let answers = node.receive(adapter, &items);
        for (at, ((_, expected), answer)) in done.iter().zip(&answers).enumerate() {
            assert_eq!(
                (&answer["did"], answer.get("failed")),
                (expected, None),
                "{adapter} {at}"
            );
        }
    }
}

#[test]
fn the_sharded_and_the_streams_adapter_answer_our_questions() {
    let mut node = Node::start();
    let room1 = names(&["room1"]);
    let hello = event("hello", &argument(1));
    let (asking, empty) = (Flags::default().with_timeout(Some(1_000)), Args::empty());
    let asked = [
        Outgoing::FetchSockets {
            to: to(&room1, &[]),
            request_id: "q1",
        },
        call(&empty, Some("q2")),
        broadcast(&hello, To::default().with_flags(asking), Some("q3")),
    ];
    for adapter in ["sharded", "streams"] {
        let items: Vec<_> = asked.iter().map(|message| sent(adapter, message)).collect();
        let answers = node.receive(adapter, &items);
        let published = answers
            .iter()
            .flat_map(|answer| answer["published"].as_array().unwrap());
        let bodies: Vec<_> = published
            .map(|published| {
                // For us alone.
                assert_eq!(published["channel"], "socket.io#/#rust#");
                read(adapter, &bytes(&published["hex"])).body
            })
            .collect();
        let MessageBody::SocketsFetched {
            request_id,
            sockets,
        } = &bodies[0]
        else {
            panic!("{bodies:?}")
        };
        assert_eq!(
            (request_id.as_str(), sockets.len(), sockets[0].id.as_str()),
            ("q1", 1, "s1")
        );
        assert_eq!(tag(&sockets[0].data), json!({"bytes": null, "name": "é"}));
        let ack = |id: &str| MessageBody::Ack {
            request_id: "q3".into(),
            args: argument(id),
        };
        assert_eq!(
            bodies[1..],
            [
                MessageBody::ServerSideAnswer {
                    request_id: "q2".into(),
                    args: argument("pong")
                },
                MessageBody::ClientCount {
                    request_id: "q3".into(),
                    count: 2
                },
                ack("s1"),
                ack("s2"),
            ]
        );
    }
}

fn broadcast<'a>(packet: &'a Encoded, to: To<'a>, request_id: Option<&'a str>) -> Outgoing<'a> {
    Outgoing::Broadcast {
        packet,
        to,
        request_id,
    }
}

fn call<'a>(args: &'a Args, request_id: Option<&'a str>) -> Outgoing<'a> {
    Outgoing::ServerSideEmit {
        event: "ping-server",
        args,
        request_id,
    }
}

/// A message as it gets to the adapter.
fn sent(adapter: &str, message: &Outgoing<'_>) -> Json {
    if adapter == "sharded" {
        let channels = sharded::Channels::new("socket.io", "/", SubscriptionMode::Static);
        on(
            &channels.of(message),
            &sharded::encode("rust", "/", message).unwrap(),
        )
    } else if streams::is_ephemeral(message) {
        let channel = streams::public_channel("socket.io", "/");
        on(&channel, &streams::encode("rust", "/", message).unwrap())
    } else {
        let entry = Entry::encode("rust", "/", message, false).unwrap();
        json!({"entry": entry.fields().into_iter().collect::<HashMap<_, _>>()})
    }
}

fn read(adapter: &str, message: &Bytes) -> Message {
    let limits = ClusterLimits::default();
    match adapter {
        "sharded" => sharded::decode(&limits, message),
        _ => streams::decode(&limits, message),
    }
    .unwrap()
}

#[test]
fn the_sharded_and_the_streams_adapter_take_our_answers() {
    let mut node = Node::start();
    let (one, two) = (argument("one"), argument(Bytes::from_static(b"\x02")));
    let (first, second) = ([remote("r1")], [remote("r2")]);
    for adapter in ["sharded", "streams"] {
        for question in ["fetch", "server", "ask"] {
            let asked = node.receive(adapter, &[json!({"question": question})]);
            let message = bytes(&asked[0]["published"][0]["hex"]);
            let message = read(adapter, &message);
            let socket = |id: &str| json!({"id": id, "handshake": {"auth": {"token": "x"}}, "rooms": [id, "é"], "data": {"n": 1}});
            let (answers, expected) = match &message.body {
                MessageBody::FetchSockets { request_id, .. } => (
                    vec![
                        Outgoing::SocketsFetched {
                            request_id,
                            sockets: &first,
                        },
                        Outgoing::SocketsFetched {
                            request_id,
                            sockets: &second,
                        },
                    ],
                    json!([socket("r1"), socket("r2")]),
                ),
                MessageBody::ServerSideEmit {
                    request_id: Some(request_id),
                    ..
                } => (
                    vec![
                        Outgoing::ServerSideAnswer {
                            request_id,
                            args: &one,
                        },
                        Outgoing::ServerSideAnswer {
                            request_id,
                            args: &two,
                        },
                    ],
                    json!(["one", {"$bytes": "02"}]),
                ),
                MessageBody::Broadcast {
                    request_id: Some(request_id),
                    ..
                } => (
                    vec![
                        Outgoing::ClientCount {
                            request_id,
                            count: 1,
                        },
                        Outgoing::Ack {
                            request_id,
                            args: &one,
                        },
                        Outgoing::ClientCount {
                            request_id,
                            count: 1,
                        },
                        Outgoing::Ack {
                            request_id,
                            args: &two,
                        },
                    ],
                    json!(["one", {"$bytes": "02"}]),
                ),
                other => panic!("{other:?}"),
            };
            let channel = streams::private_channel("socket.io", "/", &message.uid);
            let items: Vec<_> = answers
                .iter()
                .map(|answer| match adapter {
                    "sharded" => on(&channel, &sharded::encode("rust", "/", answer).unwrap()),
                    _ => on(&channel, &streams::encode("rust", "/", answer).unwrap()),
                })
                .collect();
            let done = node.receive(adapter, &items);
            assert_eq!(
                done.last().unwrap()["did"],
                json!([{"answer": expected}]),
                "{adapter} {question}"
            );
        }
    }
}

#[test]
fn streams_are_named_as_node_names_them() {
    let mut node = Node::start();
    let namespaces = [
        "/",
        "/admin",
        "/my-namespace",
        "/é😀",
        "/a-very-long-namespace-whose-hash-overflows-more-than-once",
    ];
    for count in [1, 2, 4, 7] {
        let found = node.ask(
            &json!({"do": "streams", "names": namespaces, "count": count}),
            "names",
        );
        for (namespace, found) in namespaces.iter().zip(found) {
            assert_eq!(
                json!(streams::stream_name("socket.io", count, namespace)),
                found
            );
        }
    }
}
/// What each adapter of the cluster kind says for each operation.
fn performed_messages() -> Vec<(&'static str, MessageBody)> {
    let room1 = || Options {
        rooms: names(&["room1"]),
        ..Options::default()
    };
    let except = Options {
        except: names(&["x"]),
        ..room1()
    };
    let id = || "id".to_owned();
    vec![
        (
            "ask",
            MessageBody::Broadcast {
                event: "q".into(),
                args: argument(7),
                options: Options {
                    flags: Flags::default().with_timeout(Some(1_000)),
                    ..Options::default()
                },
                request_id: Some(id()),
            },
        ),
        (
            "join",
            MessageBody::Join {
                options: room1(),
                rooms: names(&["r5", "r6"]),
            },
        ),
        (
            "leave",
            MessageBody::Leave {
                options: except,
                rooms: names(&["r5"]),
            },
        ),
        (
            "disconnect",
            MessageBody::Disconnect {
                options: room1(),
                close: true,
            },
        ),
        (
            "fetch",
            MessageBody::FetchSockets {
                options: room1(),
                request_id: id(),
            },
        ),
        (
            "server",
            MessageBody::ServerSideEmit {
                event: "ping-server".into(),
                args: Args::of(&(1, json!({"x": 2}))).unwrap(),
                request_id: None,
            },
        ),
        (
            "server-ask",
            MessageBody::ServerSideEmit {
                event: "ping-server".into(),
                args: Args::empty(),
                request_id: Some(id()),
            },
        ),
    ]
}

/// The same with its id, which is random, replaced.
fn with_plain_id(mut body: MessageBody) -> MessageBody {
    let id = match &mut body {
        MessageBody::Broadcast { request_id, .. }
        | MessageBody::ServerSideEmit { request_id, .. } => request_id.as_mut(),
        MessageBody::FetchSockets { request_id, .. } => Some(request_id),
        _ => None,
    };
    if let Some(id) = id {
        assert_eq!(id.len(), 16);
        *id = "id".into();
    }
    body
}

fn entry_of(entry: &Json) -> Entry {
    let fields = entry.as_object().unwrap().iter();
    let fields = fields.map(|(name, value)| (name.as_bytes(), value.as_str().unwrap().as_bytes()));
    Entry::of_fields(fields).unwrap()
}
