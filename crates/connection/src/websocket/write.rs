//! From an outbox to the peer.
//!
//! [`flush`] writes without waiting, from whichever task filled the outbox. Only a transport that takes
//! no more gets a task: [`drain`], which ends when the outbox is empty.

use std::{
    future::{Future, poll_fn},
    io::{self, IoSlice},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use tokio::{task::coop::unconstrained, time::timeout};

use super::{
    handle::WebSocketHandle,
    lifecycle::{Outlet, State},
};
use crate::{
    disconnect::{Closed, Disconnect, Initiator},
    frame::Encoded,
    outbox::Waiting,
    run::Run,
};

/// Outboxes up to this size are copied into one buffer; larger ones are written piece by piece.
const GATHER_BYTES: usize = 64 * 1024;

/// Most pieces of one vectored write.
const MAX_PIECES: usize = 64;

/// Batches up to this size are flushed by the turn that filled them.
const FLUSH_AT_ONCE: usize = 64;

/// A buffer for many small frames, and which frames it holds.
///
/// Broadcasts put the same frames into many outboxes, so that one copy often serves for the next peer.
#[derive(Debug, Default)]
pub(crate) struct Gather {
    bytes: Vec<u8>,
    /// The run it holds frames of, from which number to before which.
    run: Option<(Arc<Run>, u64, u64)>,
}

impl Gather {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            run: None,
        }
    }

    /// Lets go of the frames, and keeps the memory.
    pub(super) fn forget(&mut self) {
        self.run = None;
        self.bytes.clear();
    }

    #[inline]
    fn run(&mut self, run: &Arc<Run>, first: u64, next: u64) -> &[u8] {
        match &self.run {
            Some((known, from, to)) if Arc::ptr_eq(known, run) && *from == first && *to == next => {
            }
            _ => self.gather(run, first, next),
        }
        &self.bytes
    }

    #[cold]
    #[inline(never)]
    fn gather(&mut self, run: &Arc<Run>, first: u64, next: u64) {
        run.with_frames(first, next, |frames| self.several(frames).len());
        self.run = Some((Arc::clone(run), first, next));
    }

    #[inline(never)]
    fn several(&mut self, frames: &[Encoded]) -> &[u8] {
        self.forget();
        for frame in frames {
            self.bytes.extend_from_slice(frame);
        }
        &self.bytes
    }
}

/// Flushes every connection of `batch`, here if they are few, else soon; leaves it empty.
pub(crate) fn flush_all(batch: &mut Vec<Arc<WebSocketHandle>>, gather: &mut Gather) {
    if batch.len() > FLUSH_AT_ONCE {
        let flusher = Arc::clone(batch[0].endpoint().flusher());
        flusher.add(batch);
        return;
    }
    for connection in batch.drain(..) {
        flush(&connection, gather);
    }
    gather.forget();
}

/// Writes what waits for one peer, as far as its transport takes it now.
pub(super) fn flush(connection: &Arc<WebSocketHandle>, gather: &mut Gather) {
    let mut outlet = connection.outlet();
    outlet.scheduled = false;
    if outlet.blocked || outlet.outbox.is_empty() {
        return;
    }
    // The usual case: a TCP stream that takes all that waits with one system call.
    let Outlet { outbox, link, .. } = &mut *outlet;
    let (written, bytes) = (outbox.written(), outbox.bytes());
    let count = match outbox.waiting() {
        Waiting::Run { run, first, next } => link.try_write(gather.run(run, first, next)),
        Waiting::One(frame) => link.try_write(&frame[written..]),
        Waiting::Several(frames) if bytes <= GATHER_BYTES => {
            link.try_write(&gather.several(frames)[written..])
        }
        Waiting::Several(_) => None,
    };
    if count == Some(bytes - written) {
        outbox.all_written();
        if outlet.is_open() {
            drop(outlet);
            return connection.announce_room();
        }
    } else if let Some(count) = count {
        outbox.consume(count);
    }
    settle(connection, &mut outlet);
}

/// Writes and ends what can be written and ended now, and leaves the rest to a task.
pub(super) fn settle(connection: &Arc<WebSocketHandle>, outlet: &mut Outlet) {
    let mut context = Context::from_waker(Waker::noop());
    loop {
        // Outside of the task's budget: a turn that writes to many peers must not find the last of
        // them blocked when they are not.
        let step = poll_fn(|context| poll_step(connection, outlet, context));
        match pin!(unconstrained(step)).poll(&mut context) {
            Poll::Ready(Ok(Step::Progress)) => {}
            Poll::Ready(Ok(Step::Drained | Step::Gone)) => return connection.announce_room(),
            Poll::Ready(Err(error)) => return connection.lose(outlet, &error),
            Poll::Pending => {
                // The task polls again with a waker of its own. To get here the frames were taken out of
                // their run.
                connection.set_blocked(outlet, true);
                connection
                    .endpoint()
                    .runtime()
                    .spawn(drain(Arc::clone(connection)));
                return;
            }
        }
    }
}

/// The first frames that wait, without what is written of them.
fn pieces<'a, 'p>(
    frames: &'a [Encoded],
    written: usize,
    pieces: &'p mut [IoSlice<'a>; MAX_PIECES],
) -> &'p [IoSlice<'a>] {
    let mut skip = written;
    let mut count = 0;
    for (piece, frame) in pieces.iter_mut().zip(frames) {
        *piece = IoSlice::new(&frame[skip..]);
        skip = 0;
        count += 1;
    }
    &pieces[..count]
}

/// What one step of [`drain`] reached.
enum Step {
    /// The transport took something.
    Progress,
    /// Nothing is left to write.
    Drained,
    /// The connection has ended.
    Gone,
}

/// Empties the outbox of a transport that does not take everything at once.
async fn drain(connection: Arc<WebSocketHandle>) {
    let stall = connection.endpoint().config().write_timeout;
    loop {
        let step = poll_fn(|context| poll_step(&connection, &mut connection.outlet(), context));
        match timeout(stall, step).await {
            Ok(Ok(Step::Progress)) => connection.announce_room(),
            Ok(Ok(Step::Drained | Step::Gone)) => return connection.announce_room(),
            Ok(Err(error)) => return connection.lose(&mut connection.outlet(), &error),
            Err(_elapsed) => {
                let mut outlet = connection.outlet();
                let closed = match &outlet.state {
                    State::Open => Closed::new(Initiator::Local, Disconnect::SLOW_CONSUMER, false),
                    _ => outlet.lost(),
                };
                return connection.cut(&mut outlet, closed);
            }
        }
    }
}

/// One step towards an empty outbox and, where that is due, the end of the writing side.
fn poll_step(
    connection: &WebSocketHandle,
    outlet: &mut Outlet,
    context: &mut Context<'_>,
) -> Poll<io::Result<Step>> {
    if outlet.closed().is_some() {
        return Poll::Ready(Ok(Step::Gone));
    }
    if !outlet.outbox.is_empty() {
        let written = outlet.outbox.written();
        let mut array = [IoSlice::new(&[]); MAX_PIECES];
        let pieces = pieces(outlet.outbox.frames(), written, &mut array);
        let count = ready!(outlet.link.poll_write(context, pieces))?;
        if count == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        outlet.outbox.consume(count);
        // Not only once the outbox is empty, which on a busy link it may never be.
        let bounds = connection.endpoint().bounds();
        if let Some(pong) = &outlet.pong
            && outlet.outbox.fits(pong.len(), bounds)
        {
            outlet.outbox.append(pong);
            outlet.pong = None;
        }
        return Poll::Ready(Ok(Step::Progress));
    }
    ready!(outlet.link.poll_flush(context))?;
    if outlet.needs_end() {
        let answered = outlet.is_answered();
        ready!(outlet.link.poll_end(context, answered))?;
        connection.ended(outlet);
    }
    connection.set_blocked(outlet, false);
    Poll::Ready(Ok(Step::Drained))
}
