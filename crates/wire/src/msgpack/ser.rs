//! Anything as msgpack, through serde: integers as short as they go, other numbers as doubles, structs
//! as maps, keys as texts.
//!
//! What JSON writes as `null` is nil here too (a number that is not finite), so that a handler gets the
//! same whichever parser it is. `serde_json`'s raw values are written as what they say.

use std::fmt;

use serde::{
    Serialize,
    ser::{self, Impossible},
};

use crate::Value;

/// Why a value cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct WriteError(String);

impl ser::Error for WriteError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

pub(super) struct Serializer<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Serializer<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    fn put(self, bytes: &[u8]) -> Result<(), WriteError> {
        self.out.extend_from_slice(bytes);
        Ok(())
    }
}

/// Marker and length of something with `short` markers for lengths below `1 << bits`.
fn write_len(out: &mut Vec<u8>, len: usize, short: u8, bits: u32, markers: [u8; 3]) {
    #[expect(clippy::cast_possible_truncation, reason = "each arm checks the range")]
    match len {
        _ if len < 1 << bits && bits > 0 => out.push(short | len as u8),
        0..=0xff if markers[0] != 0 => out.extend_from_slice(&[markers[0], len as u8]),
        0..=0xffff => {
            out.push(markers[1]);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        // Four gigabytes do not fit into a packet.
        _ => {
            out.push(markers[2]);
            out.extend_from_slice(&(len as u32).to_be_bytes());
        }
    }
}

fn write_list(out: &mut Vec<u8>, len: usize) {
    write_len(out, len, 0x90, 4, [0, 0xdc, 0xdd]);
}

pub(super) fn write_map(out: &mut Vec<u8>, len: usize) {
    write_len(out, len, 0x80, 4, [0, 0xde, 0xdf]);
}

pub(super) fn write_str(out: &mut Vec<u8>, text: &str) {
    write_len(out, text.len(), 0xa0, 5, [0xd9, 0xda, 0xdb]);
    out.extend_from_slice(text.as_bytes());
}

#[expect(clippy::cast_possible_truncation, reason = "each arm checks the range")]
pub(super) fn write_unsigned(out: &mut Vec<u8>, value: u64) {
    match value {
        0..=0x7f => out.push(value as u8),
        0x80..=0xff => out.extend_from_slice(&[0xcc, value as u8]),
        0x100..=0xffff => {
            out.push(0xcd);
            out.extend_from_slice(&(value as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(0xce);
            out.extend_from_slice(&(value as u32).to_be_bytes());
        }
        _ => {
            out.push(0xcf);
            out.extend_from_slice(&value.to_be_bytes());
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "each arm checks the range")]
fn write_signed(out: &mut Vec<u8>, value: i64) {
    match value {
        0.. => write_unsigned(out, value.cast_unsigned()),
        -0x20..0 => out.push(value as u8),
        -0x80..-0x20 => out.extend_from_slice(&[0xd0, value as u8]),
        -0x8000..-0x80 => {
            out.push(0xd1);
            out.extend_from_slice(&(value as i16).to_be_bytes());
        }
        -0x8000_0000..-0x8000 => {
            out.push(0xd2);
            out.extend_from_slice(&(value as i32).to_be_bytes());
        }
        _ => {
            out.push(0xd3);
            out.extend_from_slice(&value.to_be_bytes());
        }
    }
}

impl<'a> ser::Serializer for Serializer<'a> {
    type Ok = ();
    type Error = WriteError;
    type SerializeSeq = Compound<'a>;
    type SerializeTuple = Compound<'a>;
    type SerializeTupleStruct = Compound<'a>;
    type SerializeTupleVariant = Compound<'a>;
    type SerializeMap = Compound<'a>;
    type SerializeStruct = Compound<'a>;
    type SerializeStructVariant = Compound<'a>;

    fn serialize_bool(self, value: bool) -> Result<(), WriteError> {
        self.put(&[0xc2 | u8::from(value)])
    }

    fn serialize_i8(self, value: i8) -> Result<(), WriteError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), WriteError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), WriteError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), WriteError> {
        write_signed(self.out, value);
        Ok(())
    }

    fn serialize_i128(self, value: i128) -> Result<(), WriteError> {
        if let Ok(value) = i64::try_from(value) {
            return self.serialize_i64(value);
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "a JavaScript number is a double"
        )]
        u64::try_from(value)
            .map_or(value as f64, |value| value as f64)
            .serialize(self)
    }

    fn serialize_u8(self, value: u8) -> Result<(), WriteError> {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), WriteError> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), WriteError> {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), WriteError> {
        write_unsigned(self.out, value);
        Ok(())
    }

    fn serialize_u128(self, value: u128) -> Result<(), WriteError> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a JavaScript number is a double"
        )]
        match u64::try_from(value) {
            Ok(value) => self.serialize_u64(value),
            Err(_) => self.serialize_f64(value as f64),
        }
    }

    fn serialize_f32(self, value: f32) -> Result<(), WriteError> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), WriteError> {
        if !value.is_finite() {
            return self.serialize_unit();
        }
        self.out.push(0xcb);
        self.put(&value.to_be_bytes())
    }

    fn serialize_char(self, value: char) -> Result<(), WriteError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), WriteError> {
        write_str(self.out, value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), WriteError> {
        write_len(self.out, value.len(), 0, 0, [0xc4, 0xc5, 0xc6]);
        self.put(value)
    }

    fn serialize_none(self) -> Result<(), WriteError> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), WriteError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), WriteError> {
        self.put(&[0xc0])
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), WriteError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), WriteError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), WriteError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), WriteError> {
        write_map(self.out, 1);
        write_str(self.out, variant);
        value.serialize(self)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Compound<'a>, WriteError> {
        Ok(Compound::begin(self.out, Kind::List, len))
    }

    fn serialize_tuple(self, len: usize) -> Result<Compound<'a>, WriteError> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        len: usize,
    ) -> Result<Compound<'a>, WriteError> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Compound<'a>, WriteError> {
        write_map(self.out, 1);
        write_str(self.out, variant);
        self.serialize_seq(Some(len))
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Compound<'a>, WriteError> {
        Ok(Compound::begin(self.out, Kind::Map, len))
    }

    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Compound<'a>, WriteError> {
        let kind = if name == RAW_VALUE {
            Kind::RawJson
        } else {
            Kind::Map
        };
        Ok(Compound::begin(self.out, kind, Some(len)))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Compound<'a>, WriteError> {
        write_map(self.out, 1);
        write_str(self.out, variant);
        self.serialize_map(Some(len))
    }
}

/// By this name `serde_json` tells that a value is JSON already.
const RAW_VALUE: &str = "$serde_json::private::RawValue";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    List,
    Map,
    /// Its one field is JSON text.
    RawJson,
}

/// A list or map in the making. Its marker is put right at the end if the length was not known, or
/// was not true.
pub(super) struct Compound<'a> {
    out: &'a mut Vec<u8>,
    kind: Kind,
    start: usize,
    announced: usize,
    /// Where the first element begins.
    content: usize,
    written: usize,
}

impl<'a> Compound<'a> {
    fn begin(out: &'a mut Vec<u8>, kind: Kind, len: Option<usize>) -> Self {
        let start = out.len();
        let announced = len.unwrap_or(0);
        write_marker(out, kind, announced);
        let content = out.len();
        Self {
            out,
            kind,
            start,
            announced,
            content,
            written: 0,
        }
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        value.serialize(Serializer::new(self.out))
    }

    fn finish(self) {
        if self.written == self.announced || self.kind == Kind::RawJson {
            return;
        }
        let mut marker = Vec::with_capacity(5);
        write_marker(&mut marker, self.kind, self.written);
        self.out.splice(self.start..self.content, marker);
    }
}

fn write_marker(out: &mut Vec<u8>, kind: Kind, len: usize) {
    match kind {
        Kind::List => write_list(out, len),
        Kind::Map => write_map(out, len),
        Kind::RawJson => {}
    }
}

macro_rules! list {
    ($($trait:ident::$method:ident),*) => {
        $(impl ser::$trait for Compound<'_> {
            type Ok = ();
            type Error = WriteError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
                self.written += 1;
                self.value(value)
            }

            fn end(self) -> Result<(), WriteError> {
                self.finish();
                Ok(())
            }
        })*
    };
}

list! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
}

macro_rules! fields {
    ($($trait:ident),*) => {
        $(impl ser::$trait for Compound<'_> {
            type Ok = ();
            type Error = WriteError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), WriteError> {
                if self.kind == Kind::RawJson {
                    return self.value(&of_raw_json(value)?);
                }
                self.written += 1;
                write_str(self.out, key);
                self.value(value)
            }

            fn end(self) -> Result<(), WriteError> {
                self.finish();
                Ok(())
            }
        })*
    };
}

fields!(SerializeStruct, SerializeStructVariant);

/// What the text of a raw value says.
fn of_raw_json<T: Serialize + ?Sized>(text: &T) -> Result<Value, WriteError> {
    let json = text.serialize(TextOnly)?;
    serde_json::from_str(&json).map_err(ser::Error::custom)
}

impl ser::SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = WriteError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), WriteError> {
        self.written += 1;
        write_str(self.out, &key.serialize(TextOnly)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        self.value(value)
    }

    fn end(self) -> Result<(), WriteError> {
        self.finish();
        Ok(())
    }
}

/// The text of a key: in JavaScript every key is one.
struct TextOnly;

macro_rules! text {
    ($($method:ident: $type:ty),*) => {
        $(fn $method(self, value: $type) -> Result<String, WriteError> {
            Ok(value.to_string())
        })*
    };
}

macro_rules! no_text {
    ($($method:ident($($type:ty),*) $(-> $ok:ty)?;)*) => {
        $(fn $method(self $(, _: $type)*) -> Result<no_text!(@ $($ok)?), WriteError> {
            Err(ser::Error::custom("a key must be a string"))
        })*
    };
    (@) => { String };
    (@ $ok:ty) => { $ok };
}

impl ser::Serializer for TextOnly {
    type Ok = String;
    type Error = WriteError;
    type SerializeSeq = Impossible<String, WriteError>;
    type SerializeTuple = Impossible<String, WriteError>;
    type SerializeTupleStruct = Impossible<String, WriteError>;
    type SerializeTupleVariant = Impossible<String, WriteError>;
    type SerializeMap = Impossible<String, WriteError>;
    type SerializeStruct = Impossible<String, WriteError>;
    type SerializeStructVariant = Impossible<String, WriteError>;

    text! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32,
        serialize_i64: i64, serialize_i128: i128, serialize_u8: u8, serialize_u16: u16,
        serialize_u32: u32, serialize_u64: u64, serialize_u128: u128, serialize_f32: f32,
        serialize_f64: f64, serialize_char: char, serialize_str: &str
    }

    no_text! {
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(&'static str);
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<String, WriteError> {
        value.serialize(self)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<String, WriteError> {
        Ok(variant.to_owned())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<String, WriteError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<String, WriteError> {
        Err(ser::Error::custom("a key must be a string"))
    }
}
