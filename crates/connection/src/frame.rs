//! A message as the finished bytes of one WebSocket frame.
//!
//! A server's frames are not masked, so one encoding serves every peer: a broadcast encodes once and
//! each recipient's outbox holds a reference. [`Frame::clone`] is one atomic increment.
//!
//! Wire format: RFC 6455 §5.2.

use std::{fmt, sync::Arc};

use serde::Serialize;

use crate::{
    disconnect::Disconnect,
    run::{ALONE, Place, Run},
};

/// What a [`Frame`] carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FrameKind {
    /// UTF-8 text.
    Text,
    /// Bytes.
    Binary,
    /// The end of the connection, with code and reason.
    Close,
    /// A question whether the peer is alive.
    Ping,
    /// The answer to a ping.
    Pong,
}

impl FrameKind {
    /// The kind of an encoded frame.
    pub(crate) fn of(encoded: &[u8]) -> Self {
        match encoded[0] & 0x0F {
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            _ => Self::Pong,
        }
    }

    const fn opcode(self) -> u8 {
        match self {
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xA,
        }
    }
}

/// A value that could not be written as JSON.
#[derive(Debug, thiserror::Error)]
#[error("value cannot be written as JSON")]
pub struct EncodeError(#[from] serde_json::Error);

/// The bytes of one finished, unmasked WebSocket frame; cheap to clone.
///
/// ```
/// # use switchboard_connection::Frame;
/// let frame = Frame::text("tick");
/// assert_eq!(frame.as_bytes(), b"\x81\x04tick");
/// assert_eq!(frame.payload(), b"tick");
/// ```
#[derive(Clone)]
pub struct Frame {
    bytes: Encoded,
    /// Set while the frame is broadcast together with others.
    run: Option<Arc<Run>>,
    /// Its number in the run, or [`ALONE`].
    number: u64,
}

/// The finished bytes.
pub(crate) type Encoded = Arc<[u8]>;

impl Frame {
    /// A text message.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::new(FrameKind::Text, text.as_ref().as_bytes())
    }

    /// A binary message.
    pub fn binary(payload: impl AsRef<[u8]>) -> Self {
        Self::new(FrameKind::Binary, payload.as_ref())
    }

    /// A text message that holds `value` as JSON.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, EncodeError> {
        Ok(Self::text(serde_json::to_string(value)?))
    }

    /// The text message `{"message", "code", "reason"}` that tells a peer why it will be closed.
    pub fn error(message: &str, disconnect: &Disconnect) -> Self {
        #[derive(Serialize)]
        struct Body<'a> {
            message: &'a str,
            code: u16,
            reason: &'a str,
        }
        let body = Body {
            message,
            code: disconnect.code(),
            reason: disconnect.reason(),
        };
        // Two texts and a number are always JSON.
        Self::text(serde_json::to_string(&body).unwrap_or_default())
    }

    /// A ping; at most 125 bytes of `payload` are kept.
    pub fn ping(payload: &[u8]) -> Self {
        Self::new(FrameKind::Ping, &payload[..payload.len().min(125)])
    }

    /// A pong; at most 125 bytes of `payload` are kept.
    pub fn pong(payload: &[u8]) -> Self {
        Self::new(FrameKind::Pong, &payload[..payload.len().min(125)])
    }

    /// The close frame of `disconnect`. One that has no code on the wire (1005, 1006) is empty.
    pub(crate) fn close(disconnect: &Disconnect) -> Self {
        if !disconnect.is_sendable() {
            return Self::new(FrameKind::Close, &[]);
        }
        let reason = disconnect.reason().as_bytes();
        let mut payload = Vec::with_capacity(2 + reason.len());
        payload.extend_from_slice(&disconnect.code().to_be_bytes());
        payload.extend_from_slice(reason);
        Self::new(FrameKind::Close, &payload)
    }

    /// Several messages that nothing may come between: a text and the attachments it announces.
    ///
    /// They are queued, counted, dropped and written as one frame. [`kind`](Self::kind),
    /// [`payload`](Self::payload) and [`as_text`](Self::as_text) tell of the first;
    /// [`messages`](Self::messages) walks through all. `None` when there is no message.
    ///
    /// ```
    /// # use switchboard_connection::{Frame, FrameKind};
    /// let event = Frame::batch([Frame::text("451-[…]"), Frame::binary([1, 2, 3])]).unwrap();
    /// let kinds: Vec<_> = event.messages().map(|(kind, _)| kind).collect();
    /// assert_eq!(kinds, [FrameKind::Text, FrameKind::Binary]);
    /// ```
    pub fn batch(frames: impl IntoIterator<Item = Frame>) -> Option<Self> {
        let mut frames = frames.into_iter();
        let first = frames.next()?;
        let Some(second) = frames.next() else {
            return Some(first);
        };
        let mut bytes = [first.as_bytes(), second.as_bytes()].concat();
        for frame in frames {
            bytes.extend_from_slice(frame.as_bytes());
        }
        Some(Self::finished(bytes))
    }

    fn new(kind: FrameKind, payload: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(payload.len() + 10);
        bytes.push(0x80 | kind.opcode());
        match payload.len() {
            len @ 0..=125 => bytes.push(u8::try_from(len).unwrap_or_default()),
            len @ 126..=0xFFFF => {
                bytes.push(126);
                bytes.extend_from_slice(&u16::try_from(len).unwrap_or_default().to_be_bytes());
            }
            len => {
                bytes.push(127);
                bytes.extend_from_slice(&(len as u64).to_be_bytes());
            }
        }
        bytes.extend_from_slice(payload);
        Self::finished(bytes)
    }

    fn finished(bytes: Vec<u8>) -> Self {
        Self {
            bytes: bytes.into(),
            run: None,
            number: ALONE,
        }
    }

    /// What the frame carries.
    pub fn kind(&self) -> FrameKind {
        FrameKind::of(&self.bytes)
    }

    /// The bytes as they go to a peer: header and payload.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The payload without the header.
    pub fn payload(&self) -> &[u8] {
        let (begin, end) = extent(&self.bytes);
        &self.bytes[begin..end]
    }

    /// Kind and payload of each message: one, unless this is a [`batch`](Self::batch).
    pub fn messages(&self) -> impl Iterator<Item = (FrameKind, &[u8])> {
        let mut rest = &self.bytes[..];
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let (begin, end) = extent(rest);
            let message = (FrameKind::of(rest), &rest[begin..end]);
            rest = &rest[end..];
            Some(message)
        })
    }

    /// The payload as text; `None` unless this is a text frame.
    pub fn as_text(&self) -> Option<&str> {
        match self.kind() {
            FrameKind::Text => std::str::from_utf8(self.payload()).ok(),
            _ => None,
        }
    }

    /// How many bytes the frame takes on the wire and in an outbox.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a frame has a header, so it is never empty"
    )]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// A masked copy, as a client must send it (RFC 6455 §5.3).
    pub(crate) fn masked(&self, mask: [u8; 4]) -> Self {
        let mut bytes = Vec::with_capacity(self.len() + 4);
        let mut rest = &self.bytes[..];
        while !rest.is_empty() {
            let (begin, end) = extent(rest);
            let header = bytes.len();
            bytes.extend_from_slice(&rest[..begin]);
            bytes[header + 1] |= 0x80;
            bytes.extend_from_slice(&mask);
            let payload = bytes.len();
            bytes.extend_from_slice(&rest[begin..end]);
            crate::mask::apply(&mut bytes[payload..], mask, 0);
            rest = &rest[end..];
        }
        Self::finished(bytes)
    }

    pub(crate) fn encoded(&self) -> &Encoded {
        &self.bytes
    }

    /// The run it is in, if any.
    #[inline]
    pub(crate) fn run(&self) -> Option<&Arc<Run>> {
        self.run.as_ref()
    }

    #[inline]
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn at(self, place: Place) -> Self {
        Self {
            run: Some(place.run),
            number: place.number,
            ..self
        }
    }
}

/// Where the payload of the first message in `bytes` begins and ends. Frames are our own, so they are
/// whole and not masked.
fn extent(bytes: &[u8]) -> (usize, usize) {
    let number = |range: std::ops::Range<usize>| {
        let digits = bytes[range].iter();
        digits.fold(0, |number, byte| number << 8 | usize::from(*byte))
    };
    let (begin, len) = match bytes[1] & 0x7F {
        126 => (4, number(2..4)),
        127 => (10, number(2..10)),
        len => (2, usize::from(len)),
    };
    (begin, begin + len)
}

impl PartialEq for Frame {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Frame {}

impl fmt::Debug for Frame {
    /// Kind and length only: payloads do not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("kind", &self.kind())
            .field("len", &self.len())
            .finish()
    }
}

impl From<&str> for Frame {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Frame {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<&[u8]> for Frame {
    fn from(payload: &[u8]) -> Self {
        Self::binary(payload)
    }
}

impl From<Vec<u8>> for Frame {
    fn from(payload: Vec<u8>) -> Self {
        Self::binary(payload)
    }
}

impl From<bytes::Bytes> for Frame {
    fn from(payload: bytes::Bytes) -> Self {
        Self::binary(payload)
    }
}

impl From<&Frame> for Frame {
    fn from(frame: &Frame) -> Self {
        frame.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_grows_with_the_payload() {
        for (len, header) in [
            (0, 2),
            (1, 2),
            (125, 2),
            (126, 4),
            (0xFFFF, 4),
            (0x1_0000, 10),
            (1_000_000, 10),
        ] {
            let frame = Frame::binary(vec![7; len]);
            assert_eq!(frame.len(), header + len);
            assert_eq!(frame.payload().len(), len);
            assert_eq!(frame.kind(), FrameKind::Binary);
        }
    }

    #[test]
    fn a_batch_is_several_messages_in_one_piece() {
        for len in [0, 125, 126, 0xFFFF, 0x1_0000] {
            let frames = [
                Frame::text("451-"),
                Frame::binary(vec![7; len]),
                Frame::binary([]),
            ];
            let batch = Frame::batch(frames.clone()).unwrap();
            assert_eq!(
                batch.as_bytes(),
                frames.each_ref().map(Frame::as_bytes).concat()
            );
            assert_eq!(batch.as_text(), Some("451-"));
            let messages: Vec<_> = batch.messages().collect();
            let expected: Vec<_> = frames.iter().map(|f| (f.kind(), f.payload())).collect();
            assert_eq!(messages, expected);
            let masked = frames.map(|frame| frame.masked([1, 2, 3, 4]));
            assert_eq!(batch.masked([1, 2, 3, 4]), Frame::batch(masked).unwrap());
        }
        assert_eq!(Frame::batch([]), None);
    }

    #[test]
    fn a_control_frame_keeps_at_most_125_bytes() {
        assert_eq!(Frame::ping(&[1; 300]).payload().len(), 125);
    }

    #[test]
    fn a_close_frame_carries_code_and_reason() {
        let frame = Frame::close(&Disconnect::new(1000, "bye"));
        assert_eq!(frame.as_bytes(), b"\x88\x05\x03\xe8bye");
    }

    #[test]
    fn c6_an_error_wraps_message_code_and_reason() {
        let frame = Frame::error("nope", &Disconnect::new(4001, "no token"));
        assert_eq!(
            frame.as_text(),
            Some(r#"{"message":"nope","code":4001,"reason":"no token"}"#)
        );
    }
}
