//! The streams adapter: what must not be lost goes through a stream, the rest through `PUBLISH`.
//!
//! Wire format: `@socket.io/redis-streams-adapter` 0.3.1 (`dist/adapter.js`, `dist/util.js`) with
//! `@msgpack/msgpack` 2.8.
//!
//! - Durable are events that ask for no ack, joins, leaves and disconnects: [`Entry::encode`] for `XADD`.
//! - The rest is [ephemeral](is_ephemeral): [`encode`] for `PUBLISH` (or `SPUBLISH`) to the channels of
//!   [`public_channel`] and [`private_channel`].
//! - Sessions of clients that may return are [`SavedSession`]s under keys.

mod entry;
mod session;

use bytes::Bytes;

pub use entry::{Entry, is_offset};
pub use session::SavedSession;

use super::{
    Message, Outgoing,
    data::to_msgpack,
    doc::Doc,
    error::{ClusterError, ClusterLimits, PublishError},
    outgoing::Prepared,
};

/// The stream of a namespace.
///
/// With more than one stream, Node takes the namespace's hash modulo their count. In JavaScript the
/// remainder keeps its sign, so that the number may be negative: such a stream is written to, and Node
/// reads only 0 and up. Read it as well, and Rust nodes hear each other.
///
/// ```
/// use switchboard_wire::cluster::streams::stream_name;
///
/// assert_eq!(stream_name("socket.io", 1, "/my-namespace"), "socket.io");
/// assert_eq!(stream_name("socket.io", 4, "/my-namespace"), "socket.io--3");
/// ```
pub fn stream_name(name: &str, count: u32, namespace: &str) -> String {
    if count == 1 {
        return name.to_owned();
    }
    // Nobody has no stream; JavaScript would name it `NaN`.
    let count = i64::from(count.max(1));
    format!("{name}-{}", i64::from(hash_code(namespace)) % count)
}

/// `hashCode`: that of Java, over UTF-16 units.
fn hash_code(text: &str) -> i32 {
    text.encode_utf16().fold(0_i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    })
}

/// Where ephemeral messages for all nodes go. The number of nodes is what `PUBSUB NUMSUB` of it says.
pub fn public_channel(prefix: &str, namespace: &str) -> String {
    format!("{prefix}#{namespace}#")
}

/// Where answers for the node `uid` go.
pub fn private_channel(prefix: &str, namespace: &str, uid: &str) -> String {
    format!("{prefix}#{namespace}#{uid}#")
}

/// Whether a message is published, rather than added to the stream: questions, and all answers.
pub fn is_ephemeral(message: &Outgoing<'_>) -> bool {
    match message {
        Outgoing::Broadcast { request_id, .. } => request_id.is_some(),
        Outgoing::Join { .. }
        | Outgoing::Leave { .. }
        | Outgoing::Disconnect { .. }
        | Outgoing::InitialHeartbeat
        | Outgoing::Heartbeat
        | Outgoing::AdapterClose => false,
        _ => true,
    }
}

/// Writes an ephemeral message of the node `uid`: always msgpack.
pub fn encode(uid: &str, namespace: &str, message: &Outgoing<'_>) -> Result<Vec<u8>, PublishError> {
    to_msgpack(&Prepared::new(uid, namespace, *message)?)
}

/// Reads an ephemeral message. What is no msgpack Node ignores.
pub fn decode(limits: &ClusterLimits, message: &Bytes) -> Result<Message, ClusterError> {
    Message::read(limits, Doc::msgpack(limits, message)?, message)
}
