//! The states of a connection: open, closing, closed.
//!
//! Everything here happens under the connection's one lock.

use tokio::time::Instant;

use super::{decoder::Role, link::Link};
use crate::{
    disconnect::{Closed, Disconnect, Initiator},
    frame::Frame,
    outbox::Outbox,
};

/// What a connection's lock guards: its outbox, the writing end, and how far it has come.
#[derive(Debug)]
#[repr(C)] // See WebSocketHandle.
pub(super) struct Outlet {
    /// Some turn will flush the outbox.
    pub(super) scheduled: bool,
    /// The transport took no more, and a task of its own waits to empty the outbox.
    pub(super) blocked: bool,
    /// Open, accepted and not blocked: a frame may go straight into the outbox. One that is not empty
    /// then waits for a flush that somebody will do. Kept by [`Self::renew_direct`].
    pub(super) direct: bool,
    pub(super) outbox: Outbox,
    pub(super) link: Link,
    pub(super) state: State,
    /// The one pong that waits while the transport is blocked; a newer one replaces it.
    pub(super) pong: Option<Box<Frame>>,
    /// Messages that the policy dropped, or that were volatile and found no room.
    pub(super) dropped: u64,
    pub(super) pulse: super::pulse::Pulse,
}

#[derive(Debug)]
pub(super) enum State {
    Open,
    Closing(Box<Closing>),
    Closed(Box<Closed>),
}

/// A close under way.
#[derive(Debug)]
pub(super) struct Closing {
    pub(super) by: Initiator,
    pub(super) disconnect: Disconnect,
    /// The peer's close frame has come.
    pub(super) answered: bool,
    /// The peer broke a rule: nothing it sends is looked at any more.
    pub(super) failed: bool,
    /// The transport is cut at this time.
    pub(super) deadline: Instant,
}

impl Outlet {
    /// Renews [`Self::direct`] after the state or `blocked` has changed.
    pub(super) fn renew_direct(&mut self, role: Role) {
        self.direct = role == Role::Server && self.is_open() && !self.blocked;
    }

    #[inline]
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    pub(super) fn closed(&self) -> Option<&Closed> {
        match &self.state {
            State::Closed(closed) => Some(closed),
            _ => None,
        }
    }

    /// Whether the writing side ends once everything is written.
    pub(super) fn needs_end(&self) -> bool {
        matches!(&self.state, State::Closing(closing) if closing.answered || closing.failed)
    }

    /// Whether the peer's close frame has come. Its reader is gone then.
    pub(super) fn is_answered(&self) -> bool {
        matches!(&self.state, State::Closing(closing) if closing.answered)
    }

    /// How the connection counts as ended if its transport is lost now.
    pub(super) fn lost(&self) -> Closed {
        match &self.state {
            State::Open => Closed::new(Initiator::Transport, Disconnect::ABNORMAL, false),
            State::Closing(closing) => {
                Closed::new(closing.by, closing.disconnect.clone(), closing.answered)
            }
            State::Closed(closed) => (**closed).clone(),
        }
    }
}
