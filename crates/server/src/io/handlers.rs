//! The handlers of a namespace, or of one socket.

use std::{collections::HashMap, sync::Arc};

use parking_lot::RwLock;

use crate::io::{handler::Erased, rooms::RoomEvent};

pub(crate) type RoomListener = Arc<dyn Fn(&RoomEvent) + Send + Sync>;

/// Handlers by what they are for, in the order they were given.
#[derive(Clone, Default)]
pub(crate) struct Handlers {
    pub(crate) middlewares: Vec<Erased>,
    pub(crate) connect: Vec<Erased>,
    pub(crate) event_middlewares: Vec<Erased>,
    pub(crate) any: Vec<Erased>,
    pub(crate) events: HashMap<Box<str>, Vec<Erased>>,
    pub(crate) disconnect: Vec<Erased>,
    pub(crate) rooms: Vec<RoomListener>,
}

/// Handlers that may be added while others run. Reading takes a reference to all of them.
#[derive(Default)]
pub(crate) struct HandlerSet(RwLock<Arc<Handlers>>);

impl HandlerSet {
    pub(crate) fn get(&self) -> Arc<Handlers> {
        Arc::clone(&self.0.read())
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Handlers)) {
        change(Arc::make_mut(&mut *self.0.write()));
    }

    pub(crate) fn on(&self, event: &str, handler: Erased) {
        self.change(|handlers| handlers.events.entry(event.into()).or_default().push(handler));
    }

    /// Takes all handlers of an event away; `false` when it had none.
    pub(crate) fn off(&self, event: &str) -> bool {
        let mut removed = false;
        self.change(|handlers| removed = handlers.events.remove(event).is_some());
        removed
    }
}

impl std::fmt::Debug for HandlerSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let handlers = self.get();
        f.debug_struct("HandlerSet")
            .field("events", &handlers.events.keys())
            .finish_non_exhaustive()
    }
}
