//! The shared handle of one WebSocket: who it is, what it is sent. How it ends: [`ending`].

mod ending;

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, AtomicU64},
    },
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::{Mutex, MutexGuard};
use tokio::{sync::Notify, time::Instant};

use super::{
    decoder::Role,
    endpoint::{Counters, Node},
    keeper::Key,
    lifecycle::{Outlet, State},
    link::Link,
    pulse::Pulse,
    write::settle,
};
use crate::{
    address::{Address, RemoteConnection},
    connection::{Connection, Delivery, SendError, Sent},
    cork::flush_later,
    disconnect::{Closed, Disconnect, Initiator},
    frame::Frame,
    metadata::Metadata,
    outbox::{Outbox, Ran},
};

/// Sends to one WebSocket peer and closes it, from anywhere; the reading side is
/// [`WebSocket`](crate::WebSocket).
///
/// Always held in an `Arc`, which turns into an [`AnyConnection`](crate::AnyConnection). Holding it
/// keeps no socket open: when the connection has ended, only this small value is left.
#[repr(C)] // What a broadcast touches comes first, side by side, on as few cache lines as it can.
pub struct WebSocketHandle {
    this: Weak<Self>,
    endpoint: Arc<Node>,
    room: OnceLock<Box<Notify>>,
    /// Guards all that changes, see [`Outlet`]. Taken for a queue operation or one non-blocking write.
    outlet: Mutex<Outlet>,
    address: Address,
    peer: Option<SocketAddr>,
    role: Role,
    /// The keeper's entry; only read when the connection ends.
    key: OnceLock<Key>,
    /// When the last byte arrived, in nanoseconds since the endpoint's start: an answer may come within
    /// a fraction of a millisecond of its ping.
    heard: AtomicU64,
    /// Whether somebody waits for bytes of the peer.
    reading: AtomicBool,
    metadata: Metadata,
    ended: OnceLock<Box<Notify>>,
}

impl WebSocketHandle {
    pub(super) fn new(
        endpoint: Arc<Node>,
        link: Link,
        address: Address,
        peer: Option<SocketAddr>,
        role: Role,
    ) -> Arc<Self> {
        let now = Instant::now();
        let times = endpoint.pulse_times();
        let pulse = Pulse::new(now, times);
        let handle = Arc::new_cyclic(|this| Self {
            this: this.clone(),
            address,
            peer,
            role,
            heard: AtomicU64::new(nanos(now - endpoint.start())),
            endpoint,
            outlet: Mutex::new(Outlet {
                outbox: Outbox::default(),
                link,
                state: State::Open,
                scheduled: false,
                blocked: false,
                direct: role == Role::Server,
                pong: None,
                dropped: 0,
                pulse,
            }),
            key: OnceLock::new(),
            reading: AtomicBool::new(false),
            metadata: Metadata::default(),
            ended: OnceLock::new(),
            room: OnceLock::new(),
        });
        // Without heartbeats the keeper still sees to the grace of a close.
        let first = pulse.next(times).unwrap_or(now + Duration::from_hours(24));
        let key = handle
            .endpoint
            .keeper()
            .keep(Arc::downgrade(&handle), first);
        handle.key.set(key).unwrap_or_default();
        Counters::add(&handle.endpoint.counters.opened, 1);
        handle
    }

    /// The address the peer connects from; that of the last proxy, if there is one.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// What another process needs to name this connection.
    pub fn to_remote(&self) -> RemoteConnection {
        RemoteConnection {
            address: self.address.clone(),
            node: self.endpoint.id().clone(),
        }
    }

    /// Messages to this peer that were dropped, by its policy or because they were volatile.
    pub fn dropped(&self) -> u64 {
        self.outlet().dropped
    }

    /// Bytes that wait to be written.
    pub fn outbox_bytes(&self) -> usize {
        self.outlet().outbox.bytes()
    }

    /// Asks the peer whether it is alive; the answer comes as [`Event::Pong`](crate::Event::Pong).
    ///
    /// At most 125 bytes of `payload` are sent. While the peer takes no bytes, or the outbox has no room,
    /// nothing is queued, and the answer is [`Sent::Dropped`].
    pub fn ping(&self, payload: &[u8]) -> Result<Sent, SendError> {
        let mut outlet = self.outlet();
        if !outlet.is_open() {
            return Err(SendError::Closed);
        }
        let ping = self.for_wire(Frame::ping(payload));
        if outlet.blocked || !outlet.outbox.fits(ping.len(), self.endpoint.bounds()) {
            return Ok(Sent::Dropped);
        }
        outlet.outbox.append(&ping);
        self.schedule(outlet);
        Ok(Sent::Queued)
    }

    /// Sends no heartbeats until [`resume_heartbeats`](Self::resume_heartbeats): for a transport that is
    /// still being tried.
    pub fn hold_heartbeats(&self) {
        self.outlet().pulse.hold(Instant::now());
    }

    /// Sends heartbeats again, the first after one interval.
    pub fn resume_heartbeats(&self) {
        let mut outlet = self.outlet();
        let times = self.endpoint.pulse_times();
        outlet.pulse.resume(Instant::now(), times);
        if let Some(next) = outlet.pulse.next(times) {
            self.endpoint.keeper().wake_at(self.key(), next);
        }
    }

    /// Tells that whoever polls for events will not for a while, because it has enough to do: what the
    /// peer sends lies unread, so its silence proves nothing. Ends with the next poll that finds nothing.
    ///
    /// [`WebSocket::next`](crate::WebSocket::next) does this by itself.
    pub fn pauses_reading(&self) {
        self.stops_reading();
    }

    /// Ends the connection at once: nothing that waits is written, and the peer is told nothing.
    /// `false` when it had ended already.
    pub fn abort(&self) -> bool {
        let mut outlet = self.outlet();
        let lives = outlet.closed().is_none();
        if lives {
            let closed = Closed::new(Initiator::Local, Disconnect::ABNORMAL, false);
            self.cut(&mut outlet, closed);
        }
        lives
    }

    pub(super) fn endpoint(&self) -> &Arc<Node> {
        &self.endpoint
    }

    /// Notes whether the transport takes no more, and a task waits for it.
    pub(super) fn set_blocked(&self, outlet: &mut Outlet, blocked: bool) {
        outlet.blocked = blocked;
        outlet.renew_direct(self.role);
    }

    pub(super) fn outlet(&self) -> MutexGuard<'_, Outlet> {
        self.outlet.lock()
    }

    /// The frame as this side sends it: a dialled connection masks a copy.
    fn for_wire(&self, frame: Frame) -> Frame {
        match self.role {
            Role::Server => frame,
            Role::Client => frame.masked(fastrand::u32(..).to_ne_bytes()),
        }
    }

    /// Has the outbox flushed at the end of this thread's turn, unless somebody will already.
    fn schedule(&self, mut outlet: MutexGuard<'_, Outlet>) {
        if outlet.scheduled || outlet.blocked {
            return;
        }
        outlet.scheduled = true;
        drop(outlet);
        flush_later(&self.this);
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn notify(waiters: &OnceLock<Box<Notify>>) {
    if let Some(waiters) = waiters.get() {
        waiters.notify_waiters();
    }
}

#[async_trait]
impl Connection for WebSocketHandle {
    fn address(&self) -> &Address {
        &self.address
    }

    fn try_send(&self, frame: &Frame, delivery: Delivery) -> Result<Sent, SendError> {
        // Runs once per recipient of every broadcast: what is not the broadcast of a small frame to a
        // peer that takes bytes stands elsewhere, so that this saves no registers.
        let Some(mut outlet) = self.outlet.try_lock() else {
            return self.try_send_contended(frame, delivery);
        };
        if outlet.direct {
            match outlet.outbox.try_run(frame, self.endpoint.bounds()) {
                Ran::On => return Ok(Sent::Queued),
                Ran::Begun => {
                    outlet.scheduled = true;
                    drop(outlet);
                    return self.flush_later();
                }
                Ran::Not => {}
            }
        }
        self.try_send_unusual(outlet, frame, delivery)
    }

    fn close(&self, disconnect: Disconnect) -> bool {
        let mut outlet = self.outlet();
        let open = outlet.is_open();
        if open {
            self.begin_close(&mut outlet, Initiator::Local, disconnect, false, false);
            self.schedule(outlet);
        }
        open
    }

    fn is_closed(&self) -> bool {
        !self.outlet().is_open()
    }

    async fn closed(&self) -> Closed {
        let waiters = self.ended.get_or_init(Box::default);
        loop {
            let ended = waiters.notified();
            if let Some(closed) = self.outlet().closed() {
                return closed.clone();
            }
            ended.await;
        }
    }

    async fn ready(&self, len: usize) -> Result<(), SendError> {
        let waiters = self.room.get_or_init(Box::default);
        let len = len + MASK_LEN;
        loop {
            let room = waiters.notified();
            {
                let outlet = self.outlet();
                if !outlet.is_open() {
                    return Err(SendError::Closed);
                }
                if outlet.outbox.is_empty() || outlet.outbox.fits(len, self.endpoint.bounds()) {
                    return Ok(());
                }
            }
            room.await;
        }
    }

    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}

/// What masking adds to a frame.
const MASK_LEN: usize = 4;

impl WebSocketHandle {
    #[cold]
    fn try_send_contended(&self, frame: &Frame, delivery: Delivery) -> Result<Sent, SendError> {
        self.try_send_unusual(self.outlet(), frame, delivery)
    }

    #[inline(never)]
    #[expect(
        clippy::unnecessary_wraps,
        reason = "lets `try_send` end with a jump to it"
    )]
    fn flush_later(&self) -> Result<Sent, SendError> {
        flush_later(&self.this);
        Ok(Sent::Queued)
    }

    /// All other cases: one frame for one peer; a peer that is closed, blocked or dialled; no room.
    #[inline(never)]
    fn try_send_unusual(
        &self,
        mut outlet: MutexGuard<'_, Outlet>,
        frame: &Frame,
        delivery: Delivery,
    ) -> Result<Sent, SendError> {
        if !outlet.is_open() {
            return Err(SendError::Closed);
        }
        let masked;
        let frame = match self.role {
            Role::Server => frame,
            Role::Client => {
                masked = self.for_wire(frame.clone());
                &masked
            }
        };
        let bounds = self.endpoint.bounds();
        if !outlet.blocked
            && !outlet.outbox.fits(frame.len(), bounds)
            && let Some(this) = self.this.upgrade()
        {
            // This turn alone filled the outbox; perhaps the peer takes it all.
            settle(&this, &mut outlet);
            if !outlet.is_open() {
                return Err(SendError::Closed);
            }
        }
        let blocked = outlet.blocked;
        let sent = outlet.outbox.push(frame, bounds, delivery, blocked);
        match sent {
            Ok(Sent::Queued) => {}
            Ok(Sent::Displaced(count)) => self.count_dropped(&mut outlet, u64::from(count)),
            Ok(Sent::Dropped) => self.count_dropped(&mut outlet, 1),
            Err(SendError::SlowConsumer) => {
                self.count_dropped(&mut outlet, 1);
                let disconnect = Disconnect::SLOW_CONSUMER;
                self.begin_close(&mut outlet, Initiator::Local, disconnect, false, false);
            }
            Err(_) => return sent,
        }
        self.schedule(outlet);
        sent
    }

    fn count_dropped(&self, outlet: &mut Outlet, count: u64) {
        outlet.dropped += count;
        Counters::add(&self.endpoint.counters.dropped, count);
    }
}

impl fmt::Debug for WebSocketHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketHandle")
            .field("address", &self.address)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}
