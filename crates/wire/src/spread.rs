//! One value as the arguments of an event or ack: a tuple is many, `()` is none, the rest is one.
//!
//! Serde tells only by being asked. So the value is first serialised into a [`Spread`], which takes a
//! tuple's elements and a text, and refuses everything else at its first word; then the value is one
//! argument. The refusal costs next to nothing: no value has been looked at by then.

use std::fmt;

use serde::{
    Serialize, Serializer,
    ser::{self, Impossible, SerializeTuple},
};

/// A list of arguments in the making.
pub(crate) trait List {
    type Error: ser::Error;

    /// Appends anything.
    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Self::Error>;

    /// Appends a text, which most arguments are, by a shorter way.
    fn text(&mut self, text: &str) -> Result<(), Self::Error>;
}

/// Appends `data` to a list of arguments.
pub(crate) fn append<L, T>(list: &mut L, data: &T) -> Result<(), L::Error>
where
    L: List,
    T: Serialize + ?Sized,
{
    one_or(data, list, true)
}

/// Appends `data`; a tuple is spread over the list only if `tuples` says so.
fn one_or<L, T>(data: &T, list: &mut L, tuples: bool) -> Result<(), L::Error>
where
    L: List,
    T: Serialize + ?Sized,
{
    match data.serialize(Spread { list, tuples }) {
        Ok(()) => Ok(()),
        Err(Refused::One) => list.value(data),
        Err(Refused::Failed(error)) => Err(error),
    }
}

struct Spread<'a, L> {
    list: &'a mut L,
    tuples: bool,
}

/// Why a [`Spread`] did not take a value.
#[derive(Debug)]
enum Refused<E> {
    /// It is no tuple.
    One,
    /// One of its elements does not serialise.
    Failed(E),
}

impl<E: fmt::Display> fmt::Display for Refused<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One => f.write_str("not a tuple"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl<E: ser::Error> std::error::Error for Refused<E> {}

impl<E: ser::Error> ser::Error for Refused<E> {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Failed(E::custom(message))
    }
}

impl<L: List> SerializeTuple for Spread<'_, L> {
    type Ok = ();
    type Error = Refused<L::Error>;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Self::Error> {
        one_or(value, self.list, false).map_err(Refused::Failed)
    }

    fn end(self) -> Result<(), Self::Error> {
        Ok(())
    }
}

macro_rules! one {
    ($($method:ident($($type:ty),*) $(-> $ok:ty)?;)*) => {
        $(fn $method(self $(, _: $type)*) -> Result<one!(@ $($ok)?), Self::Error> {
            Err(Refused::One)
        })*
    };
    (@) => { () };
    (@ $ok:ty) => { $ok };
}

impl<L: List> Serializer for Spread<'_, L> {
    type Ok = ();
    type Error = Refused<L::Error>;
    type SerializeSeq = Impossible<(), Self::Error>;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Impossible<(), Self::Error>;
    type SerializeTupleVariant = Impossible<(), Self::Error>;
    type SerializeMap = Impossible<(), Self::Error>;
    type SerializeStruct = Impossible<(), Self::Error>;
    type SerializeStructVariant = Impossible<(), Self::Error>;

    fn serialize_tuple(self, _: usize) -> Result<Self, Self::Error> {
        if self.tuples {
            Ok(self)
        } else {
            Err(Refused::One)
        }
    }

    fn serialize_unit(self) -> Result<(), Self::Error> {
        if self.tuples {
            Ok(())
        } else {
            Err(Refused::One)
        }
    }

    fn serialize_str(self, text: &str) -> Result<(), Self::Error> {
        self.list.text(text).map_err(Refused::Failed)
    }

    one! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_char(char);
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), Self::Error> {
        Err(Refused::One)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<(), Self::Error> {
        Err(Refused::One)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Self::Error> {
        Err(Refused::One)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Result<(), Self::Error> {
        Err(Refused::One)
    }
}
