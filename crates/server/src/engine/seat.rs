//! The work of one socket: what waits to be handled, and the handlers that run.
//!
//! At most `handlerConcurrency` things are handled at once, by default one, in the order they came. All
//! handlers of one event run one after another. A handler that panics ends only its own call.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::{Context, Poll},
    vec,
};

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
    rest: vec::IntoIter<Erased>,
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
        guarded(&mut entry.decision, context, &self.socket)
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
        let both = |pick: for<'a> fn(&'a Lists) -> &'a Vec<Erased>| {
            let own = own.iter().flat_map(move |own| pick(own));
            pick(&shared).iter().chain(own).cloned()
        };
        let mut gates = 0;
        let (handlers, what): (Vec<Erased>, _) = match job {
            Job::Connect => (both(|all| &all.connect).collect(), What::Connect),
            Job::Disconnect(reason) => (
                both(|all| &all.disconnect).collect(),
                What::Disconnect(reason),
            ),
            Job::Event(event, _) => {
                let name = event.name.as_str();
                let mut handlers: Vec<_> = both(|all| &all.event_middlewares).collect();
                gates = handlers.len();
                handlers.extend(both(|all| &all.any));
                let own = own.as_ref().and_then(|own| own.events.get(name));
                let shared = shared.events.get(name);
                handlers.extend(shared.into_iter().chain(own).flatten().cloned());
                let what = What::Event {
                    ack: Ack::new(&socket, event.id),
                    name: event.name,
                    args: event.args,
                };
                (handlers, what)
            }
        };
        let incoming = Incoming { socket, what };
        let mut rest = handlers.into_iter();
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
                Poll::Ready(Err(error)) => {
                    tracing::warn!(
                        ?socket,
                        error = trace::redacted(error.message()),
                        "handler failed"
                    );
                    socket.namespace().core().metrics.handler_failed();
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

/// Calls the next handler that can be called; also says whether it decides about those after it.
fn next(
    rest: &mut vec::IntoIter<Erased>,
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

/// Polls a handler; a panic is an error.
fn guarded(
    running: &mut Running,
    context: &mut Context<'_>,
    socket: &SocketCore,
) -> Poll<Result<(), HandlerError>> {
    match catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(context))) {
        Ok(result) => result,
        Err(panic) => {
            report_panic(socket, &*panic);
            Poll::Ready(Err(HandlerError::new("internal error")))
        }
    }
}

fn report_panic(socket: &SocketCore, panic: &(dyn std::any::Any + Send)) {
    let panic = trace::redacted(message(panic));
    tracing::error!(?socket, panic, "handler panicked; the socket goes on");
    socket.namespace().core().metrics.handler_panicked();
}
