//! What a message carries: an event of a packet that is encoded already, or a name and arguments.

use std::io;

use bytes::Bytes;
use serde::{Serialize, Serializer, ser::SerializeSeq};
use serde_json::ser::Formatter;

use super::error::PublishError;
use crate::{
    Args, Encoded, MAX_DEPTH,
    args::Argument,
    json,
    msgpack::{Item, Reader, Serializer as Notepack, write_json},
};

/// The list `[event, …arguments]` of an event packet, found in its encoding.
#[derive(Clone, Copy, Debug)]
pub(super) enum List<'a> {
    Json(&'a str, &'a [Bytes]),
    Msgpack(Reader<'a>),
}

impl<'a> List<'a> {
    /// Finds it. Its id, if it has one, is not the cluster's.
    pub(super) fn of(packet: &'a Encoded) -> Result<Self, PublishError> {
        let list = match (&packet.text, &packet.binary[..]) {
            (Some(text), attachments) => Some(Self::Json(
                list_of_text(text).ok_or(PublishError::NotAnEvent)?,
                attachments,
            )),
            (None, [message]) => list_of_msgpack(message).map(Self::Msgpack),
            (None, _) => None,
        };
        list.ok_or(PublishError::NotAnEvent)
    }

    pub(super) fn has_binary(&self) -> bool {
        match *self {
            Self::Json(_, attachments) => !attachments.is_empty(),
            Self::Msgpack(reader) => Argument::Msgpack(reader).has_binary(),
        }
    }

    /// Refuses what nobody could read for its depth, or because it has been cut.
    pub(super) fn check(&self) -> Result<(), PublishError> {
        match self {
            Self::Json(json, _) if json::depth(json.as_bytes()) > MAX_DEPTH => {
                Err(PublishError::TooDeep)
            }
            _ => Ok(()),
        }
    }

    /// Appends it in the dialect of `notepack.io` 3.0.1. On an error `out` is not to be used.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), PublishError> {
        match *self {
            Self::Json(json, attachments) => Ok(write_json(out, json, attachments, MAX_DEPTH)?),
            Self::Msgpack(reader) => Argument::Msgpack(reader)
                .serialize(Notepack::notepack(out))
                .map_err(|error| PublishError::Value(error.to_string())),
        }
    }
}

impl Serialize for List<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Json(json, []) => Argument::Json(json.as_bytes()),
            Self::Json(json, attachments) => Argument::Bound(json.as_bytes(), attachments),
            Self::Msgpack(reader) => Argument::Msgpack(reader),
        }
        .serialize(serializer)
    }
}

/// Behind `42` or `45n-`, the namespace and the id.
fn list_of_text(text: &str) -> Option<&str> {
    let text = text.strip_prefix('4')?;
    let is_digit = |byte: char| byte.is_ascii_digit();
    let text = match text.strip_prefix('2') {
        Some(text) => text,
        None => text
            .strip_prefix('5')?
            .trim_start_matches(is_digit)
            .strip_prefix('-')?,
    };
    let text = if text.starts_with('/') {
        text.split_once(',')?.1
    } else {
        text
    };
    let list = text.trim_start_matches(is_digit);
    list.starts_with('[').then_some(list)
}

/// The value of `data` in a packet of type 2.
fn list_of_msgpack(message: &[u8]) -> Option<Reader<'_>> {
    // The packet is one level itself.
    let mut reader = Reader::new(message, MAX_DEPTH + 1);
    let Ok(Item::Map(len)) = reader.item() else {
        return None;
    };
    reader.enter().ok()?;
    let (mut kind, mut list) = (None, None);
    for _ in 0..len {
        let key = reader.key().ok()?;
        let mut value = reader;
        match &*key {
            "type" => kind = value.item().ok(),
            "data" => list = Some(reader),
            _ => {}
        }
        reader.skip().ok()?;
    }
    let list = list?;
    let mut first = list;
    let is_list = matches!(first.item(), Ok(Item::Array(1..)));
    (kind == Some(Item::Unsigned(2)) && is_list && reader.rest().is_empty()).then_some(list)
}

/// `[name, …args]`.
pub(super) struct Call<'a>(pub(super) &'a str, pub(super) &'a Args);

impl Serialize for Call<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(1 + self.1.len()))?;
        list.serialize_element(self.0)?;
        for argument in self.1.iter() {
            list.serialize_element(&argument)?;
        }
        list.end()
    }
}

/// The first argument alone, as what an ack answers with; there may be none.
pub(super) fn first(args: &Args) -> Option<Argument<'_>> {
    args.iter().next()
}

/// `message` in the dialect of `notepack.io` 3.0.1.
pub(super) fn to_msgpack<T: Serialize>(message: &T) -> Result<Vec<u8>, PublishError> {
    let mut out = Vec::with_capacity(128);
    message
        .serialize(Notepack::notepack(&mut out))
        .map_err(|error| PublishError::Value(error.to_string()))?;
    Ok(out)
}

/// `message` as JSON, or as msgpack if there are bytes in it, as Node's cluster adapters do.
pub(super) fn to_either<T: Serialize>(message: &T, binary: bool) -> Result<Vec<u8>, PublishError> {
    if binary {
        return to_msgpack(message);
    }
    let mut out = Vec::with_capacity(128);
    let mut json = serde_json::Serializer::with_formatter(&mut out, NodeBuffers);
    message
        .serialize(&mut json)
        .map_err(|error| PublishError::Value(error.to_string()))?;
    Ok(out)
}

/// Writes bytes as `JSON.stringify` writes a `Buffer`, where a message has to be text.
struct NodeBuffers;

impl Formatter for NodeBuffers {
    fn write_byte_array<W>(&mut self, writer: &mut W, value: &[u8]) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        writer.write_all(br#"{"type":"Buffer","data":["#)?;
        for (at, byte) in value.iter().enumerate() {
            if at > 0 {
                writer.write_all(b",")?;
            }
            write!(writer, "{byte}")?;
        }
        writer.write_all(b"]}")
    }
}
