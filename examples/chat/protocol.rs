//! The messages of `PROTOCOL.md` as types: one type per message, whatever way it travels.
//!
//! Over Socket.IO a message is an event: its name, and one argument. Over a plain WebSocket it is a JSON
//! object with the name as its `type`. Rules with a code of their own (a name, a room, the length of a
//! text) are checked where the value is used.

use serde::{Deserialize, Serialize};
use switchboard::{connection::NodeId, events::Event, prelude::*};

use crate::{
    fate::Fate,
    rules::{Code, Name},
};

/// What clients send. Each is answered with one [`Answer`].
#[derive(Debug, Serialize, Deserialize, Event)]
#[event(ack = Answer)]
pub(crate) struct Join {
    pub(crate) room: String,
}

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(ack = Answer)]
pub(crate) struct Leave {
    pub(crate) room: String,
}

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(ack = Answer)]
pub(crate) struct Say {
    pub(crate) room: String,
    pub(crate) text: String,
}

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(ack = Answer)]
pub(crate) struct Broadcast {
    pub(crate) text: String,
}

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(ack = Answer)]
pub(crate) struct Private {
    pub(crate) to: String,
    pub(crate) text: String,
}

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(name = "name", ack = Answer)]
pub(crate) struct Rename {
    pub(crate) name: String,
}

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(name = "drain", ack = Answer)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DrainNode {
    pub(crate) per_second: u32,
}

/// Answers one message of a client.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(crate) enum Answer {
    Changed(Changed),
    Report(Report),
    Draining(Draining),
    Error(Refusal),
}

impl Answer {
    pub(crate) fn refusal(code: Code, about: Option<&str>) -> Self {
        Self::Error(Refusal {
            code,
            message: code.message().to_owned(),
            about: about.map(str::to_owned),
        })
    }
}

/// A message was refused, and nothing happened.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) about: Option<String>,
}

/// What became of a message.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) about: String,
    #[serde(flatten)]
    pub(crate) fate: Fate,
}

/// What the server sends of itself.
#[derive(Debug, Serialize, Deserialize, Event)]
pub(crate) struct Welcome {
    pub(crate) you: Who,
    pub(crate) people: Vec<Person>,
    pub(crate) rooms: Vec<RoomSize>,
    pub(crate) node: Node,
}

#[derive(Debug, Serialize, Deserialize, Event)]
pub(crate) struct Arrived {
    pub(crate) who: Person,
}

#[derive(Debug, Serialize, Deserialize, Event)]
pub(crate) struct Changed {
    pub(crate) who: Person,
}

#[derive(Debug, Serialize, Deserialize, Event)]
pub(crate) struct Left {
    pub(crate) who: Who,
}

#[derive(Debug, Serialize, Deserialize, Event)]
pub(crate) struct Rooms {
    pub(crate) here: usize,
    pub(crate) rooms: Vec<RoomSize>,
}

#[derive(Debug, Serialize, Deserialize, Event)]
pub(crate) struct Message {
    pub(crate) kind: Kind,
    pub(crate) from: Who,
    pub(crate) room: Option<Room>,
    pub(crate) to: Option<ConnectionId>,
    pub(crate) text: String,
    pub(crate) at: u64,
}

/// Totals of the node, and what it holds now.
#[derive(Debug, Serialize, Deserialize, Event)]
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

#[derive(Clone, Copy, Debug, Serialize, Deserialize, Event)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Draining {
    pub(crate) per_second: u32,
    pub(crate) left: usize,
    pub(crate) closed: usize,
    pub(crate) done: bool,
}

/// Who somebody is, and was when they said something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Who {
    pub(crate) id: ConnectionId,
    pub(crate) name: Name,
}

/// Who is here, and in which rooms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Person {
    #[serde(flatten)]
    pub(crate) who: Who,
    pub(crate) rooms: Vec<Room>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RoomSize {
    pub(crate) room: Room,
    pub(crate) members: usize,
}

/// The process that holds the connection.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) version: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Kind {
    Room,
    Broadcast,
    Private,
}
