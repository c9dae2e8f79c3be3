//! Reads the text of a packet.

use bytes::{Buf, Bytes};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::{split, text};
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
    let raw = list(&text)?.ok_or(DecodeError::InvalidEventName)?;
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
    list(&text)?;
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

/// Checks that `text` is a list and nothing else, and finds its first element. Nesting is no matter here:
/// elements are passed over without recursion.
fn list(text: &[u8]) -> Result<Option<&[u8]>, DecodeError> {
    let mut rest = skip_space(text)
        .strip_prefix(b"[")
        .ok_or(DecodeError::InvalidPayload)?;
    rest = skip_space(rest);
    let mut first = None;
    if let [b']', end @ ..] = rest {
        rest = end;
    } else {
        loop {
            let (element, left) = rest.split_at(element(rest)?);
            first.get_or_insert(element);
            match skip_space(left) {
                [b',', next @ ..] => rest = skip_space(next),
                [b']', end @ ..] => {
                    rest = end;
                    break;
                }
                _ => return Err(DecodeError::InvalidPayload),
            }
        }
    }
    if skip_space(rest).is_empty() {
        Ok(first)
    } else {
        Err(DecodeError::InvalidPayload)
    }
}

/// The length of the element that `rest` begins with. A plain string is known at a glance; the rest is for
/// `serde_json` to judge.
fn element(rest: &[u8]) -> Result<usize, DecodeError> {
    if let Some(len) = text::plain_len(rest) {
        return Ok(len);
    }
    let mut json = serde_json::Deserializer::from_slice(rest).into_iter::<IgnoredAny>();
    match json.next() {
        Some(Ok(IgnoredAny)) => Ok(json.byte_offset()),
        _ => Err(DecodeError::InvalidPayload),
    }
}

fn skip_space(text: &[u8]) -> &[u8] {
    let space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    match text.first() {
        Some(byte) if space(byte) => {
            let spaces = text.iter().take_while(|byte| space(byte)).count();
            &text[spaces..]
        }
        _ => text,
    }
}

/// A string that is not reserved, or a number.
fn event_name(raw: &[u8]) -> Result<EventName, DecodeError> {
    if raw.first() == Some(&b'"') {
        let name = match text::plain_string(raw) {
            Some(name) => EventName::new(name),
            None => EventName::from(
                serde_json::from_slice::<String>(raw).map_err(|_| DecodeError::InvalidEventName)?,
            ),
        };
        return if EventName::is_reserved(&name) {
            Err(DecodeError::ReservedName)
        } else {
            Ok(name)
        };
    }
    match (raw.first(), str::from_utf8(raw)) {
        (Some(b'-' | b'0'..=b'9'), Ok(raw)) => Ok(raw
            .parse()
            .map_or_else(|_| EventName::new(raw), EventName::of_number)),
        _ => Err(DecodeError::InvalidEventName),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same_as_serde_json(text: &str) {
        let ours = list(text.as_bytes());
        let theirs = serde_json::from_str::<Vec<&RawValue>>(text);
        assert_eq!(ours.is_ok(), theirs.is_ok(), "{text:?}");
        if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
            let theirs = theirs.first().map(|first| first.get().as_bytes());
            assert_eq!(ours, theirs, "{text:?}");
        }
    }

    #[test]
    fn lists_are_what_serde_json_says() {
        for text in [
            "[]",
            " [ ] ",
            "[",
            "]",
            "",
            "[,]",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[1]2",
            "[1]]",
            "{}",
            "[\"a\"\"b\"]",
            "[\"a\" , \"b\"]",
            "[\"\\u0000\"]",
            "[\"\\x\"]",
            "[\"\u{1}\"]",
            "[\"a]",
            "[tru]",
            "[true,nul]",
            "[01]",
            "[-]",
            "[1e5,{\"a\":[1,\"]\"]}]",
            "[{\"a\":1,}]",
            "[\"\u{7f}é\"]",
            "\u{feff}[]",
        ] {
            same_as_serde_json(text);
        }
    }

    proptest! {
        #[test]
        fn any_list_is_what_serde_json_says(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "[", "]", "{", "}", ",", ":", " ", "\"", "\"a\"", "\"\\\"\"", "\\", "1", "-0.5e3", "0",
                    "true", "null", "x", "\n", "\u{1}", "é",
                ]),
                0..12,
            ),
        ) {
            same_as_serde_json(&parts.concat());
            same_as_serde_json(&format!("[{}]", parts.concat()));
        }
    }
}
