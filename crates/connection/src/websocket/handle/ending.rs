//! How a connection comes to its end: what its reader tells, and what its own side decides.

use std::{
    io,
    sync::atomic::Ordering,
    task::{Context, Waker},
    time::Duration,
};

use parking_lot::MutexGuard;
use tokio::time::Instant;

use super::{
    super::{
        endpoint::Counters,
        keeper::Key,
        lifecycle::{Closing, Outlet, State},
        link::Link,
        pulse::Seen,
        write::settle,
    },
    WebSocketHandle, nanos, notify,
};
use crate::{
    disconnect::{Closed, Disconnect, Initiator},
    frame::Frame,
};

impl WebSocketHandle {
    /// Bytes arrived.
    pub(in crate::websocket) fn heard(&self, now: Instant) {
        self.reading.store(false, Ordering::Relaxed);
        self.heard
            .store(nanos(now - self.endpoint.start()), Ordering::Relaxed);
    }

    /// Nothing is there to read.
    pub(in crate::websocket) fn waits_for_bytes(&self) {
        self.reading.store(true, Ordering::Relaxed);
    }

    /// Nobody waits any more: what comes lies unread.
    pub(in crate::websocket) fn stops_reading(&self) {
        self.reading.store(false, Ordering::Relaxed);
    }

    /// Has `waker` woken when a transport that is no socket is cut; `false` if it was already.
    pub(in crate::websocket) fn wake_on_cut(&self, waker: &Waker) -> bool {
        match &mut self.outlet().link {
            Link::Stream(stream) => stream.reader = Some(waker.clone()),
            Link::Gone => return false,
            Link::Tcp(_) => {}
        }
        true
    }

    /// Answers a ping. While the transport is blocked only the newest answer waits.
    pub(in crate::websocket) fn answer_ping(&self, payload: &[u8]) {
        let mut outlet = self.outlet();
        if !outlet.is_open() {
            return;
        }
        let pong = self.for_wire(Frame::pong(payload));
        if outlet.blocked {
            outlet.pong = Some(Box::new(pong));
        } else {
            outlet.outbox.append(&pong);
            self.schedule(outlet);
        }
    }

    /// The peer's close frame came. Answers it if we did not close first.
    pub(in crate::websocket) fn peer_closed(&self, disconnect: Disconnect) -> Closed {
        let mut outlet = self.outlet();
        match &mut outlet.state {
            State::Closed(closed) => return (**closed).clone(),
            State::Closing(closing) => closing.answered = true,
            State::Open => {
                // The code is echoed, as RFC 6455 §5.5.1 suggests.
                self.begin_close(&mut outlet, Initiator::Peer, disconnect, true, false);
            }
        }
        let closed = outlet.lost();
        self.settle_if_idle(outlet);
        closed
    }

    /// The peer broke a rule: it is told so, and nothing more of it is looked at.
    pub(in crate::websocket) fn fail(&self, disconnect: Disconnect) {
        Counters::add(&self.endpoint.counters.failed, 1);
        let mut outlet = self.outlet();
        match &mut outlet.state {
            State::Closed(_) => {}
            State::Closing(closing) => {
                closing.failed = true;
                self.settle_if_idle(outlet);
            }
            State::Open => {
                self.begin_close(&mut outlet, Initiator::Local, disconnect, false, true);
                self.schedule(outlet);
            }
        }
    }

    /// The transport ended on the reading side.
    pub(in crate::websocket) fn end_of_stream(&self) -> Closed {
        let mut outlet = self.outlet();
        let closed = outlet.lost();
        self.cut(&mut outlet, closed.clone());
        closed
    }

    /// Ends the writing side now if nothing waits to be written, else when that is written.
    pub(in crate::websocket) fn settle_if_idle(&self, mut outlet: MutexGuard<'_, Outlet>) {
        if !outlet.outbox.is_empty() {
            self.schedule(outlet);
        } else if !outlet.blocked
            && let Some(this) = self.this.upgrade()
        {
            settle(&this, &mut outlet);
        }
    }

    pub(in crate::websocket) fn begin_close(
        &self,
        outlet: &mut Outlet,
        by: Initiator,
        disconnect: Disconnect,
        answered: bool,
        failed: bool,
    ) {
        outlet
            .outbox
            .append(&self.for_wire(Frame::close(&disconnect)));
        // Nothing may follow a close frame.
        outlet.pong = None;
        let deadline = Instant::now() + self.endpoint.config().close_grace;
        outlet.state = State::Closing(Box::new(Closing {
            by,
            disconnect,
            answered,
            failed,
            deadline,
        }));
        outlet.renew_direct(self.role);
        self.endpoint.keeper().wake_at(self.key(), deadline);
        notify(&self.room);
    }

    /// The writing side has ended: all done if the peer has closed too.
    pub(in crate::websocket) fn ended(&self, outlet: &mut Outlet) {
        if outlet.is_answered() {
            let closed = outlet.lost();
            self.finish(outlet, closed);
        }
    }

    /// The transport failed while writing.
    pub(in crate::websocket) fn lose(&self, outlet: &mut Outlet, error: &io::Error) {
        tracing::debug!(address = %self.address, %error, "connection lost while writing");
        let closed = outlet.lost();
        self.cut(outlet, closed);
    }

    /// Ends the connection without waiting for anything.
    pub(in crate::websocket) fn cut(&self, outlet: &mut Outlet, closed: Closed) {
        outlet.link.cut();
        self.finish(outlet, closed);
    }

    pub(in crate::websocket) fn finish(&self, outlet: &mut Outlet, closed: Closed) {
        if outlet.closed().is_some() {
            return;
        }
        let counters = &self.endpoint.counters;
        let lost = outlet.outbox.len() as u64;
        outlet.outbox.clear();
        Counters::add(&counters.lost, lost);
        Counters::add(&counters.closed, 1);
        if closed.by == Initiator::Local {
            if closed.disconnect == Disconnect::SLOW_CONSUMER {
                Counters::add(&counters.slow_consumers, 1);
            } else if closed.disconnect == Disconnect::TIMED_OUT {
                Counters::add(&counters.timed_out, 1);
            }
        }
        tracing::debug!(
            address = %self.address, by = ?closed.by, code = closed.disconnect.code(), lost, "closed"
        );
        outlet.pong = None;
        outlet.state = State::Closed(Box::new(closed));
        self.set_blocked(outlet, false);
        outlet.link.release();
        self.endpoint.keeper().release(self.key());
        notify(&self.ended);
        notify(&self.room);
    }

    pub(in crate::websocket) fn announce_room(&self) {
        notify(&self.room);
    }

    pub(in crate::websocket) fn key(&self) -> Key {
        self.key.get().copied().unwrap_or(Key::NONE)
    }

    /// Called by the keeper at the time that was asked for; returns the next one.
    pub(in crate::websocket) fn look(&self, now: Instant) -> Option<Instant> {
        let mut outlet = self.outlet();
        match &outlet.state {
            State::Closed(_) => None,
            State::Closing(closing) if now < closing.deadline => Some(closing.deadline),
            State::Closing(_) => {
                let closed = outlet.lost();
                self.cut(&mut outlet, closed);
                None
            }
            State::Open => {
                let heard = Duration::from_nanos(self.heard.load(Ordering::Relaxed));
                let reading = self.reading.load(Ordering::Relaxed);
                let seen = Seen {
                    heard: self.endpoint.start() + heard,
                    reading,
                    blocked: outlet.blocked,
                };
                let beat = outlet.pulse.beat(now, seen, self.endpoint.pulse_times());
                if beat.dead {
                    self.time_out(&mut outlet);
                    return None;
                }
                if beat.ping {
                    let ping = match self.endpoint.heartbeat() {
                        Some(message) => message.clone(),
                        None => Frame::ping(&[]),
                    };
                    outlet.outbox.append(&self.for_wire(ping));
                    self.schedule(outlet);
                }
                Some(beat.next.unwrap_or(now + Duration::from_hours(24)))
            }
        }
    }

    /// Cuts a peer that gives no sign of life, after one attempt to tell it why.
    pub(in crate::websocket) fn time_out(&self, outlet: &mut Outlet) {
        if outlet.outbox.is_empty() && !outlet.blocked {
            let frame = self.for_wire(Frame::close(&Disconnect::TIMED_OUT));
            // Nobody may be there; if it cannot be written now, it never can.
            let pieces = [io::IoSlice::new(frame.as_bytes())];
            let _ = outlet
                .link
                .poll_write(&mut Context::from_waker(Waker::noop()), &pieces);
        }
        let closed = Closed::new(Initiator::Local, Disconnect::TIMED_OUT, false);
        self.cut(outlet, closed);
    }
}
