//! One text packet.

/// One text packet of Engine.IO: a digit and its data.
///
/// Data behind a close, an upgrade or a noop means nothing, and is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// `0`: the server's greeting, the JSON of [`Open`](super::Open).
    Open(&'a str),
    /// `1`: the session ends.
    Close,
    /// `2`: is the other side alive? From the server; from a client only as `2probe`.
    Ping(&'a str),
    /// `3`: the answer to a ping, with the same data.
    Pong(&'a str),
    /// `4`: a message, here a Socket.IO packet.
    Message(&'a str),
    /// `5`: the client has moved to this transport.
    Upgrade,
    /// `6`: nothing, so that a waiting poll gets its answer.
    Noop,
}

/// Why a packet is none; the session ends with `parse error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// A text without even a digit.
    #[error("engine packet is empty")]
    Empty,
    /// The first character is no known type.
    #[error("engine packet has an unknown type")]
    UnknownType,
    /// What follows `b` is not base64.
    #[error("binary packet is not base64")]
    NotBase64,
}

impl DecodeError {
    /// A name that stays, for metrics and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "EMPTY_PACKET",
            Self::UnknownType => "UNKNOWN_PACKET_TYPE",
            Self::NotBase64 => "NOT_BASE64",
        }
    }
}

impl<'a> Packet<'a> {
    /// Reads one packet: the text of a WebSocket message, or one part of a polling body.
    pub fn decode(text: &'a str) -> Result<Self, DecodeError> {
        let Some(digit) = text.chars().next() else {
            return Err(DecodeError::Empty);
        };
        let data = &text[digit.len_utf8()..];
        Ok(match digit {
            '0' => Self::Open(data),
            '1' => Self::Close,
            '2' => Self::Ping(data),
            '3' => Self::Pong(data),
            '4' => Self::Message(data),
            '5' => Self::Upgrade,
            '6' => Self::Noop,
            _ => return Err(DecodeError::UnknownType),
        })
    }

    /// Writes the packet.
    pub fn encode(&self) -> String {
        let (digit, data) = match self {
            Self::Open(data) => ('0', *data),
            Self::Close => ('1', ""),
            Self::Ping(data) => ('2', *data),
            Self::Pong(data) => ('3', *data),
            Self::Message(data) => ('4', *data),
            Self::Upgrade => ('5', ""),
            Self::Noop => ('6', ""),
        };
        let mut text = String::with_capacity(1 + data.len());
        text.push(digit);
        text.push_str(data);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_is_read_and_written() {
        for (text, packet) in [
            ("0{}", Packet::Open("{}")),
            ("1", Packet::Close),
            ("2", Packet::Ping("")),
            ("2probe", Packet::Ping("probe")),
            ("3probe", Packet::Pong("probe")),
            ("42[\"e\"]", Packet::Message("2[\"e\"]")),
            ("4\u{20ac}", Packet::Message("\u{20ac}")),
            ("5", Packet::Upgrade),
            ("6", Packet::Noop),
        ] {
            assert_eq!(Packet::decode(text), Ok(packet));
            assert_eq!(packet.encode(), text);
        }
    }

    #[test]
    fn data_that_means_nothing_is_passed_over() {
        assert_eq!(Packet::decode("1bye"), Ok(Packet::Close));
        assert_eq!(Packet::decode("6x"), Ok(Packet::Noop));
    }

    #[test]
    fn what_is_no_packet_is_refused() {
        assert_eq!(Packet::decode(""), Err(DecodeError::Empty));
        for text in ["7", "a", "\u{20ac}", " 2", "-1", "bAQI="] {
            assert_eq!(
                Packet::decode(text),
                Err(DecodeError::UnknownType),
                "{text}"
            );
        }
    }
}
