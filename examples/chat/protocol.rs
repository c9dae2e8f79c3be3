//! The messages of `PROTOCOL.md` as types, and the rules for what stands in them.
//!
//! What a client sends is read in two steps, so that a refusal can name what it is about: first that it
//! is an object with a `type`, then its members. Rules with a code of their own (a name, a room, the
//! length of a text) are checked where the value is used.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use switchboard::{
    connection::{NodeId, SendError, Sent},
    pool::Report,
    prelude::*,
};

/// The largest message of a client, in bytes; the listener closes beyond it.
pub(crate) const MAX_MESSAGE: usize = 16 * 1024;
/// The most rooms one connection may be in.
pub(crate) const MAX_ROOMS: usize = 32;

const MAX_NAME: usize = 32;
const MAX_ROOM: usize = 64;
const MAX_TEXT: usize = 2_000;
const DRAIN_RATES: std::ops::RangeInclusive<u32> = 1..=10_000;

/// What a client sends.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub(crate) enum FromClient {
    Join { room: String },
    Leave { room: String },
    Say { room: String, text: String },
    Broadcast { text: String },
    Private { to: String, text: String },
    Name { name: String },
    Drain { per_second: u32 },
}

impl FromClient {
    /// Reads one text message. An error comes with the `type` that it is about, as far as that is known.
    pub(crate) fn read(text: &str) -> Result<(String, Self), (Code, Option<String>)> {
        let value: Value = serde_json::from_str(text).map_err(|_| (Code::BadMessage, None))?;
        let about = value.get("type").and_then(Value::as_str).map(str::to_owned);
        match (about, Self::deserialize(&value)) {
            (Some(about), Ok(message)) => Ok((about, message)),
            (about, _) => Err((Code::BadMessage, about)),
        }
    }
}

/// What the server sends.
#[derive(Debug, Serialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub(crate) enum ToClient<'a> {
    Welcome {
        you: &'a Who,
        people: &'a [Person],
        rooms: &'a [RoomSize],
        node: Node,
    },
    Arrived {
        who: &'a Person,
    },
    Changed {
        who: &'a Person,
    },
    Left {
        who: &'a Who,
    },
    Rooms {
        here: usize,
        rooms: &'a [RoomSize],
    },
    Message {
        kind: Kind,
        from: &'a Who,
        room: Option<&'a str>,
        to: Option<&'a str>,
        text: &'a str,
        at: u64,
    },
    Report {
        about: &'a str,
        #[serde(flatten)]
        fate: Fate,
    },
    Counts(Counts),
    Draining {
        per_second: u32,
        left: usize,
        closed: usize,
        done: bool,
    },
    Error {
        code: Code,
        message: &'static str,
        about: Option<&'a str>,
    },
}

impl ToClient<'_> {
    /// Encoded once, however many it is for.
    pub(crate) fn frame(&self) -> Frame {
        Frame::json(self).expect("texts and numbers are JSON")
    }
}

/// Who somebody is, and was when they said something.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Who {
    pub(crate) id: ConnectionId,
    pub(crate) name: Name,
}

/// Who is here, and in which rooms.
#[derive(Debug, Serialize)]
pub(crate) struct Person {
    #[serde(flatten)]
    pub(crate) who: Who,
    pub(crate) rooms: Vec<Room>,
}

#[derive(Debug, Serialize)]
pub(crate) struct RoomSize {
    pub(crate) room: Room,
    pub(crate) members: usize,
}

/// The process that holds the connection.
#[derive(Debug, Serialize)]
pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) version: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Kind {
    Room,
    Broadcast,
    Private,
}

/// Totals of the node, and what it holds now.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Counts {
    pub(crate) connections: usize,
    pub(crate) namespaces: usize,
    pub(crate) rooms: usize,
    pub(crate) messages_in: u64,
    pub(crate) deliveries: u64,
    pub(crate) dropped: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes_per_connection: Option<u64>,
}

/// What became of a message, in recipients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Fate {
    pub(crate) queued: usize,
    pub(crate) dropped: usize,
    pub(crate) closed: usize,
    pub(crate) absent: usize,
}

/// Of a message to many.
impl From<Report> for Fate {
    fn from(report: Report) -> Self {
        Self {
            queued: report.queued,
            dropped: report.dropped + report.too_large,
            closed: report.slow,
            absent: report.closed,
        }
    }
}

/// Of a message to one.
impl From<Result<Sent, SendError>> for Fate {
    fn from(sent: Result<Sent, SendError>) -> Self {
        let mut fate = Self::default();
        match sent {
            Ok(Sent::Queued | Sent::Displaced(_)) => fate.queued = 1,
            Err(SendError::SlowConsumer) => fate.closed = 1,
            Err(SendError::Closed) => fate.absent = 1,
            Ok(_) | Err(_) => fate.dropped = 1,
        }
        fate
    }
}

/// Why a message was refused. The words are stable: programs compare them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Code {
    BadMessage,
    BadName,
    BadRoom,
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
            Self::TooLong => "A message has at most 2,000 characters.",
            Self::NotInRoom => "Join the room first.",
            Self::TooManyRooms => "That is one room too many: leave another one first.",
            Self::NoSuchConnection => "This person has left.",
            Self::RateLimited => "Slow down a little.",
        }
    }
}

/// What a person goes by: 1 to 32 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
}

/// A room that people may join.
pub(crate) fn room(name: &str) -> Result<Room, Code> {
    if !is_label(name, MAX_ROOM) {
        return Err(Code::BadRoom);
    }
    Room::new(name).map_err(|_| Code::BadRoom)
}

/// A text that may be sent.
pub(crate) fn text(text: &str) -> Result<&str, Code> {
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
