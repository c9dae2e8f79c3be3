//! Connection state recovery in memory: who comes back soon continues where it was.
//!
//! Each event that is neither volatile nor asks for an answer is numbered and kept for a while; its number
//! travels as one more argument, and the client sends the last one it saw when it comes back. What it
//! missed since is sent before the reply to its CONNECT, as Node does. Numbering, keeping and queueing are
//! one step under one lock, so that a client sees numbers only rise and nothing falls between.
//!
//! Where this differs from Node, a client gains: one that saw no event yet sends no number, and then gets all
//! since it came; a volatile event carries the number of the last kept one, so that no string of the
//! application is taken for a number; a session is kept until its client is in again; a client that comes back
//! before the server knows that it was gone is the same client, not a second one.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
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
    /// Sessions that are saved in all namespaces.
    saved: Arc<AtomicUsize>,
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
    /// The saved sessions, the oldest first.
    ages: BTreeMap<u64, Box<str>>,
    /// The number of the session that was saved last.
    last_saved: u64,
    /// Who is in, by the same secret.
    here: HashMap<Box<str>, Weak<SocketCore>>,
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
    /// Its key in `ages`.
    age: u64,
}

/// A session that somebody has taken up.
#[derive(Debug)]
pub(crate) struct Resumed {
    pub(crate) saved: SavedSocket,
    /// The last event that the client got.
    seen: u64,
}

impl Recovery {
    pub(crate) fn new(config: &RecoveryConfig, saved: &Arc<AtomicUsize>) -> Self {
        Self {
            config: config.clone(),
            saved: Arc::clone(saved),
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
        let queued = matches!(sent, Ok(Sent::Queued | Sent::Displaced(_)));
        namespace.core().metrics.sent(usize::from(queued), len);
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

    /// Has `socket` leave, in one step with keeping its session: nobody finds it gone and not yet kept. `leave`
    /// returns its rooms, which it loses, if its client may come back. Beyond `maxSessions` of the whole server
    /// the oldest session here goes.
    ///
    /// `leave` must not call anything of a user.
    pub(crate) fn leave<R>(
        &self,
        socket: &SocketCore,
        leave: impl FnOnce() -> (R, Option<Vec<Room>>),
    ) -> R {
        let log = &mut *self.log.lock();
        let (left, rooms) = leave();
        let Some(pid) = socket.pid() else {
            return left;
        };
        let is_it = |other: &Weak<SocketCore>| std::ptr::eq(other.as_ptr(), socket);
        if log.here.get(&pid).is_some_and(is_it) {
            log.here.remove(&pid);
        }
        if let Some(rooms) = rooms {
            let saved = SavedSocket {
                id: socket.address().id.clone(),
                rooms,
                data: socket.data(),
                first: socket.first_event(),
                until: Instant::now() + self.config.max_disconnection_duration,
                age: 0,
            };
            self.save(log, pid, saved);
        }
        left
    }

    /// Gives back a session whose client was gone again before it was in.
    pub(crate) fn give_back(&self, pid: Box<str>, resumed: Resumed) {
        self.save(&mut self.log.lock(), pid, resumed.saved);
    }

    fn save(&self, log: &mut Log, pid: Box<str>, mut saved: SavedSocket) {
        self.forget_ended(log);
        self.take(log, &pid);
        log.last_saved += 1;
        saved.age = log.last_saved;
        log.ages.insert(saved.age, pid.clone());
        log.saved.insert(pid, saved);
        let mut all = self.saved.fetch_add(1, Ordering::Relaxed) + 1;
        while all > self.config.max_sessions {
            let Some(oldest) = log.ages.first_entry().map(|entry| entry.get().clone()) else {
                break;
            };
            self.take(log, &oldest);
            all -= 1;
        }
    }

    fn take(&self, log: &mut Log, pid: &str) -> Option<SavedSocket> {
        let saved = log.saved.remove(pid)?;
        log.ages.remove(&saved.age);
        self.saved.fetch_sub(1, Ordering::Relaxed);
        Some(saved)
    }

    /// Forgets the sessions whose time is over.
    fn forget_ended(&self, log: &mut Log) {
        let now = Instant::now();
        while let Some(oldest) = log.ages.first_entry()
            && let pid = oldest.get().clone()
            && log.saved.get(&pid).is_some_and(|saved| saved.until < now)
        {
            self.take(log, &pid);
        }
    }

    /// Whether clients may still come back to what is kept.
    pub(crate) fn is_awaiting(&self) -> bool {
        let log = &mut *self.log.lock();
        self.forget_ended(log);
        !log.saved.is_empty()
    }

    /// The socket whose client knows `pid`, if it is in.
    pub(crate) fn socket_of(&self, pid: &str) -> Option<Arc<SocketCore>> {
        self.log.lock().here.get(pid)?.upgrade()
    }

    /// Takes up the session `pid`, whose client got all up to `offset`; `None` when it is not known, has
    /// ended, or what it missed is no longer kept or more than `room` bytes.
    pub(crate) fn resume(&self, pid: &str, offset: Option<&str>, room: usize) -> Option<Resumed> {
        let log = &mut *self.log.lock();
        self.forget_ended(log);
        let saved = log.saved.get(pid)?;
        let seen = match offset {
            Some(offset) => self.number(offset)?,
            None => saved.first,
        };
        let missed = log.missed(seen, &saved.rooms)?;
        // The answer to its CONNECT comes in the same frame.
        let bytes: usize = missed.map(|kept| kept.frame.len()).sum();
        if bytes + ANSWER_BYTES > room {
            return None;
        }
        let saved = self.take(log, pid)?;
        Some(Resumed { saved, seen })
    }

    /// Has `socket` enter between two events: `enter` runs with the log held, so that nothing is sent to it
    /// twice or not at all. What it missed and `answer` go out as one, so that the client gets all of it or
    /// nothing; `None` when something of that is no longer kept or finds no room.
    ///
    /// `enter` must not call anything of a user.
    pub(crate) fn enter<R, E>(
        &self,
        socket: &Arc<SocketCore>,
        resumed: Option<&Resumed>,
        answer: Frame,
        enter: impl FnOnce() -> Result<R, E>,
    ) -> Option<Result<R, E>> {
        let log = &mut *self.log.lock();
        socket.begins_after(log.last);
        if let Some(Resumed { saved, seen }) = resumed {
            let missed = log.missed(*seen, &saved.rooms)?;
            let missed = missed.map(|kept| kept.frame.clone());
            let all = Frame::batch(missed.chain([answer]))?;
            if !matches!(socket.send_now(&all), Ok(Sent::Queued)) {
                return None;
            }
            Some(enter())
        } else {
            let entered = enter();
            if entered.is_ok() {
                // A client that is gone hears nothing.
                let _ = socket.send_now(&answer);
            }
            Some(entered)
        }
        .inspect(|entered| {
            if let (Ok(_), Some(pid)) = (entered, socket.pid()) {
                log.here.insert(pid, Arc::downgrade(socket));
            }
        })
    }
}

impl Drop for Recovery {
    fn drop(&mut self) {
        let left = self.log.get_mut().saved.len();
        self.saved.fetch_sub(left, Ordering::Relaxed);
    }
}

/// An upper bound of the reply to a CONNECT.
const ANSWER_BYTES: usize = 1024;

impl Log {
    /// What is kept of the events after number `seen` for a member of `rooms`; `None` when some of them are
    /// gone, or `seen` has not been yet.
    fn missed<'a>(
        &'a self,
        seen: u64,
        rooms: &'a [Room],
    ) -> Option<impl Iterator<Item = &'a Kept> + use<'a>> {
        let missed = usize::try_from(self.last.checked_sub(seen)?).ok()?;
        let since = self.events.len().checked_sub(missed)?;
        let missed = self.events.range(since..);
        Some(missed.filter(|kept| kept.target.means(rooms)))
    }
}
