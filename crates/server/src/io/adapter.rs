//! The server's side of the seam between nodes.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use switchboard_adapter::{AdapterError, Answer, LocalDelivery, SocketDetails, Target};
use switchboard_connection::{ConnectionId, Namespace as Name, Room};
use switchboard_wire::{Args, EventName};

use crate::io::{
    core::NamespaceCore, io::IoInner, operators::Broadcast, remote::details, rooms::Rooms,
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
        let namespace = self
            .namespaces
            .get(namespace)
            .map(|found| Arc::clone(&found))?;
        let broadcast = Broadcast::new(namespace).local();
        Some(broadcast.to(&target.rooms).except(&target.except))
    }
}

#[async_trait]
impl LocalDelivery for IoInner {
    fn deliver(
        &self,
        namespace: &Name,
        target: &Target,
        event: &EventName,
        args: &Args,
        volatile: bool,
    ) {
        let Some(mut broadcast) = self.targeted(namespace, target) else {
            return;
        };
        if volatile {
            broadcast = broadcast.volatile();
        }
        if let Err(error) = broadcast.emit(event.as_str(), args) {
            tracing::debug!(%error, "an event of another node cannot be sent");
        }
    }

    async fn ask(
        &self,
        namespace: &Name,
        target: &Target,
        event: &EventName,
        args: &Args,
        within: Duration,
    ) -> Answer<Vec<Args>> {
        let Some(broadcast) = self.targeted(namespace, target) else {
            return Answer::complete(Vec::new());
        };
        match broadcast.timeout(within).ask(event.as_str(), args).await {
            Ok((answers, missing)) => {
                let mut answer = Answer::complete(answers);
                answer.missing = missing;
                answer
            }
            Err(error) => {
                tracing::debug!(%error, "a question of another node cannot be sent");
                Answer::complete(Vec::new())
            }
        }
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
}
