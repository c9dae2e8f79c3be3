//! The body of a polling request: packets joined by `0x1e`.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::packet::{DecodeError, Packet};

/// Between two packets of a body. JSON writes it as an escape, so no Socket.IO packet holds it.
const SEPARATOR: char = '\u{1e}';

/// Written with padding, read with or without, as Node does.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One packet of a polling body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// A text packet.
    Packet(Packet<'a>),
    /// A binary message, decoded.
    Binary(Vec<u8>),
}

impl<'a> Part<'a> {
    /// Reads one part of a body: a packet, or `b` and base64.
    ///
    /// The reference accepts the binary form in the text of a WebSocket message as well.
    ///
    /// ```
    /// use switchboard_wire::engine::{Packet, Part};
    ///
    /// assert_eq!(Part::decode("bAQI="), Ok(Part::Binary(vec![1, 2])));
    /// assert_eq!(Part::decode("3"), Ok(Part::Packet(Packet::Pong(""))));
    /// ```
    pub fn decode(text: &'a str) -> Result<Self, DecodeError> {
        match text.strip_prefix('b') {
            None => Packet::decode(text).map(Self::Packet),
            Some(encoded) => match BASE64.decode(encoded) {
                Ok(payload) => Ok(Self::Binary(payload)),
                Err(_) => Err(DecodeError::NotBase64),
            },
        }
    }
}

/// Reads a polling body, packet by packet, up to the first that is none.
///
/// An empty body is one packet without a digit, and refused like it.
pub fn decode_payload(body: &str) -> impl Iterator<Item = Result<Part<'_>, DecodeError>> {
    let mut failed = false;
    body.split(SEPARATOR).map_while(move |packet| {
        if failed {
            return None;
        }
        let part = Part::decode(packet);
        failed = part.is_err();
        Some(part)
    })
}

/// Appends a text packet, which has its digit already, to a polling body.
pub fn push_text(body: &mut String, packet_text: &str) {
    separate(body);
    body.push_str(packet_text);
}

/// Appends a binary message to a polling body.
pub fn push_binary(body: &mut String, payload: &[u8]) {
    separate(body);
    body.push('b');
    BASE64.encode_string(payload, body);
}

fn separate(body: &mut String) {
    if !body.is_empty() {
        body.push(SEPARATOR);
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn all(body: &str) -> Vec<Result<Part<'_>, DecodeError>> {
        decode_payload(body).collect()
    }

    #[test]
    fn a_body_of_node_is_read() {
        // engine.io-parser 5.2.3: encodePayload of a message, a buffer, a ping.
        let parts = all("4hello\u{1e}bAQIDBA==\u{1e}2");
        let expected = [
            Ok(Part::Packet(Packet::Message("hello"))),
            Ok(Part::Binary(vec![1, 2, 3, 4])),
            Ok(Part::Packet(Packet::Ping(""))),
        ];
        assert_eq!(parts, expected);
    }

    #[test]
    fn base64_needs_no_padding() {
        assert_eq!(all("bAQIDBA"), [Ok(Part::Binary(vec![1, 2, 3, 4]))]);
        assert_eq!(all("b"), [Ok(Part::Binary(vec![]))]);
    }

    #[test]
    fn reading_ends_at_the_first_error() {
        assert_eq!(all(""), [Err(DecodeError::Empty)]);
        assert_eq!(all("b*"), [Err(DecodeError::NotBase64)]);
        let parts = all("4a\u{1e}\u{1e}4b");
        let expected = [
            Ok(Part::Packet(Packet::Message("a"))),
            Err(DecodeError::Empty),
        ];
        assert_eq!(parts, expected);
        assert_eq!(all("abc"), [Err(DecodeError::UnknownType)]);
    }

    proptest! {
        #[test]
        fn what_is_pushed_is_read(parts in vec(
            prop_oneof!["[^\u{1e}]{0,20}".prop_map(Ok), vec(any::<u8>(), 0..40).prop_map(Err)],
            1..20,
        )) {
            let mut body = String::new();
            for part in &parts {
                match part {
                    Ok(text) => push_text(&mut body, &Packet::Message(text).encode()),
                    Err(payload) => push_binary(&mut body, payload),
                }
            }
            let expected: Vec<_> = parts.iter().map(|part| Ok(match part {
                Ok(text) => Part::Packet(Packet::Message(text)),
                Err(payload) => Part::Binary(payload.clone()),
            })).collect();
            prop_assert_eq!(all(&body), expected);
        }

        #[test]
        fn no_body_panics(body in any::<String>()) {
            prop_assert!(decode_payload(&body).count() > 0);
        }
    }
}
