//! What a client has got in one namespace and nobody has looked at yet.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use parking_lot::Mutex;
use switchboard_wire::{Args, Body, ConnectError, Event, Packet};
use tokio::{
    sync::{Notify, oneshot},
    time::timeout,
};

use crate::reason::Reason;

/// One namespace of one connection.
#[derive(Default)]
pub(crate) struct Seat {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    entry: Option<Result<Consent, ConnectError>>,
    inbox: VecDeque<Event>,
    ended: Option<Reason>,
    asked: HashMap<u64, oneshot::Sender<Args>>,
    next_ack: u64,
    offset: Option<String>,
}

/// What the server said when it let the client in.
#[derive(Clone, Debug, serde::Deserialize)]
pub(crate) struct Consent {
    pub(crate) sid: String,
    #[serde(default)]
    pub(crate) pid: Option<String>,
}

/// What happens to a client.
pub(crate) enum Happening {
    Event(Event),
    Ended(Reason),
}

impl Seat {
    /// A packet for this namespace has come.
    pub(crate) fn packet(&self, packet: Packet) {
        let mut state = self.state.lock();
        if state.ended.is_some() {
            // It hears no more.
            return;
        }
        match packet.body {
            Body::Connect(consent) => {
                let consent = consent.and_then(|consent| consent.get(0).ok());
                state.entry = consent.map(Ok);
            }
            Body::ConnectError(error) => state.entry = Some(Err(error)),
            Body::Event(event) => {
                // As `socket.io-client` does: the last argument, if it is a text.
                let last = event.args.len().checked_sub(1);
                if let Some(offset) = last.and_then(|last| event.args.get::<String>(last).ok()) {
                    state.offset = Some(offset);
                }
                state.inbox.push_back(event);
            }
            Body::Ack { id, args } => {
                if let Some(waiter) = state.asked.remove(&id) {
                    // Whoever asked may have given up.
                    let _ = waiter.send(args);
                }
            }
            Body::Disconnect => state.end(Reason::ServerDisconnect),
            _ => {}
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// The client is in this namespace no longer; only the first reason counts.
    pub(crate) fn end(&self, reason: Reason) {
        self.state.lock().end(reason);
        self.changed.notify_waiters();
    }

    /// The server's answer to the request to enter.
    pub(crate) async fn entry(&self) -> Result<Result<Consent, ConnectError>, Reason> {
        self.wait(|state| match (&state.entry, state.ended) {
            (Some(entry), _) => Some(Ok(entry.clone())),
            (None, Some(reason)) => Some(Err(reason)),
            (None, None) => None,
        })
        .await
    }

    /// What happens next; `None` when nothing does for so long.
    pub(crate) async fn next(&self, within: Duration) -> Option<Happening> {
        let next = self.wait(|state| match state.inbox.pop_front() {
            Some(event) => Some(Happening::Event(event)),
            None => state.ended.map(Happening::Ended),
        });
        timeout(within, next).await.ok()
    }

    /// The events that are here already.
    pub(crate) fn drain(&self) -> Vec<Event> {
        self.state.lock().inbox.drain(..).collect()
    }

    pub(crate) fn ended(&self) -> Option<Reason> {
        self.state.lock().ended
    }

    pub(crate) fn offset(&self) -> Option<String> {
        self.state.lock().offset.clone()
    }

    /// A number for a question, and its answer.
    pub(crate) fn ask(&self) -> (u64, oneshot::Receiver<Args>) {
        let (waiter, answer) = oneshot::channel();
        let mut state = self.state.lock();
        let id = state.next_ack;
        state.next_ack += 1;
        if state.ended.is_none() {
            state.asked.insert(id, waiter);
        }
        (id, answer)
    }

    async fn wait<T>(&self, mut look: impl FnMut(&mut State) -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            if let Some(found) = look(&mut self.state.lock()) {
                return found;
            }
            changed.await;
        }
    }
}

impl State {
    fn end(&mut self, reason: Reason) {
        self.ended.get_or_insert(reason);
        self.asked.clear();
    }
}
