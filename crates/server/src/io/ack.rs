//! Questions that clients have not answered yet.
//!
//! Ids are counted per namespace, so that one id serves a whole broadcast. Each socket keeps what it is
//! asked, at most `maxPendingAcks`, and gives it up when it leaves; whoever asked gives it up at the
//! deadline. So nothing waits for ever, and nothing is kept that nobody waits for.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};

use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use switchboard_adapter::Answer;
use switchboard_connection::NodeId;
use switchboard_wire::{ArgError, Args, EncodeError};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::io::{send::EmitError, socket::SocketCore};

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AckError {
    /// The question was not sent.
    #[error(transparent)]
    Emit(#[from] EmitError),
    /// No answer came in time. The client may have acted on the question.
    #[error("operation has timed out")]
    TimedOut,
    /// The socket left before it answered.
    #[error("socket has been disconnected")]
    Disconnected,
    /// As many questions wait for this client as may.
    #[error("{limit} questions wait for this client, which is the limit")]
    TooManyPending {
        /// The limit, `maxPendingAcks`.
        limit: usize,
    },
    /// The client sends so much else that reading on to its answer would need too much memory.
    #[error("client floods while it is asked")]
    Flooded,
    /// The answer is not of the type asked for.
    #[error("answer cannot be read")]
    Data(#[source] ArgError),
}

impl AckError {
    /// The stable code for logs and clients.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Emit(error) => error.code(),
            Self::TimedOut => "TIMED_OUT",
            Self::Disconnected => "CLOSED",
            Self::TooManyPending { .. } => "TOO_MANY_PENDING",
            Self::Flooded => "FLOODED",
            Self::Data(_) => "BAD_DATA",
        }
    }
}

impl From<EncodeError> for AckError {
    fn from(error: EncodeError) -> Self {
        Self::Emit(error.into())
    }
}

/// Who waits for one answer of one socket.
pub(crate) enum Waiter {
    One(oneshot::Sender<Result<Args, AckError>>),
    Many(Arc<Collector>),
}

/// What one socket is asked, by id.
#[derive(Default)]
#[expect(
    clippy::box_collection,
    reason = "most sockets are asked nothing, and pay for one pointer only"
)]
pub(crate) struct PendingAcks(Mutex<Option<Box<HashMap<u64, Waiter>>>>);

impl PendingAcks {
    /// Whether anybody waits for an answer.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().is_none()
    }

    pub(crate) fn insert(&self, id: u64, waiter: Waiter, limit: usize) -> Result<(), AckError> {
        let mut pending = self.0.lock();
        let pending = pending.get_or_insert_default();
        if pending.len() >= limit {
            return Err(AckError::TooManyPending { limit });
        }
        pending.insert(id, waiter);
        Ok(())
    }

    pub(crate) fn remove(&self, id: u64) -> Option<Waiter> {
        let mut pending = self.0.lock();
        let waiter = pending.as_mut()?.remove(&id);
        if pending.as_ref().is_some_and(|pending| pending.is_empty()) {
            *pending = None;
        }
        waiter
    }

    /// The client has answered. `false` when nobody waits for it: too late, or never asked.
    pub(crate) fn settle(&self, id: u64, answer: Args) -> bool {
        match self.remove(id) {
            None => false,
            Some(Waiter::One(waiter)) => waiter.send(Ok(answer)).is_ok(),
            Some(Waiter::Many(collector)) => {
                collector.answer(answer);
                true
            }
        }
    }

    /// The question could not be sent.
    pub(crate) fn give_up(&self, id: u64) {
        if let Some(Waiter::Many(collector)) = self.remove(id) {
            collector.lost();
        }
    }

    /// Nobody will answer any more.
    pub(crate) fn fail_all(&self, error: impl Fn() -> AckError) {
        let pending = self.0.lock().take();
        for (_, waiter) in pending.into_iter().flat_map(|pending| *pending) {
            match waiter {
                Waiter::One(waiter) => drop(waiter.send(Err(error()))),
                Waiter::Many(collector) => collector.lost(),
            }
        }
    }
}

impl std::fmt::Debug for PendingAcks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let len = self.0.lock().as_ref().map_or(0, |pending| pending.len());
        f.debug_tuple("PendingAcks").field(&len).finish()
    }
}

/// Waits for one answer, and forgets the question when dropped.
pub(crate) struct Question {
    socket: Arc<SocketCore>,
    id: u64,
    answer: oneshot::Receiver<Result<Args, AckError>>,
}

impl Question {
    pub(crate) fn ask(socket: &Arc<SocketCore>, id: u64) -> Result<Self, AckError> {
        let (waiter, answer) = oneshot::channel();
        let limit = socket.namespace().core().config.max_pending_acks;
        socket.acks.insert(id, Waiter::One(waiter), limit)?;
        Ok(Self {
            socket: Arc::clone(socket),
            id,
            answer,
        })
    }

    pub(crate) async fn answer<T: DeserializeOwned>(
        &mut self,
        within: Duration,
    ) -> Result<T, AckError> {
        let metrics = &self.socket.namespace().core().metrics;
        let asked = metrics.now();
        let answer = tokio::time::timeout(within, &mut self.answer)
            .await
            .map_err(|_| {
                metrics.acks_timed_out(1);
                AckError::TimedOut
            })?
            .map_err(|_| AckError::Disconnected)??;
        metrics.ack(asked);
        answer.read().map_err(AckError::Data)
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.socket.acks.remove(self.id);
    }
}

/// Gathers the answers of many sockets to one broadcast.
pub(crate) struct Collector {
    state: Mutex<Collected>,
    changed: Notify,
    passes_on: Option<mpsc::Sender<Args>>,
}

struct Collected {
    asked: Vec<Weak<SocketCore>>,
    answers: Vec<Args>,
    passed_on: usize,
    lost: usize,
}

/// The answers to a broadcast, in the order they came.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answers<T> {
    /// What was answered: the first argument of each, or all where `T` is a tuple. From other nodes only the
    /// first argument is sure to come.
    pub answers: Vec<T>,
    /// How many clients did not answer in time, or left before.
    pub missing: usize,
    /// How many answers were not of type `T`.
    pub unreadable: usize,
    /// How many other nodes were asked and kept silent: what their clients would have said is not known.
    pub silent_nodes: usize,
    /// Which of them, as far as they are ours.
    pub silent_ids: Vec<NodeId>,
}

/// Somebody kept silent, where [`Answers::strict`] asked for everybody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} clients did not answer, {} nodes kept silent, {} answers are unreadable",
    .0.missing, .0.silent_nodes, .0.unreadable
)]
pub struct IncompleteAnswers<T>(
    /// What came nevertheless.
    pub Answers<T>,
);

impl<T> IncompleteAnswers<T> {
    /// The stable code for logs and clients.
    pub fn code(&self) -> &'static str {
        "INCOMPLETE"
    }
}

impl<T> Answers<T> {
    /// The same with other answers.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Answers<U> {
        Answers {
            answers: self.answers.into_iter().map(change).collect(),
            missing: self.missing,
            unreadable: self.unreadable,
            silent_nodes: self.silent_nodes,
            silent_ids: self.silent_ids,
        }
    }

    /// Whether everybody answered.
    pub fn is_complete(&self) -> bool {
        self.missing == 0 && self.unreadable == 0 && self.silent_nodes == 0
    }

    /// Takes silence for an error: the answers if everybody gave one.
    pub fn strict(self) -> Result<Vec<T>, IncompleteAnswers<T>> {
        if self.is_complete() {
            Ok(self.answers)
        } else {
            Err(IncompleteAnswers(self))
        }
    }
}

impl<T: DeserializeOwned> Answers<T> {
    /// Reads answers as they came.
    pub(crate) fn read(answer: Answer<Vec<Args>>) -> Self {
        let count = answer.value.len();
        let answers = answer.value.iter();
        let answers: Vec<T> = answers.filter_map(|args| args.read().ok()).collect();
        Self {
            missing: answer.missing,
            unreadable: count - answers.len(),
            silent_nodes: answer.silent_nodes,
            silent_ids: answer.silent_ids,
            answers,
        }
    }
}

impl Collector {
    pub(crate) fn new() -> Arc<Self> {
        Self::with(None)
    }

    /// Passes answers on as they come, and keeps none. There is room for one of each who is asked; what does
    /// not fit is from somebody who came while the others were counted.
    pub(crate) fn passing_on(to: mpsc::Sender<Args>) -> Arc<Self> {
        Self::with(Some(to))
    }

    fn with(passes_on: Option<mpsc::Sender<Args>>) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(Collected {
                asked: Vec::new(),
                answers: Vec::new(),
                passed_on: 0,
                lost: 0,
            }),
            changed: Notify::new(),
            passes_on,
        })
    }

    /// How many are asked.
    pub(crate) fn asked(&self) -> usize {
        self.state.lock().asked.len()
    }

    /// Has `socket` asked under `id`. What cannot be asked counts as missing.
    pub(crate) fn ask(self: &Arc<Self>, socket: &Arc<SocketCore>, id: u64) -> bool {
        let limit = socket.namespace().core().config.max_pending_acks;
        let waiter = Waiter::Many(Arc::clone(self));
        self.state.lock().asked.push(Arc::downgrade(socket));
        let asked = socket.acks.insert(id, waiter, limit).is_ok();
        if !asked {
            self.lost();
        }
        asked
    }

    fn answer(&self, answer: Args) {
        match &self.passes_on {
            None => self.state.lock().answers.push(answer),
            Some(to) => {
                let is_passed_on = to.try_send(answer).is_ok();
                let state = &mut *self.state.lock();
                state.passed_on += usize::from(is_passed_on);
                state.lost += usize::from(!is_passed_on);
            }
        }
        self.changed.notify_waiters();
    }

    pub(crate) fn lost(&self) {
        self.state.lock().lost += 1;
        self.changed.notify_waiters();
    }

    /// Waits until all have answered or left, at most so long, and forgets the question either way. Returns
    /// the answers, how many are missing, and how many of those had time to answer but did not.
    pub(crate) async fn finish(&self, id: u64, within: Duration) -> (Vec<Args>, usize, usize) {
        let forget = Forget(self, id);
        let all_settled = async {
            loop {
                let changed = self.changed.notified();
                {
                    let state = self.state.lock();
                    if state.answers.len() + state.passed_on + state.lost >= state.asked.len() {
                        return;
                    }
                }
                changed.await;
            }
        };
        // Too late is no error: what came is what there is.
        let _ = tokio::time::timeout(within, all_settled).await;
        drop(forget);
        let state = &mut *self.state.lock();
        let answers = std::mem::take(&mut state.answers);
        let missing = state.asked.len() - answers.len() - state.passed_on;
        (answers, missing, missing - state.lost.min(missing))
    }
}

/// Takes a question back from everybody who was asked.
struct Forget<'a>(&'a Collector, u64);

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        let asked = self.0.state.lock().asked.clone();
        for socket in asked.iter().filter_map(Weak::upgrade) {
            socket.acks.remove(self.1);
        }
    }
}
