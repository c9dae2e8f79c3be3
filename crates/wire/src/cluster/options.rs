//! Whom an operation means, and how it is to be done.

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{
    doc::Doc,
    error::{ClusterError, ClusterLimits},
};
use crate::msgpack::{write_bool, write_list, write_map, write_str, write_unsigned};

/// Whom a message of another node means: sockets in one of `rooms`, or all where no room is named, but
/// none that is in one of `except`.
///
/// A room that is a number in JavaScript arrives as its text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Rooms; none means everybody.
    pub rooms: Vec<String>,
    /// Whose members are left out.
    pub except: Vec<String>,
    /// How.
    pub flags: Flags,
}

/// How an event is to be delivered (`BroadcastFlags` of `socket.io-adapter` 2.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flags {
    /// Whether it may be dropped for whoever is busy.
    pub volatile: bool,
    /// Whether it should be compressed.
    pub compress: Option<bool>,
    /// For how many milliseconds acks are awaited.
    pub timeout: Option<u64>,
}

impl Flags {
    /// These, and whether the event may be dropped for whoever is busy.
    #[must_use]
    pub fn with_volatile(mut self, volatile: bool) -> Self {
        self.volatile = volatile;
        self
    }

    /// These, and whether the event should be compressed.
    #[must_use]
    pub fn with_compress(mut self, compress: Option<bool>) -> Self {
        self.compress = compress;
        self
    }

    /// These, and for how many milliseconds acks are awaited.
    #[must_use]
    pub fn with_timeout(mut self, millis: Option<u64>) -> Self {
        self.timeout = millis;
        self
    }
}

/// The same as [`Options`], to send.
#[derive(Clone, Copy, Debug, Default)]
pub struct To<'a> {
    /// Rooms; none means everybody.
    pub rooms: &'a [String],
    /// Whose members are left out.
    pub except: &'a [String],
    /// How.
    pub flags: Flags,
}

impl<'a> To<'a> {
    /// Members of `rooms`, or everybody, who are in none of `except`.
    pub fn new(rooms: &'a [String], except: &'a [String]) -> Self {
        let flags = Flags::default();
        Self {
            rooms,
            except,
            flags,
        }
    }

    /// The same with `flags`.
    #[must_use]
    pub fn with_flags(mut self, flags: Flags) -> Self {
        self.flags = flags;
        self
    }

    /// The room, if it is exactly one.
    pub(super) fn only_room(&self) -> Option<&'a str> {
        match self.rooms {
            [room] => Some(room),
            _ => None,
        }
    }
}

impl<'a> From<&'a Options> for To<'a> {
    fn from(options: &'a Options) -> Self {
        Self {
            rooms: &options.rooms,
            except: &options.except,
            flags: options.flags,
        }
    }
}

/// The order of the fields, which is of no meaning, but kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Rooms, exceptions, flags: the adapters.
    Adapter,
    /// Rooms, flags, exceptions: `@socket.io/redis-emitter` 5.1.0, `emit`.
    Emitter,
}

/// Straight to msgpack: every broadcast takes this way.
pub(super) fn write_options(out: &mut Vec<u8>, to: &To<'_>, order: Order) {
    write_map(out, 3);
    write_rooms(out, "rooms", to.rooms);
    if order == Order::Adapter {
        write_rooms(out, "except", to.except);
    }
    write_flags(out, to.flags);
    if order == Order::Emitter {
        write_rooms(out, "except", to.except);
    }
}

fn write_rooms(out: &mut Vec<u8>, key: &str, rooms: &[String]) {
    write_str(out, key);
    write_list(out, rooms.len());
    for room in rooms {
        write_str(out, room);
    }
}

fn write_flags(out: &mut Vec<u8>, flags: Flags) {
    write_str(out, "flags");
    write_map(out, flags.len());
    if flags.volatile {
        write_str(out, "volatile");
        write_bool(out, true);
    }
    if let Some(compress) = flags.compress {
        write_str(out, "compress");
        write_bool(out, compress);
    }
    if let Some(timeout) = flags.timeout {
        write_str(out, "timeout");
        write_unsigned(out, timeout);
    }
}

impl Flags {
    fn len(self) -> usize {
        usize::from(self.volatile)
            + usize::from(self.compress.is_some())
            + usize::from(self.timeout.is_some())
    }
}

impl Serialize for Flags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut flags = serializer.serialize_struct("Flags", self.len())?;
        if self.volatile {
            flags.serialize_field("volatile", &true)?;
        }
        if let Some(compress) = self.compress {
            flags.serialize_field("compress", &compress)?;
        }
        if let Some(timeout) = self.timeout {
            flags.serialize_field("timeout", &timeout)?;
        }
        flags.end()
    }
}

/// All three fields, as the cluster adapters send them (`socket.io-adapter` 2.5.8, `encodeOptions`).
impl Serialize for To<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut options = serializer.serialize_struct("Options", 3)?;
        options.serialize_field("rooms", self.rooms)?;
        options.serialize_field("except", self.except)?;
        options.serialize_field("flags", &self.flags)?;
        options.end()
    }
}

/// Rooms and exceptions alone, as the classic adapter's requests name whom they mean.
pub(super) struct Plain<'a>(pub(super) To<'a>);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut options = serializer.serialize_struct("Options", 2)?;
        options.serialize_field("rooms", self.0.rooms)?;
        options.serialize_field("except", self.0.except)?;
        options.end()
    }
}

/// Reads options. What is missing is empty (`new Set(undefined)`), as in Node.
pub(super) fn read_options(limits: &ClusterLimits, doc: Doc<'_>) -> Result<Options, ClusterError> {
    let mut options = Options::default();
    for (key, value) in doc.fields().ok_or(ClusterError::InvalidField("opts"))? {
        match &*key {
            "rooms" => options.rooms = rooms(limits, value, "rooms", Stranger::Refuse)?,
            "except" => options.except = rooms(limits, value, "except", Stranger::Skip)?,
            "flags" => options.flags = flags(value),
            _ => {}
        }
    }
    Ok(options)
}

fn flags(doc: Doc<'_>) -> Flags {
    let mut flags = Flags::default();
    for (key, value) in doc.fields().into_iter().flatten() {
        match &*key {
            "volatile" => flags.volatile = value.is_truthy(),
            "compress" => flags.compress = value.bool(),
            "timeout" => flags.timeout = value.millis(),
            _ => {}
        }
    }
    flags
}

/// What becomes of a room that is neither text nor number. No socket is in it, as in Node.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stranger {
    /// The message is refused: without this room it might mean everybody.
    Refuse,
    /// Without it the message means the same.
    Skip,
}

pub(super) fn rooms(
    limits: &ClusterLimits,
    doc: Doc<'_>,
    field: &'static str,
    stranger: Stranger,
) -> Result<Vec<String>, ClusterError> {
    if doc.is_null() {
        return Ok(Vec::new());
    }
    let mut rooms = Vec::new();
    for room in doc.elements().ok_or(ClusterError::InvalidField(field))? {
        if rooms.len() == limits.max_rooms {
            return Err(ClusterError::TooManyRooms);
        }
        match room.name() {
            Some(room) => rooms.push(name(limits, room)?),
            None if stranger == Stranger::Skip => {}
            None => return Err(ClusterError::InvalidField(field)),
        }
    }
    Ok(rooms)
}

/// A name within its limit.
pub(super) fn name(
    limits: &ClusterLimits,
    name: std::borrow::Cow<'_, str>,
) -> Result<String, ClusterError> {
    if name.len() > limits.max_name_bytes {
        Err(ClusterError::NameTooLong)
    } else {
        Ok(name.into_owned())
    }
}

/// An id, if it is there and not `null`.
pub(super) fn id(
    limits: &ClusterLimits,
    doc: Option<Doc<'_>>,
    field: &'static str,
) -> Result<Option<String>, ClusterError> {
    match doc {
        None => Ok(None),
        Some(doc) if doc.is_null() => Ok(None),
        Some(doc) => {
            let text = doc.name().ok_or(ClusterError::InvalidField(field))?;
            name(limits, text).map(Some)
        }
    }
}
