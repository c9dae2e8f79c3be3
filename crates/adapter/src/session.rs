//! Sessions that go on on another node.

use serde::{Deserialize, Serialize};
use switchboard_connection::{ConnectionId, Room};
use switchboard_wire::{Args, EventName, Value};

/// What a session is continued with (connection state recovery).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedSession {
    /// The secret by which the client is known again.
    pub pid: String,
    /// The id of its socket.
    pub sid: ConnectionId,
    /// The rooms it was in, its own among them.
    pub rooms: Vec<Room>,
    /// What the application kept with it (`socket.data`).
    #[serde(default)]
    pub data: Value,
    /// The offset of the last event that its node had delivered when it came, for a client that saw none
    /// since; `None` when the node had delivered none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

/// A session that goes on, and what it missed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Restored {
    /// The session.
    pub session: SavedSession,
    /// The events for its rooms since the last one that the client saw, in the order of the log.
    pub missed: Vec<Missed>,
}

impl Restored {
    /// A session and what it missed.
    pub fn new(session: SavedSession, missed: Vec<Missed>) -> Self {
        Self { session, missed }
    }
}

/// An event from the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Missed {
    /// Its name.
    pub event: EventName,
    /// Its arguments, without the offset.
    pub args: Args,
    /// Its place in the log: what a client that saw it names when it comes back.
    pub offset: String,
}
