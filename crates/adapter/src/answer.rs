//! What other nodes answer.

use serde::{Deserialize, Serialize};
use switchboard_connection::{ConnectionId, Room};

/// What came, and how much did not. A question to many nodes never fails whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer<T> {
    /// What came.
    pub value: T,
    /// How many nodes were asked and kept silent.
    pub silent_nodes: usize,
    /// How many sockets were asked and did not answer, as far as their nodes told.
    pub missing: usize,
}

impl<T> Answer<T> {
    /// Everybody answered.
    pub fn complete(value: T) -> Self {
        Self {
            value,
            silent_nodes: 0,
            missing: 0,
        }
    }

    /// Whether nobody kept silent.
    pub fn is_complete(&self) -> bool {
        self.silent_nodes == 0 && self.missing == 0
    }

    /// The same with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        Answer {
            value: change(self.value),
            silent_nodes: self.silent_nodes,
            missing: self.missing,
        }
    }
}

impl<T> Answer<Vec<T>> {
    /// Adds what others answered.
    pub fn append(&mut self, others: Self) {
        self.value.extend(others.value);
        self.silent_nodes += others.silent_nodes;
        self.missing += others.missing;
    }
}

/// What a node tells of one of its sockets; the shape that Node's `fetchSockets` has on the wire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SocketDetails {
    /// The socket's id.
    pub id: ConnectionId,
    /// Headers, query, auth and so on, as in Node's `socket.handshake`.
    pub handshake: serde_json::Value,
    /// The rooms it is in, its own among them.
    pub rooms: Vec<Room>,
    /// What the application keeps with it (`socket.data`).
    #[serde(default)]
    pub data: serde_json::Value,
}
