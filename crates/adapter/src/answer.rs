//! What other nodes answer.

use serde::{Deserialize, Serialize};
use switchboard_connection::{ConnectionId, NodeId, Room};

/// What came, and how much did not. A question to many nodes never fails whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Answer<T> {
    /// What came.
    pub value: T,
    /// How many nodes were asked and kept silent.
    pub silent_nodes: usize,
    /// Which of them, as far as they are ours: Node's answers carry no id.
    pub silent_ids: Vec<NodeId>,
    /// How many sockets were asked and did not answer, as far as their nodes told.
    pub missing: usize,
}

/// Somebody kept silent, where [`Answer::strict`] asked for everybody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} nodes kept silent, {} sockets did not answer", .0.silent_nodes, .0.missing)]
pub struct Incomplete<T>(
    /// What came nevertheless.
    pub Answer<T>,
);

impl<T> Incomplete<T> {
    /// The stable code for logs and clients.
    pub fn code(&self) -> &'static str {
        "INCOMPLETE"
    }
}

impl<T> Answer<T> {
    /// Everybody answered.
    pub fn complete(value: T) -> Self {
        Self {
            value,
            silent_nodes: 0,
            silent_ids: Vec::new(),
            missing: 0,
        }
    }

    /// Whether nobody kept silent.
    pub fn is_complete(&self) -> bool {
        self.silent_nodes == 0 && self.missing == 0
    }

    /// Takes silence for an error: the value if everybody answered.
    pub fn strict(self) -> Result<T, Incomplete<T>> {
        if self.is_complete() {
            Ok(self.value)
        } else {
            Err(Incomplete(self))
        }
    }

    /// A node that was asked kept silent; its id, if it is one of ours.
    pub fn add_silent(&mut self, node: Option<NodeId>) {
        self.silent_nodes += 1;
        self.silent_ids.extend(node);
    }

    /// The same with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        Answer {
            value: change(self.value),
            silent_nodes: self.silent_nodes,
            silent_ids: self.silent_ids,
            missing: self.missing,
        }
    }
}

impl<T> Answer<Vec<T>> {
    /// Adds what others answered.
    pub fn append(&mut self, others: Self) {
        self.value.extend(others.value);
        self.silent_nodes += others.silent_nodes;
        self.silent_ids.extend(others.silent_ids);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_takes_silence_for_an_error_and_keeps_what_came() {
        assert_eq!(Answer::complete(7).strict(), Ok(7));
        let mut answer = Answer::complete(vec![1]);
        answer.append(Answer::complete(vec![2]));
        assert_eq!(answer.clone().strict(), Ok(vec![1, 2]));
        answer.add_silent(Some(NodeId::from_static("n2")));
        answer.add_silent(None);
        let error = answer.strict().unwrap_err();
        assert_eq!(error.0.value, [1, 2]);
        assert_eq!((error.0.silent_nodes, error.0.silent_ids.len()), (2, 1));
        assert_eq!(
            error.to_string(),
            "2 nodes kept silent, 0 sockets did not answer"
        );
    }
}
