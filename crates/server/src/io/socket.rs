//! One client in one namespace.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use switchboard_connection::{
    Address, Closed, Connection, ConnectionId, Delivery, Disconnect, Frame, Metadata, Room,
    SendError, Sent,
};
use switchboard_pool::{JoinError as PoolJoinError, Joined, Left};
use switchboard_wire::{ArgError, Args, Value};

use crate::{
    engine::session::Session,
    io::{
        ack::{AckError, PendingAcks},
        core::NamespaceCore,
        handler::{Handler, erase},
        handlers::Handlers,
        handshake::Handshake,
        io::Io,
        namespace::Namespace,
        operators::Broadcast,
        reason::DisconnectReason,
        recovery::SavedSocket,
        rooms::{RoomEvent, Rooms},
    },
};

/// One client in one namespace: sends to it, puts it into rooms, ends it. Cheap to clone.
///
/// Holding it keeps no connection open. After the client has left, sends fail with `CLOSED`, and `join`
/// does nothing.
#[derive(Clone)]
pub struct Socket(pub(crate) Arc<SocketCore>);

/// Where a socket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Stage {
    /// Middlewares decide. It may be sent to, and told rooms that it will be in.
    Entering,
    In,
    Left,
}

pub(crate) struct SocketCore {
    address: Address,
    session: Arc<Session>,
    namespace: Arc<NamespaceCore>,
    stage: AtomicU8,
    recovered: bool,
    pub(crate) acks: PendingAcks,
    metadata: Metadata,
    /// What is rare: a socket without it costs eight bytes for all of it.
    extra: Mutex<Option<Box<Extra>>>,
}

#[derive(Default)]
struct Extra {
    auth: Args,
    /// The secret with which a client continues its session.
    pid: Option<Box<str>>,
    data: Value,
    handlers: Option<Arc<Handlers>>,
    /// Rooms joined by a middleware, before the socket is in.
    early_rooms: Vec<Room>,
    /// The last event kept for others before it came; with recovery only.
    first_event: u64,
}

/// Why a socket could not join a room.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// A name is empty or longer than 256 bytes. Rooms named before it were joined.
    #[error("room name is unusable: {0}")]
    Name(#[from] switchboard_connection::NameError),
    /// The socket is in as many rooms as it may be; it may join after leaving one.
    #[error("socket is in {limit} rooms, which is the limit")]
    TooManyRooms {
        /// The limit, `maxRoomsPerSocket`.
        limit: usize,
    },
}

impl JoinError {
    /// The stable code for logs and clients.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Name(_) => "BAD_NAME",
            Self::TooManyRooms { .. } => "TOO_MANY_ROOMS",
        }
    }
}

/// Who it is.
impl Socket {
    /// Its id, which is also the name of a room that it is in.
    pub fn id(&self) -> &ConnectionId {
        &self.0.address.id
    }

    /// The namespace it is in.
    pub fn namespace(&self) -> Namespace {
        Namespace(Arc::clone(&self.0.namespace))
    }

    /// The server.
    pub fn io(&self) -> Io {
        Io(Arc::clone(self.0.session.io()))
    }

    /// What the client said when it connected.
    pub fn handshake(&self) -> &Arc<Handshake> {
        self.0.session.handshake()
    }

    /// What the client sent to enter this namespace, as a type of yours; absent reads as `null`.
    pub fn auth<T: DeserializeOwned>(&self) -> Result<T, ArgError> {
        self.0.auth().read()
    }

    /// Whether the client is in the namespace.
    pub fn is_connected(&self) -> bool {
        self.0.stage() == Stage::In
    }

    /// Whether it continues an earlier session: id, rooms and data are as before, and what it missed was
    /// sent.
    pub fn is_recovered(&self) -> bool {
        self.0.recovered
    }

    /// Values of the application, one per type; they stay on this node.
    pub fn extensions(&self) -> &Metadata {
        &self.0.metadata
    }

    /// What other nodes see of the application's data (`socket.data`); null at first.
    pub fn data(&self) -> Value {
        self.0.with_extra(|extra| extra.data.clone())
    }

    /// Sets [`data`](Self::data).
    pub fn set_data(&self, data: impl Into<Value>) {
        self.0.with_extra(|extra| extra.data = data.into());
    }

    /// The transport's name, `websocket` or `polling`; it may change to the former.
    pub fn transport(&self) -> &'static str {
        self.0.session.transport()
    }

    pub(crate) fn core(&self) -> &Arc<SocketCore> {
        &self.0
    }
}

/// Its rooms.
impl Socket {
    /// Joins one or several rooms. After the client has left it does nothing.
    ///
    /// In a middleware it takes effect when the socket enters.
    pub fn join(&self, rooms: impl Rooms) -> Result<(), JoinError> {
        let mut names = Vec::new();
        rooms.append_to(&mut names);
        for name in names {
            self.0.join(&Room::new(name)?)?;
        }
        Ok(())
    }

    /// Leaves a room; `true` if it was in it.
    pub fn leave(&self, room: &str) -> bool {
        self.0.leave_room(room)
    }

    /// The rooms it is in, its own first.
    pub fn rooms(&self) -> Vec<Room> {
        let pool = &self.0.namespace.core().pool;
        match self.0.stage() {
            Stage::Entering => self.0.with_extra(|extra| extra.early_rooms.clone()),
            _ => pool.rooms_of(&self.0),
        }
    }
}

/// Lists of this socket alone; those of the [`Namespace`] are for all and cost no memory here.
impl Socket {
    /// Calls `handler` for each event of this name, after those of the namespace.
    pub fn on<M>(&self, event: &str, handler: impl Handler<M>) {
        self.0.handlers_or_new().add(event, erase(handler));
    }

    /// Calls `handler` for each event, before those for its name.
    pub fn on_any<M>(&self, handler: impl Handler<M>) {
        let handler = erase(handler);
        self.0.handlers_or_new().change(|all| all.any.push(handler));
    }

    /// Calls `handler` when the client has left.
    pub fn on_disconnect<M>(&self, handler: impl Handler<M>) {
        let handler = erase(handler);
        self.0
            .handlers_or_new()
            .change(|all| all.disconnect.push(handler));
    }

    /// Takes away this socket's handlers of an event; `false` when it had none.
    pub fn off(&self, event: &str) -> bool {
        self.0
            .handlers()
            .is_some_and(|handlers| handlers.off(event))
    }
}

/// Its end.
impl Socket {
    /// Takes the client out of this namespace and tells it so (`io server disconnect`): it does not come
    /// back by itself. With `close`, out of all namespaces, and the transport is closed.
    ///
    /// What was sent before is still written. `false` when it had left already.
    pub fn disconnect(&self, close: bool) -> bool {
        if close {
            return self.0.session.disconnect_all();
        }
        self.0.kick()
    }

    /// Ends the transport at once: nothing that waits is sent, and the client is told nothing. Its other
    /// namespaces end too; it reconnects by itself.
    pub fn abort(&self) {
        self.0.session.abort();
    }
}

/// Operators: whom else to send to. Each returns a new value.
impl Socket {
    /// Everybody in the namespace but this client (but who is in the room of its id, to be exact).
    pub fn broadcast(&self) -> Broadcast {
        Broadcast::new(Arc::clone(&self.0.namespace)).except(self.id())
    }

    /// The members of `rooms` but this client.
    pub fn to(&self, rooms: impl Rooms) -> Broadcast {
        self.broadcast().to(rooms)
    }

    /// Everybody but this client and the members of `rooms`.
    pub fn except(&self, rooms: impl Rooms) -> Broadcast {
        self.broadcast().except(rooms)
    }
}

impl PartialEq for Socket {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Socket {}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl SocketCore {
    pub(crate) fn new(
        address: Address,
        session: Arc<Session>,
        namespace: Arc<NamespaceCore>,
        auth: Args,
        pid: Option<Box<str>>,
        saved: Option<&SavedSocket>,
    ) -> Arc<Self> {
        let extra = (!auth.is_empty() || pid.is_some()).then(|| {
            Box::new(Extra {
                auth,
                pid,
                data: saved.map(|saved| saved.data.clone()).unwrap_or_default(),
                ..Extra::default()
            })
        });
        Arc::new(Self {
            address,
            session,
            namespace,
            stage: AtomicU8::new(Stage::Entering as u8),
            recovered: saved.is_some(),
            acks: PendingAcks::default(),
            metadata: Metadata::default(),
            extra: Mutex::new(extra),
        })
    }

    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    pub(crate) fn namespace(&self) -> &Arc<NamespaceCore> {
        &self.namespace
    }

    pub(crate) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Entering,
            1 => Stage::In,
            _ => Stage::Left,
        }
    }

    pub(crate) fn auth(&self) -> Args {
        let extra = self.extra.lock();
        extra
            .as_ref()
            .map_or_else(Args::empty, |extra| extra.auth.clone())
    }

    pub(crate) fn pid(&self) -> Option<Box<str>> {
        self.extra.lock().as_ref()?.pid.clone()
    }

    pub(crate) fn first_event(&self) -> u64 {
        self.extra
            .lock()
            .as_ref()
            .map_or(0, |extra| extra.first_event)
    }

    pub(crate) fn begins_after(&self, event: u64) {
        self.with_extra(|extra| extra.first_event = event);
    }

    pub(crate) fn handlers(&self) -> Option<Arc<Handlers>> {
        self.extra.lock().as_ref()?.handlers.clone()
    }

    fn handlers_or_new(&self) -> Arc<Handlers> {
        self.with_extra(|extra| Arc::clone(extra.handlers.get_or_insert_default()))
    }

    fn with_extra<R>(&self, visit: impl FnOnce(&mut Extra) -> R) -> R {
        visit(self.extra.lock().get_or_insert_default())
    }

    pub(crate) fn data(&self) -> Value {
        let extra = self.extra.lock();
        extra
            .as_ref()
            .map(|extra| extra.data.clone())
            .unwrap_or_default()
    }

    /// Sends whatever the socket's stage: for what makes the stages.
    pub(crate) fn send_now(&self, frame: &Frame) -> Result<Sent, SendError> {
        if self.stage() == Stage::Left {
            return Err(SendError::Closed);
        }
        self.session.try_send(frame, Delivery::Policy)
    }

    /// Goes in: into the pool, the rooms that middlewares chose and, with `saved`, into those of its earlier
    /// life. Returns what is to be announced.
    pub(crate) fn enter(
        self: &Arc<Self>,
        saved: Option<&SavedSocket>,
    ) -> Result<Vec<RoomEvent>, switchboard_pool::AddError> {
        let core = self.namespace.core();
        core.pool.add(Arc::clone(self) as Arc<dyn Connection>)?;
        let (entering, within) = (Stage::Entering as u8, Stage::In as u8);
        let order = Ordering::AcqRel;
        let entered = self
            .stage
            .compare_exchange(entering, within, order, Ordering::Acquire);
        if entered.is_err() {
            // It was told to leave in this very moment.
            core.pool.remove(self);
            return Err(switchboard_pool::AddError::Closed);
        }
        let id = &self.address.id;
        let mut events = Vec::new();
        if let Ok(own) = Room::new(&**id) {
            events.push(RoomEvent::Created(own.clone()));
            events.push(RoomEvent::Joined(own, id.clone()));
        }
        let early = match &mut *self.extra.lock() {
            Some(extra) => std::mem::take(&mut extra.early_rooms),
            None => Vec::new(),
        };
        let saved = saved.map(|saved| saved.rooms.clone()).unwrap_or_default();
        for room in early.iter().chain(&saved) {
            match self.join_in_pool(room) {
                Ok(joined) => events.extend(joined),
                Err(error) => tracing::debug!(socket = %id, %error, "room not joined"),
            }
        }
        Ok(events)
    }

    pub(crate) fn join(self: &Arc<Self>, room: &Room) -> Result<(), JoinError> {
        match self.stage() {
            Stage::Left => Ok(()),
            Stage::Entering => {
                let limit = self.namespace.core().pool.config().max_rooms_per_connection;
                self.with_extra(|extra| {
                    if extra.early_rooms.contains(room) {
                        return Ok(());
                    }
                    if let Some(limit) = limit.filter(|limit| extra.early_rooms.len() >= *limit) {
                        return Err(JoinError::TooManyRooms { limit });
                    }
                    extra.early_rooms.push(room.clone());
                    Ok(())
                })
            }
            Stage::In => {
                let events = self.join_in_pool(room)?;
                self.namespace.announce(events);
                Ok(())
            }
        }
    }

    /// Joins, and returns what is to be announced.
    fn join_in_pool(
        self: &Arc<Self>,
        room: &Room,
    ) -> Result<impl Iterator<Item = RoomEvent> + use<>, JoinError> {
        let joined = match self.namespace.core().pool.join(self, room) {
            Ok(joined) => joined,
            Err(PoolJoinError::TooManyRooms { limit }) => {
                return Err(JoinError::TooManyRooms { limit });
            }
            // Left meanwhile.
            Err(_) => Joined::Already,
        };
        let created = (joined == Joined::FirstInRoom).then(|| RoomEvent::Created(room.clone()));
        let joined = joined
            .is_new()
            .then(|| RoomEvent::Joined(room.clone(), self.address.id.clone()));
        Ok(created.into_iter().chain(joined))
    }

    pub(crate) fn leave_room(self: &Arc<Self>, room: &str) -> bool {
        if self.stage() == Stage::Entering {
            return self.with_extra(|extra| {
                let before = extra.early_rooms.len();
                extra.early_rooms.retain(|early| early.as_str() != room);
                extra.early_rooms.len() < before
            });
        }
        let left = self.namespace.core().pool.leave(self, room);
        if let Ok(room) = Room::new(room) {
            self.announce_left([(room, left)]);
        }
        left != Left::Absent
    }

    fn announce_left(&self, rooms: impl IntoIterator<Item = (Room, Left)>) {
        for (room, left) in rooms {
            let event = RoomEvent::Left(room.clone(), self.address.id.clone());
            match left {
                Left::Absent => {}
                Left::LastInRoom => self.namespace.announce([event, RoomEvent::Deleted(room)]),
                _ => self.namespace.announce([event]),
            }
        }
    }

    /// Leaves the namespace for `reason`; `None` when it had left already. Whoever calls this sees to it
    /// that the driver runs the disconnect handlers.
    pub(crate) fn leave(self: &Arc<Self>, reason: DisconnectReason) -> Option<Stage> {
        let pool = &self.namespace.core().pool;
        let swap = || self.stage.swap(Stage::Left as u8, Ordering::AcqRel);
        let before = match &self.namespace.recovery {
            Some(recovery) => recovery.leave(self, || {
                let before = swap();
                let is_kept = before == Stage::In as u8 && reason.is_recoverable();
                (before, is_kept.then(|| pool.rooms_of(self)))
            }),
            None => swap(),
        };
        if before == Stage::Left as u8 {
            return None;
        }
        self.acks.fail_all(|| AckError::Disconnected);
        if before == Stage::Entering as u8 {
            return Some(Stage::Entering);
        }
        crate::trace::left(self, reason);
        let rooms = pool.leave_all(self);
        let removed = pool.remove(self);
        self.announce_left(rooms);
        if removed.is_last() {
            self.session.io().watch_if_empty(&self.namespace);
        }
        Some(Stage::In)
    }

    /// Leaves because its client has come back over another transport: this one is dead, and ends.
    pub(crate) fn is_succeeded(self: &Arc<Self>) {
        let reason = DisconnectReason::TransportClose;
        if self.leave(reason).is_some() {
            self.session.was_kicked(self, reason);
        }
        self.session.abort();
    }

    /// Leaves because the server says so, and tells the client.
    pub(crate) fn kick(self: &Arc<Self>) -> bool {
        let packet = self.namespace.parser().disconnect(self.namespace.name());
        let frame = crate::io::send::frame(&packet);
        let reason = DisconnectReason::ServerNamespaceDisconnect;
        let Some(before) = self.leave(reason) else {
            return false;
        };
        if before == Stage::In {
            // The client is told after everything that was sent to it before. If it is gone, it knows.
            let _ = self.session.try_send(&frame, Delivery::Policy);
        }
        self.session.was_kicked(self, reason);
        true
    }
}

impl fmt::Debug for SocketCore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("id", &self.address.id)
            .field("namespace", &self.address.namespace)
            .field("stage", &self.stage())
            .finish_non_exhaustive()
    }
}

/// What a pool needs of a socket. Closing it closes the client's transport, without a disconnect packet,
/// so that the client comes back.
#[async_trait]
impl Connection for SocketCore {
    fn address(&self) -> &Address {
        &self.address
    }

    #[inline]
    fn try_send(&self, frame: &Frame, delivery: Delivery) -> Result<Sent, SendError> {
        if self.stage.load(Ordering::Relaxed) == Stage::Left as u8 {
            return Err(SendError::Closed);
        }
        self.session.try_send(frame, delivery)
    }

    fn close(&self, disconnect: Disconnect) -> bool {
        self.session
            .end_as(DisconnectReason::of_close(&disconnect), disconnect)
    }

    fn is_closed(&self) -> bool {
        self.stage() == Stage::Left || self.session.has_ended()
    }

    async fn closed(&self) -> Closed {
        self.session.closed().await
    }

    async fn ready(&self, len: usize) -> Result<(), SendError> {
        if self.stage() == Stage::Left {
            return Err(SendError::Closed);
        }
        self.session.ready(len).await
    }

    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}

/// How long an emit waits for room in a client's outbox.
pub(crate) const SEND_DEADLINE: Duration = switchboard_connection::SEND_DEADLINE;
