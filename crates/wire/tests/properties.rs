//! Codecs against any input: what is written is read back, what is read is written back, nothing
//! panics, and others (`serde_json`, `rmpv`) read and write the same.

#[expect(unreachable_pub, reason = "the fuzz targets use it from another crate")]
mod checks;

use bytes::Bytes;
use checks::{
    engine, oracle, reading,
    socketio::{self, Message},
};
use proptest::{
    collection::{btree_map, vec},
    prelude::*,
};
use switchboard_wire::{
    Args, Body, ConnectError, Limits, Packet, Parser, Value,
    engine::{Open, Packet as EnginePacket, Part, decode_payload},
};

const PARSERS: [Parser; 2] = [Parser::Json, Parser::Msgpack];

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-200..200_i64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-1_000..1_000_i32).prop_map(|n| f64::from(n).into()),
    ]
}

/// Names that mean something to somebody, and any other.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z]{0,40}",
        "-?[0-9]{1,3}|\\+1|true|false|num|id|type|join|Unit|One|Two|Named|a|x",
    ]
}

/// Any value, with bytes or without.
fn value(binary: bool) -> impl Strategy<Value = Value> {
    let bytes = vec(any::<u8>(), 0..300).prop_map(|bytes| Value::Binary(bytes.into()));
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        3 => number(),
        3 => text().prop_map(Value::from),
        if binary { 2 } else { 0 } => bytes,
    ];
    leaf.prop_recursive(6, 24, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..20).prop_map(Value::Array),
            vec((text(), inner), 0..6).prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

fn namespace() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("/".to_owned()),
        "/[a-z0-9?=]{1,10}",
        any::<String>().prop_map(|name| format!("/{}", name.replace(',', ""))),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-z]{1,9}", 2 => any::<String>(), 1 => "connect|disconnecting|newListener"]
}

/// Text that is a packet, or nearly.
fn packet_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[0-7]([0-9]{0,2}-)?(/[a-z]{0,3},?)?[0-9]{0,21}(\\[|\\{|\")?.{0,12}",
        "[2356]([1-3]-)?(/[a-z]{0,3},)?[0-9]{0,3}\\[\"[a-z]{0,3}\"(,(1|\"\\\\u00e9\"|[\\[\\]{}\":,]|\\{\"_placeholder\":true,\"num\":[0-3]\\}|-?[0-9]{1,3}\\.?[0-9]?(e[0-9]{1,3})?)){0,4}\\]",
    ]
}

/// Bytes that are msgpack, or nearly: valid messages with some bytes changed or cut off.
fn packet_bytes() -> impl Strategy<Value = Bytes> {
    let valid = (0..5_u8, namespace(), value(true), any::<Option<u64>>()).prop_map(
        |(kind, namespace, value, id)| {
            let list = Value::Array(vec!["e".into(), value.clone()]);
            let data = if kind % 4 == 0 { value } else { list };
            let mut fields = vec![
                ("type".to_owned(), u32::from(kind).into()),
                ("data".to_owned(), data),
                ("nsp".to_owned(), namespace.into()),
            ];
            fields.extend(id.map(|id| ("id".to_owned(), id.into())));
            let mut message = Vec::new();
            rmpv::encode::write_value(&mut message, &oracle::to_rmpv(&Value::Object(fields)))
                .expect("a vector takes it");
            message
        },
    );
    let changed = (
        valid,
        vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        any::<bool>(),
    );
    let changed = changed.prop_map(|(mut message, changes, cut)| {
        for (at, byte) in changes {
            let at = at.index(message.len());
            message[at] = byte;
            if cut {
                message.truncate(at.max(1));
            }
        }
        message
    });
    prop_oneof![3 => changed, 1 => vec(any::<u8>(), 0..64)].prop_map(Bytes::from)
}

fn limits() -> impl Strategy<Value = Limits> {
    let small =
        (0..13_usize, 0..140_usize, 0..300_usize).prop_map(|(attachments, depth, bytes)| Limits {
            max_attachments: attachments,
            max_depth: depth,
            max_event_bytes: bytes,
        });
    prop_oneof![Just(Limits::default()), small]
}

fn messages() -> impl Strategy<Value = Vec<Message>> {
    let message = prop_oneof![
        2 => packet_text().prop_map(Message::Text),
        1 => vec(any::<u8>(), 0..60).prop_map(|payload| Message::Binary(payload.into())),
    ];
    vec(message, 0..8)
}

fn polling_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "([0-7b\u{1e}]|[A-Za-z0-9+/=]{0,5}|\u{1e}4.{0,3}){0,20}"
    ]
}

proptest! {
    #[test]
    fn an_engine_packet_is_written_as_it_was_read(text in "[0-8b]?.{0,40}") {
        engine::packet(&text);
    }

    #[test]
    fn an_engine_packet_is_read_as_it_was_written(data in ".{0,40}") {
        for packet in [
            EnginePacket::Open(&data),
            EnginePacket::Close,
            EnginePacket::Ping(&data),
            EnginePacket::Pong(&data),
            EnginePacket::Message(&data),
            EnginePacket::Upgrade,
            EnginePacket::Noop,
        ] {
            let text = packet.encode();
            prop_assert_eq!(EnginePacket::decode(&text), Ok(packet));
        }
    }

    #[test]
    fn a_polling_body_is_written_as_it_was_read(body in polling_text()) {
        engine::payload(&body);
    }

    #[test]
    fn a_polling_body_is_read_as_it_was_written(
        parts in vec(prop_oneof!["[^\u{1e}]{0,20}".prop_map(Ok), vec(any::<u8>(), 0..40).prop_map(Err)], 1..20),
    ) {
        let parts: Vec<_> = parts.iter().map(|part| match part {
            Ok(text) => Part::Packet(EnginePacket::Message(text)),
            Err(payload) => Part::Binary(payload.clone()),
        }).collect();
        let body = engine::write(&parts);
        let again: Result<Vec<_>, _> = decode_payload(&body).collect();
        prop_assert_eq!(again, Ok(parts));
    }

    #[test]
    fn a_greeting_is_read_as_it_was_written(
        sid in any::<String>(),
        upgrades in vec(any::<String>(), 0..4),
        numbers in any::<[u64; 3]>(),
        more in ".{0,20}",
    ) {
        let [interval, timeout, max_payload] = numbers;
        let open = Open {
            sid,
            upgrades,
            ping_interval: std::time::Duration::from_millis(interval),
            ping_timeout: std::time::Duration::from_millis(timeout),
            max_payload,
        };
        let text = open.encode();
        let again: Open = serde_json::from_str(&text[1..]).unwrap();
        prop_assert_eq!(again, open);
        engine::open(&text);
        engine::open(&format!("0{more}"));
    }

    #[test]
    fn messages_of_the_json_parser(
        server in any::<bool>(), limits in limits(), messages in messages(),
    ) {
        socketio::messages(server, Parser::Json, &limits, &messages);
    }

    #[test]
    fn messages_of_the_msgpack_parser(
        server in any::<bool>(), limits in limits(), messages in vec(packet_bytes(), 1..3),
    ) {
        let messages: Vec<_> = messages.into_iter().map(Message::Binary).collect();
        socketio::messages(server, Parser::Msgpack, &limits, &messages);
    }

    #[test]
    fn an_event_and_an_ack_are_read_as_they_were_written(
        namespace in namespace(),
        id in any::<Option<u64>>(),
        name in name(),
        values in vec(value(true).prop_map(oracle::without_placeholders), 0..5),
    ) {
        for parser in PARSERS {
            socketio::round_trip(parser, &namespace, id, &name, &values);
        }
    }

    #[test]
    fn up_to_ten_attachments_travel_anywhere_in_an_event(count in 0..14_usize, nested in any::<bool>()) {
        let bytes = |at: usize| Value::Binary(vec![u8::try_from(at).unwrap(); at].into());
        let values: Vec<_> = (0..count).map(bytes).collect();
        let values = if nested {
            let mut nest = Value::Null;
            for value in values {
                nest = Value::Object(vec![("a".into(), value), ("b".into(), Value::Array(vec![nest]))]);
            }
            vec![nest]
        } else {
            values
        };
        for parser in PARSERS {
            socketio::round_trip(parser, "/", Some(1), "e", &values);
        }
    }

    #[test]
    fn joining_and_refusing_are_read_as_they_were_written(
        namespace in namespace(), key in text(), data in value(false), message in any::<String>(),
    ) {
        let auth = Args::from_values(vec![Value::Object(vec![(key, data.clone())])]);
        for body in [
            Body::Connect(None),
            Body::Connect(Some(auth)),
            Body::Disconnect,
            Body::ConnectError(ConnectError { message: message.clone(), data: Some(data) }),
            Body::ConnectError(ConnectError { message, data: None }),
        ] {
            for parser in PARSERS {
                let namespace = namespace.as_str().into();
                socketio::again(false, parser, &Packet { namespace, body: body.clone() });
            }
        }
    }

    #[test]
    fn json_is_what_serde_json_writes_and_reads(value in value(false)) {
        let ours = Parser::Json.event("/", None, "e", &(&value,), None).unwrap();
        let text = ours.text.unwrap();
        prop_assert_eq!(&text, &format!("42[\"e\",{}]", serde_json::to_string(&value).unwrap()));
        oracle::json_event(true, &Limits::default(), &text[1..]);
    }

    #[test]
    fn msgpack_is_what_rmpv_writes_and_reads(value in value(true)) {
        let ours = Parser::Msgpack.event("/", None, "e", &(&value,), None).unwrap();
        let theirs = rmpv::Value::Map(vec![
            ("type".into(), 2.into()),
            ("data".into(), vec!["e".into(), oracle::to_rmpv(&value)].into()),
            ("nsp".into(), "/".into()),
        ]);
        let mut written = Vec::new();
        rmpv::encode::write_value(&mut written, &theirs).unwrap();
        prop_assert_eq!(&ours.binary[0], &written);
        oracle::msgpack_packet(true, &Limits::default(), &ours.binary[0]);
    }

    #[test]
    fn one_value_reads_the_same_whichever_way_it_came(
        value in value(false).prop_map(oracle::without_placeholders),
    ) {
        reading::the_same(&value);
    }

    #[test]
    fn anything_is_read_as_everything_without_a_panic(values in vec(value(true), 0..4)) {
        let args = Args::from_values(values);
        reading::everything(&args);
        if let Ok(encoded) = Parser::Msgpack.event("/", None, "e", &args, None)
            && let Ok(Some(packet)) = socketio::read(true, Parser::Msgpack, &encoded)
        {
            reading::everything(socketio::args(&packet).unwrap());
        }
    }

    #[test]
    fn keys_are_the_same_texts_with_both_parsers(
        number in btree_map(any::<i64>(), any::<u8>(), 0..4),
        wide in btree_map(any::<u128>(), any::<u8>(), 0..4),
        truth in btree_map(any::<bool>(), any::<u8>(), 0..3),
        letter in btree_map(any::<char>(), any::<u8>(), 0..4),
        text in btree_map(any::<String>(), any::<u8>(), 0..4),
    ) {
        let args = |parser: Parser| {
            let encoded = parser.ack("/", 0, &(&number, &wide, &truth, &letter, &text)).unwrap();
            match socketio::read(true, parser, &encoded).unwrap().unwrap().body {
                Body::Ack { args, .. } => args,
                other => panic!("{other:?}"),
            }
        };
        let (json, msgpack) = (args(Parser::Json), args(Parser::Msgpack));
        prop_assert_eq!(json.values(), msgpack.values());
        for args in [json, msgpack] {
            prop_assert_eq!(&args.get::<std::collections::BTreeMap<i64, u8>>(0).unwrap(), &number);
            prop_assert_eq!(&args.get::<std::collections::BTreeMap<u128, u8>>(1).unwrap(), &wide);
            prop_assert_eq!(&args.get::<std::collections::BTreeMap<bool, u8>>(2).unwrap(), &truth);
            prop_assert_eq!(&args.get::<std::collections::BTreeMap<char, u8>>(3).unwrap(), &letter);
        }
    }

    #[test]
    fn integers_of_any_width_are_the_same_with_both_parsers(small in any::<i64>(), wide in any::<u64>()) {
        let values = |parser: Parser| {
            let numbers = (i128::from(small), i128::from(wide), u128::from(wide));
            let encoded = parser.ack("/", 0, &numbers).unwrap();
            let packet = socketio::read(true, parser, &encoded).unwrap().unwrap();
            socketio::args(&packet).unwrap().values()
        };
        prop_assert_eq!(values(Parser::Json), values(Parser::Msgpack));
        prop_assert_eq!(values(Parser::Json), [small.into(), wide.into(), wide.into()]);
    }

    /// A date of `notepack`, 2 and 3: the text that `toISOString` makes, read back by another rule.
    #[test]
    fn dates_are_their_iso_text(millis in -8_640_000_000_000_000_i64..=8_640_000_000_000_000) {
        let mut two = b"\xd7\x00".to_vec();
        two.extend_from_slice(&millis.to_be_bytes());
        let nanos = u32::try_from(millis.rem_euclid(1_000) * 1_000_000).unwrap();
        let mut three = b"\xc7\x0c\xff".to_vec();
        three.extend_from_slice(&nanos.to_be_bytes());
        three.extend_from_slice(&millis.div_euclid(1_000).to_be_bytes());
        for date in [two, three] {
            let mut message = b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1e".to_vec();
            message.extend_from_slice(&date);
            let encoded = switchboard_wire::Encoded { text: None, binary: vec![message.into()] };
            let packet = socketio::read(true, Parser::Msgpack, &encoded).unwrap().unwrap();
            let text: String = socketio::args(&packet).unwrap().get(0).unwrap();
            prop_assert_eq!(of_iso(&text), millis, "{}", text);
        }
    }
}

/// Milliseconds since 1970 of a date that `toISOString` wrote, by counting days year by year.
fn of_iso(text: &str) -> i64 {
    let (year, rest) = text.split_at(text[1..].find('-').expect("ISO 8601") + 1);
    let parts: Vec<i64> = rest[1..]
        .split(['-', 'T', ':', '.', 'Z'])
        .filter(|part| !part.is_empty())
        .map(|part| part.parse().expect("ISO 8601"))
        .collect();
    let [month, day, hours, minutes, seconds, millis] = parts[..] else {
        panic!("{text}");
    };
    let year: i64 = year.parse().expect("ISO 8601");
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let years = if year >= 1970 { 1970..year } else { year..1970 };
    let days: i64 = years.map(|year| 365 + i64::from(leap(year))).sum();
    let days = if year >= 1970 { days } else { -days };
    let lengths = [
        31,
        28 + i64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let month = usize::try_from(month).expect("ISO 8601");
    let days = days + lengths[..month - 1].iter().sum::<i64>() + day - 1;
    (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000 + millis
}
