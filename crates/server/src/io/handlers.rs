//! The handlers of a namespace, or of one socket.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::RwLock;

use crate::io::{handler::Erased, rooms::RoomEvent, server_side::ServerHandler};

pub(crate) type RoomListener = Arc<dyn Fn(&RoomEvent) + Send + Sync>;

/// Lists by what they are for, in the order they were given.
#[derive(Clone, Default)]
pub(crate) struct Lists {
    pub(crate) middlewares: Vec<Erased>,
    pub(crate) connect: Vec<Erased>,
    pub(crate) event_middlewares: Vec<Erased>,
    pub(crate) any: Vec<Erased>,
    /// By name: a few words to compare cost less than a hash.
    pub(crate) events: BTreeMap<Box<str>, Vec<Erased>>,
    pub(crate) disconnect: Vec<Erased>,
    pub(crate) rooms: Vec<RoomListener>,
    pub(crate) server_side: BTreeMap<Box<str>, Vec<ServerHandler>>,
}

impl Lists {
    pub(crate) fn of_event(&self, name: &str) -> &[Erased] {
        self.events.get(name).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The handlers of a namespace, of all namespaces that a pattern matches, or of one socket.
///
/// [`Namespace::handlers`](crate::Namespace::handlers) gives them, for code that does not care which of these
/// it equips. Handlers may be given while others run.
#[derive(Default)]
pub struct Handlers(RwLock<Arc<Lists>>);

impl Handlers {
    pub(crate) fn get(&self) -> Arc<Lists> {
        Arc::clone(&self.0.read())
    }

    /// The same handlers, to which others may be added.
    pub(crate) fn copy(&self) -> Self {
        Self(RwLock::new(self.get()))
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Lists)) {
        change(Arc::make_mut(&mut *self.0.write()));
    }

    pub(crate) fn add(&self, event: &str, handler: Erased) {
        self.change(|handlers| {
            handlers
                .events
                .entry(event.into())
                .or_default()
                .push(handler);
        });
    }

    /// Takes all handlers of an event away; `false` when it had none.
    pub fn off(&self, event: &str) -> bool {
        let mut removed = false;
        self.change(|handlers| removed = handlers.events.remove(event).is_some());
        removed
    }
}

impl std::fmt::Debug for Handlers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let handlers = self.get();
        f.debug_struct("Handlers")
            .field("events", &handlers.events.keys())
            .finish_non_exhaustive()
    }
}
