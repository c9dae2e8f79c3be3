//! Connection state recovery in memory: who comes back soon continues where it was.
//!
//! Each event that is neither volatile nor asks for an answer is numbered and kept for a while; its number
//! travels as one more argument, and the client sends the last one it saw when it comes back. What it
//! missed since is sent before the reply to its CONNECT, as Node does. Numbering, keeping and queueing are
//! one step under one lock, so that a client sees numbers only rise and nothing falls between.
//!
//! Where this differs from Node, a client gains: one that saw no event yet sends no number, and then gets all
//! since it came; a volatile event carries the number of the last kept one, so that no string of the
//! application is taken for a number; a session is kept until somebody has taken it up.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use parking_lot::Mutex;
use serde::Serialize;
use switchboard_adapter::Target;
use switchboard_connection::{Connection, Delivery, Frame, NodeId, Room, SendError, Sent};
use switchboard_wire::{EncodeError, Encoded, Value};
use tokio::time::Instant;

use crate::{
    io::{
        operators::Broadcast,
        send::{EmitError, frame},
        socket::SocketCore,
    },
    options::Recovery as RecoveryConfig,
};

/// The log of one namespace, and the sessions that may come back.
#[derive(Debug)]
pub(crate) struct Recovery {
    config: RecoveryConfig,
    /// Tells the numbers of this log from those of another life of the process.
    life: Box<str>,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    /// The number of the last event.
    last: u64,
    events: VecDeque<Kept>,
    bytes: usize,
    saved: HashMap<Box<str>, SavedSocket>,
    /// Sessions in the order of their ends.
    ends: VecDeque<(Instant, Box<str>)>,
}

#[derive(Debug)]
struct Kept {
    frame: Frame,
    target: Target,
    until: Instant,
}

/// What a session is continued with.
#[derive(Clone, Debug)]
pub(crate) struct SavedSocket {
    pub(crate) id: switchboard_connection::ConnectionId,
    pub(crate) rooms: Vec<Room>,
    pub(crate) data: Value,
    /// The last event before it came.
    first: u64,
    until: Instant,
}

/// A session that somebody has taken up.
#[derive(Debug)]
pub(crate) struct Resumed {
    pub(crate) saved: SavedSocket,
    /// The last event that the client got.
    seen: u64,
}

impl Recovery {
    pub(crate) fn new(config: &RecoveryConfig) -> Self {
        Self {
            config: config.clone(),
            life: NodeId::random().as_str().into(),
            log: Mutex::default(),
        }
    }

    pub(crate) fn skips_middlewares(&self) -> bool {
        self.config.skip_middlewares
    }

    /// The text that stands for number `number` on the wire.
    fn offset(&self, number: u64) -> String {
        format!("{}.{number}", self.life)
    }

    fn number(&self, offset: &str) -> Option<u64> {
        let (life, number) = offset.rsplit_once('.')?;
        (life == &*self.life).then(|| number.parse().ok()).flatten()
    }

    /// Sends an event to many of this node, by `deliver`, keeps it for those who come back, and publishes it.
    pub(crate) fn broadcast<T: Serialize + ?Sized, R>(
        &self,
        broadcast: &Broadcast,
        event: &str,
        data: &T,
        deliver: impl FnOnce(&Encoded) -> R,
    ) -> Result<R, EncodeError> {
        let namespace = broadcast.namespace();
        let mut log = self.log.lock();
        let is_kept = !broadcast.is_volatile();
        let offset = self.offset(log.last + u64::from(is_kept));
        let parser = namespace.parser();
        let encoded = parser.event(namespace.name(), None, event, data, Some(&offset))?;
        // The number is of this log: other nodes give their own.
        let plain = broadcast
            .crosses()
            .then(|| parser.event(namespace.name(), None, event, data, None))
            .transpose()?;
        if is_kept {
            self.keep(&mut log, frame(&encoded), broadcast.target());
        }
        let done = deliver(&encoded);
        if let Some(plain) = plain {
            broadcast.publish(&plain);
        }
        Ok(done)
    }

    /// Sends an event to one socket and keeps it. Also says how long it is, for those who wait for room.
    pub(crate) fn emit_to_one<T: Serialize + ?Sized>(
        &self,
        socket: &Arc<SocketCore>,
        event: &str,
        data: &T,
        delivery: Delivery,
    ) -> Result<(Result<Sent, SendError>, usize), EmitError> {
        let namespace = socket.namespace();
        let mut log = self.log.lock();
        let is_kept = delivery != Delivery::Volatile;
        let offset = self.offset(log.last + u64::from(is_kept));
        let parser = namespace.parser();
        let encoded = parser.event(namespace.name(), None, event, data, Some(&offset))?;
        let frame = frame(&encoded);
        let sent = socket.session().try_send(&frame, delivery);
        let len = frame.len();
        if is_kept && sent.is_ok() {
            let own = Target::new(&[socket.address().id.to_string()], &[]);
            self.keep(&mut log, frame, own);
        }
        namespace
            .core()
            .metrics
            .sent(usize::from(sent.is_ok()), len);
        Ok((sent, len))
    }

    fn keep(&self, log: &mut Log, frame: Frame, target: Target) {
        let now = Instant::now();
        log.last += 1;
        log.bytes += frame.len();
        log.events.push_back(Kept {
            frame,
            target,
            until: now + self.config.max_disconnection_duration,
        });
        while log.events.len() > self.config.max_buffered_packets
            || log.bytes > self.config.max_buffered_bytes
            || log.events.front().is_some_and(|oldest| oldest.until < now)
        {
            match log.events.pop_front() {
                Some(oldest) => log.bytes -= oldest.frame.len(),
                None => break,
            }
        }
    }

    /// Keeps the session of a socket that has lost its connection.
    pub(crate) fn save(&self, socket: &SocketCore, rooms: Vec<Room>) {
        let Some(pid) = socket.pid() else {
            return;
        };
        let now = Instant::now();
        let until = now + self.config.max_disconnection_duration;
        let log = &mut *self.log.lock();
        while let Some((end, _)) = log.ends.front()
            && *end < now
        {
            if let Some((_, pid)) = log.ends.pop_front()
                && log.saved.get(&pid).is_some_and(|saved| saved.until < now)
            {
                log.saved.remove(&pid);
            }
        }
        let saved = SavedSocket {
            id: socket.address().id.clone(),
            rooms,
            data: socket.data(),
            first: socket.first_event(),
            until,
        };
        log.ends.push_back((until, pid.clone()));
        log.saved.insert(pid, saved);
    }

    /// Takes up the session `pid`, whose client got all up to `offset`; `None` when it is not known, has
    /// ended, or something it missed is no longer kept.
    pub(crate) fn resume(&self, pid: &str, offset: Option<&str>) -> Option<Resumed> {
        let now = Instant::now();
        let log = &mut *self.log.lock();
        let saved = log.saved.get(pid).filter(|saved| saved.until >= now)?;
        let seen = match offset {
            Some(offset) => self.number(offset)?,
            None => saved.first,
        };
        log.since(seen)?;
        Some(Resumed {
            saved: log.saved.remove(pid)?,
            seen,
        })
    }

    /// Has `socket` enter between two events: `enter` runs with the log held, so that nothing is sent to it
    /// twice or not at all. What it missed goes out first; `None` when something of that is no longer kept.
    ///
    /// `enter` must not call anything of a user.
    pub(crate) fn enter<R>(
        &self,
        socket: &Arc<SocketCore>,
        resumed: Option<&Resumed>,
        enter: impl FnOnce() -> R,
    ) -> Option<R> {
        let log = self.log.lock();
        socket.begins_after(log.last);
        if let Some(resumed) = resumed {
            let missed = log.events.range(log.since(resumed.seen)?..);
            for kept in missed.filter(|kept| kept.target.means(&resumed.saved.rooms)) {
                // Whoever cannot take what it missed is closed as a slow consumer, and may come again.
                if socket.send_now(&kept.frame).is_err() {
                    break;
                }
            }
        }
        Some(enter())
    }
}

impl Log {
    /// Where the events after number `seen` begin; `None` when some are gone, or it has not been yet.
    fn since(&self, seen: u64) -> Option<usize> {
        let missed = usize::try_from(self.last.checked_sub(seen)?).ok()?;
        self.events.len().checked_sub(missed)
    }
}
