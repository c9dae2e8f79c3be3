//! Structured input out of the bytes that the fuzzer gives.

use bytes::Bytes;
use switchboard_wire::{Limits, Value};

use crate::checks::socketio::Message;

/// The bytes that are left. Where there are none, everything is zero and empty.
#[derive(Debug)]
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    pub fn byte(&mut self) -> u8 {
        match self.0 {
            [] => 0,
            [first, rest @ ..] => {
                self.0 = rest;
                *first
            }
        }
    }

    pub fn u64(&mut self) -> u64 {
        // Short and long numbers alike.
        let len = usize::from(self.byte() % 9);
        self.take(len).iter().fold(0, |n, b| n << 8 | u64::from(*b))
    }

    pub fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Up to 255 bytes.
    pub fn bytes(&mut self) -> &'a [u8] {
        let len = self.byte().into();
        self.take(len)
    }

    pub fn text(&mut self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    /// Limits from nothing at all to more than the defaults.
    pub fn limits(&mut self) -> Limits {
        Limits {
            max_attachments: (self.byte() % 16).into(),
            max_depth: self.byte().into(),
            max_event_bytes: usize::from(self.byte()) << (self.byte() % 12),
        }
    }

    /// The rest as messages: a kind, a length of two bytes, and that many.
    pub fn messages(&mut self) -> Vec<Message> {
        let mut messages = Vec::new();
        while !self.0.is_empty() && messages.len() < 64 {
            let binary = self.byte() % 2 == 1;
            let len = usize::from(self.byte()) << 8 | usize::from(self.byte());
            let payload = self.take(len);
            messages.push(if binary {
                Message::Binary(Bytes::copy_from_slice(payload))
            } else {
                Message::Text(String::from_utf8_lossy(payload).into_owned())
            });
        }
        messages
    }

    /// Any value, nested up to `levels`; with bytes if wanted.
    pub fn value(&mut self, levels: u8, binary: bool) -> Value {
        match self.byte() % 10 {
            0 => Value::Null,
            1 => (self.byte() % 2 == 1).into(),
            2 => self.u64().into(),
            3 => self.u64().cast_signed().into(),
            4 => f64::from_bits(self.u64()).into(),
            5 => self.text().into(),
            6 if binary => Value::Binary(Bytes::copy_from_slice(self.bytes())),
            7 | 8 if levels > 0 => {
                let len = self.byte() % 8;
                Value::Array((0..len).map(|_| self.value(levels - 1, binary)).collect())
            }
            9 if levels > 0 => {
                let len = self.byte() % 8;
                (0..len)
                    .map(|_| (self.text(), self.value(levels - 1, binary)))
                    .collect()
            }
            _ => Value::Bool(true),
        }
    }
}
