//! What a node does for the others.

use async_trait::async_trait;
use bytes::Bytes;
use std::time::Duration;
use switchboard_connection::{ConnectionId, Namespace, NodeId, Room};
use switchboard_wire::{Args, EventName};
use tokio::sync::mpsc;

use crate::{answer::SocketDetails, publication::Target, status::Change};

/// An event that another node has published.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Arrival<'a> {
    /// Where.
    pub namespace: &'a Namespace,
    /// For whom.
    pub target: &'a Target,
    /// Its name.
    pub event: &'a EventName,
    /// Its arguments.
    pub args: &'a Args,
    /// Whether it may be dropped for whoever is busy.
    pub volatile: bool,
    /// Whether nodes that compress should.
    pub compress: Option<bool>,
    /// Its place in the adapter's log, see [`Adapter::publish_logged`](crate::Adapter::publish_logged): sent
    /// to clients as one more argument.
    pub offset: Option<&'a str>,
}

impl<'a> Arrival<'a> {
    /// An event without flags and offset.
    pub fn new(
        namespace: &'a Namespace,
        target: &'a Target,
        event: &'a EventName,
        args: &'a Args,
    ) -> Self {
        Self {
            namespace,
            target,
            event,
            args,
            volatile: false,
            compress: None,
            offset: None,
        }
    }
}

/// A question on its way to clients; from [`LocalDelivery::ask`].
#[derive(Debug)]
pub struct Asked {
    /// How many clients were asked.
    pub clients: usize,
    /// Their answers as they come. Ends when all have answered or left, or when the time is over. Dropped, the
    /// question is forgotten.
    pub answers: mpsc::Receiver<Args>,
}

impl Asked {
    /// Nobody was asked.
    pub fn nobody() -> Self {
        let (_, answers) = mpsc::channel(1);
        Self {
            clients: 0,
            answers,
        }
    }
}

/// The sockets of this node, as an adapter reaches them. Implemented by the server.
///
/// A namespace that this node does not have has no sockets: nothing happens, answers are empty.
///
/// Nothing here waits, but for [`server_side_question`](Self::server_side_question). For order, an adapter
/// calls with what came from one node in the order it came, one after another; from different nodes it may
/// call at the same time. It holds no lock that its own methods take: what is called here may call it.
#[async_trait]
pub trait LocalDelivery: Send + Sync {
    /// Whether somebody is in `room` here. What is for one room only and answers `false` need not be decoded.
    fn has_room(&self, namespace: &Namespace, room: &str) -> bool;

    /// Delivers an event of another node to the sockets that its target means.
    fn deliver(&self, arrival: &Arrival<'_>);

    /// Asks them. Answers are passed on for at most `within`.
    fn ask(&self, arrival: &Arrival<'_>, within: Duration) -> Asked;

    /// The ids of the sockets that `target` means.
    fn sockets(&self, namespace: &Namespace, target: &Target) -> Vec<ConnectionId>;

    /// What is known of them.
    fn socket_details(&self, namespace: &Namespace, target: &Target) -> Vec<SocketDetails>;

    /// All rooms that have members here.
    fn rooms(&self, namespace: &Namespace) -> Vec<Room>;

    /// Puts them into `rooms`.
    fn join(&self, namespace: &Namespace, target: &Target, rooms: &[Room]);

    /// Takes them out of `rooms`.
    fn leave(&self, namespace: &Namespace, target: &Target, rooms: &[Room]);

    /// Disconnects them.
    fn disconnect(&self, namespace: &Namespace, target: &Target, close: bool);

    /// Another node's server tells this one something.
    fn server_side_event(&self, namespace: &Namespace, event: &EventName, args: &Args);

    /// Another node's server asks this one. `None` when nobody here will answer; then, and when the time of
    /// the asking node is over, this node is silent. An adapter does not wait for one answer before it calls
    /// on.
    async fn server_side_question(
        &self,
        namespace: &Namespace,
        event: &EventName,
        args: &Args,
    ) -> Option<Args>;

    /// Another node of ours sends a notice ([`Adapter::notify`](crate::Adapter::notify)).
    fn notice(&self, from: &NodeId, notice: Bytes);

    /// Something happened to the cluster as this node sees it.
    fn changed(&self, change: &Change);
}
