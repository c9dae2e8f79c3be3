//! The Socket.IO server as a whole.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use dashmap::{DashMap, mapref::entry::Entry};
use parking_lot::RwLock;
use serde::{Serialize, de::DeserializeOwned};
use switchboard_adapter::{Adapter, AdapterError, Answer, BusStatus, Change, LocalAdapter};
use switchboard_connection::{
    Address, ConnectionId, Endpoint, Frame, Metadata, NameError, Namespace as Name, NodeId, Room,
};
use switchboard_pool::{Drain, DrainError, Draining, Pool, PoolConfig, Report};
use switchboard_wire::{EncodeError, Limits, engine::Packet};
use tokio::{runtime::Handle, sync::broadcast, time::Instant};
use tokio_util::task::TaskTracker;

use crate::{
    engine::{polling::Polling, session::Session},
    gate::Gate,
    http::{ClientFiles, Compression, Cors, Settings, Sid},
    io::{
        ack::Answers,
        admit::{AdmitClient, AdmitHook},
        core::{Core, NamespaceCore},
        dynamic::{Dynamic, NamespaceMatcher},
        handlers::Handlers,
        handshake::Handshake,
        namespace::{DynamicNamespace, Namespace},
        operators::{Broadcast, TimedBroadcast},
        reason::DisconnectReason,
        remote::RemoteSocket,
        rooms::Rooms,
    },
    metrics::{Metrics, Totals},
    options::{IoConfig, IoConfigError},
    origin::Origins,
    trace,
};

/// A Socket.IO server: namespaces, and a service that answers HTTP requests. Cheap to clone.
///
/// What is sent through it goes to its namespace `/`, as in Node. Lists that need it take it as a
/// parameter; one that captures it keeps the server alive for ever.
#[derive(Clone)]
pub struct Io(pub(crate) Arc<IoInner>);

pub(crate) struct IoInner {
    pub(crate) core: Arc<Core>,
    pub(crate) namespaces: DashMap<Name, Arc<NamespaceCore>>,
    dynamic: RwLock<Vec<Arc<Dynamic>>>,
    sessions: DashMap<Sid, Arc<Session>>,
    closed: AtomicBool,
    pub(crate) changes: broadcast::Sender<Change>,
    pub(crate) notices: RwLock<Vec<NoticeListener>>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) origins: Origins,
    pub(crate) cors: Option<Cors>,
    pub(crate) files: Option<ClientFiles>,
    pub(crate) compression: Compression,
    pub(crate) settings: Settings,
    pub(crate) path: String,
    pub(crate) admit: Option<AdmitHook>,
    pub(crate) tasks: TaskTracker,
    /// What logs call a WebSocket that is nobody's in particular.
    pub(crate) transport_address: Address,
}

type NoticeListener = Box<dyn Fn(&NodeId, &Bytes) + Send + Sync>;

/// Puts an [`Io`] together.
#[must_use = "nothing is made before `build`"]
pub struct IoBuilder {
    config: IoConfig,
    adapter: Arc<dyn Adapter>,
    admit: Option<AdmitHook>,
    state: Metadata,
    node: NodeId,
}

impl IoBuilder {
    /// Carries what concerns other nodes; default: there are none.
    pub fn with_adapter(mut self, adapter: impl Adapter) -> Self {
        self.adapter = Arc::new(adapter);
        self
    }

    /// Decides about each client before it has a session, by its handshake (`allowRequest`).
    ///
    /// A refused client gets 403 with the error's message. What it sends to enter a namespace is not known
    /// yet: that is for a [`middleware`](Namespace::middleware).
    pub fn with_admit(mut self, admit: impl AdmitClient) -> Self {
        self.admit = Some(AdmitHook(Arc::new(admit)));
        self
    }

    /// A value for [`State`](crate::extract::State) parameters of handlers; one per type.
    pub fn with_state<T: Send + Sync + 'static>(self, state: T) -> Self {
        self.state.insert(state);
        self
    }

    /// Names this node for others.
    pub fn with_node_id(mut self, node: NodeId) -> Self {
        self.node = node;
        self
    }

    /// Makes the server. Its tasks run on the current tokio runtime.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn build(self) -> Result<Io, IoConfigError> {
        let Self {
            config,
            adapter,
            admit,
            state,
            node,
        } = self;
        config.check()?;
        let heartbeat = Frame::text(Packet::Ping("").encode());
        let connection = config
            .connection_config()
            .with_ping_interval(config.ping_interval);
        let endpoint =
            Endpoint::with_heartbeat(connection, node, Some(heartbeat)).map_err(|error| {
                IoConfigError {
                    setting: error.setting,
                    problem: error.problem,
                }
            })?;
        let pool = PoolConfig::default()
            .with_own_rooms(true)
            .with_max_rooms_per_connection(config.max_rooms_per_socket);
        let core = Arc::new(Core {
            parser: config.parser,
            limits: Limits {
                max_event_bytes: config.max_http_buffer_size,
                max_depth: config.max_depth,
                ..Limits::default()
            },
            endpoint,
            pool: Pool::new(pool),
            adapter,
            state,
            root: Name::from_static("/"),
            runtime: Handle::current(),
            metrics: Metrics::new(),
            start: Instant::now(),
            saved_sessions: Arc::default(),
            config,
        });
        let config = &core.config;
        let io = Arc::new(IoInner {
            gate: Arc::new(Gate::new(&config.listener_config())),
            origins: config.origins(),
            cors: config.cors.as_ref().and_then(Cors::new),
            files: config.served_client_dir().map(ClientFiles::new),
            compression: Compression::from(config),
            settings: Settings::from(config),
            path: config.engine_path(),
            namespaces: DashMap::new(),
            dynamic: RwLock::default(),
            sessions: DashMap::new(),
            closed: AtomicBool::new(false),
            changes: broadcast::Sender::new(64),
            notices: RwLock::default(),
            admit,
            tasks: TaskTracker::new(),
            transport_address: Address::new(
                ConnectionId::from_static("transport"),
                Name::from_static("engine"),
            ),
            core,
        });
        Totals::follow_io(Arc::downgrade(&io), io.core.endpoint.clone());
        let weak = Arc::downgrade(&io);
        io.core.adapter.attach(io.core.endpoint.node_id(), weak);
        let io = Io(io);
        io.root();
        Ok(io)
    }
}

impl fmt::Debug for IoBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IoBuilder")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Making one, and its namespaces.
impl Io {
    /// A server with these settings and nothing else, see [`builder`](Self::builder).
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn new(config: IoConfig) -> Result<Self, IoConfigError> {
        Self::builder(config).build()
    }

    /// Begins with these settings.
    pub fn builder(config: IoConfig) -> IoBuilder {
        IoBuilder {
            config,
            adapter: Arc::new(LocalAdapter),
            admit: None,
            state: Metadata::default(),
            node: NodeId::random(),
        }
    }

    /// The settings.
    pub fn config(&self) -> &IoConfig {
        &self.0.core.config
    }

    /// The namespace `name`, which begins with a slash; one is added where it is missing. It is made when it
    /// is first asked for, and clients may enter it from then on.
    ///
    /// # Errors
    ///
    /// The name is empty or longer than 256 bytes.
    pub fn try_of(&self, name: &str) -> Result<Namespace, NameError> {
        let name = match name.strip_prefix('/') {
            Some(_) => Name::new(name)?,
            None => Name::new(format!("/{name}"))?,
        };
        Ok(Namespace(self.0.namespace_or_new(name)))
    }

    /// The same for a name that the program chose.
    ///
    /// # Panics
    ///
    /// When the name is longer than 256 bytes: use [`try_of`](Self::try_of) for names from elsewhere.
    #[track_caller]
    pub fn of(&self, name: &str) -> Namespace {
        match self.try_of(name) {
            Ok(namespace) => namespace,
            Err(error) => panic!("{name:?}: {error}"),
        }
    }

    /// The namespace `name`, if there is one; makes none, so it is safe to ask for whatever a client names.
    ///
    /// ```
    /// # use switchboard_server::{Io, IoConfig};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let io = Io::new(IoConfig::default()).unwrap();
    /// assert!(io.get("/chat").is_none());
    /// io.of("/chat");
    /// assert_eq!(io.get("chat").unwrap().name(), "/chat");
    /// # }
    /// ```
    pub fn get(&self, name: &str) -> Option<Namespace> {
        let found = if name.starts_with('/') {
            self.0.namespaces.get(name)
        } else {
            self.0.namespaces.get(&*format!("/{name}"))
        };
        found.map(|found| Namespace(Arc::clone(&found)))
    }

    /// The namespace `/`.
    pub fn root(&self) -> Namespace {
        Namespace(self.0.namespace_or_new(self.0.core.root.clone()))
    }

    /// Namespaces that come into being when a client asks for a name that `matcher` accepts: a
    /// [`Regex`](regex::Regex), or a function of name and [`Handshake`]. One that is empty for
    /// `emptyNamespaceGrace` goes again.
    ///
    /// ```
    /// # use switchboard_server::{Io, Socket};
    /// # fn example(io: &Io) -> Result<(), Box<dyn std::error::Error>> {
    /// let workspaces = io.of_dynamic(regex::Regex::new(r"^/workspace-\d+$")?);
    /// workspaces.on("rename", |socket: Socket| async move {
    ///     socket.namespace().emit("renamed", &()).ok();
    /// });
    /// # Ok(())
    /// # }
    /// ```
    pub fn of_dynamic(&self, matcher: impl NamespaceMatcher) -> DynamicNamespace {
        let handlers = Arc::<Handlers>::default();
        self.0.dynamic.write().push(Arc::new(Dynamic {
            matcher: Box::new(matcher),
            handlers: Arc::clone(&handlers),
        }));
        DynamicNamespace {
            handlers,
            io: Arc::downgrade(&self.0),
        }
    }

    /// All namespaces there are now.
    pub fn namespaces(&self) -> Vec<Namespace> {
        let all = self.0.namespaces.iter();
        all.map(|namespace| Namespace(Arc::clone(&namespace)))
            .collect()
    }

    /// A value from [`IoBuilder::with_state`].
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.core.state.get()
    }
}

/// Sending to everybody in `/`; see [`Namespace`].
impl Io {
    /// Sends an event to everybody.
    pub fn emit<T: Serialize + ?Sized>(
        &self,
        event: &str,
        data: &T,
    ) -> Result<Report, EncodeError> {
        self.root().emit(event, data)
    }

    /// The members of `rooms`.
    pub fn to(&self, rooms: impl Rooms) -> Broadcast {
        self.root().to(rooms)
    }

    /// The same as [`to`](Self::to); Socket.IO's `in`.
    pub fn in_(&self, rooms: impl Rooms) -> Broadcast {
        self.root().to(rooms)
    }

    /// Everybody but the members of `rooms`.
    pub fn except(&self, rooms: impl Rooms) -> Broadcast {
        self.root().except(rooms)
    }

    /// Everybody who takes bytes right now.
    pub fn volatile(&self) -> Broadcast {
        self.root().volatile()
    }

    /// Everybody, with the flag of [`Broadcast::compress`].
    pub fn compress(&self, compress: bool) -> Broadcast {
        self.root().compress(compress)
    }

    /// Everybody on this node.
    pub fn local(&self) -> Broadcast {
        self.root().local()
    }

    /// Everybody, to be asked.
    pub fn timeout(&self, within: Duration) -> TimedBroadcast {
        self.root().timeout(within)
    }

    /// Everybody, with what is known of each.
    pub async fn fetch_sockets(&self) -> Answer<Vec<RemoteSocket>> {
        self.root().fetch_sockets().await
    }

    /// The ids of everybody.
    pub async fn all_sockets(&self) -> Answer<Vec<ConnectionId>> {
        self.root().all_sockets().await
    }

    /// All rooms that have members.
    pub async fn all_rooms(&self) -> Answer<Vec<Room>> {
        self.root().all_rooms().await
    }

    /// How many nodes there are, this one included.
    pub async fn server_count(&self) -> Answer<usize> {
        self.root().server_count().await
    }

    /// Puts everybody into `rooms`.
    pub async fn sockets_join(&self, rooms: impl Rooms + Send) {
        self.root().sockets_join(rooms).await;
    }

    /// Takes everybody out of `rooms`.
    pub async fn sockets_leave(&self, rooms: impl Rooms + Send) {
        self.root().sockets_leave(rooms).await;
    }

    /// Disconnects everybody, see [`Socket::disconnect`](crate::Socket::disconnect).
    pub async fn disconnect_sockets(&self, close: bool) {
        self.root().disconnect_sockets(close).await;
    }
}

/// The cluster.
impl Io {
    /// Tells the other servers something; see [`Namespace::server_side_emit`].
    pub fn server_side_emit<T: Serialize + ?Sized>(
        &self,
        event: &str,
        data: &T,
    ) -> Result<(), EncodeError> {
        self.root().server_side_emit(event, data)
    }

    /// Asks the other servers something; see [`Namespace::server_side_emit_with_ack`].
    pub async fn server_side_emit_with_ack<R, T>(
        &self,
        event: &str,
        data: &T,
    ) -> Result<Answers<R>, EncodeError>
    where
        R: DeserializeOwned,
        T: Serialize + Sync + ?Sized,
    {
        let root = self.root();
        root.server_side_emit_with_ack(event, data).await
    }

    /// What names this node for others.
    pub fn node_id(&self) -> &NodeId {
        self.0.core.endpoint.node_id()
    }

    /// The other nodes of ours that are there, as far as the adapter knows them.
    pub fn nodes(&self) -> Vec<NodeId> {
        self.0.core.adapter.nodes()
    }

    /// Sends at most [`MAX_NOTICE`](switchboard_adapter::MAX_NOTICE) bytes to one node of ours, best effort; see
    /// [`Adapter::notify`].
    pub fn notify(&self, node: &NodeId, notice: impl Into<Bytes>) -> Result<(), AdapterError> {
        self.0.core.adapter.notify(node, notice.into())
    }

    /// Called with each notice of another node ([`notify`](Self::notify)); must not wait. All listeners get
    /// all notices.
    pub fn on_notice(&self, listener: impl Fn(&NodeId, &Bytes) + Send + Sync + 'static) -> &Self {
        self.0.notices.write().push(Box::new(listener));
        self
    }

    /// Whether the other nodes can be reached, and since when not. What they need not know goes on either way.
    pub fn bus(&self) -> BusStatus {
        self.0.core.adapter.status()
    }

    /// What happens to the cluster as this node sees it: nodes that come and go, a bus that is away. Who falls
    /// behind by 64 changes loses the oldest, and is told so.
    pub fn cluster_changes(&self) -> broadcast::Receiver<Change> {
        self.0.changes.subscribe()
    }
}

/// Its end.
impl Io {
    /// How many clients are connected.
    pub fn clients(&self) -> usize {
        self.0.sessions.len()
    }

    /// Whether newcomers are let in: not while it drains, and not after [`close`](Self::close).
    pub fn is_ready(&self) -> bool {
        !self.0.refuses_newcomers()
    }

    /// Refuses newcomers from this call on, and sends everybody away at a pace, without a disconnect packet,
    /// so that they reconnect elsewhere. See [`Pool::drain`]. The other nodes are told that this one goes.
    pub fn drain(&self, drain: Drain) -> Result<Draining, DrainError> {
        let draining = self.0.core.pool.drain(drain)?;
        self.0.core.adapter.leaving();
        Ok(draining)
    }

    /// Takes newcomers again after a drain has ended; `false` when there was none or it still runs. After
    /// [`close`](Self::close) nobody is let in whatever this says.
    ///
    /// ```
    /// # use switchboard_pool::Drain;
    /// # use switchboard_server::{Io, IoConfig};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let io = Io::new(IoConfig::default()).unwrap();
    /// assert!(!io.reopen());
    /// io.drain(Drain::per_second(100)).unwrap().await;
    /// assert!(!io.is_ready());
    /// assert!(io.reopen());
    /// assert!(io.is_ready());
    /// # }
    /// ```
    pub fn reopen(&self) -> bool {
        self.0.core.pool.reopen()
    }

    /// Sends everybody away at once, without a disconnect packet, and refuses newcomers for ever. Ready when
    /// all have gone and all handlers have returned.
    ///
    /// Dropping the future loses only the waiting.
    pub async fn close(&self) {
        self.0.refuse_newcomers();
        {
            let _cork = switchboard_connection::Cork::new();
            for session in &self.0.sessions {
                session.end(DisconnectReason::ServerShuttingDown);
            }
        }
        self.0.tasks.close();
        self.0.tasks.wait().await;
        self.0.core.adapter.close().await;
    }
}

impl IoInner {
    /// For ever: whoever calls this is about to close.
    pub(crate) fn refuse_newcomers(&self) {
        self.closed.store(true, Ordering::Release);
    }

    pub(crate) fn refuses_newcomers(&self) -> bool {
        self.closed.load(Ordering::Acquire) || self.core.pool.refuses_newcomers()
    }

    pub(crate) fn session(&self, sid: &Sid) -> Option<Arc<Session>> {
        self.sessions.get(sid).map(|found| Arc::clone(&found))
    }

    pub(crate) fn remember(&self, session: &Arc<Session>) {
        self.sessions.insert(*session.sid(), Arc::clone(session));
        self.core.metrics.connected(session.transport());
        if self.closed.load(Ordering::Acquire) {
            // It came in while everybody was being sent away.
            session.end(DisconnectReason::ServerShuttingDown);
        }
    }

    pub(crate) fn forget(&self, session: &Arc<Session>) {
        if self.sessions.remove(session.sid()).is_some() {
            let reason = session.ended().unwrap_or(DisconnectReason::TransportClose);
            let lost = session.polling().map_or(0, Polling::waiting);
            let lived = session.age();
            self.core
                .metrics
                .disconnected(reason, session.transport(), lived, lost);
            trace::session_ended(session, reason, lived);
        }
    }

    fn namespace_or_new(&self, name: Name) -> Arc<NamespaceCore> {
        match self.namespaces.entry(name) {
            Entry::Occupied(found) => Arc::clone(found.get()),
            Entry::Vacant(vacant) => {
                let name = vacant.key().clone();
                // A pattern that matches gives it its handlers, as with Node's regular expressions.
                let matching = self.dynamic.read();
                let dynamic = matching.iter().find(|dynamic| dynamic.matches_name(&name));
                let handlers = dynamic.map(|dynamic| dynamic.handlers.copy());
                let handlers = Arc::new(handlers.unwrap_or_default());
                self.core.adapter.open_namespace(&name);
                let made = NamespaceCore::new(name, Arc::clone(&self.core), handlers, false);
                Arc::clone(&vacant.insert(made))
            }
        }
    }

    /// The namespace that a client asks for; made, where a pattern matches.
    pub(crate) fn find_or_make(
        &self,
        name: &str,
        handshake: &Handshake,
    ) -> Option<Arc<NamespaceCore>> {
        if let Some(found) = self.namespaces.get(name) {
            found.entering.fetch_add(1, Ordering::AcqRel);
            return Some(Arc::clone(&found));
        }
        let dynamic = self.dynamic.read().clone();
        let dynamic = dynamic
            .iter()
            .find(|dynamic| dynamic.matches(name, handshake))?;
        let name = Name::new(name).ok()?;
        Some(match self.namespaces.entry(name) {
            Entry::Occupied(found) => {
                found.get().entering.fetch_add(1, Ordering::AcqRel);
                Arc::clone(found.get())
            }
            Entry::Vacant(vacant) => {
                let name = vacant.key().clone();
                self.core.adapter.open_namespace(&name);
                let handlers = Arc::clone(&dynamic.handlers);
                let made = NamespaceCore::new(name, Arc::clone(&self.core), handlers, true);
                made.entering.fetch_add(1, Ordering::AcqRel);
                Arc::clone(&vacant.insert(made))
            }
        })
    }

    /// A dynamic namespace may have become empty: if it stays so for the grace, it goes; later, if its clients
    /// may come back to what is kept for them.
    pub(crate) fn watch_if_empty(self: &Arc<Self>, namespace: &Arc<NamespaceCore>) {
        let config = &self.core.config;
        if !namespace.is_dynamic || !config.cleanup_empty_child_namespaces {
            return;
        }
        namespace.emptied.fetch_add(1, Ordering::AcqRel);
        if namespace.is_watched.swap(true, Ordering::AcqRel) {
            return;
        }
        let (io, namespace) = (Arc::downgrade(self), Arc::clone(namespace));
        let grace = config.empty_namespace_grace;
        self.core.runtime.spawn(async move {
            let mut wait = grace;
            loop {
                let emptied = namespace.emptied.load(Ordering::Acquire);
                tokio::time::sleep(wait).await;
                let Some(io) = io.upgrade() else {
                    return;
                };
                if namespace.emptied.load(Ordering::Acquire) != emptied || namespace.is_awaiting() {
                    // Somebody was in meanwhile, or is waited for. The grace may be nothing.
                    wait = grace.max(Duration::from_secs(1));
                    continue;
                }
                namespace.is_watched.store(false, Ordering::Release);
                return io.remove_if_empty(&namespace);
            }
        });
    }

    fn remove_if_empty(&self, namespace: &Arc<NamespaceCore>) {
        let name = namespace.name();
        let gone = self.namespaces.remove_if(name, |_, found| {
            // Under the lock that a client takes on its way in, so that the adapter is told in order when one
            // makes the namespace anew.
            let is_unused = Arc::ptr_eq(found, namespace)
                && found.entering.load(Ordering::Acquire) == 0
                && self.core.pool.count(name) == 0
                && !namespace.is_awaiting();
            if is_unused {
                self.core.adapter.close_namespace(name);
            }
            is_unused
        });
        if gone.is_some() {
            tracing::debug!(namespace = %name, "empty namespace is gone");
        }
    }
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io")
            .field("clients", &self.clients())
            .field("namespaces", &self.0.namespaces.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for IoInner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IoInner").finish_non_exhaustive()
    }
}
