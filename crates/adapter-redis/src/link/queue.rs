//! What waits to be published: bounded, in order.

use std::collections::VecDeque;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use crate::error::BusError;

/// A message on its way out.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) channel: Bytes,
    pub(crate) payload: Bytes,
    /// `SPUBLISH` instead of `PUBLISH`.
    pub(crate) to_shard: bool,
    /// Who waits for Redis to take it.
    pub(crate) done: Option<oneshot::Sender<Result<(), BusError>>>,
}

impl Outgoing {
    pub(crate) fn new(channel: impl Into<Bytes>, payload: impl Into<Bytes>) -> Self {
        Self {
            channel: channel.into(),
            payload: payload.into(),
            to_shard: false,
            done: None,
        }
    }

    fn cost(&self) -> usize {
        // Somewhat more than the bytes: the entry itself.
        self.channel.len() + self.payload.len() + 64
    }

    /// Tells who waits what became of it.
    pub(crate) fn finish(self, result: Result<(), BusError>) {
        if let Some(done) = self.done {
            let _ = done.send(result);
        }
    }
}

/// One write to Redis takes up to so many messages, and so many bytes.
const BATCH_MESSAGES: usize = 512;
const BATCH_BYTES: usize = 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    filled: Notify,
    max_messages: usize,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Outgoing>,
    bytes: usize,
    closed: bool,
}

impl Queue {
    pub(crate) fn new(max_messages: usize, max_bytes: usize) -> Self {
        Self {
            state: Mutex::default(),
            filled: Notify::new(),
            max_messages,
            max_bytes,
        }
    }

    /// Takes the message, or says why not.
    pub(crate) fn push(&self, message: Outgoing) -> Result<(), BusError> {
        let mut state = self.state.lock();
        let cost = message.cost();
        if state.closed {
            return Err(BusError::Closed);
        }
        if state.waiting.len() >= self.max_messages || state.bytes + cost > self.max_bytes {
            return Err(BusError::Full);
        }
        state.bytes += cost;
        state.waiting.push_back(message);
        let first = state.waiting.len() == 1;
        drop(state);
        if first {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// What is sent in one go; empty when nothing waits.
    pub(crate) fn take_batch(&self) -> Vec<Outgoing> {
        let mut state = self.state.lock();
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < BATCH_MESSAGES
            && (bytes < BATCH_BYTES)
            && let Some(message) = state.waiting.pop_front()
        {
            bytes += message.cost();
            batch.push(message);
        }
        state.bytes -= bytes;
        if !state.waiting.is_empty() {
            self.filled.notify_one();
        }
        batch
    }

    /// Waits until something may be there to take, or the queue is closed.
    pub(crate) async fn filled(&self) {
        self.filled.notified().await;
    }

    /// Takes nothing more. What waits can still be taken.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.filled.notify_one();
    }

    /// Whether it is closed and empty.
    pub(crate) fn is_finished(&self) -> bool {
        let state = self.state.lock();
        state.closed && state.waiting.is_empty()
    }

    /// Takes all that waits.
    pub(crate) fn take_all(&self) -> Vec<Outgoing> {
        let mut state = self.state.lock();
        state.bytes = 0;
        std::mem::take(&mut state.waiting).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: usize) -> Outgoing {
        Outgoing::new("c", vec![0; length])
    }

    #[test]
    fn it_is_bounded_in_messages_and_in_bytes_and_keeps_the_order() {
        let queue = Queue::new(3, 10_000);
        for length in 0..3 {
            queue.push(message(length)).unwrap();
        }
        assert!(matches!(queue.push(message(0)), Err(BusError::Full)));
        let lengths: Vec<_> = queue.take_batch().iter().map(|m| m.payload.len()).collect();
        assert_eq!(lengths, [0, 1, 2]);
        queue.push(message(9_000)).unwrap();
        assert!(matches!(queue.push(message(1_000)), Err(BusError::Full)));
        queue.push(message(100)).unwrap();
        assert_eq!(queue.take_all().len(), 2);
        queue.push(message(9_900)).unwrap();
        queue.close();
        assert!(matches!(queue.push(message(0)), Err(BusError::Closed)));
        assert!(!queue.is_finished());
        assert_eq!(queue.take_batch().len(), 1);
        assert!(queue.is_finished() && queue.take_batch().is_empty());
    }

    #[test]
    fn a_batch_is_bounded_too() {
        let queue = Queue::new(10_000, usize::MAX);
        for _ in 0..=BATCH_MESSAGES {
            queue.push(message(1)).unwrap();
        }
        assert_eq!(queue.take_batch().len(), BATCH_MESSAGES);
        for _ in 0..3 {
            queue.push(message(BATCH_BYTES / 2)).unwrap();
        }
        assert_eq!(queue.take_batch().len(), 3);
        assert_eq!(queue.take_batch().len(), 1);
    }
}
