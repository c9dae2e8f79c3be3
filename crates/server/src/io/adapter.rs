//! The server's side of the seam between nodes.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use switchboard_adapter::{
    AdapterError, Answer, Arrival, Asked, Change, LocalDelivery, SocketDetails, Target,
};
use switchboard_connection::{ConnectionId, Namespace as Name, NodeId, Room};
use switchboard_wire::{Args, EventName};

use crate::io::{
    core::NamespaceCore, handler::guarded, io::IoInner, operators::Broadcast, remote::details,
    rooms::Rooms,
};

/// Ids and rooms of a namespace, as Socket.IO's `namespace.adapter` shows them; from
/// [`Namespace::adapter`](crate::Namespace::adapter). Cluster-wide.
#[derive(Clone, Debug)]
pub struct AdapterView(pub(crate) Arc<NamespaceCore>);

impl AdapterView {
    /// The ids of the sockets in one of `rooms`; of all, if no room is named.
    pub async fn sockets(&self, rooms: impl Rooms + Send) -> Answer<Vec<ConnectionId>> {
        let broadcast = Broadcast::new(Arc::clone(&self.0)).to(rooms);
        broadcast.all_sockets().await
    }

    /// All rooms that have members, each once.
    pub async fn all_rooms(&self) -> Answer<Vec<Room>> {
        let core = self.0.core();
        let mut answer = core.adapter.all_rooms(self.0.name()).await;
        answer.value.extend(core.pool.rooms(self.0.name()));
        answer.value.sort_unstable();
        answer.value.dedup();
        answer
    }

    /// How many nodes there are.
    pub async fn server_count(&self) -> Answer<usize> {
        self.0.core().adapter.server_count(self.0.name()).await
    }
}

/// An operation that others were to do as well: if it did not reach them, that is in the log.
pub(crate) fn log(result: Result<(), AdapterError>) {
    if let Err(error) = result {
        let cause = error.source.to_string();
        tracing::warn!(%error, cause, "done on this node only");
    }
}

impl IoInner {
    /// The sockets of this node that another node means.
    fn targeted(&self, namespace: &Name, target: &Target) -> Option<Broadcast> {
        let broadcast = Broadcast::new(self.found(namespace)?).local();
        Some(broadcast.to(&target.rooms).except(&target.except))
    }

    /// The same for an event, with its flags.
    fn arrived(&self, arrival: &Arrival<'_>) -> Option<Broadcast> {
        let broadcast = self.targeted(arrival.namespace, arrival.target)?;
        Some(if arrival.volatile {
            broadcast.volatile()
        } else {
            broadcast
        })
    }

    fn found(&self, namespace: &Name) -> Option<Arc<NamespaceCore>> {
        let found = self.namespaces.get(namespace)?;
        Some(Arc::clone(&found))
    }
}

#[async_trait]
impl LocalDelivery for IoInner {
    fn has_room(&self, namespace: &Name, room: &str) -> bool {
        self.core.pool.member_count(namespace, room) > 0
    }

    fn deliver(&self, arrival: &Arrival<'_>) {
        let Some(broadcast) = self.arrived(arrival) else {
            return;
        };
        if let Err(error) = broadcast.emit(arrival.event, arrival.args) {
            tracing::debug!(%error, "an event of another node cannot be sent");
        }
    }

    fn ask(&self, arrival: &Arrival<'_>, within: Duration) -> Asked {
        let Some(broadcast) = self.arrived(arrival) else {
            return Asked::nobody();
        };
        let question = broadcast.timeout(within);
        let asked = question.ask_for_another(arrival.event, arrival.args);
        asked.unwrap_or_else(|error| {
            tracing::debug!(%error, "a question of another node cannot be sent");
            Asked::nobody()
        })
    }

    fn sockets(&self, namespace: &Name, target: &Target) -> Vec<ConnectionId> {
        let sockets = self.targeted(namespace, target);
        let sockets = sockets.map(|broadcast| broadcast.local_sockets());
        let ids = sockets.iter().flatten().map(|socket| socket.id().clone());
        ids.collect()
    }

    fn socket_details(&self, namespace: &Name, target: &Target) -> Vec<SocketDetails> {
        let sockets = self.targeted(namespace, target);
        let sockets = sockets.map(|broadcast| broadcast.local_sockets());
        sockets.iter().flatten().map(details).collect()
    }

    fn rooms(&self, namespace: &Name) -> Vec<Room> {
        self.core.pool.rooms(namespace)
    }

    fn join(&self, namespace: &Name, target: &Target, rooms: &[Room]) {
        let sockets = self.targeted(namespace, target);
        for socket in sockets.iter().flat_map(Broadcast::local_sockets) {
            if let Err(error) = socket.join(rooms.to_vec()) {
                tracing::debug!(?socket, %error, "not joined");
            }
        }
    }

    fn leave(&self, namespace: &Name, target: &Target, rooms: &[Room]) {
        let sockets = self.targeted(namespace, target);
        for socket in sockets.iter().flat_map(Broadcast::local_sockets) {
            for room in rooms {
                socket.leave(room);
            }
        }
    }

    fn disconnect(&self, namespace: &Name, target: &Target, close: bool) {
        let sockets = self.targeted(namespace, target);
        for socket in sockets.iter().flat_map(Broadcast::local_sockets) {
            socket.disconnect(close);
        }
    }
    fn server_side_event(&self, namespace: &Name, event: &EventName, args: &Args) {
        if let Some(namespace) = self.found(namespace) {
            self.hear(namespace, event, args, false);
        }
    }

    async fn server_side_question(
        &self,
        namespace: &Name,
        event: &EventName,
        args: &Args,
    ) -> Option<Args> {
        let namespace = self.found(namespace)?;
        self.hear(namespace, event, args, true)?.await.ok()
    }

    fn notice(&self, from: &NodeId, notice: Bytes) {
        for listener in &*self.notices.read() {
            guarded(|| listener(from, &notice));
        }
    }

    fn changed(&self, change: &Change) {
        tracing::debug!(?change, "the cluster changed");
        // Nobody may listen.
        let _ = self.changes.send(change.clone());
    }
}
