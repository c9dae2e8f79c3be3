//! The deadlines of a session. Nothing is kept for a session that waits for none, which is every idle one
//! over a WebSocket: its heartbeats are the connection's.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use switchboard_connection::{Delivery, Frame};
use switchboard_wire::engine;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::{
    engine::session::Session,
    io::{core::Core, reason::DisconnectReason},
};

#[derive(Default)]
pub(crate) struct Clock(Option<Box<Deadlines>>);

#[derive(Default)]
struct Deadlines {
    /// The client must have joined a namespace.
    join: Option<Instant>,
    /// All attachments of a packet must have come.
    attachments: Option<Instant>,
    /// The heartbeats of a session that polls.
    heartbeat: Option<Heartbeat>,
    /// The answer to the last poll must have been fetched.
    farewell: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

#[derive(Clone, Copy)]
enum Heartbeat {
    /// The next ping is due.
    Due(Instant),
    /// A ping was sent, and something must come until then. `last` is the last one since.
    Sent {
        at: Instant,
        last: Instant,
        until: Instant,
    },
}

impl Clock {
    pub(crate) fn new(session: &Session, now: Instant) -> Self {
        let config = &session.io().core.config;
        let polls = session.websocket().is_none();
        let heartbeat = polls.then(|| Heartbeat::Due(now + config.ping_interval));
        Self(Some(Box::new(Deadlines {
            join: Some(now + config.connect_timeout),
            heartbeat,
            ..Deadlines::default()
        })))
    }

    /// The client is in a namespace.
    pub(crate) fn joined(&mut self) {
        self.change(|deadlines| deadlines.join = None);
    }

    /// The WebSocket's own heartbeats take over.
    pub(crate) fn upgraded(&mut self) {
        self.change(|deadlines| deadlines.heartbeat = None);
    }

    /// Whether attachments are awaited.
    pub(crate) fn assembling(&mut self, assembling: bool, core: &Core) {
        if !assembling {
            return self.change(|deadlines| deadlines.attachments = None);
        }
        let deadlines = self.0.get_or_insert_default();
        deadlines
            .attachments
            .get_or_insert_with(|| Instant::now() + core.config.attachment_timeout);
    }

    /// Changes deadlines that may be there, and forgets them when none is left.
    fn change(&mut self, change: impl FnOnce(&mut Deadlines)) {
        if let Some(deadlines) = &mut self.0 {
            change(deadlines);
            if deadlines.next().is_none() {
                self.0 = None;
            }
        }
    }

    /// Does what is due. A reason ends the session. While the session does not read, because it has enough
    /// to do, the client's answers may lie unread, so they are not missed.
    pub(crate) fn poll(
        &mut self,
        context: &mut Context<'_>,
        session: &Session,
        reads: bool,
    ) -> Option<DisconnectReason> {
        let deadlines = self.0.as_mut()?;
        loop {
            let next = deadlines.next()?;
            let sleep = deadlines
                .sleep
                .get_or_insert_with(|| Box::pin(sleep_until(next)));
            if sleep.deadline() != next {
                sleep.as_mut().reset(next);
            }
            if sleep.as_mut().poll(context).is_pending() {
                return None;
            }
            let now = Instant::now();
            if deadlines.join.is_some_and(|join| join <= now) {
                tracing::debug!("joined no namespace in time");
                return Some(DisconnectReason::ForcedServerClose);
            }
            if deadlines.attachments.is_some_and(|until| until <= now) {
                tracing::debug!("attachments did not come in time");
                return Some(DisconnectReason::ForcedClose);
            }
            if let Some(heartbeat) = deadlines.heartbeat {
                match heartbeat.beat(now, session, reads) {
                    Some(next) => deadlines.heartbeat = Some(next),
                    None => return Some(DisconnectReason::PingTimeout),
                }
            }
        }
    }

    /// After the end: ready when a polling client has heard of it, or will not any more.
    pub(crate) fn poll_farewell(
        &mut self,
        context: &mut Context<'_>,
        session: &Session,
    ) -> Poll<()> {
        let Some(polling) = session.polling() else {
            return Poll::Ready(());
        };
        let deadlines = self.0.get_or_insert_default();
        let config = &session.io().core.config;
        let until = *deadlines
            .farewell
            .get_or_insert_with(|| Instant::now() + config.polling_close_timeout);
        if polling.said_farewell() {
            return Poll::Ready(());
        }
        let sleep = deadlines
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(until)));
        if sleep.deadline() != until {
            sleep.as_mut().reset(until);
        }
        sleep.as_mut().poll(context)
    }
}

impl Deadlines {
    fn next(&self) -> Option<Instant> {
        let heartbeat = self.heartbeat.map(|heartbeat| match heartbeat {
            Heartbeat::Due(at) => at,
            Heartbeat::Sent { until, .. } => until,
        });
        [self.join, self.attachments, heartbeat]
            .into_iter()
            .flatten()
            .min()
    }
}

impl Heartbeat {
    /// What comes next; `None` when the client gave no sign of life.
    fn beat(self, now: Instant, session: &Session, reads: bool) -> Option<Self> {
        let config = &session.io().core.config;
        let polling = session.polling()?;
        match self {
            Self::Due(at) if at > now => Some(self),
            Self::Due(_) => {
                ping(session);
                Some(Self::Sent {
                    at: now,
                    last: now,
                    until: now + config.ping_timeout,
                })
            }
            Self::Sent { until, .. } if until > now => Some(self),
            Self::Sent { at, last, .. } => {
                let heard = polling.last_heard();
                if heard >= at {
                    // As with Node, the next ping comes one interval after the answer; or after the last ping,
                    // where answers came late because we did not read.
                    let from = if last == at { heard } else { last };
                    return Some(Self::Due((from + config.ping_interval).max(now)));
                }
                if reads && !polling.is_posting() {
                    return None;
                }
                // The client cannot answer, but it must see that the server is alive.
                let is_due = now >= last + config.ping_interval;
                if is_due {
                    ping(session);
                }
                Some(Self::Sent {
                    at,
                    last: if is_due { now } else { last },
                    until: now + config.ping_timeout,
                })
            }
        }
    }
}

fn ping(session: &Session) {
    let ping = Frame::text(engine::Packet::Ping("").encode());
    // A client that takes nothing is dealt with by its outbox.
    let _ = session.try_send(&ping, Delivery::Policy);
}
