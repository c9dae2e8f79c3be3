//! Bytes against Node's msgpack packages.

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
        ClusterLimits, Flags, MessageBody, Options, Outgoing, To, classic::Broadcast, emitter,
        streams,
    },
};

use crate::support::{NODE, Node, bytes, doubles, hex, tag, tags};

#[test]
fn node_reads_what_is_written_and_writes_the_same() {
    let mut node = Node::start();
    let mut runner = TestRunner::deterministic();
    let events = (vec(any_value(), 0..4), any_options());
    let (mut written, mut expected) = (Vec::new(), Vec::new());
    for _ in 0..350 {
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
    assert!(written.len() > 1_500);
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
    for _ in 0..250 {
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
