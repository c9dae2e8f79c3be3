//! The cluster's messages against Node's own packages, in both directions: `tests-node/cluster.mjs`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use bytes::Bytes;
use proptest::{
    collection::{btree_map, vec},
    prelude::*,
    sample::select,
    strategy::ValueTree,
    test_runner::TestRunner,
};
use serde_json::{Value as Json, json};
use switchboard_wire::{
    Args, EncodeError, Encoded, Parser, Value,
    cluster::{
        ClusterLimits, Flags, MessageBody, Options, Outgoing, RemoteSocket, To,
        classic::{
            Broadcast, Channel, Channels, RawResponse, Request, RequestBody, Response, Whom, Writer,
        },
        emitter, sharded,
        sharded::SubscriptionMode,
        streams,
        streams::{Entry, SavedSession},
    },
};

const NODE: Writer<'static> = Writer {
    uid: "rust",
    namespace: "/",
};

/// A run of the script.
struct Node {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Node {
    fn start() -> Self {
        let scripts = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests-node"));
        assert!(
            scripts
                .join("node_modules/@socket.io/redis-adapter")
                .exists(),
            "npm packages are missing: run `cargo xtask setup`"
        );
        let mut child = Command::new("node")
            .arg("cluster.mjs")
            .current_dir(scripts)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            stdin,
            stdout,
        }
    }

    /// Gives a command, and takes the list of its answer.
    fn ask(&mut self, command: &Json, list: &str) -> Vec<Json> {
        let stdin = self.stdin.as_mut().unwrap();
        writeln!(stdin, "{command}").unwrap();
        stdin.flush().unwrap();
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        let mut answer: Json = serde_json::from_str(&line).unwrap();
        match answer[list].take() {
            Json::Array(items) => items,
            _ => panic!("{answer}"),
        }
    }

    fn receive(&mut self, adapter: &str, items: &[Json]) -> Vec<Json> {
        self.ask(
            &json!({"do": "receive", "adapter": adapter, "items": items}),
            "items",
        )
    }

    fn perform(&mut self, by: &str) -> Vec<Json> {
        self.ask(&json!({"do": "perform", "by": by}), "items")
    }
}

impl Drop for Node {
    /// At the end of its input the script ends.
    fn drop(&mut self) {
        drop(self.stdin.take());
        drop(self.child.wait());
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

fn bytes(hex: &Json) -> Bytes {
    let hex = hex.as_str().unwrap();
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// A value as the script shows it: numbers are doubles.
fn tag(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Number(number) => json!(number.as_f64()),
        Value::String(text) => json!(text),
        Value::Array(elements) => elements.iter().map(tag).collect(),
        Value::Object(fields) => Json::Object(
            fields
                .iter()
                .map(|(key, value)| (key.clone(), tag(value)))
                .collect(),
        ),
        Value::Binary(bytes) => json!({"$bytes": hex(bytes)}),
    }
}

/// What the script shows, its numbers as doubles too.
fn doubles(value: &Json) -> Json {
    match value {
        Json::Number(number) => json!(number.as_f64()),
        Json::Array(elements) => elements.iter().map(doubles).collect(),
        Json::Object(fields) => Json::Object(
            fields
                .iter()
                .map(|(key, value)| (key.clone(), doubles(value)))
                .collect(),
        ),
        other => other.clone(),
    }
}

fn tags(args: &Args) -> Json {
    args.values().iter().map(tag).collect()
}

/// What JavaScript holds without loss, with keys that it leaves in order.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-(1_i64 << 53)..1 << 53).prop_map(Value::from),
        any::<i16>().prop_map(|number| Value::from(i64::from(number))),
        (-1e15..1e15).prop_map(Value::from),
        any::<i32>().prop_map(|number| Value::from(f64::from(number))),
        ".{0,40}".prop_map(Value::from),
        vec(any::<u8>(), 0..300).prop_map(|bytes| Value::from(Bytes::from(bytes))),
    ];
    leaf.prop_recursive(4, 40, 20, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..20).prop_map(Value::from),
            btree_map("[a-zé]{1,3}", inner, 0..20).prop_map(Value::from_iter),
        ]
    })
}

fn any_options() -> impl Strategy<Value = Options> {
    let rooms = || {
        vec(
            select(vec!["room1", "é", "42", ""]).prop_map(str::to_owned),
            0..3,
        )
    };
    let flags = (any::<bool>(), any::<Option<bool>>(), any::<Option<u32>>());
    (rooms(), rooms(), flags).prop_map(|(rooms, except, (volatile, compress, timeout))| Options {
        rooms,
        except,
        flags: Flags::default()
            .with_volatile(volatile)
            .with_compress(compress)
            .with_timeout(timeout.map(u64::from)),
    })
}

/// The packet as the parsers encode it. One with many attachments exists with msgpack only.
fn packets(name: &str, args: &Args) -> Vec<Encoded> {
    [Parser::Json, Parser::Msgpack]
        .into_iter()
        .filter_map(|parser| match parser.event("/", None, name, args, None) {
            Ok(packet) => Some(packet),
            Err(EncodeError::TooManyAttachments(_)) => None,
            Err(error) => panic!("{error}"),
        })
        .collect()
}

fn shown(options: &Options) -> Json {
    let Options {
        rooms,
        except,
        flags,
    } = options;
    let mut shown = json!({"rooms": rooms, "except": except, "flags": {}});
    if flags.volatile {
        shown["flags"]["volatile"] = json!(true);
    }
    if let Some(compress) = flags.compress {
        shown["flags"]["compress"] = json!(compress);
    }
    if let Some(timeout) = flags.timeout {
        shown["flags"]["timeout"] = json!(timeout);
    }
    shown
}

#[test]
fn node_reads_what_is_written_and_writes_the_same() {
    let mut node = Node::start();
    let mut runner = TestRunner::deterministic();
    let events = (vec(any_value(), 0..4), any_options());
    let (mut written, mut expected) = (Vec::new(), Vec::new());
    for _ in 0..500 {
        let (values, options) = events.new_tree(&mut runner).unwrap().current();
        let args = Args::from_values(values);
        let to = To::from(&options);
        for packet in packets("e", &args) {
            let mut data = vec![json!("e")];
            data.extend(tags(&args).as_array().unwrap().iter().cloned());
            let packet_shown = json!({"type": 2, "data": data, "nsp": "/"});
            written.push(hex(&NODE.broadcast(&packet, &to).unwrap()));
            expected.push(json!(["rust", packet_shown, shown(&options)]));
            written.push(hex(&emitter::broadcast("/", &packet, &to).unwrap()));
            expected.push(json!(["emitter", packet_shown, shown(&options)]));
            written.push(hex(&NODE.broadcast_with_ack("r", &packet, &to).unwrap()));
            expected.push(json!({
                "uid": "rust", "requestId": "r", "type": 7, "packet": packet_shown, "opts": shown(&options)
            }));
        }
    }
    assert!(written.len() > 2_000);
    let answers = node.ask(
        &json!({"do": "reencode", "codec": "notepack", "items": written}),
        "items",
    );
    assert_eq!(answers.len(), written.len());
    for ((written, expected), answer) in written.iter().zip(&expected).zip(&answers) {
        assert_eq!(answer["hex"], json!(written));
        assert_eq!(doubles(&answer["value"]), doubles(expected), "{written}");
    }
}

#[test]
fn the_cluster_s_messages_are_read_by_both_of_node_s_msgpacks() {
    let mut node = Node::start();
    let mut runner = TestRunner::deterministic();
    let events = (any_value(), any_options());
    let limits = ClusterLimits::default();
    let (mut written, mut expected) = (Vec::new(), Vec::new());
    for _ in 0..300 {
        let (value, options) = events.new_tree(&mut runner).unwrap().current();
        let args = Args::from_values(vec![value.clone()]);
        let to = To::from(&options);
        for packet in packets("e", &args) {
            let message = Outgoing::Broadcast {
                packet: &packet,
                to,
                request_id: Some("r"),
            };
            let bytes = streams::encode("u", "/", &message).unwrap();
            written.push(hex(&bytes));
            expected.push(json!({
                "type": 3, "uid": "u", "nsp": "/",
                "data": {"packet": {"type": 2, "data": ["e", tag(&value)]}, "requestId": "r", "opts": shown(&options)}
            }));
            let body = streams::decode(&limits, &bytes.into()).unwrap().body;
            let MessageBody::Broadcast {
                args: found,
                options: whom,
                ..
            } = body
            else {
                panic!()
            };
            assert_eq!((tags(&found), &whom), (tags(&args), &options));
        }
        let message = Outgoing::Ack {
            request_id: "r",
            args: &args,
        };
        written.push(hex(&streams::encode("u", "/", &message).unwrap()));
        expected.push(json!({"type": 12, "data": {"requestId": "r", "packet": tag(&value)}, "uid": "u", "nsp": "/"}));
    }
    for codec in ["notepack", "msgpack"] {
        let answers = node.ask(
            &json!({"do": "reencode", "codec": codec, "items": written}),
            "items",
        );
        for ((written, expected), answer) in written.iter().zip(&expected).zip(&answers) {
            assert_eq!(answer["hex"], json!(written), "{codec}");
            assert_eq!(
                doubles(&answer["value"]),
                doubles(expected),
                "{codec}: {written}"
            );
        }
    }
}

#[test]
fn numbers_beyond_javascript_s_integers_arrive_as_doubles() {
    let mut node = Node::start();
    let numbers = json!([
        u64::MAX,
        i64::MIN,
        (1_u64 << 53) + 1,
        1e21,
        -1e21,
        1e300,
        -1e300,
        18_446_744_073_709_551_616.0,
        1.5e-300
    ]);
    let args = Args::of(&numbers).unwrap();
    for packet in packets("e", &args) {
        let written = hex(&NODE.broadcast(&packet, &To::default()).unwrap());
        let answers = node.ask(
            &json!({"do": "reencode", "codec": "notepack", "items": [written]}),
            "items",
        );
        assert_eq!(
            doubles(&answers[0]["value"][1]["data"][1]),
            doubles(&numbers)
        );
    }
}

#[test]
fn what_node_writes_is_read() {
    let mut node = Node::start();
    let limits = ClusterLimits::default();
    let items = node.ask(
        &json!({"do": "generate", "seed": 7, "count": 3_000}),
        "items",
    );
    assert_eq!(items.len(), 3_000);
    for item in items {
        let [uid, packet, opts] = item["value"].as_array().unwrap().as_slice() else {
            panic!("{item}")
        };
        let found = Broadcast::decode(&limits, &bytes(&item["hex"])).unwrap();
        assert_eq!(json!(found.uid), *uid);
        assert_eq!(json!(found.namespace.as_str()), packet["nsp"]);
        let data = packet["data"].as_array().unwrap();
        assert_eq!(json!(found.event.as_str()), data[0]);
        let expected = doubles(&data[1..].iter().cloned().collect());
        assert_eq!(tags(&found.args), expected, "{item}");
        let texts = |rooms: &Json| -> Vec<String> {
            let text = |room: &Json| {
                room.as_str()
                    .map_or_else(|| room.to_string(), str::to_owned)
            };
            rooms.as_array().unwrap().iter().map(text).collect()
        };
        let Options {
            rooms,
            except,
            flags,
        } = &found.options;
        assert_eq!(
            (rooms, except),
            (&texts(&opts["rooms"]), &texts(&opts["except"]))
        );
        assert_eq!(shown(&found.options)["flags"], opts["flags"]);
        assert_eq!(flags.volatile, opts["flags"]["volatile"] == json!(true));

        // Written for clients of either parser, and published again, it is still the same.
        for packet in packets(&found.event, &found.args) {
            let message = NODE.broadcast(&packet, &To::default()).unwrap();
            let again = Broadcast::decode(&limits, &message.into()).unwrap();
            assert_eq!(tags(&again.args), expected, "{item}");
        }
    }
}

fn on(channel: &str, written: &[u8]) -> Json {
    json!({"channel": channel, "hex": hex(written)})
}

fn event(name: &str, args: &Args) -> Encoded {
    Parser::Json.event("/", None, name, args, None).unwrap()
}

fn argument(value: impl Into<Value>) -> Args {
    Args::from_values(vec![value.into()])
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

fn to<'a>(rooms: &'a [String], except: &'a [String]) -> To<'a> {
    To::new(rooms, except)
}

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
    let timeout = Flags::default().with_timeout(Some(1_000));
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
    let rooms = names(&["s1", "room1", "s2", "room2", "42"]);
    assert_eq!(
        responses(&answers[1]),
        [("q1".to_owned(), Response::Rooms(rooms))]
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

fn remote(id: &str) -> RemoteSocket {
    RemoteSocket {
        id: id.into(),
        handshake: serde_json::from_value(json!({"auth": {"token": "x"}})).unwrap(),
        rooms: names(&[id, "é"]),
        data: serde_json::from_value(json!({"n": 1})).unwrap(),
    }
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

/// Each label of what was performed, once.
fn labelled<'a>(items: &'a [Json], label: &str) -> &'a Json {
    let mut found = items.iter().filter(|item| item["label"] == label);
    let item = found.next().unwrap_or_else(|| panic!("{label}"));
    assert!(found.next().is_none(), "{label}");
    item
}

/// What every adapter publishes for events: arguments and options.
fn performed_events() -> Vec<(&'static str, &'static str, Json, Options)> {
    let plain = |rooms: &[&str]| Options {
        rooms: names(rooms),
        ..Options::default()
    };
    let odd = Options {
        except: names(&["room3"]),
        flags: Flags::default()
            .with_volatile(true)
            .with_compress(Some(false)),
        ..plain(&["room1", "42"])
    };
    vec![
        (
            "emit",
            "hello",
            json!([1.0, "2", {"a": [true, null, 1.5]}]),
            plain(&[]),
        ),
        ("room", "hello", json!([]), plain(&["room1"])),
        (
            "rooms",
            "hello",
            json!(["2026-11-21T01:50:06.852Z", null, {}]),
            odd,
        ),
        (
            "binary",
            "bin",
            json!([{"$bytes": "010203"}, {"x": {"$bytes": "0405"}}]),
            plain(&[]),
        ),
    ]
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

fn entry_of(entry: &Json) -> Entry {
    let fields = entry.as_object().unwrap().iter();
    let fields = fields.map(|(name, value)| (name.as_bytes(), value.as_str().unwrap().as_bytes()));
    Entry::of_fields(fields).unwrap()
}

#[test]
fn the_sharded_and_the_streams_adapter_do_what_our_messages_say() {
    let mut node = Node::start();
    let (room1, s1, joined) = (names(&["room1"]), names(&["s1"]), names(&["r5", "r6"]));
    let (hello, binary) = (
        event("hello", &argument(1)),
        event("bin", &argument(Bytes::from_static(b"\x01\xff"))),
    );
    let (x, seven) = (argument("x"), argument(Bytes::from_static(b"\x07")));
    let got = |id: &str, packets: Json| json!({"to": id, "packets": packets});
    let text = json!([r#"2["hello",1]"#]);
    let parts = json!([r#"51-["bin",{"_placeholder":true,"num":0}]"#, {"$bytes": "01ff"}]);
    let all = to(&[], &[]);
    let done = [
        (
            Outgoing::Broadcast {
                packet: &hello,
                to: all,
                request_id: None,
            },
            json!([got("s1", text.clone()), got("s2", text.clone())]),
        ),
        (
            Outgoing::Broadcast {
                packet: &hello,
                to: to(&room1, &[]),
                request_id: None,
            },
            json!([got("s1", text.clone())]),
        ),
        (
            Outgoing::Broadcast {
                packet: &hello,
                to: to(&[], &s1).with_flags(
                    Flags::default()
                        .with_volatile(true)
                        .with_compress(Some(true)),
                ),
                request_id: None,
            },
            json!([{"to": "s2", "packets": text, "volatile": true, "compress": true}]),
        ),
        (
            Outgoing::Broadcast {
                packet: &binary,
                to: to(&s1, &[]),
                request_id: None,
            },
            json!([got("s1", parts)]),
        ),
        (
            Outgoing::Join {
                to: to(&room1, &[]),
                rooms: &joined,
            },
            json!([{"join": ["r5", "r6"], "by": "s1"}]),
        ),
        (
            Outgoing::Leave {
                to: to(&room1, &[]),
                rooms: &joined,
            },
            json!([{"leave": "r5", "by": "s1"}, {"leave": "r6", "by": "s1"}]),
        ),
        (
            Outgoing::Disconnect {
                to: to(&[], &s1),
                close: false,
            },
            json!([{"disconnect": false, "by": "s2"}]),
        ),
        (
            Outgoing::ServerSideEmit {
                event: "ping-server",
                args: &x,
                request_id: None,
            },
            json!([{"server": ["x"], "asked": false}]),
        ),
        (
            Outgoing::ServerSideEmit {
                event: "ping-server",
                args: &seven,
                request_id: None,
            },
            json!([{"server": [{"$bytes": "07"}], "asked": false}]),
        ),
    ];
    let channels = sharded::Channels::new("socket.io", "/", SubscriptionMode::Static);
    for adapter in ["sharded", "streams"] {
        let item = |message: &Outgoing<'_>| {
            if adapter == "sharded" {
                on(
                    &channels.of(message),
                    &sharded::encode("rust", "/", message).unwrap(),
                )
            } else if streams::is_ephemeral(message) {
                let channel = streams::public_channel("socket.io", "/");
                on(&channel, &streams::encode("rust", "/", message).unwrap())
            } else {
                let entry = Entry::encode("rust", "/", message, false).unwrap();
                json!({"entry": entry.fields().into_iter().collect::<std::collections::HashMap<_, _>>()})
            }
        };
        let items: Vec<_> = done.iter().map(|(message, _)| item(message)).collect();
        let answers = node.receive(adapter, &items);
        for (at, ((_, expected), answer)) in done.iter().zip(&answers).enumerate() {
            assert_eq!(
                (&answer["did"], answer.get("failed")),
                (expected, None),
                "{adapter} {at}"
            );
        }
        // Questions: what comes back is for us alone.
        let limits = ClusterLimits::default();
        let asked = [
            Outgoing::FetchSockets {
                to: to(&room1, &[]),
                request_id: "q1",
            },
            Outgoing::ServerSideEmit {
                event: "ping-server",
                args: &Args::empty(),
                request_id: Some("q2"),
            },
            Outgoing::Broadcast {
                packet: &hello,
                to: all.with_flags(Flags::default().with_timeout(Some(1_000))),
                request_id: Some("q3"),
            },
        ];
        let items: Vec<_> = asked.iter().map(item).collect();
        let answers = node.receive(adapter, &items);
        let bodies: Vec<_> = answers
            .iter()
            .flat_map(|answer| answer["published"].as_array().unwrap())
            .map(|published| {
                assert_eq!(published["channel"], json!(channels.response("rust")));
                let message = bytes(&published["hex"]);
                match adapter {
                    "sharded" => sharded::decode(&limits, &message),
                    _ => streams::decode(&limits, &message),
                }
                .unwrap()
                .body
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

#[test]
fn the_sharded_and_the_streams_adapter_take_our_answers() {
    let mut node = Node::start();
    let limits = ClusterLimits::default();
    let (one, two) = (argument("one"), argument(Bytes::from_static(b"\x02")));
    let (first, second) = ([remote("r1")], [remote("r2")]);
    for adapter in ["sharded", "streams"] {
        for question in ["fetch", "server", "ask"] {
            let asked = node.receive(adapter, &[json!({"question": question})]);
            let message = bytes(&asked[0]["published"][0]["hex"]);
            let message = match adapter {
                "sharded" => sharded::decode(&limits, &message),
                _ => streams::decode(&limits, &message),
            }
            .unwrap();
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
