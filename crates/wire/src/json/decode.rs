//! Reads the text of a packet.

use std::fmt;

use bytes::{Buf, Bytes};
use serde::{
    Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::split;
use crate::{
    EventName, Name,
    decode::{DecodeError, Limits},
};

/// What one text says; attachments, if any, are still to come.
pub(crate) struct TextPacket {
    pub(crate) kind: u8,
    pub(crate) attachments: usize,
    pub(crate) namespace: Name,
    pub(crate) id: Option<u64>,
    pub(crate) payload: Payload,
}

/// What stands behind the id.
pub(crate) enum Payload {
    None,
    Object(Bytes),
    /// An event's name, and the rest of its list.
    Event(EventName, Arguments),
    /// An ack's list.
    Ack(Arguments),
}

/// A list of arguments, from behind its bracket or behind the event's name.
pub(crate) struct Arguments {
    pub(crate) rest: Bytes,
    pub(crate) too_deep: bool,
}

pub(crate) fn decode(limits: &Limits, mut text: Bytes) -> Result<TextPacket, DecodeError> {
    let kind = match text.first() {
        Some(digit @ b'0'..=b'6') => digit - b'0',
        _ => return Err(DecodeError::UnknownType),
    };
    text.advance(1);
    let attachments = match kind {
        5 | 6 => attachments(limits, &mut text)?,
        _ => 0,
    };
    let namespace = namespace(&mut text)?;
    let id = id(&mut text);
    // A binary packet is an event or ack like others.
    let kind = if kind > 4 { kind - 3 } else { kind };
    let payload = match (kind, text.is_empty()) {
        (_, true) => Payload::None,
        (0 | 4, _) => object(kind, text)?,
        (2, _) => event(limits, text)?,
        (3, _) => ack(limits, text)?,
        _ => return Err(DecodeError::InvalidPayload),
    };
    Ok(TextPacket {
        kind,
        attachments,
        namespace,
        id,
        payload,
    })
}

fn attachments(limits: &Limits, text: &mut Bytes) -> Result<usize, DecodeError> {
    let digits = digits(text);
    if text.get(digits) != Some(&b'-') {
        return Err(DecodeError::InvalidAttachmentCount);
    }
    let count = number(&text[..digits]).ok_or(DecodeError::TooManyAttachments);
    text.advance(digits + 1);
    match count.map(usize::try_from)? {
        _ if digits == 0 => Err(DecodeError::InvalidAttachmentCount),
        Ok(0) => Err(DecodeError::InvalidAttachmentCount),
        Ok(count) if count <= limits.max_attachments => Ok(count),
        _ => Err(DecodeError::TooManyAttachments),
    }
}

fn namespace(text: &mut Bytes) -> Result<Name, DecodeError> {
    if text.first() != Some(&b'/') {
        return Ok(Name::ROOT);
    }
    let end = text
        .iter()
        .position(|byte| *byte == b',')
        .unwrap_or(text.len());
    let name = str::from_utf8(&text[..end]).map_err(|_| DecodeError::InvalidNamespace)?;
    let name = Name::new(name);
    // Behind the comma, which may be missing at the end.
    text.advance(text.len().min(end + 1));
    Ok(name)
}

/// A number that does not fit is like none.
fn id(text: &mut Bytes) -> Option<u64> {
    let digits = digits(text);
    let id = if digits == 0 {
        None
    } else {
        number(&text[..digits])
    };
    text.advance(digits);
    id
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |number, digit| {
        number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    })
}

/// `{…}`; a refusal may also be a plain string, as from servers of old.
fn object(kind: u8, text: Bytes) -> Result<Payload, DecodeError> {
    let raw: &RawValue = serde_json::from_slice(&text).map_err(|_| DecodeError::InvalidPayload)?;
    match raw.get().as_bytes().first() {
        Some(b'{') => Ok(Payload::Object(text)),
        Some(b'"') if kind == 4 => Ok(Payload::Object(text)),
        _ => Err(DecodeError::InvalidPayload),
    }
}

fn event(limits: &Limits, mut text: Bytes) -> Result<Payload, DecodeError> {
    let raw = list(&text, Walk { first: true })?.ok_or(DecodeError::InvalidEventName)?;
    let name = event_name(raw)?;
    let behind = raw.as_ptr().addr() - text.as_ptr().addr() + raw.len();
    let too_deep = too_deep(limits, &text);
    text.advance(behind);
    Ok(Payload::Event(
        name,
        Arguments {
            rest: text,
            too_deep,
        },
    ))
}

fn ack(limits: &Limits, mut text: Bytes) -> Result<Payload, DecodeError> {
    list(&text, Walk { first: false })?;
    let too_deep = too_deep(limits, &text);
    let bracket = text.iter().position(|byte| *byte == b'[').unwrap_or(0);
    text.advance(bracket + 1);
    Ok(Payload::Ack(Arguments {
        rest: text,
        too_deep,
    }))
}

/// Each level takes two bytes, so most texts are too short to look at.
fn too_deep(limits: &Limits, text: &[u8]) -> bool {
    let max = limits.depth();
    text.len() / 2 > max && split::depth(text) > max
}

/// Checks that `text` is a list and nothing else, and finds its first element if asked to. Nesting is
/// no matter here: elements are passed over without recursion.
fn list(text: &[u8], walk: Walk) -> Result<Option<&str>, DecodeError> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let first = json
        .deserialize_seq(walk)
        .map_err(|_| DecodeError::InvalidPayload)?;
    json.end().map_err(|_| DecodeError::InvalidPayload)?;
    Ok(first.map(RawValue::get))
}

struct Walk {
    first: bool,
}

impl<'de> Visitor<'de> for Walk {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let first = if self.first {
            elements.next_element::<&RawValue>()?
        } else {
            None
        };
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(first)
    }
}

/// A string that is not reserved, or a number.
fn event_name(raw: &str) -> Result<EventName, DecodeError> {
    let bytes = raw.as_bytes();
    if let [b'"', name @ .., b'"'] = bytes {
        let name = if name.contains(&b'\\') {
            EventName::from(
                serde_json::from_str::<String>(raw).map_err(|_| DecodeError::InvalidEventName)?,
            )
        } else {
            EventName::new(&raw[1..raw.len() - 1])
        };
        return if EventName::is_reserved(&name) {
            Err(DecodeError::ReservedName)
        } else {
            Ok(name)
        };
    }
    match bytes.first() {
        Some(b'-' | b'0'..=b'9') => Ok(raw
            .parse()
            .map_or_else(|_| EventName::new(raw), EventName::of_number)),
        _ => Err(DecodeError::InvalidEventName),
    }
}
