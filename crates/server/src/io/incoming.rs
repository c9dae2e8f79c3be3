//! One thing that a handler is called for.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde::Serialize;
use switchboard_connection::SendError;
use switchboard_wire::{Args, EventName};

use crate::io::{reason::DisconnectReason, send::EmitError, socket::Socket};

/// What a handler is called for, and by whom; what [`FromEvent`](crate::extract::FromEvent) reads.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Incoming {
    /// Who sent it.
    pub socket: Socket,
    /// What happened.
    pub what: What,
}

/// What a handler is called for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum What {
    /// The client asks to enter, or has entered.
    Connect,
    /// An event of the client.
    Event {
        /// Its name.
        name: EventName,
        /// Its arguments.
        args: Args,
        /// Answers it; does nothing when the client asked for no answer.
        ack: Ack,
    },
    /// The socket has left.
    Disconnect(DisconnectReason),
}

impl Incoming {
    /// The arguments of an event; none otherwise.
    pub fn args(&self) -> &Args {
        static NONE: Args = Args::empty();
        match &self.what {
            What::Event { args, .. } => args,
            _ => &NONE,
        }
    }
}

/// Answers one event; from the parameter of a handler.
///
/// Only the first answer is sent. Dropped without one, the client waits until its own timeout.
#[derive(Clone, Debug, Default)]
pub struct Ack(Option<Pending>);

#[derive(Clone, Debug)]
struct Pending {
    socket: Socket,
    id: u64,
    answered: Arc<AtomicBool>,
}

impl Ack {
    pub(crate) fn new(socket: &Socket, id: Option<u64>) -> Self {
        Self(id.map(|id| Pending {
            socket: socket.clone(),
            id,
            answered: Arc::default(),
        }))
    }

    /// Whether the client asked for an answer and has none yet.
    pub fn is_wanted(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|pending| !pending.answered.load(Ordering::Relaxed))
    }

    /// Answers with `data`: a tuple is several arguments, `()` none, everything else one.
    ///
    /// Does nothing when no answer is wanted. Never waits: a client that does not take its answers is dealt
    /// with by its slow-consumer policy.
    pub fn send<T: Serialize + ?Sized>(&self, data: &T) -> Result<(), EmitError> {
        let Some(pending) = &self.0 else {
            return Ok(());
        };
        if pending.answered.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let core = pending.socket.core();
        let namespace = core.namespace();
        let encoded = namespace.parser().ack(namespace.name(), pending.id, data)?;
        let frame = crate::io::send::frame(&encoded);
        namespace.core().metrics.queued(1, frame.len());
        match core.send_now(&frame) {
            Ok(_) => Ok(()),
            Err(SendError::Closed) => Err(EmitError::Disconnected),
            Err(error) => Err(error.into()),
        }
    }
}
