//! Holds writes back until a producer's turn ends, so that each peer gets one write per turn.
//!
//! A handler that sends three messages to one peer, or a batch of ten broadcasts, should cost each
//! peer one system call. While a [`Cork`] is alive on a thread, sends of this thread only queue; when
//! the outermost one is dropped, each outbox that was filled meanwhile is flushed once. Without a cork
//! each send flushes by itself.
//!
//! A future that runs handlers is wrapped in [`Corked`]: each of its polls is one turn.

use std::{
    cell::RefCell,
    future::Future,
    marker::PhantomData,
    mem,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use crate::{
    frame::Frame,
    run::{Place, begin_turn, enrol},
    websocket::{Gather, WebSocketHandle, flush_all},
};

/// What this thread's current turn has filled.
struct Turn {
    /// How many corks are alive.
    depth: u32,
    /// Connections whose outbox waits to be flushed, each once.
    filled: Vec<Arc<WebSocketHandle>>,
    gather: Gather,
    /// The last frame that was broadcast, if its run may go on.
    last: Option<Place>,
}

thread_local! {
    static TURN: RefCell<Turn> = const {
        RefCell::new(Turn { depth: 0, filled: Vec::new(), gather: Gather::new(), last: None })
    };
}

/// While it lives, sends on this thread queue without writing.
///
/// Never hold it across an `.await`: the compiler refuses where the future must be `Send`.
#[derive(Debug)]
#[must_use = "dropping the cork at once flushes at once"]
pub struct Cork {
    /// A cork belongs to its thread.
    not_send: PhantomData<*const ()>,
}

impl Cork {
    /// Holds back writes of this thread until this cork and those around it are dropped.
    pub fn new() -> Self {
        TURN.with_borrow_mut(|turn| {
            if turn.depth == 0 {
                begin_turn(&mut turn.last);
            }
            turn.depth += 1;
        });
        Self {
            not_send: PhantomData,
        }
    }

    /// Prepares `frame` to be sent to many: worth it from a few recipients on.
    ///
    /// Broadcasts that follow one another on a thread then cost each outbox one entry together.
    pub fn broadcast(&self, frame: Frame) -> Frame {
        TURN.with_borrow_mut(|turn| enrol(&mut turn.last, frame))
    }
}

impl Default for Cork {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Cork {
    fn drop(&mut self) {
        let filled = TURN.with_borrow_mut(|turn| {
            turn.depth -= 1;
            if turn.depth == 0 {
                mem::take(&mut turn.filled)
            } else {
                Vec::new()
            }
        });
        if !filled.is_empty() {
            flush(filled);
        }
    }
}

/// Flushes `connection` when this thread's turn ends: now, if none is running.
#[inline]
pub(crate) fn flush_later(connection: &Weak<WebSocketHandle>) {
    // One that is gone has ended, and nothing waits in it.
    let Some(connection) = connection.upgrade() else {
        return;
    };
    let now = TURN.with_borrow_mut(|turn| {
        if turn.depth == 0 {
            return Some(connection);
        }
        turn.filled.push(connection);
        None
    });
    if let Some(connection) = now {
        flush(vec![connection]);
    }
}

fn flush(mut filled: Vec<Arc<WebSocketHandle>>) {
    // Taken out meanwhile, so that nothing a flush calls can find the turn borrowed.
    let mut gather = TURN.with_borrow_mut(|turn| mem::take(&mut turn.gather));
    flush_all(&mut filled, &mut gather);
    TURN.with_borrow_mut(|turn| {
        turn.gather = gather;
        if turn.filled.capacity() == 0 {
            turn.filled = filled;
        }
    });
}

pin_project! {
    /// A future each poll of which is one turn: its sends are flushed when the poll ends.
    #[derive(Debug)]
    pub struct Corked<F> {
        #[pin]
        inner: F,
    }
}

impl<F: Future> Corked<F> {
    /// Wraps `inner`.
    pub fn new(inner: F) -> Self {
        Self { inner }
    }
}

impl<F: Future> Future for Corked<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _cork = Cork::new();
        self.project().inner.poll(context)
    }
}
