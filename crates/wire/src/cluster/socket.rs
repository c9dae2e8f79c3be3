//! What nodes tell each other of their sockets.

use serde::Serialize;

use super::{
    doc::Doc,
    error::{ClusterError, ClusterLimits},
    options::{Stranger, name, rooms},
};
use crate::Value;

/// A socket of another node, as `fetchSockets` tells of it: `{id, handshake, rooms, data}`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RemoteSocket {
    /// Its id.
    pub id: String,
    /// Headers, query, auth and so on, as in Node's `socket.handshake`.
    pub handshake: Value,
    /// The rooms it is in, its own among them.
    pub rooms: Vec<String>,
    /// What the application keeps with it (`socket.data`).
    pub data: Value,
}

impl RemoteSocket {
    /// Whether there are bytes in what it tells.
    pub(super) fn has_binary(&self) -> bool {
        has_binary(&self.handshake) || has_binary(&self.data)
    }

    pub(super) fn read(limits: &ClusterLimits, doc: Doc<'_>) -> Result<Self, ClusterError> {
        let (mut id, mut joined) = (None, Vec::new());
        let (mut handshake, mut data) = (Value::Null, Value::Null);
        for (key, value) in doc.fields().ok_or(ClusterError::InvalidField("sockets"))? {
            match &*key {
                "id" => id = value.name(),
                "handshake" => handshake = read_value(value, "handshake")?,
                "rooms" => joined = rooms(limits, value, "rooms", Stranger::Skip)?,
                "data" => data = read_value(value, "data")?,
                _ => {}
            }
        }
        Ok(Self {
            id: name(limits, id.ok_or(ClusterError::InvalidField("id"))?)?,
            handshake,
            rooms: joined,
            data,
        })
    }

    /// All sockets of a list.
    pub(super) fn read_all(
        limits: &ClusterLimits,
        doc: Doc<'_>,
    ) -> Result<Vec<Self>, ClusterError> {
        let sockets = doc
            .elements()
            .ok_or(ClusterError::InvalidField("sockets"))?;
        sockets.map(|socket| Self::read(limits, socket)).collect()
    }
}

fn read_value(doc: Doc<'_>, field: &'static str) -> Result<Value, ClusterError> {
    doc.value().ok_or(ClusterError::InvalidField(field))
}

fn has_binary(value: &Value) -> bool {
    match value {
        Value::Binary(_) => true,
        Value::Array(elements) => elements.iter().any(has_binary),
        Value::Object(fields) => fields.iter().any(|(_, value)| has_binary(value)),
        _ => false,
    }
}
