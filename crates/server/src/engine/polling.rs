//! The messages of a session that polls: those that wait for the next poll, and those that were posted.
//!
//! One poll and one post at a time. A poll that finds nothing waits; the first message wakes it, and by the
//! time its answer is made, everything that was sent in the same turn is in it.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use parking_lot::Mutex;
use switchboard_connection::{
    Connection, Delivery, Frame, FrameKind, SendError, Sent, SlowConsumer, TokenBucket,
    WebSocketHandle,
};
use switchboard_wire::{Text, engine};
use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};

use crate::{io::reason::DisconnectReason, options::IoConfig};

/// A message of the client.
#[derive(Debug)]
pub(crate) enum Posted {
    Text(Text),
    Binary(Bytes),
    /// The session is over, for this reason.
    End(DisconnectReason),
}

/// How a poll was answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Polled {
    /// These packets.
    Packets(String),
    /// Nothing: the transport is to be dropped.
    Aborted,
}

/// Both directions of a polling session.
pub(crate) struct Polling {
    bounds: Bounds,
    state: Mutex<State>,
    /// There is room in the outbox again, or the session changed to a WebSocket or ended.
    room: Notify,
    /// The driver has taken all that was posted.
    taken: Notify,
}

struct Bounds {
    bytes: usize,
    messages: usize,
    policy: SlowConsumer,
}

struct State {
    outbox: VecDeque<Frame>,
    bytes: usize,
    poll: Poll,
    posting: bool,
    inbox: VecDeque<Posted>,
    end: End,
    /// A WebSocket is being tried: a poll does not wait for long.
    probing: bool,
    /// When something last came from the client.
    heard: Instant,
    /// A poll was told of the end.
    told: bool,
    rate: Option<TokenBucket>,
}

enum Poll {
    None,
    Waiting(oneshot::Sender<()>),
    /// Woken; its answer is being made.
    Woken,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    /// The next poll is told that the session is over.
    Closing,
    /// A poll that waits is told so, and there will be no other.
    Gone,
    /// The client has said that it leaves: a poll that waits gets an empty answer.
    Left,
    Aborted,
    /// The session goes on over a WebSocket.
    Upgraded,
}

/// How long a poll waits while a WebSocket is tried, which goes on only after the poll's answer; as in
/// `engine.io`.
const PROBING_POLL: Duration = Duration::from_millis(100);

/// A second request of a kind: the session ends.
#[derive(Debug)]
pub(crate) struct Overlap;

impl Polling {
    pub(crate) fn new(config: &IoConfig) -> Self {
        let now = Instant::now();
        Self {
            bounds: Bounds {
                bytes: config.outbox_bytes,
                messages: config.outbox_messages,
                policy: config.slow_consumer,
            },
            state: Mutex::new(State {
                outbox: VecDeque::new(),
                bytes: 0,
                poll: Poll::None,
                posting: false,
                inbox: VecDeque::new(),
                end: End::Open,
                probing: false,
                heard: now,
                told: false,
                rate: config.message_rate.map(|rate| TokenBucket::new(rate, now)),
            }),
            room: Notify::new(),
            taken: Notify::new(),
        }
    }

    /// Queues a frame. `websocket` gives the transport that the session has changed to, if it has.
    pub(crate) fn try_send<'a>(
        &self,
        frame: &Frame,
        delivery: Delivery,
        websocket: impl FnOnce() -> Option<&'a Arc<WebSocketHandle>>,
    ) -> Result<Sent, SendError> {
        let mut state = self.state.lock();
        match state.end {
            End::Open => {}
            End::Upgraded => {
                drop(state);
                return websocket().map_or(Err(SendError::Closed), |websocket| {
                    websocket.try_send(frame, delivery)
                });
            }
            _ => return Err(SendError::Closed),
        }
        if delivery == Delivery::Volatile && !matches!(state.poll, Poll::Waiting(_)) {
            return Ok(Sent::Dropped);
        }
        if frame.len() > self.bounds.bytes {
            return Err(SendError::TooLarge);
        }
        let mut displaced = 0;
        while !state.fits(frame.len(), &self.bounds) {
            match (delivery, self.bounds.policy) {
                (Delivery::Refuse, _) | (Delivery::Policy, SlowConsumer::Wait) => {
                    return Err(SendError::Full);
                }
                (Delivery::Volatile, _) | (_, SlowConsumer::DropNewest) => {
                    return Ok(Sent::Dropped);
                }
                (_, SlowConsumer::DropOldest) => match state.outbox.pop_front() {
                    Some(oldest) => {
                        state.bytes -= oldest.len();
                        displaced += 1;
                    }
                    None => return Err(SendError::TooLarge),
                },
                _ => return Err(SendError::SlowConsumer),
            }
        }
        state.bytes += frame.len();
        state.outbox.push_back(frame.clone());
        state.wake_poll();
        Ok(match displaced {
            0 => Sent::Queued,
            displaced => Sent::Displaced(displaced),
        })
    }

    /// Waits until `len` bytes fit, or the session is no longer one that polls.
    pub(crate) async fn ready(&self, len: usize) -> Result<(), SendError> {
        loop {
            let room = self.room.notified();
            {
                let state = self.state.lock();
                match state.end {
                    End::Open if state.fits(len, &self.bounds) => return Ok(()),
                    End::Open => {}
                    End::Upgraded => return Ok(()),
                    _ => return Err(SendError::Closed),
                }
            }
            room.await;
        }
    }

    /// Answers a poll when there is something to say. Dropped before, the client has hung up: see
    /// [`hang_up`](Self::hang_up).
    pub(crate) async fn poll(&self) -> Result<Polled, Overlap> {
        let (woken, short) = {
            let mut state = self.state.lock();
            if !matches!(state.poll, Poll::None) {
                return Err(Overlap);
            }
            if let Some(answer) = self.answer(&mut state) {
                return Ok(answer);
            }
            let (wake, woken) = oneshot::channel();
            state.poll = Poll::Waiting(wake);
            (woken, state.probing)
        };
        if short {
            // What comes meanwhile is in the answer.
            let _ = tokio::time::timeout(PROBING_POLL, woken).await;
        } else {
            let _ = woken.await;
        }
        let mut state = self.state.lock();
        state.poll = Poll::None;
        let answer = self.answer(&mut state);
        Ok(answer.unwrap_or_else(|| Polled::Packets(engine::Packet::Noop.encode())))
    }

    /// Forgets a poll that was dropped; `true` if there was one.
    pub(crate) fn hang_up(&self) -> bool {
        let mut state = self.state.lock();
        let was_there = !matches!(state.poll, Poll::None);
        state.poll = Poll::None;
        was_there && state.end == End::Open
    }

    /// All that waits, as one body.
    fn answer(&self, state: &mut State) -> Option<Polled> {
        match state.end {
            End::Aborted => return Some(Polled::Aborted),
            End::Upgraded => return Some(Polled::Packets(engine::Packet::Noop.encode())),
            _ => {}
        }
        let mut body = String::new();
        for frame in state.outbox.drain(..) {
            push(&mut body, &frame);
        }
        state.bytes = 0;
        if body.is_empty() {
            // The end comes in a body of its own: clients handle it at once, and what stands before it in
            // the same body only later, which is too late.
            match state.end {
                End::Closing | End::Gone => {
                    state.told = true;
                    body = engine::Packet::Close.encode();
                }
                End::Left => body = engine::Packet::Noop.encode(),
                _ => return None,
            }
        }
        self.room.notify_waiters();
        Some(Polled::Packets(body))
    }

    /// Messages that no poll has fetched.
    pub(crate) fn waiting(&self) -> usize {
        self.state.lock().outbox.len()
    }

    /// Begins a post; `false` when another has not ended.
    pub(crate) fn begin_post(&self) -> bool {
        let mut state = self.state.lock();
        !std::mem::replace(&mut state.posting, true)
    }

    /// The post is answered. Until now the client could not tell us anything else, such as that it is alive.
    pub(crate) fn end_post(&self) {
        let mut state = self.state.lock();
        state.posting = false;
        state.heard = Instant::now();
    }

    /// Something came from the client.
    pub(crate) fn heard(&self) {
        self.state.lock().heard = Instant::now();
    }

    /// Whether a post is being taken in.
    pub(crate) fn is_posting(&self) -> bool {
        self.state.lock().posting
    }

    /// Whether a client that polls knows that the session is over, or has gone without asking.
    pub(crate) fn said_farewell(&self) -> bool {
        let state = self.state.lock();
        match state.end {
            End::Upgraded | End::Aborted => true,
            End::Left | End::Gone => !matches!(state.poll, Poll::Woken),
            End::Closing => state.told,
            End::Open => false,
        }
    }

    pub(crate) fn last_heard(&self) -> Instant {
        self.state.lock().heard
    }

    /// Takes in what was posted. Returns how long the client is to wait because it is too fast.
    pub(crate) fn post(&self, messages: Vec<Posted>) -> Option<Duration> {
        let mut state = self.state.lock();
        let now = Instant::now();
        let mut wait = None;
        for message in messages {
            if let (Some(rate), Posted::Text(_) | Posted::Binary(_)) = (&mut state.rate, &message) {
                wait = rate.take(now).max(wait);
            }
            state.inbox.push_back(message);
        }
        wait
    }

    /// Waits until the driver has taken all that was posted, or will take no more.
    pub(crate) async fn all_taken(&self) {
        loop {
            let taken = self.taken.notified();
            {
                let state = self.state.lock();
                if state.inbox.is_empty()
                    || matches!(state.end, End::Closing | End::Gone | End::Aborted)
                {
                    return;
                }
            }
            taken.await;
        }
    }

    /// The next message of the client.
    pub(crate) fn take(&self) -> Option<Posted> {
        let mut state = self.state.lock();
        let message = state.inbox.pop_front();
        if state.inbox.is_empty() {
            self.taken.notify_waiters();
        }
        message
    }

    /// A WebSocket is being tried, or no longer.
    pub(crate) fn set_probing(&self, probing: bool) {
        let mut state = self.state.lock();
        state.probing = probing;
        if probing {
            // The client waits for its poll's answer before it goes on.
            state.wake_poll();
        }
    }

    pub(crate) fn is_probing(&self) -> bool {
        self.state.lock().probing
    }

    /// Sends all that waits to `websocket`; then `take_over` runs, before anything else can be sent. `None`,
    /// and nothing done, when the session has ended.
    pub(crate) fn hand_over(
        &self,
        websocket: &WebSocketHandle,
        take_over: impl FnOnce() -> bool,
    ) -> Option<()> {
        let mut state = self.state.lock();
        if state.end != End::Open || !take_over() {
            return None;
        }
        for frame in std::mem::take(&mut state.outbox) {
            // Bounded like this outbox, so it fits; a WebSocket that is gone tells its reader.
            let _ = websocket.try_send(&frame, Delivery::Policy);
        }
        state.bytes = 0;
        state.end = End::Upgraded;
        state.probing = false;
        state.wake_poll();
        drop(state);
        self.room.notify_waiters();
        Some(())
    }

    /// Has the poll that waits told that the session is over; if there is none, the next one, unless the
    /// client is `gone`.
    pub(crate) fn close(&self, gone: bool) {
        self.finish(if gone { End::Gone } else { End::Closing });
    }

    /// The client has said that it leaves.
    pub(crate) fn leave(&self) {
        self.finish(End::Left);
    }

    /// Has a poll that waits dropped.
    pub(crate) fn abort(&self) {
        self.finish(End::Aborted);
    }

    fn finish(&self, end: End) {
        let mut state = self.state.lock();
        if state.end == End::Open {
            state.end = end;
            state.wake_poll();
        }
        drop(state);
        self.room.notify_waiters();
        self.taken.notify_waiters();
    }
}

impl State {
    fn fits(&self, len: usize, bounds: &Bounds) -> bool {
        self.bytes + len <= bounds.bytes && self.outbox.len() < bounds.messages
    }

    fn wake_poll(&mut self) {
        if let Poll::Waiting(_) = self.poll
            && let Poll::Waiting(wake) = std::mem::replace(&mut self.poll, Poll::Woken)
        {
            // A poll that is gone is noticed by who answers it.
            let _ = wake.send(());
        }
    }
}

/// Appends the messages of a frame to the body of an answer.
fn push(body: &mut String, frame: &Frame) {
    for (kind, payload) in frame.messages() {
        match (kind, std::str::from_utf8(payload)) {
            (FrameKind::Text, Ok(text)) => engine::push_text(body, text),
            _ => engine::push_binary(body, payload),
        }
    }
}
