//! Bytes from a peer to messages, without I/O.
//!
//! Memory grows with the bytes that arrived, never with the length that a header claims; an idle
//! decoder owns nothing. Wire format: RFC 6455 §5.

use crate::{
    config::ConnectionConfig,
    disconnect::Disconnect,
    mask,
    websocket::{event::WebSocketError, utf8::Utf8Check},
};

/// Which side of the connection reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// We accepted: the peer masks its frames, we do not.
    Server,
    /// We dialled: we mask, the peer does not.
    Client,
}

/// What the decoder found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// The peer closes; `NO_STATUS` when it gave no code.
    Close(Disconnect),
}

/// Limits on what a peer may send.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    message: usize,
    frame: usize,
    fragments: usize,
}

impl From<&ConnectionConfig> for Limits {
    fn from(config: &ConnectionConfig) -> Self {
        Self {
            message: config.max_message_size,
            frame: config.max_frame_size,
            fragments: config.max_fragments,
        }
    }
}

/// The state between two reads.
#[derive(Debug)]
pub(super) struct Decoder {
    role: Role,
    /// Present while a frame or a fragmented message is incomplete.
    partial: Option<Box<Partial>>,
}

#[derive(Debug, Default)]
struct Partial {
    message: Option<Message>,
    frame: Option<Unfinished>,
}

/// A data message whose last frame has not ended.
#[derive(Debug)]
struct Message {
    text: bool,
    payload: Vec<u8>,
    fragments: usize,
    utf8: Utf8Check,
}

/// A frame whose payload has not wholly arrived.
#[derive(Debug)]
struct Unfinished {
    header: Header,
    /// Payload bytes that arrived.
    arrived: usize,
    /// The payload, for control frames; that of data frames goes to the message at once.
    control: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Header {
    fin: bool,
    opcode: Opcode,
    mask: Option<[u8; 4]>,
    len: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

impl Decoder {
    pub(super) fn new(role: Role) -> Self {
        Self {
            role,
            partial: None,
        }
    }

    /// Whether the peer is in the middle of a frame or a fragmented message.
    #[cfg(test)]
    pub(super) fn is_midway(&self) -> bool {
        self.partial.is_some()
    }

    /// Takes bytes from the front of `input` and says how many, and what they completed.
    ///
    /// With `None` all that can be used was used: what is left, at most a header's 13 bytes, must be
    /// offered again together with what arrives next. After an error the decoder must not be used.
    pub(super) fn decode(
        &mut self,
        input: &[u8],
        limits: Limits,
    ) -> Result<(usize, Option<Item>), WebSocketError> {
        let mut used = 0;
        loop {
            let begun = self
                .partial
                .as_mut()
                .and_then(|partial| partial.frame.take());
            let mut frame = match begun {
                Some(frame) => frame,
                None => match self.begin_frame(&input[used..], limits)? {
                    None => return Ok((used, None)),
                    Some((header_len, header)) => {
                        used += header_len;
                        if let Some((len, item)) = self.whole_message(header, &input[used..])? {
                            return Ok((used + len, Some(item)));
                        }
                        Unfinished {
                            header,
                            arrived: 0,
                            control: Vec::new(),
                        }
                    }
                },
            };
            let rest = &input[used..];
            let piece = &rest[..rest.len().min(frame.header.len - frame.arrived)];
            used += piece.len();
            self.take_piece(&mut frame, piece)?;
            if frame.arrived < frame.header.len {
                self.partial.get_or_insert_default().frame = Some(frame);
                return Ok((used, None));
            }
            if let Some(item) = self.end_frame(frame)? {
                return Ok((used, Some(item)));
            }
        }
    }

    /// Reads a header and checks everything that can be known from it.
    fn begin_frame(
        &self,
        input: &[u8],
        limits: Limits,
    ) -> Result<Option<(usize, Header)>, WebSocketError> {
        let [first, second, rest @ ..] = input else {
            return Ok(None);
        };
        let opcode = match first & 0x0F {
            0x0 => Opcode::Continuation,
            0x1 => Opcode::Text,
            0x2 => Opcode::Binary,
            0x8 => Opcode::Close,
            0x9 => Opcode::Ping,
            0xA => Opcode::Pong,
            _ => return Err(WebSocketError::Protocol("unknown opcode")),
        };
        let fin = first & 0x80 != 0;
        if first & 0x70 != 0 {
            return Err(WebSocketError::Protocol("reserved bit set"));
        }
        let masked = second & 0x80 != 0;
        match (self.role, masked) {
            (Role::Server, false) => return Err(WebSocketError::Protocol("frame is not masked")),
            (Role::Client, true) => return Err(WebSocketError::Protocol("frame is masked")),
            _ => {}
        }
        let short = second & 0x7F;
        if opcode.is_control() && (short > 125 || !fin) {
            return Err(WebSocketError::Protocol(
                "control frame is fragmented or too long",
            ));
        }
        let (len, len_size) = match (short, rest.split_first_chunk(), rest.split_first_chunk()) {
            (126, Some((len, _)), _) => (u64::from(u16::from_be_bytes(*len)), 2),
            (127, _, Some((len, _))) => (u64::from_be_bytes(*len), 8),
            (126 | 127, ..) => return Ok(None),
            (short, ..) => (u64::from(short), 0),
        };
        let message = self
            .partial
            .as_ref()
            .and_then(|partial| partial.message.as_ref());
        let before = if opcode.is_control() {
            0
        } else {
            self.check_sequence(opcode, message, limits)?;
            message.map_or(0, |message| message.payload.len())
        };
        if len >> 63 != 0 {
            return Err(WebSocketError::Protocol("length has its highest bit set"));
        }
        let len = match usize::try_from(len) {
            Ok(len) if len > limits.frame => {
                return Err(WebSocketError::TooLarge {
                    limit: limits.frame,
                });
            }
            Ok(len) if len <= limits.message.saturating_sub(before) => len,
            _ => {
                return Err(WebSocketError::TooLarge {
                    limit: limits.message,
                });
            }
        };
        let mask = match (masked, &rest[len_size..]) {
            (false, _) => None,
            (true, [a, b, c, d, ..]) => Some([*a, *b, *c, *d]),
            (true, _) => return Ok(None),
        };
        let header_len = 2 + len_size + if masked { 4 } else { 0 };
        Ok(Some((
            header_len,
            Header {
                fin,
                opcode,
                mask,
                len,
            },
        )))
    }

    #[expect(
        clippy::unused_self,
        reason = "reads as one of the checks of the decoder"
    )]
    fn check_sequence(
        &self,
        opcode: Opcode,
        message: Option<&Message>,
        limits: Limits,
    ) -> Result<(), WebSocketError> {
        match (opcode, message) {
            (Opcode::Continuation, None) => {
                Err(WebSocketError::Protocol("continuation of no message"))
            }
            (Opcode::Text | Opcode::Binary, Some(_)) => {
                Err(WebSocketError::Protocol("message begun inside another"))
            }
            (_, Some(message)) if message.fragments >= limits.fragments => {
                Err(WebSocketError::TooManyFragments {
                    limit: limits.fragments,
                })
            }
            _ => Ok(()),
        }
    }

    /// The common case: a message or control frame that lies wholly in the input.
    #[expect(clippy::unused_self, reason = "a step of decode")]
    fn whole_message(
        &self,
        header: Header,
        input: &[u8],
    ) -> Result<Option<(usize, Item)>, WebSocketError> {
        if !header.fin || header.opcode == Opcode::Continuation || input.len() < header.len {
            return Ok(None);
        }
        let mut payload = input[..header.len].to_vec();
        if let Some(mask) = header.mask {
            mask::apply(&mut payload, mask, 0);
        }
        let item = match header.opcode {
            Opcode::Text => {
                Item::Text(String::from_utf8(payload).map_err(|_| WebSocketError::NotUtf8)?)
            }
            Opcode::Binary | Opcode::Continuation => Item::Binary(payload),
            opcode => control_item(opcode, payload)?,
        };
        Ok(Some((header.len, item)))
    }

    /// Takes the next bytes of `frame`'s payload.
    fn take_piece(&mut self, frame: &mut Unfinished, piece: &[u8]) -> Result<(), WebSocketError> {
        let Header { opcode, mask, .. } = frame.header;
        let (target, utf8) = if opcode.is_control() {
            (&mut frame.control, None)
        } else {
            let partial = self.partial.get_or_insert_default();
            let message = partial.message.get_or_insert_with(|| Message {
                text: opcode == Opcode::Text,
                payload: Vec::new(),
                fragments: 0,
                utf8: Utf8Check::default(),
            });
            if frame.arrived == 0 && (!piece.is_empty() || frame.header.len == 0) {
                message.fragments += 1;
            }
            (
                &mut message.payload,
                message.text.then_some(&mut message.utf8),
            )
        };
        let begin = target.len();
        target.extend_from_slice(piece);
        if let Some(mask) = mask {
            mask::apply(&mut target[begin..], mask, frame.arrived);
        }
        if let Some(utf8) = utf8 {
            utf8.feed(&target[begin..])
                .map_err(|_| WebSocketError::NotUtf8)?;
        }
        frame.arrived += piece.len();
        Ok(())
    }

    /// Ends a frame that has wholly arrived.
    fn end_frame(&mut self, frame: Unfinished) -> Result<Option<Item>, WebSocketError> {
        if frame.header.opcode.is_control() {
            if self
                .partial
                .as_ref()
                .is_some_and(|partial| partial.message.is_none())
            {
                self.partial = None;
            }
            return control_item(frame.header.opcode, frame.control).map(Some);
        }
        if !frame.header.fin {
            return Ok(None);
        }
        let Some(message) = self.partial.take().and_then(|partial| partial.message) else {
            return Ok(None);
        };
        if !message.text {
            return Ok(Some(Item::Binary(message.payload)));
        }
        if !message.utf8.is_complete() {
            return Err(WebSocketError::NotUtf8);
        }
        let text = String::from_utf8(message.payload).map_err(|_| WebSocketError::NotUtf8)?;
        Ok(Some(Item::Text(text)))
    }
}

fn control_item(opcode: Opcode, payload: Vec<u8>) -> Result<Item, WebSocketError> {
    match opcode {
        Opcode::Ping => Ok(Item::Ping(payload)),
        Opcode::Close => close_item(&payload),
        _ => Ok(Item::Pong(payload)),
    }
}

fn close_item(payload: &[u8]) -> Result<Item, WebSocketError> {
    let (code, reason) = match payload {
        [] => return Ok(Item::Close(Disconnect::NO_STATUS)),
        [_] => return Err(WebSocketError::Protocol("close code is one byte")),
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
    };
    let reason = std::str::from_utf8(reason).map_err(|_| WebSocketError::NotUtf8)?;
    let disconnect = Disconnect::new(code, reason.to_owned());
    if disconnect.is_sendable() {
        Ok(Item::Close(disconnect))
    } else {
        Err(WebSocketError::Protocol("close code may not be sent"))
    }
}

/// Runs arbitrary bytes through a decoder in pieces of the given sizes; for fuzzing.
///
/// Nothing may panic, and memory may not grow beyond the limits.
#[doc(hidden)]
pub fn fuzz_decoder(input: &[u8], server: bool, piece: usize) {
    let limits = Limits {
        message: 4_096,
        frame: 2_048,
        fragments: 8,
    };
    let mut decoder = Decoder::new(if server { Role::Server } else { Role::Client });
    let mut waiting = Vec::new();
    for piece in input.chunks(piece.max(1)) {
        waiting.extend_from_slice(piece);
        loop {
            match decoder.decode(&waiting, limits) {
                Err(_) => return,
                Ok((used, item)) => {
                    waiting.drain(..used);
                    match item {
                        None => break,
                        Some(Item::Text(text)) => assert!(text.len() <= limits.message),
                        Some(Item::Binary(payload)) => assert!(payload.len() <= limits.message),
                        Some(Item::Ping(payload) | Item::Pong(payload)) => {
                            assert!(payload.len() <= 125);
                        }
                        Some(Item::Close(disconnect)) => assert!(disconnect.reason().len() <= 123),
                    }
                }
            }
        }
        assert!(waiting.len() < 14, "a decoder leaves less than one header");
    }
}

#[cfg(test)]
mod tests;
