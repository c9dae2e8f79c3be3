//! What an adapter can do, and how it fares.

use switchboard_connection::NodeId;
use tokio::time::Instant;

/// What an adapter can do beyond what each can. Built from [`default`](Self::default), which is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// There may be other nodes. Without, a server prepares nothing for them.
    pub others: bool,
    /// It knows nodes of ours by their ids: [`Adapter::nodes`], [`Adapter::notify`], changes, and the names
    /// of silent nodes.
    ///
    /// [`Adapter::nodes`]: crate::Adapter::nodes
    /// [`Adapter::notify`]: crate::Adapter::notify
    pub nodes: bool,
    /// It keeps sessions and what they miss: [`Adapter::publish_logged`], [`Adapter::persist_session`],
    /// [`Adapter::restore_session`].
    ///
    /// [`Adapter::publish_logged`]: crate::Adapter::publish_logged
    /// [`Adapter::persist_session`]: crate::Adapter::persist_session
    /// [`Adapter::restore_session`]: crate::Adapter::restore_session
    pub sessions: bool,
}

impl Capabilities {
    /// There may be other nodes.
    #[must_use]
    pub fn with_others(mut self, others: bool) -> Self {
        self.others = others;
        self
    }

    /// It knows nodes by their ids.
    #[must_use]
    pub fn with_nodes(mut self, nodes: bool) -> Self {
        self.nodes = nodes;
        self
    }

    /// It keeps sessions.
    #[must_use]
    pub fn with_sessions(mut self, sessions: bool) -> Self {
        self.sessions = sessions;
        self
    }
}

/// Whether the way to the other nodes is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BusStatus {
    /// It is. An adapter that needs no bus says so always.
    Connected,
    /// It is not, and has not been since then. Local traffic goes on.
    Away {
        /// When it was lost, or when the adapter began to look for it.
        since: Instant,
    },
}

impl BusStatus {
    /// Whether the way is there.
    pub fn is_connected(self) -> bool {
        self == Self::Connected
    }
}

/// Something that happened to the cluster as this node sees it; see
/// [`LocalDelivery::changed`](crate::LocalDelivery::changed).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A node of ours is there.
    Joined(NodeId),
    /// It takes no newcomers and will go; its sockets will come to the others.
    Leaving(NodeId),
    /// It has gone, or has not been heard of for as long as the adapter waits.
    Left(NodeId),
    /// The bus is away.
    BusAway,
    /// The bus is back, and this node listens again.
    BusBack,
}
