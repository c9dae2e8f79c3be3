//! What servers of one cluster say to each other: `serverSideEmit` and its handlers.
//!
//! ```
//! # use switchboard_server::{Io, ServerSideEvent};
//! # async fn example(io: &Io) -> Result<(), Box<dyn std::error::Error>> {
//! io.on_server_side("load", async |event: ServerSideEvent| event.reply(&0.7));
//!
//! let loads = io.server_side_emit_with_ack::<f64, _>("load", &()).await?;
//! println!("the others: {:?}, silent: {}", loads.answers, loads.silent_nodes);
//! # Ok(())
//! # }
//! ```

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::FutureExt;
use parking_lot::Mutex;
use serde::{Serialize, de::DeserializeOwned};
use switchboard_wire::{ArgError, Args, EncodeError, EventName};
use tokio::sync::oneshot;

use crate::{
    io::{
        ack::Answers,
        core::NamespaceCore,
        handler::{HandlerError, Outcome, message},
        io::IoInner,
        namespace::Namespace,
    },
    trace,
};

/// Names that Node's servers keep for themselves.
const RESERVED: [&str; 3] = ["connect", "connection", "new_namespace"];

/// Something that another server of the cluster said; what a handler of
/// [`on_server_side`](Namespace::on_server_side) takes.
#[derive(Clone, Debug)]
pub struct ServerSideEvent {
    namespace: Namespace,
    name: EventName,
    args: Args,
    reply: Option<Arc<Reply>>,
}

#[derive(Debug)]
struct Reply(Mutex<Option<oneshot::Sender<Args>>>, AtomicBool);

impl ServerSideEvent {
    /// Where it was said.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its arguments.
    pub fn args(&self) -> &Args {
        &self.args
    }

    /// Its data as a type of yours: a tuple takes all arguments, anything else the first.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ArgError> {
        self.args.read()
    }

    /// Whether the other server waits for an answer that nobody has given yet.
    pub fn is_question(&self) -> bool {
        let reply = self.reply.as_deref();
        reply.is_some_and(|Reply(_, answered)| !answered.load(Ordering::Relaxed))
    }

    /// Answers. Only the first answer is sent, and of it Node's servers see the first argument only. Does
    /// nothing when no answer is wanted. When all handlers are done and none has answered, this server counts
    /// as silent.
    pub fn reply<T: Serialize + ?Sized>(&self, data: &T) -> Result<(), EncodeError> {
        let Some(Reply(sender, answered)) = self.reply.as_deref() else {
            return Ok(());
        };
        let args = Args::of(data)?;
        answered.store(true, Ordering::Relaxed);
        if let Some(sender) = sender.lock().take() {
            // Whoever asked may have given up.
            let _ = sender.send(args);
        }
        Ok(())
    }
}

type Running = Pin<Box<dyn Future<Output = Result<(), HandlerError>> + Send>>;

/// A handler whose type is forgotten.
pub(crate) type ServerHandler = Arc<dyn Fn(ServerSideEvent) -> Running + Send + Sync>;

pub(crate) fn erase<F, Fut>(handler: F) -> ServerHandler
where
    F: Fn(ServerSideEvent) -> Fut + Send + Sync + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: Outcome,
{
    Arc::new(move |event| {
        let future = handler(event);
        Box::pin(async move { future.await.into_result() })
    })
}

/// Talking to the other servers.
impl Namespace {
    /// Tells the other servers of the cluster that have this namespace; never this one.
    ///
    /// Never waits. Their handlers for it run in the order in which this server emits, up to where they first
    /// wait.
    ///
    /// # Errors
    ///
    /// The name is reserved (`connect`, `connection`, `new_namespace` and the names that clients may not use
    /// either), or the data cannot be written; nothing was sent.
    pub fn server_side_emit<T: Serialize + ?Sized>(
        &self,
        event: &str,
        data: &T,
    ) -> Result<(), EncodeError> {
        let (event, args) = outgoing(event, data)?;
        let adapter = &self.0.core().adapter;
        adapter.server_side_emit(self.0.name(), &event, &args);
        Ok(())
    }

    /// Asks the other servers of the cluster that have this namespace. The first argument of each answer is
    /// read as `R`.
    ///
    /// Ready when all have answered, or after the time that the adapter gives them, with what came. A server
    /// that is alone gets no answers at once. Dropping the future forgets the question.
    pub async fn server_side_emit_with_ack<R, T>(
        &self,
        event: &str,
        data: &T,
    ) -> Result<Answers<R>, EncodeError>
    where
        R: DeserializeOwned,
        T: Serialize + Sync + ?Sized,
    {
        let (event, args) = outgoing(event, data)?;
        let adapter = &self.0.core().adapter;
        let answer = adapter.server_side_ask(self.0.name(), &event, &args).await;
        Ok(Answers::read(answer))
    }
}

fn outgoing<T: Serialize + ?Sized>(
    event: &str,
    data: &T,
) -> Result<(EventName, Args), EncodeError> {
    if RESERVED.contains(&event) || EventName::is_reserved(event) {
        return Err(EncodeError::ReservedName);
    }
    Ok((EventName::new(event), Args::of(data)?))
}

impl IoInner {
    /// Calls the handlers for what another server said. What becomes of the answer, if one is wanted.
    pub(crate) fn hear(
        &self,
        namespace: Arc<NamespaceCore>,
        name: &EventName,
        args: &Args,
        wants_answer: bool,
    ) -> Option<oneshot::Receiver<Args>> {
        let handlers = namespace.handlers.get();
        let handlers = handlers.server_side.get(name.as_str())?;
        let (sender, answer) = oneshot::channel();
        let reply =
            wants_answer.then(|| Arc::new(Reply(Mutex::new(Some(sender)), AtomicBool::new(false))));
        let event = ServerSideEvent {
            namespace: Namespace(namespace),
            name: name.clone(),
            args: args.clone(),
            reply,
        };
        for handler in handlers {
            self.run(handler, event.clone());
        }
        wants_answer.then_some(answer)
    }

    /// As in JavaScript, a handler runs at once up to where it first waits, so that order is kept; the rest is
    /// a task.
    fn run(&self, handler: &ServerHandler, event: ServerSideEvent) {
        let handler = Arc::clone(handler);
        let name = event.name.clone();
        let metrics = Arc::clone(&event.namespace.0);
        let settle = move |outcome: std::thread::Result<Result<(), HandlerError>>| match outcome {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                metrics.core().metrics.handler_failed();
                let error = trace::redacted(error.message());
                tracing::warn!(event = %name, error, "server-side handler failed");
            }
            Err(panic) => {
                metrics.core().metrics.handler_panicked();
                let panic = trace::redacted(message(&*panic));
                tracing::error!(event = %name, panic, "server-side handler panicked");
            }
        };
        let future = async move { handler(event).await };
        let mut future = AssertUnwindSafe(future).catch_unwind().boxed();
        if let Some(outcome) = (&mut future).now_or_never() {
            return settle(outcome);
        }
        let runtime = &self.core.runtime;
        self.tasks
            .spawn_on(async move { settle(future.await) }, runtime);
    }
}
