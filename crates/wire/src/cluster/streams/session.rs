//! What is kept of a client that may come back.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::Serialize;

use super::super::{
    data::to_msgpack,
    doc::Doc,
    error::{ClusterError, ClusterLimits, PublishError},
    options::{Stranger, name, rooms},
};
use crate::Value;

/// A session under the key that [`SavedSession::key`] gives: base64 of msgpack.
///
/// Node sets it with `PX` and its `maxDisconnectionDuration`, and takes it back with `GET` and `DEL` in one
/// transaction, so that one session is restored once.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SavedSession {
    /// The id of its socket.
    pub sid: String,
    /// The secret by which its client comes back.
    pub pid: String,
    /// The rooms it was in, its own among them.
    pub rooms: Vec<String>,
    /// What the application keeps with it (`socket.data`).
    pub data: Value,
}

impl SavedSession {
    /// The key of the session `pid`. Node's default prefix is `sio:session:`.
    pub fn key(prefix: &str, pid: &str) -> String {
        format!("{prefix}{pid}")
    }

    /// The value to set.
    pub fn encode(&self) -> Result<String, PublishError> {
        Ok(STANDARD.encode(to_msgpack(self)?))
    }

    /// Reads a value that was set.
    pub fn decode(limits: &ClusterLimits, value: &[u8]) -> Result<Self, ClusterError> {
        if value.len() > limits.max_message_bytes {
            return Err(ClusterError::TooLarge);
        }
        let bytes = STANDARD
            .decode(value)
            .map_err(|_| ClusterError::Malformed)?;
        let bytes = Bytes::from(bytes);
        let doc = Doc::msgpack(limits, &bytes)?;
        let (mut sid, mut pid, mut joined, mut data) = (None, None, Vec::new(), Value::Null);
        for (key, value) in doc.fields().ok_or(ClusterError::Malformed)? {
            match &*key {
                "sid" => sid = value.text(),
                "pid" => pid = value.text(),
                "rooms" => joined = rooms(limits, value, "rooms", Stranger::Skip)?,
                "data" => data = value.value().ok_or(ClusterError::InvalidField("data"))?,
                _ => {}
            }
        }
        Ok(Self {
            sid: name(limits, sid.ok_or(ClusterError::InvalidField("sid"))?)?,
            pid: name(limits, pid.ok_or(ClusterError::InvalidField("pid"))?)?,
            rooms: joined,
            data,
        })
    }
}
