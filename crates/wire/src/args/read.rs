//! Reads arguments by the shape of what is asked for.
//!
//! Serde types say themselves whether they are tuples, by the method they call.

use std::fmt;

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, SeqAccess, Visitor},
    forward_to_deserialize_any,
};

use crate::{Value, json, msgpack::Reader, value};

/// The length of a tuple that takes all arguments, however many.
pub(super) const ALL: usize = usize::MAX;

/// Why reading failed, and where if that is known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("missing")]
    Missing(Option<usize>),
    #[error("{1}")]
    Invalid(Option<usize>, String),
}

impl ReadError {
    fn within(self, at: usize) -> Self {
        match self {
            Self::Missing(index) => Self::Missing(index.or(Some(at))),
            Self::Invalid(index, message) => Self::Invalid(index.or(Some(at)), message),
        }
    }
}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Invalid(None, message.to_string())
    }
}

impl From<serde_json::Error> for ReadError {
    fn from(error: serde_json::Error) -> Self {
        de::Error::custom(error)
    }
}

impl From<value::Error> for ReadError {
    fn from(error: value::Error) -> Self {
        de::Error::custom(error)
    }
}

/// The arguments that are left.
pub(super) enum Arguments<'de> {
    Json(&'de [u8], Option<&'de [Bytes]>),
    Msgpack(Reader<'de>, usize),
}

/// One argument.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Argument<'de> {
    Json(&'de [u8]),
    /// With placeholders to bind.
    Bound(&'de [u8], &'de [Bytes]),
    Msgpack(Reader<'de>),
}

impl<'de> Iterator for Arguments<'de> {
    type Item = Argument<'de>;

    fn next(&mut self) -> Option<Argument<'de>> {
        match self {
            Self::Json(rest, attachments) => {
                let (argument, left) = json::next(rest)?;
                *rest = left;
                Some(match attachments {
                    None => Argument::Json(argument),
                    Some(bytes) => Argument::Bound(argument, bytes),
                })
            }
            Self::Msgpack(reader, left) => {
                *left = left.checked_sub(1)?;
                let argument = *reader;
                reader.skip().ok()?;
                Some(Argument::Msgpack(argument))
            }
        }
    }
}

impl Argument<'_> {
    pub(crate) fn value(self) -> Result<Value, ReadError> {
        match self {
            Self::Json(json) => Ok(serde_json::from_slice(json)?),
            Self::Bound(json, attachments) => {
                let mut value = serde_json::from_slice(json)?;
                json::bind(&mut value, attachments);
                Ok(value)
            }
            Self::Msgpack(mut reader) => Ok(Value::deserialize(&mut reader)?),
        }
    }
}

/// One argument, or what stands for a missing one.
pub(super) struct ReadFirst<'de>(pub(super) Option<Argument<'de>>);

/// What a reader finds where no argument is: like `null`, but the error says that it is missing.
struct Missing;

macro_rules! deserialize_each {
    ($($method:ident($($with:ident: $type:ty),*);)*) => {
        impl<'de> Deserializer<'de> for ReadFirst<'de> {
            type Error = ReadError;

            $(fn $method<V: Visitor<'de>>(self, $($with: $type,)* visitor: V) -> Result<V::Value, ReadError> {
                match self.0 {
                    Some(Argument::Json(json)) => {
                        let mut json = serde_json::Deserializer::from_slice(json);
                        let value = (&mut json).$method($($with,)* visitor)?;
                        // An integer of 128 bits leaves a fraction where it is.
                        json.end()?;
                        Ok(value)
                    }
                    Some(bound @ Argument::Bound(..)) => {
                        Ok(bound.value()?.$method($($with,)* visitor)?)
                    }
                    Some(Argument::Msgpack(mut reader)) => {
                        Ok((&mut reader).$method($($with,)* visitor)?)
                    }
                    None => Missing.$method($($with,)* visitor),
                }
            })*

            fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
                // A list is checked when it arrives: what has no escape is the text itself.
                match self.0 {
                    Some(Argument::Json(json)) if let Some(text) = json::plain_string(json) => {
                        visitor.visit_borrowed_str(text)
                    }
                    _ => self.deserialize_any(visitor),
                }
            }

            fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
                self.deserialize_str(visitor)
            }
        }
    };
}

macro_rules! deserialize_first {
    ($($method:ident($($with:ident: $type:ty),*);)*) => {
        $(fn $method<V: Visitor<'de>>(mut self, $($with: $type,)* visitor: V) -> Result<V::Value, ReadError> {
            ReadFirst(self.next()).$method($($with,)* visitor)
        })*
    };
}

macro_rules! with_methods {
    ($macro:ident $($more:tt)*) => {
        $macro! {
            deserialize_any();
            deserialize_bool();
            deserialize_i8();
            deserialize_i16();
            deserialize_i32();
            deserialize_i64();
            deserialize_i128();
            deserialize_u8();
            deserialize_u16();
            deserialize_u32();
            deserialize_u64();
            deserialize_u128();
            deserialize_f32();
            deserialize_f64();
            deserialize_char();
            deserialize_bytes();
            deserialize_byte_buf();
            deserialize_option();
            deserialize_unit_struct(name: &'static str);
            deserialize_newtype_struct(name: &'static str);
            deserialize_seq();
            deserialize_tuple_struct(name: &'static str, len: usize);
            deserialize_map();
            deserialize_struct(name: &'static str, fields: &'static [&'static str]);
            deserialize_enum(name: &'static str, variants: &'static [&'static str]);
            deserialize_identifier();
            deserialize_ignored_any();
            $($more)*
        }
    };
}

with_methods! {
    deserialize_each
    deserialize_unit();
    deserialize_tuple(len: usize);
}

impl<'de> Deserializer<'de> for Arguments<'de> {
    type Error = ReadError;

    with_methods! {
        deserialize_first
        deserialize_str();
        deserialize_string();
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_unit()
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_seq(Elements {
            arguments: self,
            at: 0,
            len,
        })
    }
}

/// The arguments as the elements of a tuple.
struct Elements<'de> {
    arguments: Arguments<'de>,
    at: usize,
    len: usize,
}

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ReadError> {
        if self.at == self.len {
            return Ok(None);
        }
        let at = self.at;
        self.at += 1;
        let argument = self.arguments.next();
        if argument.is_none() && self.len == ALL {
            return Ok(None);
        }
        seed.deserialize(ReadFirst(argument))
            .map(Some)
            .map_err(|error| error.within(at))
    }
}

impl<'de> Deserializer<'de> for Missing {
    type Error = ReadError;

    /// For readers that take anything.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor
            .visit_unit()
            .map_err(|_: ReadError| ReadError::Missing(None))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_none()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
