//! A namespace: its handlers, its members, what is sent to all of them.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use switchboard_adapter::Answer;
use switchboard_connection::{ConnectionId, Room};
use switchboard_pool::Report;
use switchboard_wire::EncodeError;

use crate::io::{
    adapter::AdapterView,
    core::NamespaceCore,
    handler::{Handler, Outcome, erase},
    handlers::Handlers,
    io::Io,
    operators::{Broadcast, TimedBroadcast},
    remote::RemoteSocket,
    rooms::{RoomEvent, Rooms},
    server_side::{self, ServerSideEvent},
    socket::Socket,
};

/// A named, isolated set of sockets; from [`Io::of`](crate::Io::of). Cheap to clone.
///
/// Lists are shared by all its sockets, so an idle socket costs no memory for them. Those given later
/// hold for sockets that are there already.
#[derive(Clone, Debug)]
pub struct Namespace(pub(crate) Arc<NamespaceCore>);

macro_rules! handlers {
    ($type:ident, $self:ident => $set:expr) => {
        /// Lists: see [`Handler`] for what can be one.
        impl $type {
            /// Decides about each client that asks to enter: an error refuses it, and the client gets it as
            /// `connect_error`. Several run one after another; a client that is refused by one is not seen by
            /// those after it.
            pub fn middleware<M>(&$self, handler: impl Handler<M>) -> &Self {
                let handler = erase(handler);
                $set.change(|all| all.middlewares.push(handler));
                $self
            }

            /// Called for each client that has entered, before any of its events.
            pub fn on_connect<M>(&$self, handler: impl Handler<M>) -> &Self {
                let handler = erase(handler);
                $set.change(|all| all.connect.push(handler));
                $self
            }

            /// Called for each event of this name. A socket's handlers run one at a time, in the order its
            /// events came.
            pub fn on<M>(&$self, event: &str, handler: impl Handler<M>) -> &Self {
                $set.add(event, erase(handler));
                $self
            }

            /// Called for each event of any name, before the handlers for its name.
            pub fn on_any<M>(&$self, handler: impl Handler<M>) -> &Self {
                let handler = erase(handler);
                $set.change(|all| all.any.push(handler));
                $self
            }

            /// Looks at each event before its handlers; after an error they are not called. The socket stays.
            pub fn event_middleware<M>(&$self, handler: impl Handler<M>) -> &Self {
                let handler = erase(handler);
                $set.change(|all| all.event_middlewares.push(handler));
                $self
            }

            /// Called when a client has left, after its last event; takes the
            /// [`DisconnectReason`](crate::DisconnectReason).
            pub fn on_disconnect<M>(&$self, handler: impl Handler<M>) -> &Self {
                let handler = erase(handler);
                $set.change(|all| all.disconnect.push(handler));
                $self
            }

            /// Called for each event of this name that another server of the cluster emits
            /// ([`Namespace::server_side_emit`]). A handler may answer; several run side by side.
            pub fn on_server_side<F, Fut>(&$self, event: &str, handler: F) -> &Self
            where
                F: Fn(ServerSideEvent) -> Fut + Send + Sync + 'static,
                Fut: Future + Send + 'static,
                Fut::Output: Outcome,
            {
                let handler = server_side::erase(handler);
                $set.change(|all| {
                    let handlers = all.server_side.entry(event.into()).or_default();
                    handlers.push(handler);
                });
                $self
            }

            /// Called when a room of this node comes, goes, or changes; must not wait.
            pub fn on_room(&$self, listener: impl Fn(&RoomEvent) + Send + Sync + 'static) -> &Self {
                $set.change(|all| all.rooms.push(Arc::new(listener)));
                $self
            }
        }
    };
}

handlers!(Handlers, self => self);
handlers!(Namespace, self => self.0.handlers);
handlers!(Io, self => self.root().0.handlers);
handlers!(DynamicNamespace, self => self.handlers);

/// What has the handlers of all namespaces that a pattern matches; from
/// [`Io::of_dynamic`](crate::Io::of_dynamic).
#[derive(Clone, Debug)]
pub struct DynamicNamespace {
    pub(crate) handlers: Arc<Handlers>,
    pub(crate) io: std::sync::Weak<crate::io::io::IoInner>,
}

impl DynamicNamespace {
    /// Its handlers, for code that equips any kind of namespace.
    pub fn handlers(&self) -> &Handlers {
        &self.handlers
    }

    /// The namespaces that exist now because this pattern matched.
    pub fn children(&self) -> Vec<Namespace> {
        let Some(io) = self.io.upgrade() else {
            return Vec::new();
        };
        let all = io.namespaces.iter();
        all.filter(|child| child.is_dynamic && Arc::ptr_eq(&child.handlers, &self.handlers))
            .map(|child| Namespace(Arc::clone(&child)))
            .collect()
    }

    /// Sends an event to everybody in all [`children`](Self::children), on all nodes; not in namespaces that
    /// exist on other nodes only.
    pub fn emit<T: Serialize + ?Sized>(&self, event: &str, data: &T) -> Result<(), EncodeError> {
        for child in self.children() {
            child.emit(event, data)?;
        }
        Ok(())
    }
}

/// Who is in it, and sending to them. What ends in `.await` asks the other nodes too.
impl Namespace {
    /// Its name, such as `/chat`.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Its handlers, for code that equips any kind of namespace.
    pub fn handlers(&self) -> &Handlers {
        &self.0.handlers
    }

    /// How many sockets of this node are in it.
    pub fn len(&self) -> usize {
        self.0.core().pool.count(self.0.name())
    }

    /// Whether no socket of this node is in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The socket `id`, if it is on this node.
    pub fn socket(&self, id: &ConnectionId) -> Option<Socket> {
        let found = self.0.core().pool.get(self.0.name(), id)?;
        crate::io::operators::socket_of(found)
    }

    /// Ids and rooms, as Socket.IO's `adapter` shows them.
    pub fn adapter(&self) -> AdapterView {
        AdapterView(Arc::clone(&self.0))
    }

    /// Everybody, as a value to which operators apply.
    pub fn everybody(&self) -> Broadcast {
        Broadcast::new(Arc::clone(&self.0))
    }

    /// Sends an event to everybody; see [`Broadcast::emit`].
    pub fn emit<T: Serialize + ?Sized>(
        &self,
        event: &str,
        data: &T,
    ) -> Result<Report, EncodeError> {
        self.everybody().emit(event, data)
    }

    /// The members of `rooms`.
    pub fn to(&self, rooms: impl Rooms) -> Broadcast {
        self.everybody().to(rooms)
    }

    /// The same as [`to`](Self::to); Socket.IO's `in`.
    pub fn in_(&self, rooms: impl Rooms) -> Broadcast {
        self.everybody().to(rooms)
    }

    /// Everybody but the members of `rooms`.
    pub fn except(&self, rooms: impl Rooms) -> Broadcast {
        self.everybody().except(rooms)
    }

    /// Everybody who takes bytes right now.
    pub fn volatile(&self) -> Broadcast {
        self.everybody().volatile()
    }

    /// Everybody, with the flag of [`Broadcast::compress`].
    pub fn compress(&self, compress: bool) -> Broadcast {
        self.everybody().compress(compress)
    }

    /// Everybody on this node.
    pub fn local(&self) -> Broadcast {
        self.everybody().local()
    }

    /// Everybody, to be asked.
    pub fn timeout(&self, within: Duration) -> TimedBroadcast {
        self.everybody().timeout(within)
    }

    /// Everybody, with what is known of each.
    pub async fn fetch_sockets(&self) -> Answer<Vec<RemoteSocket>> {
        self.everybody().fetch_sockets().await
    }

    /// The ids of everybody.
    pub async fn all_sockets(&self) -> Answer<Vec<ConnectionId>> {
        self.everybody().all_sockets().await
    }

    /// All rooms that have members.
    pub async fn all_rooms(&self) -> Answer<Vec<Room>> {
        self.adapter().all_rooms().await
    }

    /// How many nodes have this namespace, this one included.
    pub async fn server_count(&self) -> Answer<usize> {
        self.adapter().server_count().await
    }

    /// Puts everybody into `rooms`.
    pub async fn sockets_join(&self, rooms: impl Rooms + Send) {
        self.everybody().sockets_join(rooms).await;
    }

    /// Takes everybody out of `rooms`.
    pub async fn sockets_leave(&self, rooms: impl Rooms + Send) {
        self.everybody().sockets_leave(rooms).await;
    }

    /// Disconnects everybody, see [`Socket::disconnect`].
    pub async fn disconnect_sockets(&self, close: bool) {
        self.everybody().disconnect_sockets(close).await;
    }
}
