//! What all namespaces and sessions of one server share.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

use switchboard_adapter::Adapter;
use switchboard_connection::{Endpoint, Metadata, Namespace as Name};
use switchboard_pool::Pool;
use switchboard_wire::{Limits, Parser};
use tokio::{runtime::Handle, time::Instant};

use crate::{
    io::{handler::guarded, handlers::Handlers, recovery::Recovery, rooms::RoomEvent},
    metrics::Metrics,
    options::IoConfig,
};

/// Settings, the pool, the way to other nodes.
pub(crate) struct Core {
    pub(crate) config: IoConfig,
    pub(crate) parser: Parser,
    pub(crate) limits: Limits,
    pub(crate) endpoint: Endpoint,
    pub(crate) pool: Pool,
    pub(crate) adapter: Arc<dyn Adapter>,
    /// Values for [`State`](crate::extract::State), one per type.
    pub(crate) state: Metadata,
    /// The name of the namespace that everybody begins with.
    pub(crate) root: Name,
    pub(crate) runtime: Handle,
    pub(crate) metrics: Metrics,
    pub(crate) start: Instant,
    /// Sessions that may be continued, in all namespaces.
    pub(crate) saved_sessions: Arc<AtomicUsize>,
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").finish_non_exhaustive()
    }
}

/// One namespace: its handlers, its counter of questions, its log.
///
/// Its members are those of the pool's namespace of the same name.
#[derive(Debug)]
pub(crate) struct NamespaceCore {
    name: Name,
    core: Arc<Core>,
    pub(crate) handlers: Arc<Handlers>,
    next_ack: AtomicU64,
    pub(crate) recovery: Option<Recovery>,
    /// Clients on their way in, who keep a dynamic namespace alive.
    pub(crate) entering: AtomicUsize,
    /// Made for a name that a pattern matched; goes when it has been empty for a while.
    pub(crate) is_dynamic: bool,
    /// Whether somebody waits to see if it stays empty.
    pub(crate) is_watched: AtomicBool,
    /// How often it has become empty.
    pub(crate) emptied: AtomicUsize,
}

impl NamespaceCore {
    pub(crate) fn new(
        name: Name,
        core: Arc<Core>,
        handlers: Arc<Handlers>,
        is_dynamic: bool,
    ) -> Arc<Self> {
        let recovery = core.config.connection_state_recovery.as_ref();
        Arc::new(Self {
            recovery: recovery.map(|config| Recovery::new(config, &core.saved_sessions)),
            name,
            core,
            handlers,
            next_ack: AtomicU64::new(0),
            entering: AtomicUsize::new(0),
            is_dynamic,
            is_watched: AtomicBool::new(false),
            emptied: AtomicUsize::new(0),
        })
    }

    pub(crate) fn name(&self) -> &Name {
        &self.name
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    pub(crate) fn parser(&self) -> Parser {
        self.core.parser
    }

    /// Whether no socket of this node is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.core.pool.count(&self.name) == 0
    }

    /// Whether clients that were in it may come back to what is kept for them.
    pub(crate) fn is_awaiting(&self) -> bool {
        self.recovery.as_ref().is_some_and(Recovery::is_awaiting)
    }

    pub(crate) fn next_ack(&self) -> u64 {
        self.next_ack.fetch_add(1, Ordering::Relaxed)
    }

    /// Tells listeners what happened to rooms. Called with no lock held.
    pub(crate) fn announce(&self, events: impl IntoIterator<Item = RoomEvent>) {
        let handlers = self.handlers.get();
        if handlers.rooms.is_empty() {
            return;
        }
        for event in events {
            for listener in &handlers.rooms {
                guarded(|| listener(&event));
            }
        }
    }
}
