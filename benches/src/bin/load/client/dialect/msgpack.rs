//! Socket.IO packets as `socket.io-msgpack-parser` writes them, each in one binary frame. The packets of
//! Engine.IO itself stay texts.

use super::{
    Incoming,
    raw::{is_padding, number, padding},
};
use crate::client::wire;

/// `{"type": 0, "nsp": "/"}`.
const CONNECT: &[u8] = b"\x82\xa4type\x00\xa3nsp\xa1/";

pub(super) fn read(opcode: u8, payload: &[u8], entered: bool) -> Incoming {
    match (opcode, payload) {
        (wire::TEXT, [b'0', b'{', ..]) if !entered => Incoming::Answer(wire::BINARY, CONNECT),
        (wire::TEXT, b"2") => Incoming::Answer(wire::TEXT, b"3"),
        (wire::TEXT, b"6") => Incoming::Nothing,
        (wire::BINARY, _) if entered => Incoming::Message,
        (wire::BINARY, _) if matches!(packet(payload), Some((0, Data::Other))) => Incoming::Entered,
        _ => Incoming::Wrong,
    }
}

pub(super) fn push_event(out: &mut Vec<u8>, name: &str, text: &str) {
    let mut payload = begin(name);
    push_text(&mut payload, text);
    finish(out, payload);
}

pub(super) fn push_broadcast(out: &mut Vec<u8>, seq: u64, size: usize) {
    let mut payload = begin("bcast");
    payload.push(0x82);
    push_numbered(&mut payload, seq, size);
    finish(out, payload);
}

pub(super) fn push_to_room(out: &mut Vec<u8>, room: &str, seq: u64, size: usize) {
    let mut payload = begin("room");
    payload.push(0x83);
    push_text(&mut payload, "room");
    push_text(&mut payload, room);
    push_numbered(&mut payload, seq, size);
    finish(out, payload);
}

/// An event up to its one argument.
fn begin(name: &str) -> Vec<u8> {
    let mut payload = b"\x83\xa4type\x02\xa4data\x92".to_vec();
    push_text(&mut payload, name);
    payload
}

fn finish(out: &mut Vec<u8>, mut payload: Vec<u8>) {
    payload.extend_from_slice(b"\xa3nsp\xa1/");
    wire::push_frame(out, wire::BINARY, &payload);
}

fn push_numbered(out: &mut Vec<u8>, seq: u64, size: usize) {
    push_text(out, "seq");
    push_unsigned(out, seq);
    push_text(out, "pad");
    push_text(out, &padding(pad(seq, size)));
}

fn push_unsigned(out: &mut Vec<u8>, number: u64) {
    let bytes = number.to_be_bytes();
    match number {
        0..0x80 => out.push(bytes[7]),
        0x80..0x100 => out.extend([0xcc, bytes[7]]),
        0x100..0x1_0000 => out.extend([0xcd, bytes[6], bytes[7]]),
        0x1_0000..0x1_0000_0000 => {
            out.push(0xce);
            out.extend_from_slice(&bytes[4..]);
        }
        _ => {
            out.push(0xcf);
            out.extend_from_slice(&bytes);
        }
    }
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    let bytes = (text.len() as u64).to_be_bytes();
    match text.len() {
        0..32 => out.push(0xa0 | bytes[7]),
        32..0x100 => out.extend([0xd9, bytes[7]]),
        0x100..0x1_0000 => out.extend([0xda, bytes[6], bytes[7]]),
        _ => {
            out.push(0xdb);
            out.extend_from_slice(&bytes[4..]);
        }
    }
    out.extend_from_slice(text.as_bytes());
}

/// Bytes of padding in broadcast `seq`.
fn pad(seq: u64, size: usize) -> usize {
    let number = match seq {
        0..0x80 => 1,
        0x80..0x100 => 2,
        0x100..0x1_0000 => 3,
        0x1_0000..0x1_0000_0000 => 5,
        _ => 9,
    };
    // The map of three, `type`, `data`, the list, `b`, the map of two, `seq`, `pad` and `nsp`.
    text_within(size.saturating_sub(1 + 6 + 5 + 1 + 2 + 1 + 4 + number + 4 + 6))
}

/// Bytes of text in an echo.
pub(super) fn room(size: usize) -> usize {
    text_within(size.saturating_sub(1 + 6 + 5 + 1 + 5 + 6))
}

/// The longest text that takes at most `size` bytes with its header.
fn text_within(size: usize) -> usize {
    let fits = |header: usize, longest: usize| size.saturating_sub(header).min(longest);
    match size {
        0..=33 => fits(1, 31),
        34..=258 => fits(2, 0xff),
        259..=0x1_0004 => fits(3, 0xffff),
        _ => size - 5,
    }
}

pub(super) fn read_broadcast(payload: &[u8], size: usize) -> Option<u64> {
    match packet(payload)? {
        (2, Data::Numbered { name, seq, pad }) => {
            let right = name == b"b" && pad.len() == self::pad(seq, size) && is_padding(pad);
            right.then_some(seq)
        }
        _ => None,
    }
}

pub(super) fn read_echo(payload: &[u8], size: usize) -> Option<u64> {
    match packet(payload)? {
        (2, Data::Text { name, text }) if name == b"echo" && text.len() == room(size) => {
            let (seq, rest) = number(text)?;
            is_padding(rest.strip_prefix(b":")?).then_some(seq)
        }
        _ => None,
    }
}

pub(super) fn is_joined(payload: &[u8]) -> bool {
    matches!(packet(payload), Some((2, Data::Text { name, .. })) if name == b"joined")
}

/// What the contract knows as a packet's data.
#[derive(Debug, PartialEq)]
enum Data<'a> {
    Text {
        name: &'a [u8],
        text: &'a [u8],
    },
    Numbered {
        name: &'a [u8],
        seq: u64,
        pad: &'a [u8],
    },
    /// An object of texts, as in the answer to a connect packet, or none.
    Other,
}

/// Type and data of a packet in `/`, its fields in any order.
fn packet(payload: &[u8]) -> Option<(u64, Data<'_>)> {
    let mut reader = Reader(payload);
    let fields = reader.map()?;
    let (mut kind, mut data, mut root) = (None, Data::Other, false);
    for _ in 0..fields {
        match reader.text()? {
            b"type" => kind = Some(reader.unsigned()?),
            b"nsp" => root = reader.text()? == b"/",
            b"data" => data = reader.data()?,
            _ => return None,
        }
    }
    (reader.0.is_empty() && root).then_some((kind?, data))
}

/// The little of MessagePack that these packets use.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    fn big_endian(&mut self, length: usize) -> Option<u64> {
        let bytes = self.take(length)?.iter();
        Some(bytes.fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    fn unsigned(&mut self) -> Option<u64> {
        match self.byte()? {
            small @ 0..0x80 => Some(small.into()),
            0xcc => self.big_endian(1),
            0xcd => self.big_endian(2),
            0xce => self.big_endian(4),
            0xcf => self.big_endian(8),
            _ => None,
        }
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = match self.byte()? {
            short @ 0xa0..0xc0 => u64::from(short & 0x1f),
            0xd9 => self.big_endian(1)?,
            0xda => self.big_endian(2)?,
            0xdb => self.big_endian(4)?,
            _ => return None,
        };
        self.take(usize::try_from(length).ok()?)
    }

    fn map(&mut self) -> Option<u8> {
        let short = self.byte()?;
        (short & 0xf0 == 0x80).then_some(short & 0x0f)
    }

    fn data(&mut self) -> Option<Data<'a>> {
        if self.0.first()? & 0xf0 == 0x80 {
            for _ in 0..2 * self.map()? {
                self.text()?;
            }
            return Some(Data::Other);
        }
        if self.byte()? != 0x92 {
            return None;
        }
        let name = self.text()?;
        if self.0.first()? & 0xf0 != 0x80 {
            let text = self.text()?;
            return Some(Data::Text { name, text });
        }
        let two = self.map()? == 2 && self.text()? == b"seq";
        let seq = self.unsigned()?;
        let pad = (two && self.text()? == b"pad").then(|| self.text())??;
        Some(Data::Numbered { name, seq, pad })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A broadcast as a server writes it.
    fn broadcast(seq: u64, size: usize) -> Vec<u8> {
        let mut payload = begin("b");
        payload.push(0x82);
        push_numbered(&mut payload, seq, size);
        payload.extend_from_slice(b"\xa3nsp\xa1/");
        payload
    }

    #[test]
    fn broadcasts_have_their_size_and_are_checked_to_the_byte() {
        for size in [80, 128, 300, 65_700] {
            for seq in [0, 127, 128, 255, 256, 65_535, 65_536] {
                let mut payload = broadcast(seq, size);
                assert!((size - 1..=size).contains(&payload.len()), "{size} {seq}");
                assert_eq!(read_broadcast(&payload, size), Some(seq));
                let last = payload.len() - 7;
                payload[last] = b'y';
                assert_eq!(read_broadcast(&payload, size), None);
            }
        }
    }

    #[test]
    fn the_order_of_fields_does_not_matter() {
        let packet = b"\x83\xa3nsp\xa1/\xa4data\x92\xa6joined\xa2r5\xa4type\x02";
        assert!(is_joined(packet));
        for cut in 0..packet.len() {
            assert!(!is_joined(&packet[..cut]));
        }
    }

    #[test]
    fn the_way_in_is_answered() {
        let open = read(wire::TEXT, br#"0{"sid":"a"}"#, false);
        assert_eq!(open, Incoming::Answer(wire::BINARY, CONNECT));
        let connected = b"\x83\xa4type\x00\xa4data\x81\xa3sid\xa1a\xa3nsp\xa1/";
        assert_eq!(read(wire::BINARY, connected, false), Incoming::Entered);
        let refused = b"\x83\xa4type\x04\xa4data\x81\xa7message\xa1a\xa3nsp\xa1/";
        assert_eq!(read(wire::BINARY, refused, false), Incoming::Wrong);
    }
}
