//! One value as the arguments of an event or ack: a tuple is many, `()` is none, the rest is one.
//!
//! Serde tells only by being asked. So the value is first serialised into a [`Spread`], which takes a
//! tuple's elements and refuses everything else at its first word; then the value is one argument.
//! The refusal costs next to nothing: no value has been looked at by then.

use std::fmt;

use serde::{
    Serialize, Serializer,
    ser::{self, Impossible, SerializeSeq, SerializeTuple},
};

/// Appends `data` to a list of arguments.
pub(crate) fn append<S, T>(list: &mut S, data: &T) -> Result<(), S::Error>
where
    S: SerializeSeq,
    T: Serialize + ?Sized,
{
    match data.serialize(Spread(list)) {
        Ok(()) => Ok(()),
        Err(Refused::One) => list.serialize_element(data),
        Err(Refused::Failed(error)) => Err(error),
    }
}

struct Spread<'a, S>(&'a mut S);

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

impl<S: SerializeSeq> SerializeTuple for Spread<'_, S> {
    type Ok = ();
    type Error = Refused<S::Error>;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Self::Error> {
        self.0.serialize_element(value).map_err(Refused::Failed)
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

impl<S: SerializeSeq> Serializer for Spread<'_, S> {
    type Ok = ();
    type Error = Refused<S::Error>;
    type SerializeSeq = Impossible<(), Self::Error>;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Impossible<(), Self::Error>;
    type SerializeTupleVariant = Impossible<(), Self::Error>;
    type SerializeMap = Impossible<(), Self::Error>;
    type SerializeStruct = Impossible<(), Self::Error>;
    type SerializeStructVariant = Impossible<(), Self::Error>;

    fn serialize_tuple(self, _: usize) -> Result<Self, Self::Error> {
        Ok(self)
    }

    fn serialize_unit(self) -> Result<(), Self::Error> {
        Ok(())
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
        serialize_str(&str);
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
