//! What the connections of one node share: limits, counters, the clock, and who flushes large batches.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::{runtime::Handle, task::AbortHandle, time::Instant};

use super::{
    decoder::{Limits, Role},
    flusher::Flusher,
    handle::WebSocketHandle,
    keeper::Keeper,
    link::Transport,
    pulse::PulseTimes,
    socket::WebSocket,
};
use crate::{
    address::{Address, NodeId},
    config::{ConfigError, ConnectionConfig},
    frame::Frame,
    outbox::Bounds,
};

/// Makes connections, accepted or dialled, that share limits and a clock. Cheap to clone.
///
/// Connections keep what they need of it, so it may be dropped before them.
#[derive(Clone, Debug)]
pub struct Endpoint(Arc<Node>);

/// The shared part.
#[derive(Debug)]
pub(super) struct Node {
    id: NodeId,
    config: ConnectionConfig,
    /// Sent instead of pings.
    heartbeat: Option<Frame>,
    bounds: Bounds,
    limits: Limits,
    pulse_times: PulseTimes,
    start: Instant,
    runtime: Handle,
    flusher: Arc<Flusher>,
    keeper: Arc<Keeper>,
    tasks: [AbortHandle; 2],
    pub(super) counters: Counters,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) opened: AtomicU64,
    pub(super) closed: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) lost: AtomicU64,
    pub(super) slow_consumers: AtomicU64,
    pub(super) timed_out: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) rate_pauses: AtomicU64,
}

/// Totals since the endpoint was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Connections that were opened.
    pub opened: u64,
    /// Connections that have ended.
    pub closed: u64,
    /// Messages dropped by a slow-consumer policy or because they were volatile.
    pub dropped: u64,
    /// Frames accepted for peers that were lost before the frames were written.
    pub lost: u64,
    /// Connections closed or cut because the peer did not keep up.
    pub slow_consumers: u64,
    /// Connections cut because nothing came from the peer.
    pub timed_out: u64,
    /// Connections closed because the peer broke a rule.
    pub failed: u64,
    /// Times that reading rested because the peer was too fast.
    pub rate_pauses: u64,
}

impl Endpoint {
    /// An endpoint whose tasks run on the current tokio runtime.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn new(config: ConnectionConfig) -> Result<Self, ConfigError> {
        Self::with_node_id(config, NodeId::random())
    }

    /// The same, with a given name for this node.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn with_node_id(config: ConnectionConfig, id: NodeId) -> Result<Self, ConfigError> {
        Self::with_heartbeat(config, id, None)
    }

    /// The same for a protocol that has heartbeats of its own: `heartbeat` is sent where a ping would be.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn with_heartbeat(
        config: ConnectionConfig,
        id: NodeId,
        heartbeat: Option<Frame>,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let runtime = Handle::current();
        let start = Instant::now();
        let flusher = Arc::new(Flusher::default());
        let keeper = Keeper::new(start);
        let tasks = [
            runtime
                .spawn(Arc::clone(&flusher).run(runtime.clone()))
                .abort_handle(),
            runtime.spawn(Arc::clone(&keeper).run()).abort_handle(),
        ];
        Ok(Self(Arc::new(Node {
            id,
            bounds: Bounds {
                bytes: config.outbox_bytes,
                messages: config.outbox_messages,
                policy: config.slow_consumer,
            },
            limits: Limits::from(&config),
            pulse_times: PulseTimes {
                ping_interval: config.ping_interval,
                ping_timeout: config.ping_timeout,
                idle_timeout: config.idle_timeout,
            },
            config,
            heartbeat,
            start,
            runtime,
            flusher,
            keeper,
            tasks,
            counters: Counters::default(),
        })))
    }

    /// This node's name.
    pub fn node_id(&self) -> &NodeId {
        &self.0.id
    }

    /// The settings of its connections.
    pub fn config(&self) -> &ConnectionConfig {
        &self.0.config
    }

    /// Totals of all its connections.
    pub fn stats(&self) -> Stats {
        let counters = &self.0.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            opened: read(&counters.opened),
            closed: read(&counters.closed),
            dropped: read(&counters.dropped),
            lost: read(&counters.lost),
            slow_consumers: read(&counters.slow_consumers),
            timed_out: read(&counters.timed_out),
            failed: read(&counters.failed),
            rate_pauses: read(&counters.rate_pauses),
        }
    }

    /// A connection over a transport on which a server's handshake is already done.
    ///
    /// `leftover` is what was read beyond the handshake.
    pub fn accepted(&self, transport: Transport, leftover: &[u8], address: Address) -> WebSocket {
        self.open(transport, leftover, address, Role::Server)
    }

    pub(super) fn open(
        &self,
        transport: Transport,
        leftover: &[u8],
        address: Address,
        role: Role,
    ) -> WebSocket {
        let peer = transport.peer();
        let (source, link) = transport.split();
        let handle = WebSocketHandle::new(Arc::clone(&self.0), link, address, peer, role);
        WebSocket::new(handle, source, leftover, role)
    }
}

impl Node {
    pub(super) fn id(&self) -> &NodeId {
        &self.id
    }

    pub(super) fn config(&self) -> &ConnectionConfig {
        &self.config
    }

    pub(super) fn heartbeat(&self) -> Option<&Frame> {
        self.heartbeat.as_ref()
    }

    pub(super) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    pub(super) fn pulse_times(&self) -> PulseTimes {
        self.pulse_times
    }

    pub(super) fn start(&self) -> Instant {
        self.start
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(super) fn flusher(&self) -> &Arc<Flusher> {
        &self.flusher
    }

    pub(super) fn keeper(&self) -> &Keeper {
        &self.keeper
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Counters {
    pub(super) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}
