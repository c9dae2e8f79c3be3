//! The sharded adapter: `SPUBLISH` to a namespace, or to one room of it.
//!
//! Wire format: `@socket.io/redis-adapter` 8.3.0 (`dist/sharded-adapter.js`). A [`Message`] is JSON, or
//! msgpack of `notepack.io` 3.0.1 where there are bytes in it; it may come in either.

use bytes::Bytes;

use super::{
    Message, Outgoing,
    data::to_either,
    doc::Doc,
    error::{ClusterError, ClusterLimits, PublishError},
    outgoing::Prepared,
};

/// Which rooms have a channel of their own. All nodes have to agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SubscriptionMode {
    /// None has: each node gets every message of its namespaces.
    Static,
    /// Public rooms have one: those that no socket has to itself.
    #[default]
    Dynamic,
    /// All have, those of single sockets too.
    DynamicPrivate,
}

/// The channels of one namespace under one prefix.
///
/// ```
/// use switchboard_wire::cluster::sharded::{Channel, Channels, SubscriptionMode};
///
/// let channels = Channels::new("socket.io", "/", SubscriptionMode::Dynamic);
/// assert_eq!(channels.main(), "socket.io#/#");
/// assert_eq!(channels.room("lobby"), "socket.io#/#lobby#");
/// assert_eq!(channels.parse("socket.io#/#lobby#"), Some(Channel::Named("lobby")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channels {
    main: String,
    mode: SubscriptionMode,
}

/// What a channel is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel<'a> {
    /// All nodes.
    Main,
    /// The members of a room, or the node with this `uid`. Node has one name for both, so compare it
    /// with your own.
    Named(&'a str),
}

impl Channels {
    /// Of `namespace`, under `prefix`. Node's defaults are `socket.io` and [`SubscriptionMode::Dynamic`].
    pub fn new(prefix: &str, namespace: &str, mode: SubscriptionMode) -> Self {
        let main = format!("{prefix}#{namespace}#");
        Self { main, mode }
    }

    /// For all nodes. Their number is what `PUBSUB SHARDNUMSUB` of it says.
    pub fn main(&self) -> &str {
        &self.main
    }

    /// Answers for the node `uid`.
    pub fn response(&self, uid: &str) -> String {
        self.room(uid)
    }

    /// Events for one room, if it has a channel of its own.
    pub fn room(&self, room: &str) -> String {
        format!("{}{room}#", self.main)
    }

    /// Where to publish a message that is no answer (`computeChannel`).
    pub fn of(&self, message: &Outgoing<'_>) -> String {
        if let Outgoing::Broadcast {
            to,
            request_id: None,
            ..
        } = message
            && let Some(room) = to.only_room()
            && self.publishes_apart(room)
        {
            return self.room(room);
        }
        self.main.clone()
    }

    /// Whether events for `room` are published on its own channel.
    ///
    /// Node cannot know whether another node has a socket of this name, so in the dynamic mode it takes
    /// each name of 20 characters for a socket's (`looksLikeASocketId`): an event for such a room goes to
    /// everybody.
    pub fn publishes_apart(&self, room: &str) -> bool {
        match self.mode {
            SubscriptionMode::Static => false,
            SubscriptionMode::Dynamic => room.encode_utf16().count() != SOCKET_ID,
            SubscriptionMode::DynamicPrivate => true,
        }
    }

    /// Whether to subscribe to the channel of a room when it gets its first member here, and to
    /// unsubscribe when it loses its last (`shouldUseASeparateNamespace`). `is_own` says whether the room
    /// is named by the id of a socket of this node. Names are not measured here: a public room of 20
    /// characters is subscribed to, though nobody publishes there.
    pub fn subscribes_to(&self, is_own: bool) -> bool {
        match self.mode {
            SubscriptionMode::Static => false,
            SubscriptionMode::Dynamic => !is_own,
            SubscriptionMode::DynamicPrivate => true,
        }
    }

    /// What `channel` is for; `None` if it belongs to another namespace or prefix.
    pub fn parse<'a>(&self, channel: &'a str) -> Option<Channel<'a>> {
        match channel.strip_prefix(&*self.main)? {
            "" => Some(Channel::Main),
            name => name.strip_suffix('#').map(Channel::Named),
        }
    }
}

/// The length of a socket's id, in the units that JavaScript counts.
const SOCKET_ID: usize = 20;

/// Writes a message of the node `uid`.
pub fn encode(uid: &str, namespace: &str, message: &Outgoing<'_>) -> Result<Vec<u8>, PublishError> {
    let message = Prepared::new(uid, namespace, *message)?;
    to_either(&message, message.has_binary())
}

/// Reads a message of a node, in either encoding.
///
/// Node ignores what it cannot read here, and types it does not know ([`ClusterError::UnknownType`]).
pub fn decode(limits: &ClusterLimits, message: &Bytes) -> Result<Message, ClusterError> {
    Message::read(limits, Doc::parse(limits, message)?, message)
}
