//! Anything from msgpack, through serde.

use std::borrow::Cow;

use serde::{
    Deserializer,
    de::{
        self, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
        Visitor, value::SeqDeserializer,
    },
    forward_to_deserialize_any,
};

use super::reader::{Item, Reader};
use crate::{decode::DecodeError, key::Key, value::Error};

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        de::Error::custom(error)
    }
}

impl<'de> Reader<'de> {
    /// What follows, without moving on.
    fn peek(&self) -> Result<Item<'de>, DecodeError> {
        let mut ahead = *self;
        ahead.item()
    }

    fn visit<V: Visitor<'de>>(&mut self, item: Item<'de>, visitor: V) -> Result<V::Value, Error> {
        match item {
            Item::Nil | Item::Undefined => visitor.visit_unit(),
            Item::Bool(value) => visitor.visit_bool(value),
            Item::Unsigned(value) => visitor.visit_u64(value),
            Item::Signed(value) => visitor.visit_i64(value),
            // What JSON cannot say is null there, so here too.
            Item::Float(value) if !value.is_finite() => visitor.visit_unit(),
            Item::Float(value) => visitor.visit_f64(value),
            Item::Text(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Item::Text(Cow::Owned(text)) => visitor.visit_string(text),
            Item::Binary(bytes) => visitor.visit_borrowed_bytes(bytes),
            Item::Array(len) => {
                self.enter()?;
                let mut elements = Elements {
                    reader: self,
                    left: len,
                };
                let value = visitor.visit_seq(&mut elements)?;
                elements.finish(len)?;
                Ok(value)
            }
            Item::Map(len) => {
                self.enter()?;
                let mut entries = Elements {
                    reader: self,
                    left: len,
                };
                let value = visitor.visit_map(&mut entries)?;
                entries.finish(len)?;
                Ok(value)
            }
            Item::Extension(kind, data) => visitor.visit_seq(Extension {
                kind: Some(kind),
                data: Some(data),
            }),
        }
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let item = self.item()?;
        self.visit(item, visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if matches!(self.peek()?, Item::Nil | Item::Undefined) {
            self.item()?;
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    /// Bytes may be read as a list of numbers, so that a plain `Vec<u8>` takes them.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.item()? {
            Item::Binary(bytes) => visitor.visit_seq(SeqDeserializer::new(bytes.iter().copied())),
            item => self.visit(item, visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.item()? {
            Item::Text(variant) => visitor.visit_enum(variant.into_deserializer()),
            Item::Map(1) => {
                self.enter()?;
                let value = visitor.visit_enum(Variant(&mut *self))?;
                self.leave();
                Ok(value)
            }
            _ => Err(de::Error::custom(
                "expected a variant: a string or an object with one field",
            )),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.skip()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct tuple_struct map struct identifier
    }
}

/// The elements of an array, or the entries of a map.
struct Elements<'a, 'de> {
    reader: &'a mut Reader<'de>,
    left: usize,
}

impl Elements<'_, '_> {
    fn finish(self, len: usize) -> Result<(), Error> {
        if self.left > 0 {
            return Err(de::Error::invalid_length(len, &"fewer elements"));
        }
        self.reader.leave();
        Ok(())
    }
}

impl<'de> SeqAccess<'de> for &mut Elements<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> MapAccess<'de> for &mut Elements<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(key(self.reader)?).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.reader)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// A key, to read.
fn key<'de>(reader: &mut Reader<'de>) -> Result<Key<'de>, Error> {
    Ok(Key::new(reader.key()?))
}

/// What notepack makes of an extension it does not know: its type and its bytes.
struct Extension<'de> {
    kind: Option<i8>,
    data: Option<&'de [u8]>,
}

impl<'de> SeqAccess<'de> for Extension<'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if let Some(kind) = self.kind.take() {
            return seed.deserialize(kind.into_deserializer()).map(Some);
        }
        match self.data.take() {
            None => Ok(None),
            Some(data) => seed
                .deserialize(de::value::BorrowedBytesDeserializer::new(data))
                .map(Some),
        }
    }
}

/// `{"variant":value}`, behind its marker.
struct Variant<'a, 'de>(&'a mut Reader<'de>);

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        Ok((seed.deserialize(key(self.0)?)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        serde::Deserialize::deserialize(self.0)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.0.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deserialize_any(visitor)
    }
}
