//! What a server asks of the way to other nodes.

use std::{error::Error, fmt, sync::Weak, time::Duration};

use async_trait::async_trait;
use switchboard_connection::{ConnectionId, Namespace, Room};
use switchboard_wire::{Args, Encoded, Parser};

use crate::{
    answer::{Answer, SocketDetails},
    delivery::LocalDelivery,
    publication::{Publication, Target},
};

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
}

/// Carries operations to the other nodes of a cluster. A server has one.
///
/// # Contract
///
/// - Everything here concerns *other* nodes. The caller has served its own sockets already, or does so at
///   the same time; an adapter must not deliver a node's own publications back to it.
/// - [`publish`](Self::publish) never waits and never fails: what cannot go out now is kept within a bound
///   or dropped, and counted. Publications of one namespace arrive in the order they were published.
/// - Questions end by themselves within a time that the adapter documents, with what came by then and how
///   many nodes kept silent. They never fail whole.
/// - Dropping a returned future leaves the operation undone or done, never half done on one node.
/// - Bytes from other nodes are not trusted: what cannot be read is counted and dropped.
#[async_trait]
pub trait Adapter: fmt::Debug + Send + Sync + 'static {
    /// Tells the adapter whom to call for what other nodes send. Called once, before all else.
    fn attach(&self, node: Weak<dyn LocalDelivery>);

    /// A namespace is there on this node from now on: what others publish in it is of interest.
    fn open_namespace(&self, namespace: &Namespace);

    /// A namespace is gone from this node.
    fn close_namespace(&self, namespace: &Namespace);

    /// Has the other nodes deliver an event to those of their sockets that it addresses.
    fn publish(&self, publication: &Publication<'_>);

    /// Has the other nodes ask those of their sockets that `target` means, and gathers the answers that
    /// come within `within`. [`Answer::missing`] counts sockets that did not answer.
    async fn ask(
        &self,
        namespace: &Namespace,
        question: &Encoded,
        parser: Parser,
        target: &Target,
        within: Duration,
    ) -> Answer<Vec<Args>>;

    /// The ids of the other nodes' sockets that `target` means.
    async fn sockets(&self, namespace: &Namespace, target: &Target) -> Answer<Vec<ConnectionId>>;

    /// The same, with what their nodes tell of them.
    async fn fetch_sockets(
        &self,
        namespace: &Namespace,
        target: &Target,
    ) -> Answer<Vec<SocketDetails>>;

    /// The rooms that have members on other nodes.
    async fn all_rooms(&self, namespace: &Namespace) -> Answer<Vec<Room>>;

    /// Puts the other nodes' sockets that `target` means into `rooms`.
    async fn join(
        &self,
        namespace: &Namespace,
        target: &Target,
        rooms: &[Room],
    ) -> Result<(), AdapterError>;

    /// Takes them out of `rooms`.
    async fn leave(
        &self,
        namespace: &Namespace,
        target: &Target,
        rooms: &[Room],
    ) -> Result<(), AdapterError>;

    /// Disconnects them: from the namespace, or with `close` from everything.
    async fn disconnect(
        &self,
        namespace: &Namespace,
        target: &Target,
        close: bool,
    ) -> Result<(), AdapterError>;

    /// How many nodes there are, this one included.
    async fn server_count(&self, namespace: &Namespace) -> Answer<usize>;

    /// Lets go of the other nodes. Publications that wait go out first, within a bound of time.
    async fn close(&self);
}
