//! Anything as msgpack, through serde: integers as short as they go, other numbers as doubles, structs
//! as maps, keys as texts.
//!
//! What JSON writes as `null` is nil here too (a number that is not finite), so that a handler gets the
//! same whichever parser it is. `serde_json`'s raw values are written as what they say.

use std::fmt;

use serde::{Serialize, ser};

use super::{
    of_json::write_json,
    text_only::TextOnly,
    write::{
        write_bytes, write_double, write_list, write_map, write_number, write_signed, write_str,
        write_unsigned,
    },
};
use crate::MAX_DEPTH;

/// Why a value cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WriteError(String);

impl ser::Error for WriteError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

pub(crate) struct Serializer<'a> {
    out: &'a mut Vec<u8>,
    numbers: Numbers,
}

/// What becomes of a double that is an integer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbers {
    /// It stays a double.
    AsTyped,
    /// It becomes an integer, as every number in JavaScript that is one.
    AsInJavaScript,
}

impl<'a> Serializer<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        let numbers = Numbers::AsTyped;
        Self { out, numbers }
    }

    /// Writes byte for byte what `notepack.io` 3.0.1 writes of the same JavaScript value.
    pub(crate) fn notepack(out: &'a mut Vec<u8>) -> Self {
        let numbers = Numbers::AsInJavaScript;
        Self { out, numbers }
    }

    fn put(self, byte: u8) {
        self.out.push(byte);
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
        self.put(0xc2 | u8::from(value));
        Ok(())
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
        match u64::try_from(value) {
            Ok(value) => self.serialize_u64(value),
            Err(_) => self.serialize_f64(value as f64),
        }
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
        match self.numbers {
            _ if !value.is_finite() => return self.serialize_unit(),
            Numbers::AsTyped => write_double(self.out, value),
            Numbers::AsInJavaScript => write_number(self.out, value),
        }
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), WriteError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), WriteError> {
        write_str(self.out, value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), WriteError> {
        write_bytes(self.out, value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), WriteError> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), WriteError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), WriteError> {
        self.put(0xc0);
        Ok(())
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
        Ok(Compound::begin(self, Kind::List, len))
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
        Ok(Compound::begin(self, Kind::Map, len))
    }

    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Compound<'a>, WriteError> {
        let kind = if name == RAW_VALUE {
            Kind::RawJson
        } else {
            Kind::Map
        };
        Ok(Compound::begin(self, kind, Some(len)))
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
pub(crate) struct Compound<'a> {
    out: &'a mut Vec<u8>,
    numbers: Numbers,
    kind: Kind,
    start: usize,
    announced: usize,
    /// Where the first element begins.
    content: usize,
    written: usize,
}

impl<'a> Compound<'a> {
    fn begin(serializer: Serializer<'a>, kind: Kind, len: Option<usize>) -> Self {
        let Serializer { out, numbers } = serializer;
        let start = out.len();
        let announced = len.unwrap_or(0);
        write_marker(out, kind, announced);
        let content = out.len();
        Self {
            out,
            numbers,
            kind,
            start,
            announced,
            content,
            written: 0,
        }
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        value.serialize(Serializer {
            out: &mut *self.out,
            numbers: self.numbers,
        })
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
                    let json = value.serialize(TextOnly)?;
                    return write_json(self.out, &json, &[], MAX_DEPTH)
                        .map_err(ser::Error::custom);
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
