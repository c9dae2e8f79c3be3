//! The work of one socket: what waits to be handled, and the handlers that run.
//!
//! At most `handlerConcurrency` things are handled at once, by default one, in the order they came. All
//! handlers of one event run one after another. A handler that panics ends only its own call.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::{Context, Poll},
};

use smallvec::SmallVec;
use switchboard_wire::Event;
use tokio::time::Instant;

use crate::engine::entry::Guest;
use crate::io::{
    handler::{Erased, HandlerError, Running, message},
    handlers::Lists,
    incoming::{Ack, Incoming, What},
    reason::DisconnectReason,
    recovery::Resumed,
    socket::{Socket, SocketCore},
};
use crate::trace;

/// Something to be handled.
pub(crate) enum Job {
    Connect,
    /// And when it came, where somebody records that.
    Event(Event, Option<Instant>),
    Disconnect(DisconnectReason),
}

impl Job {
    /// What it costs while it waits: the arguments, and something for the job itself.
    fn cost(&self) -> usize {
        match self {
            Self::Event(event, _) => event.args.size() + 64,
            _ => 0,
        }
    }
}

/// A socket and its work.
pub(crate) struct Seat {
    pub(crate) socket: Arc<SocketCore>,
    /// Whether middlewares still decide.
    pub(crate) entry: Option<Box<Entry>>,
    queue: VecDeque<Job>,
    cost: usize,
    calls: Vec<Call>,
    /// The last job is in the queue, or done.
    pub(crate) closing: bool,
}

/// A socket on its way in.
pub(crate) struct Entry {
    pub(crate) decision: Running,
    pub(crate) resumed: Option<Resumed>,
    /// Keeps the namespace alive meanwhile.
    pub(crate) _guest: Guest,
}

/// Lists of one job, one after another.
struct Call {
    running: Running,
    rest: smallvec::IntoIter<[Erased; 2]>,
    /// How many of the rest decide whether the others are called.
    gates: usize,
    is_gate: bool,
    incoming: Incoming,
    /// Where somebody records how long it takes.
    began: Option<Instant>,
}

impl Seat {
    pub(crate) fn new(socket: Arc<SocketCore>, entry: Entry) -> Self {
        Self {
            socket,
            entry: Some(Box::new(entry)),
            queue: VecDeque::new(),
            cost: 0,
            calls: Vec::new(),
            closing: false,
        }
    }

    pub(crate) fn push(&mut self, job: Job) {
        self.cost += job.cost();
        self.queue.push_back(job);
    }

    /// Has an event handled: now, when nothing is before it. What need not wait costs no queue.
    pub(crate) fn handle(&mut self, event: Event, context: &mut Context<'_>) {
        let metrics = &self.socket.namespace().core().metrics;
        let came = metrics.now();
        let is_idle = self.is_idle();
        let job = Job::Event(event, came);
        if !is_idle {
            return self.push(job);
        }
        let Some(mut call) = Call::of(job, &self.socket) else {
            return;
        };
        call.began = metrics.begun(came, None);
        if call.poll(context, &self.socket).is_pending() {
            self.calls.push(call);
        } else {
            metrics.handled(&call.incoming.what, call.began);
        }
    }

    /// Drops the events that wait.
    pub(crate) fn drop_events(&mut self) {
        self.queue.retain(|job| !matches!(job, Job::Event(..)));
        self.cost = 0;
    }

    /// Messages and bytes that wait.
    pub(crate) fn waiting(&self) -> (usize, usize) {
        (self.queue.len(), self.cost)
    }

    /// Nothing runs, and nothing waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.calls.is_empty() && self.queue.is_empty()
    }

    /// Asks the middlewares; panics of theirs refuse.
    pub(crate) fn poll_entry(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), HandlerError>> {
        let Some(entry) = &mut self.entry else {
            return Poll::Pending;
        };
        let decided = guarded(&mut entry.decision, context, &self.socket);
        decided.map_err(|failure| match failure {
            Failure::Error(error) => error,
            Failure::Panic => HandlerError::new("internal error"),
        })
    }

    /// Runs handlers; `true` when something was done.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> bool {
        if self.entry.is_some() {
            return false;
        }
        let mut progress = false;
        let mut free = None;
        loop {
            let before = self.calls.len();
            let socket = &self.socket;
            let metrics = &socket.namespace().core().metrics;
            self.calls.retain_mut(|call| {
                let runs = call.poll(context, socket).is_pending();
                if !runs {
                    free = metrics.handled(&call.incoming.what, call.began);
                }
                runs
            });
            let ended = self.calls.len() < before;
            let started = self.start_next(free);
            if !ended && !started {
                return progress;
            }
            progress = true;
        }
    }

    /// `free`: when what ran before has ended.
    fn start_next(&mut self, free: Option<Instant>) -> bool {
        let core = self.socket.namespace().core();
        let most = match self.queue.front() {
            None => return self.is_done(),
            // The first and the last come alone.
            Some(Job::Connect | Job::Disconnect(_)) => 1,
            Some(Job::Event(..)) => core.config.handler_concurrency,
        };
        if self.calls.len() >= most {
            return false;
        }
        let Some(job) = self.queue.pop_front() else {
            return false;
        };
        self.cost -= job.cost().min(self.cost);
        let came = match job {
            Job::Event(_, came) => came,
            _ => None,
        };
        if let Some(mut call) = Call::of(job, &self.socket) {
            call.began = self.socket.namespace().core().metrics.begun(came, free);
            self.calls.push(call);
        }
        true
    }

    /// Gives back memory that a burst needed.
    fn is_done(&mut self) -> bool {
        if self.calls.is_empty() && self.queue.capacity() > 0 {
            self.queue = VecDeque::new();
            self.calls = Vec::new();
        }
        false
    }
}

impl Call {
    /// The handlers for a job; `None` when there are none.
    fn of(job: Job, socket: &Arc<SocketCore>) -> Option<Self> {
        let shared = socket.namespace().handlers.get();
        let own = socket.handlers().map(|own| own.get());
        let socket = Socket(Arc::clone(socket));
        let mut handlers = Chain::default();
        let mut gates = 0;
        let what = match job {
            Job::Connect => {
                handlers.add(&shared, own.as_deref(), |all| &all.connect);
                What::Connect
            }
            Job::Disconnect(reason) => {
                handlers.add(&shared, own.as_deref(), |all| &all.disconnect);
                What::Disconnect(reason)
            }
            Job::Event(event, _) => {
                handlers.add(&shared, own.as_deref(), |all| &all.event_middlewares);
                gates = handlers.0.len();
                handlers.add(&shared, own.as_deref(), |all| &all.any);
                handlers.add(&shared, own.as_deref(), |all| all.of_event(&event.name));
                What::Event {
                    ack: Ack::new(&socket, event.id),
                    name: event.name,
                    args: event.args,
                }
            }
        };
        let incoming = Incoming { socket, what };
        let mut rest = handlers.0.into_iter();
        let running = next(&mut rest, &incoming, &mut gates)?;
        Some(Self {
            running: running.0,
            is_gate: running.1,
            rest,
            gates,
            incoming,
            began: None,
        })
    }

    /// Ready when all handlers have ended.
    fn poll(&mut self, context: &mut Context<'_>, socket: &Arc<SocketCore>) -> Poll<()> {
        loop {
            match guarded(&mut self.running, context, socket) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(failure)) => {
                    if let Failure::Error(error) = failure {
                        tracing::warn!(
                            ?socket,
                            error = trace::redacted(error.message()),
                            "handler failed"
                        );
                        socket.namespace().core().metrics.handler_failed();
                    }
                    if self.is_gate {
                        return Poll::Ready(());
                    }
                }
            }
            match next(&mut self.rest, &self.incoming, &mut self.gates) {
                Some((running, is_gate)) => {
                    self.running = running;
                    self.is_gate = is_gate;
                }
                None => return Poll::Ready(()),
            }
        }
    }
}

/// The handlers of one job, in order; one nearly always.
#[derive(Default)]
struct Chain(SmallVec<[Erased; 2]>);

impl Chain {
    /// Adds those of the namespace, then those of the socket.
    fn add(
        &mut self,
        shared: &Lists,
        own: Option<&Lists>,
        pick: impl for<'a> Fn(&'a Lists) -> &'a [Erased],
    ) {
        for handler in pick(shared) {
            self.0.push(Arc::clone(handler));
        }
        for handler in own.map(pick).unwrap_or_default() {
            self.0.push(Arc::clone(handler));
        }
    }
}

/// Calls the next handler that can be called; also says whether it decides about those after it.
fn next(
    rest: &mut smallvec::IntoIter<[Erased; 2]>,
    incoming: &Incoming,
    gates: &mut usize,
) -> Option<(Running, bool)> {
    loop {
        let handler = rest.next()?;
        let is_gate = *gates > 0;
        *gates = gates.saturating_sub(1);
        let metrics = &incoming.socket.core().namespace().core().metrics;
        let call = || catch_unwind(AssertUnwindSafe(|| handler(incoming)));
        let called = match trace::handler(incoming) {
            None => call(),
            Some(span) => trace::call(span, call),
        };
        match called {
            Ok(Ok(running)) => return Some((running, is_gate)),
            Ok(Err(rejected)) => {
                let socket = &incoming.socket;
                tracing::debug!(
                    ?socket,
                    code = rejected.code(),
                    error = trace::redacted(&rejected.to_string()),
                    "handler not called"
                );
                metrics.handler_rejected();
            }
            Err(panic) => {
                report_panic(incoming.socket.core(), &*panic);
            }
        }
        if is_gate {
            // What a gate cannot judge does not pass.
            return None;
        }
    }
}

/// Why a handler did not succeed.
enum Failure {
    Error(HandlerError),
    /// Logged and counted already.
    Panic,
}

/// Polls a handler, and catches its panic.
fn guarded(
    running: &mut Running,
    context: &mut Context<'_>,
    socket: &SocketCore,
) -> Poll<Result<(), Failure>> {
    match catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(context))) {
        Ok(result) => result.map_err(Failure::Error),
        Err(panic) => {
            report_panic(socket, &*panic);
            Poll::Ready(Err(Failure::Panic))
        }
    }
}

fn report_panic(socket: &SocketCore, panic: &(dyn std::any::Any + Send)) {
    let panic = trace::redacted(message(panic));
    tracing::error!(?socket, panic, "handler panicked; the socket goes on");
    socket.namespace().core().metrics.handler_panicked();
}
