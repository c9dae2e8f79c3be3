//! What must hold of any messages that are taken for Socket.IO.

use bytes::Bytes;
use switchboard_wire::{
    Args, Body, DecodeError, Decoder, EncodeError, Encoded, Event, EventName, Limits, Packet,
    Parser, Text, Value,
};

use super::oracle;

/// One Engine.IO message, without its digit.
#[derive(Clone, Debug)]
pub enum Message {
    Text(String),
    Binary(Bytes),
}

/// A connection's messages through one decoder. Nothing panics, nothing outgrows `limits`, an error
/// leaves nothing half done, and each packet survives being written and read again.
pub fn messages(server: bool, parser: Parser, limits: &Limits, messages: &[Message]) {
    let mut decoder = decoder(server);
    let mut sizes = 0;
    for message in messages {
        let waiting = decoder.is_assembling();
        let found = match message {
            Message::Text(text) => decoder.text(parser, limits, text.as_str()),
            Message::Binary(payload) => decoder.binary(parser, limits, payload.clone()),
        };
        let size = match message {
            Message::Text(text) => text.len(),
            Message::Binary(payload) => payload.len(),
        };
        sizes = if waiting { sizes + size } else { size };
        if sizes > limits.max_event_bytes {
            assert!(found.is_err(), "larger than allowed: {sizes}");
        }
        match found {
            Ok(Some(packet)) => {
                assert!(!decoder.is_assembling());
                if let Some(args) = args(&packet) {
                    assert!(args.size() <= limits.max_event_bytes);
                }
                again(server, parser, &packet);
            }
            Ok(None) => {}
            Err(error) => {
                assert!(!decoder.is_assembling(), "{error}");
                assert!(!error.code().is_empty());
            }
        }
        if let (Message::Text(text), false, Parser::Json) = (message, waiting, parser) {
            oracle::json_event(server, limits, text);
        }
        if let (Message::Binary(payload), Parser::Msgpack) = (message, parser) {
            oracle::msgpack_packet(server, limits, payload);
        }
    }
}

/// Writes a packet and reads it: it is the same, unless it holds what Rust cannot say or more
/// attachments than may be sent.
pub fn again(server: bool, parser: Parser, packet: &Packet) {
    let readable = args(packet).is_none_or(is_readable);
    let joins = matches!(packet.body, Body::Connect(_));
    match write(parser, packet) {
        Err(EncodeError::TooManyAttachments(count)) => {
            assert!(parser == Parser::Json && count > 10);
        }
        Err(error) => assert!(!readable, "{packet:?}: {error}"),
        // With msgpack a namespace may be any text; the empty one is written as `/`.
        Ok(_) if packet.namespace.is_empty() || (joins && !readable) => {}
        Ok(encoded) => match read(server, parser, &encoded) {
            // An extension of msgpack is a list from then on, a level more.
            Err(DecodeError::TooDeep) if parser == Parser::Msgpack => {}
            found => assert!(
                matches!(&found, Ok(Some(found)) if is_same(found, packet)),
                "{packet:?} became {found:?} by {encoded:?}"
            ),
        },
    }
}

/// Whether two packets say the same to JavaScript, which has one kind of numbers: `1.0` is written as `1`.
fn is_same(one: &Packet, other: &Packet) -> bool {
    let outline = |packet: &Packet| {
        let mut packet = packet.clone();
        if let Body::Connect(Some(args))
        | Body::Event(Event { args, .. })
        | Body::Ack { args, .. } = &mut packet.body
        {
            *args = Args::empty();
        }
        packet
    };
    let values = |packet: &Packet| args(packet).map(Args::values);
    match (values(one), values(other)) {
        (Some(ones), Some(others)) => {
            outline(one) == outline(other)
                && ones.len() == others.len()
                && ones
                    .iter()
                    .zip(&others)
                    .all(|(one, other)| is_alike(one, other))
        }
        _ => one == other,
    }
}

fn is_alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(_), Value::Number(_)) => one.as_f64() == other.as_f64(),
        (Value::Array(ones), Value::Array(others)) => {
            ones.len() == others.len()
                && ones
                    .iter()
                    .zip(others)
                    .all(|(one, other)| is_alike(one, other))
        }
        (Value::Object(ones), Value::Object(others)) => {
            ones.len() == others.len()
                && ones
                    .iter()
                    .zip(others)
                    .all(|((key, one), (other_key, other))| {
                        key == other_key && is_alike(one, other)
                    })
        }
        _ => one == other,
    }
}

/// Writes any packet.
pub fn write(parser: Parser, packet: &Packet) -> Result<Encoded, EncodeError> {
    let namespace = packet.namespace.as_str();
    match &packet.body {
        Body::Connect(auth) => {
            let auth = auth.as_ref().and_then(|auth| auth.value(0));
            parser.connect_request(namespace, auth.as_ref())
        }
        Body::Disconnect => Ok(parser.disconnect(namespace)),
        Body::Event(Event { id, name, args }) => parser.event(namespace, *id, name, args, None),
        Body::Ack { id, args } => parser.ack(namespace, *id, args),
        Body::ConnectError(error) => {
            Ok(parser.connect_error(namespace, &error.message, error.data.as_ref()))
        }
        other => panic!("a new kind of packet: {other:?}"),
    }
}

/// Reads the messages of one packet, whatever their size.
pub fn read(
    server: bool,
    parser: Parser,
    encoded: &Encoded,
) -> Result<Option<Packet>, DecodeError> {
    let limits = Limits {
        max_event_bytes: usize::MAX,
        ..Limits::default()
    };
    let mut decoder = decoder(server);
    let mut found = None;
    if let Some(text) = &encoded.text {
        found = decoder.text(parser, &limits, Text::of_message(text.as_str()))?;
    }
    for payload in &encoded.binary {
        assert_eq!(found, None, "complete before its last message");
        found = decoder.binary(parser, &limits, payload.clone())?;
    }
    assert!(!decoder.is_assembling());
    Ok(found)
}

/// The arguments that a packet carries, if it can.
pub fn args(packet: &Packet) -> Option<&Args> {
    match &packet.body {
        Body::Connect(args) => args.as_ref(),
        Body::Event(Event { args, .. }) | Body::Ack { args, .. } => Some(args),
        _ => None,
    }
}

/// Whether Rust can say all of it: no text with half a surrogate pair, no number above all doubles, no
/// msgpack key that is a list, no nesting beyond the limit.
pub fn is_readable(args: &Args) -> bool {
    args.read::<()>().is_ok() && (0..args.len()).all(|at| args.value(at).is_some())
}

/// What is put in comes out, whichever parser and whatever kind.
pub fn round_trip(parser: Parser, namespace: &str, id: Option<u64>, name: &str, values: &[Value]) {
    let args = Args::from_values(values.to_vec());
    assert_eq!(args.values(), values);
    let event = Packet {
        namespace: namespace.into(),
        body: Body::Event(Event {
            id,
            name: name.into(),
            args: args.clone(),
        }),
    };
    let attachments: usize = values.iter().map(binaries).sum();
    let reserved = EventName::is_reserved(name);
    let limited = parser == Parser::Json && attachments > 10;
    match write(parser, &event) {
        Err(EncodeError::ReservedName) => assert!(reserved),
        Err(EncodeError::TooManyAttachments(count)) => assert!(limited && count == attachments),
        Err(error) => panic!("{error}"),
        Ok(_) => {
            assert!(!reserved && !limited);
            again(true, parser, &event);
            again(false, parser, &event);
        }
    }
    if !limited {
        let id = id.unwrap_or_default();
        let body = Body::Ack { id, args };
        let namespace = event.namespace;
        again(true, parser, &Packet { namespace, body });
    }
}

fn binaries(value: &Value) -> usize {
    match value {
        Value::Binary(_) => 1,
        Value::Array(elements) => elements.iter().map(binaries).sum(),
        Value::Object(fields) => fields.iter().map(|(_, value)| binaries(value)).sum(),
        _ => 0,
    }
}

fn decoder(server: bool) -> Decoder {
    if server {
        Decoder::server()
    } else {
        Decoder::client()
    }
}
