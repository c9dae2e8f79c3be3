//! What a node does for the others.

use async_trait::async_trait;
use std::time::Duration;
use switchboard_connection::{ConnectionId, Namespace, Room};
use switchboard_wire::{Args, EventName};

use crate::{
    answer::{Answer, SocketDetails},
    publication::Target,
};

/// The sockets of this node, as an adapter reaches them. Implemented by the server.
///
/// A namespace that this node does not have has no sockets: nothing happens, answers are empty.
#[async_trait]
pub trait LocalDelivery: Send + Sync {
    /// Delivers an event of another node to the sockets that `target` means.
    fn deliver(
        &self,
        namespace: &Namespace,
        target: &Target,
        event: &EventName,
        args: &Args,
        volatile: bool,
    );

    /// Asks them, and gathers the answers that come within `within`.
    async fn ask(
        &self,
        namespace: &Namespace,
        target: &Target,
        event: &EventName,
        args: &Args,
        within: Duration,
    ) -> Answer<Vec<Args>>;

    /// Their ids.
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
}
