//! What all who chat share, whatever way they came: who is here, and telling them things.

use std::{
    collections::HashSet,
    ops::Deref,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use parking_lot::Mutex;
use switchboard::{
    events::Event,
    prelude::*,
    socketio::{self, FromEvent, Incoming, Io, Rejected, State},
};

use crate::{
    audience::Audience,
    drain::Drains,
    numbers::Counters,
    people::People,
    protocol::{Kind, Message, Who},
};

/// The room of those who have been welcomed. People cannot name it: it has a control character.
///
/// A connection is in the pool before its session begins. Sent to this room instead of the whole
/// namespace, nothing overtakes the welcome.
pub(crate) const WELCOMED: &str = "\0welcomed";

/// The chat of one node: the two ways in, and what is shared. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Chat {
    io: Io,
    shared: Arc<Shared>,
}

/// What handlers of Socket.IO find as `State`. It does not hold the server, which holds it.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The plain WebSockets.
    pub(crate) pool: Pool,
    /// Held also while people are told who came, went or changed, and while a newcomer is told who is
    /// here: what a newcomer learns is neither older nor newer than what it hears next.
    pub(crate) people: Mutex<People>,
    /// Namespaces whose numbers changed since the last tick.
    pub(crate) changed: Mutex<HashSet<Namespace>>,
    pub(crate) counters: Counters,
    pub(crate) drains: Mutex<Drains>,
    pub(crate) node: NodeId,
}

impl Shared {
    pub(crate) fn new(pool: Pool, node: NodeId) -> Self {
        Self {
            pool,
            people: Mutex::default(),
            changed: Mutex::default(),
            counters: Counters::default(),
            drains: Mutex::default(),
            node,
        }
    }
}

impl Deref for Chat {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

/// Any handler may take the chat as a parameter.
impl FromEvent for Chat {
    fn from_event(event: &Incoming) -> Result<Self, Rejected> {
        let State(shared) = State::from_event(event)?;
        let io = Io::from_event(event)?;
        Ok(Self { io, shared })
    }
}

impl Chat {
    /// The chat of a server that was built with a [`Shared`].
    pub(crate) fn of(io: Io) -> Option<Self> {
        let shared = io.state()?;
        Some(Self { io, shared })
    }

    pub(crate) fn io(&self) -> &Io {
        &self.io
    }

    /// Everybody in `namespace` who has been welcomed.
    pub(crate) fn everybody<'a>(&'a self, namespace: &'a Namespace) -> Audience<'a> {
        self.room(namespace, WELCOMED)
    }

    /// The members of a room.
    pub(crate) fn room<'a>(&'a self, namespace: &'a Namespace, room: &'a str) -> Audience<'a> {
        Audience::new(self, namespace, room)
    }

    /// Tells every connection of the node.
    pub(crate) fn tell_the_node<E: Event>(&self, message: &E) {
        let namespaces = self.people.lock().namespaces();
        for namespace in namespaces {
            self.everybody(&namespace).send(message);
        }
    }

    /// How many connections the node has, of both ways.
    pub(crate) fn connections(&self) -> usize {
        let namespaces = self.io.namespaces();
        let sockets = namespaces.iter().map(socketio::Namespace::len);
        self.pool.len() + sockets.sum::<usize>()
    }
}

/// A message of somebody.
pub(crate) fn message(
    from: Who,
    kind: Kind,
    room: Option<Room>,
    to: Option<ConnectionId>,
    text: String,
) -> Message {
    let at = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis();
    Message {
        kind,
        from,
        room,
        to,
        text,
        at: u64::try_from(at).unwrap_or(u64::MAX),
    }
}
