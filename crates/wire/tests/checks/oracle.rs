//! Others who read the same: `serde_json` and `rmpv`.

use bytes::Bytes;
use serde_json::value::RawValue;
use switchboard_wire::{Body, DecodeError, Decoder, EventName, Limits, Packet, Parser, Value};

use super::socketio::{args, is_readable};

/// An event of the root namespace without an id: the list in it is what `serde_json` makes of it.
pub fn json_event(server: bool, limits: &Limits, text: &str) {
    let Some(list) = text.strip_prefix('2').filter(|list| list.starts_with('[')) else {
        return;
    };
    let mut decoder = if server {
        Decoder::server()
    } else {
        Decoder::client()
    };
    let found = decoder.text(Parser::Json, limits, text);
    if text.len() > limits.max_event_bytes {
        assert_eq!(found, Err(DecodeError::TooLarge));
        return;
    }
    let Ok(raw) = serde_json::from_str::<Vec<&RawValue>>(list) else {
        assert_eq!(found, Err(DecodeError::InvalidPayload));
        return;
    };
    let Ok(values) = serde_json::from_str::<Vec<serde_json::Value>>(list) else {
        // Deeper, or other numbers and texts than it can say; not other JSON.
        return;
    };
    let name = match values.first() {
        Some(serde_json::Value::String(name)) => Some(name.as_str()),
        Some(serde_json::Value::Number(_)) => None,
        _ => {
            assert_eq!(found, Err(DecodeError::InvalidEventName));
            return;
        }
    };
    if name.is_some_and(EventName::is_reserved) {
        assert_eq!(found, Err(DecodeError::ReservedName));
        return;
    }
    let Ok(Some(packet)) = found else {
        panic!("{found:?}");
    };
    let Body::Event(event) = packet.body else {
        panic!("{packet:?}");
    };
    assert_eq!(event.args.len(), raw.len() - 1);
    if let Some(name) = name {
        assert_eq!(event.name, name);
    }
    if is_readable(&event.args) {
        let ours: Vec<_> = event.args.values().iter().map(to_json).collect();
        assert_eq!(ours, values[1..]);
    }
}

/// A value as `serde_json` has it: of a name that comes twice the last counts.
pub fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => number.clone().into(),
        Value::String(text) => text.as_str().into(),
        Value::Array(elements) => elements.iter().map(to_json).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), to_json(value)))
            .collect(),
        Value::Binary(bytes) => bytes.to_vec().into(),
    }
}

/// A message that we take for a packet is one whole value to `rmpv` too, with the same arguments.
pub fn msgpack_packet(server: bool, limits: &Limits, message: &Bytes) {
    let mut decoder = if server {
        Decoder::server()
    } else {
        Decoder::client()
    };
    let Ok(Some(packet)) = decoder.binary(Parser::Msgpack, limits, message.clone()) else {
        return;
    };
    let mut rest = &message[..];
    let theirs = rmpv::decode::read_value(&mut rest).expect("what we read");
    assert!(rest.is_empty());
    let fields = theirs.as_map().expect("a map");
    let data = fields
        .iter()
        .rev()
        .find(|(key, _)| key.as_str() == Some("data"));
    let expected = match (&packet.body, data) {
        (Body::Event(_), Some((_, rmpv::Value::Array(list)))) => &list[1..],
        (Body::Ack { .. }, Some((_, rmpv::Value::Array(list)))) => &list[..],
        _ => return,
    };
    compare(&packet, expected);
}

fn compare(packet: &Packet, expected: &[rmpv::Value]) {
    let Some(args) = args(packet).filter(|args| is_readable(args)) else {
        return;
    };
    assert_eq!(args.len(), expected.len());
    for (ours, theirs) in args.values().iter().zip(expected) {
        if let Some(theirs) = of_rmpv(theirs) {
            assert_eq!(*ours, theirs);
        }
    }
}

/// What we make of `rmpv`'s value; `None` where an extension has a meaning of its own, or a key is none
/// that both write alike.
pub fn of_rmpv(value: &rmpv::Value) -> Option<Value> {
    Some(match value {
        rmpv::Value::Nil => Value::Null,
        rmpv::Value::Boolean(value) => (*value).into(),
        rmpv::Value::Integer(number) => number
            .as_u64()
            .map(Value::from)
            .or_else(|| number.as_i64().map(Value::from))?,
        rmpv::Value::F32(number) => f64::from(*number).into(),
        rmpv::Value::F64(number) => (*number).into(),
        rmpv::Value::String(text) => String::from_utf8_lossy(text.as_bytes()).into_owned().into(),
        rmpv::Value::Binary(bytes) => Value::Binary(bytes.clone().into()),
        rmpv::Value::Array(elements) => {
            Value::Array(elements.iter().map(of_rmpv).collect::<Option<_>>()?)
        }
        rmpv::Value::Map(fields) => fields
            .iter()
            .map(|(key, value)| {
                let rmpv::Value::String(key) = key else {
                    return None;
                };
                let key = String::from_utf8_lossy(key.as_bytes()).into_owned();
                Some((key, of_rmpv(value)?))
            })
            .collect::<Option<Value>>()?,
        rmpv::Value::Ext(0 | -1, _) => return None,
        rmpv::Value::Ext(kind, data) => Value::Array(vec![
            i32::from(*kind).into(),
            Value::Binary(data.clone().into()),
        ]),
    })
}

/// A value as `rmpv` has it.
pub fn to_rmpv(value: &Value) -> rmpv::Value {
    match value {
        Value::Null => rmpv::Value::Nil,
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(number), ..) => number.into(),
            (_, Some(number), _) => number.into(),
            (.., number) => number.unwrap_or_default().into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(elements) => elements.iter().map(to_rmpv).collect::<Vec<_>>().into(),
        Value::Object(fields) => rmpv::Value::Map(
            fields
                .iter()
                .map(|(name, value)| (name.as_str().into(), to_rmpv(value)))
                .collect(),
        ),
        Value::Binary(bytes) => rmpv::Value::Binary(bytes.to_vec()),
    }
}

/// The same value without what a receiver would take for an attachment.
pub fn without_placeholders(value: Value) -> Value {
    match value {
        Value::Array(elements) => {
            Value::Array(elements.into_iter().map(without_placeholders).collect())
        }
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(name, _)| name != "_placeholder")
            .map(|(name, value)| (name, without_placeholders(value)))
            .collect(),
        other => other,
    }
}
