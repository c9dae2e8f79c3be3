//! How the contract's messages look in each mode: plain texts, or Socket.IO packets.
//!
//! A message of P bytes is a frame whose payload has exactly P bytes, whatever of it is packaging: so
//! all modes move the same number of bytes.

mod json;
mod msgpack;
mod raw;

use clap::ValueEnum;

use super::wire;

/// The protocol spoken between client and server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Dialect {
    /// Plain WebSocket text frames.
    Raw,
    /// Socket.IO, packets as JSON.
    #[value(name = "sio")]
    Json,
    /// Socket.IO, packets as MessagePack.
    #[value(name = "sio-msgpack")]
    Msgpack,
}

/// What a frame of the server means to the connection.
#[derive(Debug, PartialEq)]
pub(super) enum Incoming {
    /// It is for the scenario.
    Message,
    /// The connection may be used.
    Entered,
    /// It asks for this answer.
    Answer(u8, &'static [u8]),
    /// Nothing.
    Nothing,
    /// The server may not send it.
    Wrong,
}

impl Dialect {
    /// The name the server knows it by.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Json => "sio",
            Self::Msgpack => "sio-msgpack",
        }
    }

    /// The smallest message that has room for its packaging and any number.
    pub(crate) fn least_payload(self) -> usize {
        match self {
            Self::Raw => 32,
            Self::Json | Self::Msgpack => 80,
        }
    }

    /// What the WebSocket's request asks for.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Raw => "/",
            Self::Json | Self::Msgpack => "/socket.io/?EIO=4&transport=websocket",
        }
    }

    /// Whether more must be said after the WebSocket's handshake.
    pub(super) fn has_entrance(self) -> bool {
        self != Self::Raw
    }

    /// Reads a text or binary frame; `entered` tells whether [`Incoming::Entered`] came.
    pub(super) fn read(self, opcode: u8, payload: &[u8], entered: bool) -> Incoming {
        match self {
            Self::Raw if opcode == wire::TEXT => Incoming::Message,
            Self::Raw => Incoming::Wrong,
            Self::Json => json::read(opcode, payload, entered),
            Self::Msgpack => msgpack::read(opcode, payload, entered),
        }
    }

    /// Appends the frame that has message `seq` of `size` bytes sent to everybody.
    pub(crate) fn push_broadcast(self, out: &mut Vec<u8>, seq: u64, size: usize) {
        match self {
            Self::Raw => {
                wire::push_frame(out, wire::TEXT, format!("bcast:{size}:{seq}").as_bytes())
            }
            Self::Json => json::push_broadcast(out, seq, size),
            Self::Msgpack => msgpack::push_broadcast(out, seq, size),
        }
    }

    /// As [`push_broadcast`](Self::push_broadcast), to the members of `room`.
    pub(crate) fn push_to_room(self, out: &mut Vec<u8>, room: &str, seq: u64, size: usize) {
        match self {
            Self::Raw => {
                let text = format!("room:{room}:{size}:{seq}");
                wire::push_frame(out, wire::TEXT, text.as_bytes());
            }
            Self::Json => json::push_to_room(out, room, seq, size),
            Self::Msgpack => msgpack::push_to_room(out, room, seq, size),
        }
    }

    /// Appends the frame that enters `room`.
    pub(crate) fn push_join(self, out: &mut Vec<u8>, room: &str) {
        match self {
            Self::Raw => wire::push_frame(out, wire::TEXT, format!("join:{room}").as_bytes()),
            Self::Json => json::push_event(out, "join", room),
            Self::Msgpack => msgpack::push_event(out, "join", room),
        }
    }

    /// Appends a frame of `size` bytes, numbered `seq`, whose answer is [`read_echo`](Self::read_echo).
    pub(crate) fn push_echo(self, out: &mut Vec<u8>, seq: u64, size: usize) {
        match self {
            Self::Raw => raw::push_padded(out, "echo:", seq, size),
            Self::Json => json::push_event(out, "echo", &raw::padded(seq, json::room(size))),
            Self::Msgpack => {
                msgpack::push_event(out, "echo", &raw::padded(seq, msgpack::room(size)))
            }
        }
    }

    /// The number in a message that was broadcast, if it is right to the byte.
    pub(crate) fn read_broadcast(self, payload: &[u8], size: usize) -> Option<u64> {
        match self {
            Self::Raw => raw::check_padded(payload, b"b:", size),
            Self::Json => json::read_broadcast(payload, size),
            Self::Msgpack => msgpack::read_broadcast(payload, size),
        }
    }

    /// The number in an answer to [`push_echo`](Self::push_echo), if it is right to the byte.
    pub(crate) fn read_echo(self, payload: &[u8], size: usize) -> Option<u64> {
        match self {
            Self::Raw => raw::check_padded(payload, b"echo:", size),
            Self::Json => json::read_echo(payload, size),
            Self::Msgpack => msgpack::read_echo(payload, size),
        }
    }

    /// Whether the payload answers [`push_join`](Self::push_join).
    pub(crate) fn is_joined(self, payload: &[u8]) -> bool {
        match self {
            Self::Raw => payload.starts_with(b"joined:"),
            Self::Json => payload.starts_with(br#"42["joined","#),
            Self::Msgpack => msgpack::is_joined(payload),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Dialect; 3] = [Dialect::Raw, Dialect::Json, Dialect::Msgpack];

    /// The payload of a masked frame.
    fn unmasked(frame: &[u8]) -> Vec<u8> {
        let header = match frame[1] & 0x7f {
            126 => 4,
            127 => 10,
            _ => 2,
        };
        let mask = frame[header..header + 4].iter().cycle();
        let masked = frame[header + 4..].iter();
        masked.zip(mask).map(|(byte, key)| byte ^ key).collect()
    }

    #[test]
    fn an_echo_that_comes_back_is_right_at_every_size() {
        for dialect in ALL {
            for size in [80, 128, 300, 65_536, 100_000] {
                for seq in [0, 9, 10, 127, 128, 70_000] {
                    let mut frame = Vec::new();
                    dialect.push_echo(&mut frame, seq, size);
                    let mut payload = unmasked(&frame);
                    assert_eq!(payload.len(), size, "{dialect:?} {size} {seq}");
                    assert_eq!(dialect.read_echo(&payload, size), Some(seq), "{dialect:?}");
                    assert_eq!(dialect.read_echo(&payload, size + 1), None);
                    let middle = size - 20;
                    payload[middle] = b'y';
                    assert_eq!(
                        dialect.read_echo(&payload, size),
                        None,
                        "{dialect:?} {size}"
                    );
                }
            }
        }
    }
}
