//! Reads msgpack, item by item. A length is believed only if that many bytes are there.

use std::borrow::Cow;

use super::date::to_iso;
use crate::decode::DecodeError;

/// What is left of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'de> {
    rest: &'de [u8],
    /// How many levels of arrays and maps may still be entered.
    levels: usize,
}

/// One item. The elements of an array or map follow it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item<'de> {
    Nil,
    /// As absent: notepack's extension 0 of one byte.
    Undefined,
    Bool(bool),
    Unsigned(u64),
    /// Below zero.
    Signed(i64),
    Float(f64),
    /// Invalid UTF-8 is replaced, as Node does.
    Text(Cow<'de, str>),
    Binary(&'de [u8]),
    Array(usize),
    Map(usize),
    /// An extension that means nothing to us.
    Extension(i8, &'de [u8]),
}

impl<'de> Reader<'de> {
    pub(crate) fn new(rest: &'de [u8], levels: usize) -> Self {
        Self { rest, levels }
    }

    pub(crate) fn rest(&self) -> &'de [u8] {
        self.rest
    }

    pub(crate) fn enter(&mut self) -> Result<(), DecodeError> {
        self.levels = self.levels.checked_sub(1).ok_or(DecodeError::TooDeep)?;
        Ok(())
    }

    pub(crate) fn leave(&mut self) {
        self.levels += 1;
    }

    /// Passes over one value with everything in it. Recursion ends at the depth allowed.
    pub(crate) fn skip(&mut self) -> Result<(), DecodeError> {
        // Texts are most of what there is, and need not be looked at.
        let text = match self.rest.split_first() {
            Some((marker @ 0xa0..=0xbf, rest)) => Some((rest, usize::from(marker & 0x1f))),
            Some((0xd9, [len, rest @ ..])) => Some((rest, usize::from(*len))),
            _ => None,
        };
        if let Some((rest, len)) = text {
            self.rest = rest.get(len..).ok_or(DecodeError::NotMsgpack)?;
            return Ok(());
        }
        let values = match self.item()? {
            Item::Array(len) => len,
            Item::Map(len) => 2 * len,
            _ => return Ok(()),
        };
        self.enter()?;
        for _ in 0..values {
            self.skip()?;
        }
        self.leave();
        Ok(())
    }

    /// A key, as the text that JavaScript would make of it.
    pub(crate) fn key(&mut self) -> Result<Cow<'de, str>, DecodeError> {
        Ok(match self.item()? {
            Item::Text(text) => text,
            Item::Unsigned(number) => number.to_string().into(),
            Item::Signed(number) => number.to_string().into(),
            Item::Float(number) => number.to_string().into(),
            Item::Bool(value) => value.to_string().into(),
            Item::Nil => "null".into(),
            Item::Undefined => "undefined".into(),
            _ => return Err(DecodeError::NotMsgpack),
        })
    }

    /// Passes over one value if it is `undefined`.
    pub(crate) fn skip_undefined(&mut self) -> Result<bool, DecodeError> {
        let mut ahead = *self;
        let undefined = ahead.item()? == Item::Undefined;
        if undefined {
            *self = ahead;
        }
        Ok(undefined)
    }

    pub(crate) fn item(&mut self) -> Result<Item<'de>, DecodeError> {
        let [marker] = self.array()?;
        Ok(match marker {
            0x00..=0x7f => Item::Unsigned(marker.into()),
            0x80..=0x8f => self.map(usize::from(marker & 0x0f))?,
            0x90..=0x9f => self.list(usize::from(marker & 0x0f))?,
            0xa0..=0xbf => self.text(usize::from(marker & 0x1f))?,
            0xc0 => Item::Nil,
            0xc1 => return Err(DecodeError::NotMsgpack),
            0xc2 => Item::Bool(false),
            0xc3 => Item::Bool(true),
            0xc4..=0xc6 => {
                let len = self.len(1 << (marker - 0xc4))?;
                Item::Binary(self.take(len)?)
            }
            0xc7..=0xc9 => {
                let len = self.len(1 << (marker - 0xc7))?;
                self.extension(len, false)?
            }
            0xca => Item::Float(f32::from_be_bytes(self.array()?).into()),
            0xcb => Item::Float(f64::from_be_bytes(self.array()?)),
            0xcc => Item::Unsigned(u8::from_be_bytes(self.array()?).into()),
            0xcd => Item::Unsigned(u16::from_be_bytes(self.array()?).into()),
            0xce => Item::Unsigned(u32::from_be_bytes(self.array()?).into()),
            0xcf => Item::Unsigned(u64::from_be_bytes(self.array()?)),
            0xd0 => signed(i8::from_be_bytes(self.array()?).into()),
            0xd1 => signed(i16::from_be_bytes(self.array()?).into()),
            0xd2 => signed(i32::from_be_bytes(self.array()?).into()),
            0xd3 => signed(i64::from_be_bytes(self.array()?)),
            0xd4..=0xd8 => self.extension(1 << (marker - 0xd4), true)?,
            0xd9..=0xdb => {
                let len = self.len(1 << (marker - 0xd9))?;
                self.text(len)?
            }
            0xdc | 0xdd => {
                let len = self.len(2 << (marker - 0xdc))?;
                self.list(len)?
            }
            0xde | 0xdf => {
                let len = self.len(2 << (marker - 0xde))?;
                self.map(len)?
            }
            0xe0..=0xff => Item::Signed(i8::from_be_bytes([marker]).into()),
        })
    }

    fn take(&mut self, len: usize) -> Result<&'de [u8], DecodeError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or(DecodeError::NotMsgpack)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(DecodeError::NotMsgpack)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// A length of 1, 2 or 4 bytes.
    fn len(&mut self, bytes: usize) -> Result<usize, DecodeError> {
        let taken = self.take(bytes)?;
        Ok(taken
            .iter()
            .fold(0, |len, byte| len << 8 | usize::from(*byte)))
    }

    fn text(&mut self, len: usize) -> Result<Item<'de>, DecodeError> {
        Ok(Item::Text(String::from_utf8_lossy(self.take(len)?)))
    }

    fn list(&mut self, len: usize) -> Result<Item<'de>, DecodeError> {
        self.claim(len)?;
        Ok(Item::Array(len))
    }

    fn map(&mut self, len: usize) -> Result<Item<'de>, DecodeError> {
        self.claim(len.saturating_mul(2))?;
        Ok(Item::Map(len))
    }

    /// Each value takes a byte at least.
    fn claim(&self, values: usize) -> Result<(), DecodeError> {
        if values > self.rest.len() {
            Err(DecodeError::NotMsgpack)
        } else {
            Ok(())
        }
    }

    /// Type -1 is a date of notepack 3; type 0, of notepack 2, means what its length says: `undefined`
    /// (1) or a date (8) where the length is part of the marker, else an `ArrayBuffer`.
    fn extension(&mut self, len: usize, fixed: bool) -> Result<Item<'de>, DecodeError> {
        let [kind] = self.array()?;
        let kind = i8::from_be_bytes([kind]);
        let data = self.take(len)?;
        Ok(match (kind, fixed, data) {
            (0, true, [_]) => Item::Undefined,
            (0, true, _) if len == 8 => date(millis(data)),
            (0, false, _) => Item::Binary(data),
            (-1, true, _) if matches!(len, 4 | 8) => date(timestamp(data)),
            (-1, false, _) if len == 12 => date(timestamp(data)),
            _ => Item::Extension(kind, data),
        })
    }
}

fn signed(value: i64) -> Item<'static> {
    u64::try_from(value).map_or(Item::Signed(value), Item::Unsigned)
}

fn date(millis: f64) -> Item<'static> {
    to_iso(millis).map_or(Item::Nil, |iso| Item::Text(iso.into()))
}

#[expect(clippy::cast_precision_loss, reason = "a JavaScript date is a double")]
fn millis(data: &[u8]) -> f64 {
    <[u8; 8]>::try_from(data).map_or(f64::NAN, |data| i64::from_be_bytes(data) as f64)
}

/// Seconds; or nanoseconds and seconds, in 30 and 34 bits or in 32 and 64.
#[expect(clippy::cast_precision_loss, reason = "a JavaScript date is a double")]
fn timestamp(data: &[u8]) -> f64 {
    let first = |data: &[u8]| {
        data.first_chunk()
            .map_or(0, |chunk| u32::from_be_bytes(*chunk))
    };
    let eight = |data: &[u8]| {
        data.first_chunk()
            .map_or(0, |chunk| u64::from_be_bytes(*chunk))
    };
    let (nanos, seconds) = match data.len() {
        4 => (0.0, f64::from(first(data))),
        8 => (
            (eight(data) >> 34) as f64,
            (eight(data) & 0x3_ffff_ffff) as f64,
        ),
        _ => (
            f64::from(first(data)),
            eight(data.get(4..).unwrap_or_default()).cast_signed() as f64,
        ),
    };
    seconds * 1e3 + nanos / 1e6
}
