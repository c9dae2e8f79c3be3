//! Sockets of any node, as `fetch_sockets` gives them.

use std::{sync::Arc, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use switchboard_adapter::{Answer, SocketDetails};
use switchboard_connection::{ConnectionId, Room};
use switchboard_pool::Report;
use switchboard_wire::{EncodeError, Value};

use crate::io::{
    ack::AckError, core::NamespaceCore, operators::Broadcast, rooms::Rooms, socket::Socket,
};

/// A socket of this node or another, as it was when it was asked for.
#[derive(Clone, Debug)]
pub struct RemoteSocket {
    namespace: Arc<NamespaceCore>,
    details: SocketDetails,
}

impl RemoteSocket {
    /// Its id.
    pub fn id(&self) -> &ConnectionId {
        &self.details.id
    }

    /// Headers, query, auth and so on, as in Node's `socket.handshake`.
    pub fn handshake(&self) -> &serde_json::Value {
        &self.details.handshake
    }

    /// The rooms it was in.
    pub fn rooms(&self) -> &[Room] {
        &self.details.rooms
    }

    /// What the application kept with it (`socket.data`).
    pub fn data(&self) -> &serde_json::Value {
        &self.details.data
    }

    /// Sends it an event, wherever it is. The report tells whether it is on this node.
    pub fn emit<T: Serialize + ?Sized>(
        &self,
        event: &str,
        data: &T,
    ) -> Result<Report, EncodeError> {
        self.alone().emit(event, data)
    }

    /// Asks it, wherever it is, and waits for the first argument of its answer.
    ///
    /// Dropping the future forgets the question; the client may have got it.
    pub async fn emit_with_ack<R, T>(
        &self,
        event: &str,
        data: &T,
        within: Duration,
    ) -> Result<R, AckError>
    where
        R: DeserializeOwned,
        T: Serialize + Sync + ?Sized,
    {
        let answers = self.alone().timeout(within).ask(event, data).await?;
        match answers.value.first() {
            Some(args) => args.read().map_err(AckError::Data),
            // Nobody was asked, on any node that answered.
            None if answers.is_complete() => Err(AckError::Disconnected),
            None => Err(AckError::TimedOut),
        }
    }

    /// Puts it into `rooms`.
    pub async fn join(&self, rooms: impl Rooms + Send) {
        self.alone().sockets_join(rooms).await;
    }

    /// Takes it out of `rooms`.
    pub async fn leave(&self, rooms: impl Rooms + Send) {
        self.alone().sockets_leave(rooms).await;
    }

    /// Disconnects it, see [`Socket::disconnect`].
    pub async fn disconnect(&self, close: bool) {
        self.alone().disconnect_sockets(close).await;
    }

    /// The room that only it is in.
    fn alone(&self) -> Broadcast {
        Broadcast::new(Arc::clone(&self.namespace)).to(&self.details.id)
    }
}

pub(crate) async fn fetch(
    namespace: &Arc<NamespaceCore>,
    broadcast: &Broadcast,
) -> Answer<Vec<RemoteSocket>> {
    let local = broadcast.local_sockets();
    let mut answer = Answer::complete(local.iter().map(details).collect::<Vec<_>>());
    if !broadcast.is_local() {
        let adapter = &namespace.core().adapter;
        let others = adapter
            .fetch_sockets(namespace.name(), &broadcast.target())
            .await;
        answer.append(others);
    }
    answer.map(|all| {
        let remote = |details| RemoteSocket {
            namespace: Arc::clone(namespace),
            details,
        };
        all.into_iter().map(remote).collect()
    })
}

/// What this node tells of one of its sockets.
pub(crate) fn details(socket: &Socket) -> SocketDetails {
    let core = socket.core();
    // As in Node, who sent none has an empty one.
    let auth = core.auth().value(0).unwrap_or(Value::Object(Vec::new()));
    SocketDetails {
        id: socket.id().clone(),
        handshake: socket.handshake().to_json(auth),
        rooms: socket.rooms(),
        data: serde_json::to_value(core.data()).unwrap_or_default(),
    }
}
