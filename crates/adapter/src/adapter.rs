//! What a server asks of the way to other nodes.

use std::{error::Error, fmt, sync::Weak, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use switchboard_connection::{ConnectionId, Namespace, NodeId, Room};
use switchboard_wire::{Args, EventName};

use crate::{
    answer::{Answer, SocketDetails},
    delivery::LocalDelivery,
    publication::{Publication, Target},
    session::{Restored, SavedSession},
    status::{BusStatus, Capabilities},
};

/// The longest notice that [`Adapter::notify`] takes, in bytes.
pub const MAX_NOTICE: usize = 16 * 1024;

/// Why an operation did not go out to the other nodes. On this node it was done.
#[derive(Debug, thiserror::Error)]
#[error("{operation} did not reach the other nodes")]
#[non_exhaustive]
pub struct AdapterError {
    /// What was asked for, such as `join`.
    pub operation: &'static str,
    /// Why.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

impl AdapterError {
    /// An operation that failed because of `source`.
    pub fn new(operation: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            operation,
            source: source.into(),
        }
    }

    /// An operation that this adapter has not, see [`Capabilities`].
    pub fn unsupported(operation: &'static str) -> Self {
        Self::new(operation, "this adapter cannot do that")
    }

    /// The stable code for logs.
    pub fn code(&self) -> &'static str {
        "BUS_UNAVAILABLE"
    }
}

/// Carries operations to the other nodes of a cluster. A server has one.
///
/// Who implements a bus reads this page and [`LocalDelivery`], and runs the suite `conformance` (a feature
/// of this crate) against it. [`Cluster`](crate::Cluster) (feature `cluster`) is an example without I/O.
///
/// # Contract
///
/// *Whom it concerns.* Everything here concerns *other* nodes. The caller serves its own sockets by itself;
/// an adapter must not bring a node's own operations back to it, whatever the bus does. The one exception is
/// [`publish_logged`](Self::publish_logged).
///
/// *Namespaces.* Only what happens in a namespace that is open on this node is of interest to it, and only
/// such namespaces are spoken of: the caller opens one before anything else is asked for in it, and exactly
/// once until it closes it. So an adapter listens at most once per namespace, and not at all to others.
/// `open_namespace`, `close_namespace`, `publish`, `publish_logged`, `server_side_emit` and `notify` may be
/// called with locks held: they return at once and never call [`LocalDelivery`] before they return.
///
/// *Order.* What one node publishes in one namespace (`publish`, `server_side_emit`, and those of `join`,
/// `leave` and `disconnect` that were awaited) takes effect on each other node in the order of the calls.
/// Between different nodes, or different namespaces, no order is promised.
///
/// *Once.* Each other node takes each operation at most once, also when the bus repeats itself. Something may
/// be lost when the bus is away; that is counted and, for what returns a `Result`, said.
///
/// *Never waiting, never failing.* [`publish`](Self::publish) and the other methods that return nothing do
/// not wait: what cannot go out now is kept within a bound or dropped, and counted.
///
/// *Questions* end by themselves: at the time given or, where none is, within a time that the adapter
/// documents. They return what came until then and never fail whole. A node that was asked and kept silent
/// is counted, and named if it is one of ours. A node that is known to have gone is not waited for.
///
/// *Trust.* Bytes from the bus may be anything. What cannot be read is counted and dropped.
///
/// *Dropping* a returned future leaves the operation undone or done on each node, never half done on one.
/// Nothing waits for a question whose future was dropped.
#[async_trait]
pub trait Adapter: fmt::Debug + Send + Sync + 'static {
    /// What it can do beyond what each adapter can. Always the same.
    fn capabilities(&self) -> Capabilities;

    /// Tells the adapter who this node is, and whom to call for what other nodes send. Called once, before all
    /// else, on a tokio runtime.
    fn attach(&self, node: &NodeId, local: Weak<dyn LocalDelivery>);

    /// A namespace is there on this node from now on: what others publish in it is of interest.
    fn open_namespace(&self, namespace: &Namespace);

    /// A namespace is gone from this node.
    fn close_namespace(&self, namespace: &Namespace);

    /// Has the other nodes deliver an event to those of their sockets that it addresses.
    fn publish(&self, publication: &Publication<'_>);

    /// The same for an event that clients may ask for later, see
    /// [`restore_session`](Self::restore_session). Called instead of `publish` when the server keeps sessions
    /// and the adapter can ([`Capabilities::sessions`]).
    ///
    /// The adapter writes it to its log and has it delivered on *each* node, this one included, by
    /// [`LocalDelivery::deliver`] with its [`offset`](crate::Arrival::offset), in the order of the log: so
    /// what a client saw last says what it has not seen. When the log does not take it, it is delivered on
    /// this node without an offset, and counted.
    ///
    /// Default: `publish`, for adapters that have no sessions and are never asked.
    fn publish_logged(&self, publication: &Publication<'_>) {
        self.publish(publication);
    }

    /// Has the other nodes ask those of their sockets that `question` addresses, and gathers the answers that
    /// come within `within`, each with at least its first argument.
    ///
    /// Ready as soon as each node has said how many sockets it asked and so many answers are there. Otherwise
    /// at the end of `within`, with what came: [`Answer::missing`] counts sockets that did not answer.
    async fn ask(&self, question: &Publication<'_>, within: Duration) -> Answer<Vec<Args>>;

    /// The ids of the other nodes' sockets that `target` means.
    async fn sockets(&self, namespace: &Namespace, target: &Target) -> Answer<Vec<ConnectionId>>;

    /// The same, with what their nodes tell of them.
    async fn fetch_sockets(
        &self,
        namespace: &Namespace,
        target: &Target,
    ) -> Answer<Vec<SocketDetails>>;

    /// The rooms that have members on other nodes, in any order, perhaps more than once.
    async fn all_rooms(&self, namespace: &Namespace) -> Answer<Vec<Room>>;

    /// How many nodes have this namespace, this one included.
    async fn server_count(&self, namespace: &Namespace) -> Answer<usize>;

    /// Puts the other nodes' sockets that `target` means into `rooms`. Ready when it is on its way.
    async fn join(
        &self,
        namespace: &Namespace,
        target: &Target,
        rooms: &[Room],
    ) -> Result<(), AdapterError>;

    /// Takes them out of `rooms`. Ready when it is on its way.
    async fn leave(
        &self,
        namespace: &Namespace,
        target: &Target,
        rooms: &[Room],
    ) -> Result<(), AdapterError>;

    /// Disconnects them: from the namespace, or with `close` from everything. Ready when it is on its way.
    async fn disconnect(
        &self,
        namespace: &Namespace,
        target: &Target,
        close: bool,
    ) -> Result<(), AdapterError>;

    /// Tells the servers of the other nodes something ([`LocalDelivery::server_side_event`]).
    fn server_side_emit(&self, namespace: &Namespace, event: &EventName, args: &Args);

    /// Asks them ([`LocalDelivery::server_side_question`]), and gathers their answers, each with at least its
    /// first argument.
    async fn server_side_ask(
        &self,
        namespace: &Namespace,
        event: &EventName,
        args: &Args,
    ) -> Answer<Vec<Args>>;

    /// Sends a few bytes to one node of ours ([`LocalDelivery::notice`]). Best effort: `Ok` says that it is on
    /// its way, not that it arrives. Notices from one node to another arrive in order. They never travel where
    /// a server of another make listens.
    ///
    /// # Errors
    ///
    /// More than [`MAX_NOTICE`] bytes, a node that is not known, or a bus that is away: nothing was sent.
    ///
    /// Default: an error, for adapters that know no nodes ([`Capabilities::nodes`]).
    fn notify(&self, node: &NodeId, notice: Bytes) -> Result<(), AdapterError> {
        let _ = (node, notice);
        Err(AdapterError::unsupported("notify"))
    }

    /// The other nodes of ours that are there, as far as this one knows. Changes are told by
    /// [`LocalDelivery::changed`]. A node may be here and have none of this node's namespaces.
    ///
    /// Default: none are known.
    fn nodes(&self) -> Vec<NodeId> {
        Vec::new()
    }

    /// Tells the other nodes that this one takes no newcomers and will go ([`Change::Leaving`]). It still has
    /// its sockets, and takes part in everything, until [`close`](Self::close).
    ///
    /// Default: they are not told, and find out when it has gone.
    ///
    /// [`Change::Leaving`]: crate::Change::Leaving
    fn leaving(&self) {}

    /// Keeps a session for so long, so that it can go on on any node. Called when its socket has lost the
    /// connection.
    ///
    /// Default: it is not kept, for adapters without [`Capabilities::sessions`].
    async fn persist_session(
        &self,
        namespace: &Namespace,
        session: &SavedSession,
        keep: Duration,
    ) -> Result<(), AdapterError> {
        let _ = (namespace, session, keep);
        Err(AdapterError::unsupported("persist_session"))
    }

    /// Takes up the session `pid`, whose client saw everything up to `offset`, or up to
    /// [`SavedSession::since`] when it names none; with what it missed since. It is given to one caller only.
    ///
    /// Ready only when this node has been given ([`LocalDelivery::deliver`]) everything up to where `missed`
    /// ends: so the server, which keeps the latest itself, finds what comes after it, and nothing twice.
    ///
    /// `None` when there is no such session (any more), or something that it missed is no longer kept. An
    /// error leaves the session where it is.
    ///
    /// Default: there is none.
    async fn restore_session(
        &self,
        namespace: &Namespace,
        pid: &str,
        offset: Option<&str>,
    ) -> Result<Option<Restored>, AdapterError> {
        let _ = (namespace, pid, offset);
        Ok(None)
    }

    /// Whether the other nodes can be reached. Cheap.
    fn status(&self) -> BusStatus;

    /// Lets go of the other nodes: they stop to count this one. What waits goes out first, within a bound of
    /// time that the adapter documents. Afterwards nothing is called back, what is published is dropped, and
    /// questions are answered as by a node that is alone. May be called more than once.
    async fn close(&self);
}
