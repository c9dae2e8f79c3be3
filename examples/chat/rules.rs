//! What is allowed in the messages of `PROTOCOL.md`, and the words for what is not.

use serde::{Deserialize, Serialize};
use switchboard::prelude::*;

/// The largest message of a client, in bytes; the listener closes beyond it.
pub(crate) const MAX_MESSAGE: usize = 16 * 1024;
/// The most rooms one connection may be in.
pub(crate) const MAX_ROOMS: usize = 32;

const MAX_NAME: usize = 32;
const MAX_ROOM: usize = 64;
const MAX_TEXT: usize = 2_000;
const DRAIN_RATES: std::ops::RangeInclusive<u32> = 1..=10_000;

/// Why a message was refused. The words are stable: programs compare them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Code {
    BadMessage,
    BadName,
    BadRoom,
    NameTaken,
    TooLong,
    NotInRoom,
    TooManyRooms,
    NoSuchConnection,
    RateLimited,
}

impl Code {
    /// The same for people.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::BadMessage => "This is not a message that the chat understands.",
            Self::BadName => "A name has 1 to 32 characters.",
            Self::BadRoom => "The name of a room has 1 to 64 characters.",
            Self::NameTaken => "Somebody here goes by this name already.",
            Self::TooLong => "A message has at most 2,000 characters.",
            Self::NotInRoom => "Join the room first.",
            Self::TooManyRooms => "That is one room too many: leave another one first.",
            Self::NoSuchConnection => "This person has left.",
            Self::RateLimited => "Slow down a little.",
        }
    }
}

/// What a person goes by: 1 to 32 characters, no two the same in a namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Name(String);

impl Name {
    pub(crate) fn new(name: String) -> Result<Self, Code> {
        if is_label(&name, MAX_NAME) {
            Ok(Self(name))
        } else {
            Err(Code::BadName)
        }
    }

    /// For whoever gave none.
    pub(crate) fn guest(id: &ConnectionId) -> Self {
        Self(format!("Guest {}", id.chars().take(4).collect::<String>()))
    }

    /// The same with a number, for when it is taken: `Ada`, `Ada 2`, `Ada 3`.
    pub(crate) fn numbered(&self, number: usize) -> Self {
        let number = format!(" {number}");
        let room = MAX_NAME - number.len();
        let base: String = self.0.chars().take(room).collect();
        Self(base + &number)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::new(name).map_err(Code::message)
    }
}

/// A namespace of the chat: its Socket.IO namespace has a slash before it, and ends at a comma.
pub(crate) fn namespace(name: &str) -> Option<Namespace> {
    let namespace = Namespace::new(name).ok()?;
    let fits = Namespace::new(socket_io_name(&namespace)).is_ok();
    let is_plain = !name.contains(|c: char| c == ',' || c.is_control());
    (fits && is_plain).then_some(namespace)
}

/// The namespace of the chat that Socket.IO calls `name`.
pub(crate) fn namespace_of(name: &str) -> Option<Namespace> {
    namespace(name.strip_prefix('/')?)
}

/// What Socket.IO calls a namespace of the chat.
pub(crate) fn socket_io_name(namespace: &Namespace) -> String {
    format!("/{namespace}")
}

/// A room that people may join.
pub(crate) fn room(name: &str) -> Result<Room, Code> {
    if !is_label(name, MAX_ROOM) {
        return Err(Code::BadRoom);
    }
    Room::new(name).map_err(|_| Code::BadRoom)
}

/// A text that may be sent.
pub(crate) fn text(text: String) -> Result<String, Code> {
    if text.trim().is_empty() {
        return Err(Code::BadMessage);
    }
    if text.chars().count() > MAX_TEXT {
        return Err(Code::TooLong);
    }
    Ok(text)
}

/// A pace for a drain.
pub(crate) fn pace(per_second: u32) -> Result<u32, Code> {
    if DRAIN_RATES.contains(&per_second) {
        Ok(per_second)
    } else {
        Err(Code::BadMessage)
    }
}

fn is_label(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control)
}
