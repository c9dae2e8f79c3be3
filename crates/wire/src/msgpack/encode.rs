//! Writes packets.

use bytes::Bytes;
use serde::{Serialize, ser::SerializeSeq};

use super::{
    ser::{Serializer, WriteError},
    write::{write_map, write_str, write_unsigned},
};
use crate::{
    encode::{EncodeError, Encoded, Head},
    spread::{self, List as _},
};

/// Room for a small event; a larger one grows.
const ROOM: usize = 96;

/// An event (with a name) or ack.
pub(crate) fn encode<T: Serialize + ?Sized>(
    head: Head<'_>,
    name: Option<&str>,
    data: &T,
    offset: Option<&str>,
) -> Result<Encoded, EncodeError> {
    packet(head, |out| {
        let mut list = List(serde::Serializer::serialize_seq(
            Serializer::new(out),
            None,
        )?);
        if let Some(name) = name {
            list.value(name)?;
        }
        spread::append(&mut list, data)?;
        if let Some(offset) = offset {
            list.value(offset)?;
        }
        list.0.end()
    })
}

/// The list of arguments as it is written.
struct List<S>(S);

impl<S: SerializeSeq> spread::List for List<S> {
    type Error = S::Error;

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        self.0.serialize_element(value)
    }

    fn text(&mut self, text: &str) -> Result<(), S::Error> {
        self.0.serialize_element(text)
    }
}

/// A packet whose data is one object.
pub(crate) fn encode_object<T: Serialize + ?Sized>(
    head: Head<'_>,
    data: &T,
) -> Result<Encoded, EncodeError> {
    let mut object = Vec::with_capacity(ROOM);
    data.serialize(Serializer::new(&mut object))
        .map_err(failed)?;
    if !matches!(object.first(), Some(0x80..=0x8f | 0xde | 0xdf)) {
        return Err(EncodeError::NotAnObject);
    }
    packet(head, |out| {
        out.extend_from_slice(&object);
        Ok(())
    })
}

/// A packet without data.
pub(crate) fn encode_bare(head: Head<'_>) -> Encoded {
    let mut out = Vec::with_capacity(ROOM);
    write_map(&mut out, 2);
    write_kind(&mut out, head.kind);
    write_namespace(&mut out, head.namespace);
    finish(out)
}

/// The fields are in the order in which Node writes those of an event.
fn packet(
    head: Head<'_>,
    data: impl FnOnce(&mut Vec<u8>) -> Result<(), WriteError>,
) -> Result<Encoded, EncodeError> {
    let mut out = Vec::with_capacity(ROOM + head.namespace.len());
    write_map(&mut out, 3 + usize::from(head.id.is_some()));
    write_kind(&mut out, head.kind);
    write_str(&mut out, "data");
    data(&mut out).map_err(failed)?;
    if let Some(id) = head.id {
        write_str(&mut out, "id");
        write_unsigned(&mut out, id);
    }
    write_namespace(&mut out, head.namespace);
    Ok(finish(out))
}

fn write_kind(out: &mut Vec<u8>, kind: u8) {
    write_str(out, "type");
    write_unsigned(out, kind.into());
}

fn write_namespace(out: &mut Vec<u8>, namespace: &str) {
    write_str(out, "nsp");
    write_str(out, if namespace.is_empty() { "/" } else { namespace });
}

fn finish(out: Vec<u8>) -> Encoded {
    Encoded {
        text: None,
        binary: vec![Bytes::from(out)],
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: WriteError) -> EncodeError {
    EncodeError::Value(error.to_string())
}
