//! Passes an argument on, from whatever it came as to whatever it goes to, without a value in between.

use std::cell::Cell;

use bytes::Bytes;
use serde::{
    Serialize, Serializer,
    ser::{Error, SerializeMap, SerializeSeq},
};
use serde_json::value::RawValue;

use super::read::Argument;
use crate::{
    decode::DecodeError,
    json,
    msgpack::{Item, Reader},
};

impl Serialize for Argument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Json(json) => raw(json, serializer),
            Self::Bound(json, attachments) => Bound { json, attachments }.serialize(serializer),
            Self::Msgpack(reader) => Walk(&Cell::new(reader)).serialize(serializer),
        }
    }
}

impl Argument<'_> {
    /// Whether there are bytes in it, at any depth.
    pub(crate) fn has_binary(&self) -> bool {
        match *self {
            Self::Json(_) => false,
            Self::Bound(json, attachments) => {
                !attachments.is_empty() && json::has_placeholder(json)
            }
            Self::Msgpack(mut reader) => reader.skip_finding_binary().unwrap_or(false),
        }
    }
}

/// Text of JSON passes through as it is.
fn raw<S: Serializer>(json: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    let json: &RawValue = serde_json::from_slice(json).map_err(S::Error::custom)?;
    json.serialize(serializer)
}

/// JSON with placeholders. How deep it is was checked when it was attached.
struct Bound<'a> {
    json: &'a [u8],
    attachments: &'a [Bytes],
}

impl Serialize for Bound<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let &Self { json, attachments } = self;
        // Most of what has attachments is text that has none.
        if !json::has_placeholder(json) {
            return raw(json, serializer);
        }
        match json.split_first() {
            Some((b'[', mut rest)) => {
                let mut list = serializer.serialize_seq(None)?;
                while let Some((json, left)) = json::next(rest) {
                    list.serialize_element(&Bound { json, attachments })?;
                    rest = left;
                }
                list.end()
            }
            Some((b'{', rest)) => match json::placeholder(json, attachments) {
                Some(json::Bound::Attachment(bytes)) => serializer.serialize_bytes(bytes),
                Some(json::Bound::Undefined) => serializer.serialize_unit(),
                None => fields(rest, attachments, serializer),
            },
            _ => raw(json, serializer),
        }
    }
}

fn fields<S: Serializer>(
    mut rest: &[u8],
    attachments: &[Bytes],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    while let Some((key, json, left)) = json::field(rest) {
        let key: String = serde_json::from_slice(key).map_err(S::Error::custom)?;
        map.serialize_entry(&key, &Bound { json, attachments })?;
        rest = left;
    }
    map.end()
}

/// The value of msgpack that a reader is before, and moves past. `undefined` is no field at all, and
/// `null` elsewhere.
struct Walk<'c, 'a>(&'c Cell<Reader<'a>>);

impl<'a> Walk<'_, 'a> {
    fn advance<T, E: Error>(
        &self,
        step: impl FnOnce(&mut Reader<'a>) -> Result<T, DecodeError>,
    ) -> Result<T, E> {
        let mut reader = self.0.get();
        let result = step(&mut reader);
        self.0.set(reader);
        result.map_err(E::custom)
    }

    fn leave(&self) {
        let mut reader = self.0.get();
        reader.leave();
        self.0.set(reader);
    }
}

impl Serialize for Walk<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.advance(Reader::item)? {
            Item::Nil | Item::Undefined => serializer.serialize_unit(),
            Item::Bool(value) => serializer.serialize_bool(value),
            Item::Unsigned(value) => serializer.serialize_u64(value),
            Item::Signed(value) => serializer.serialize_i64(value),
            Item::Float(value) => serializer.serialize_f64(value),
            Item::Text(text) => serializer.serialize_str(&text),
            Item::Binary(bytes) => serializer.serialize_bytes(bytes),
            Item::Array(len) => {
                self.advance(Reader::enter)?;
                let mut list = serializer.serialize_seq(Some(len))?;
                for _ in 0..len {
                    list.serialize_element(self)?;
                }
                self.leave();
                list.end()
            }
            Item::Map(len) => {
                self.advance(Reader::enter)?;
                let mut map = serializer.serialize_map(Some(len))?;
                for _ in 0..len {
                    let key = self.advance(Reader::key)?;
                    if self.advance(Reader::skip_undefined)? {
                        continue;
                    }
                    map.serialize_entry(&*key, self)?;
                }
                self.leave();
                map.end()
            }
            Item::Extension(kind, data) => {
                let mut list = serializer.serialize_seq(Some(2))?;
                list.serialize_element(&kind)?;
                list.serialize_element(&Raw(data))?;
                list.end()
            }
        }
    }
}

struct Raw<'a>(&'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl Reader<'_> {
    /// Passes over one value, and tells whether there are bytes in it.
    fn skip_finding_binary(&mut self) -> Result<bool, DecodeError> {
        let values = match self.item()? {
            Item::Binary(_) | Item::Extension(..) => return Ok(true),
            Item::Array(len) => len,
            Item::Map(len) => 2 * len,
            _ => return Ok(false),
        };
        self.enter()?;
        let mut found = false;
        for _ in 0..values {
            found |= self.skip_finding_binary()?;
        }
        self.leave();
        Ok(found)
    }
}
