//! Arguments as something to send again, or to hand on as they are.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{SeqAccess, Visitor},
    ser::{Error, SerializeTuple},
};

use super::read::ALL;
use crate::{Args, Value};

/// As a tuple, so that each argument is one again. No value is built on the way, whatever parser they
/// came with and go to.
impl Serialize for Args {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.readable().map_err(S::Error::custom)?;
        let mut tuple = serializer.serialize_tuple(self.len())?;
        for argument in self.arguments() {
            tuple.serialize_element(&argument)?;
        }
        tuple.end()
    }
}

/// All arguments, however many there are: [`Args::read`] hands on everything to who asks for `Args`.
impl<'de> Deserialize<'de> for Args {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple(ALL, All)
    }
}

struct All;

impl<'de> Visitor<'de> for All {
    type Value = Args;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("arguments")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Args, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = elements.next_element()? {
            values.push(value);
        }
        Ok(Args::from_values(values))
    }
}

/// Values as a tuple.
pub(super) struct Each<'a>(pub(super) &'a [Value]);

impl Serialize for Each<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        for value in self.0 {
            tuple.serialize_element(value)?;
        }
        tuple.end()
    }
}
