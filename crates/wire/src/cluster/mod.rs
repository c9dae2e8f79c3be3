//! What nodes of a cluster and emitters say to each other through Redis, as Node's adapters do.
//!
//! Three adapters of Node are in use, each with messages of its own: [`classic`],
//! [`sharded`] and [`streams`]; an [`emitter`] speaks to the first. Here are their messages
//! as values, and nothing else: no Redis, no clock. What is written here is byte for byte what Node would
//! write; what Node may write, is read.
//!
//! Events are not taken apart on their way. To publish one, give the packet that its recipients on this
//! node got: its arguments are written from there. What is read has [`Args`](crate::Args) that stay in the
//! message they came in, until a packet for this node's clients is written from them.
//!
//! Of each message its size, depth, counts and names are bounded by [`ClusterLimits`], and a length that
//! is only claimed costs nothing.

pub mod classic;
mod data;
mod doc;
pub mod emitter;
mod error;
mod message;
mod options;
mod outgoing;
pub mod sharded;
mod socket;
pub mod streams;

pub use error::{ClusterError, ClusterLimits, PublishError};
pub use message::{Message, MessageBody};
pub use options::{Flags, Options, To};
pub use outgoing::Outgoing;
pub use socket::RemoteSocket;

/// How emitters call themselves: processes that publish without having sockets
/// (`@socket.io/redis-emitter` 5.1.0). No node may have it as its `uid`.
pub const EMITTER: &str = "emitter";
