//! A connection without a socket: it keeps what it was sent and ends when it is told to.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::must_use_candidate,
    reason = "each test uses a part"
)]

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use switchboard_connection::{
    Address, AnyConnection, Closed, Connection, ConnectionId, Delivery, Disconnect, Frame,
    Initiator, Metadata, Namespace, SendError, Sent,
};
use tokio::{sync::watch, time::Instant};

#[derive(Debug)]
pub struct Fake {
    address: Address,
    frames: Mutex<Vec<Frame>>,
    /// What the next sends answer, instead of taking the frame.
    answers: Mutex<Vec<Result<Sent, SendError>>>,
    close: Mutex<Option<(Disconnect, Instant)>>,
    /// Whether a close is the end at once, or only [`Fake::end`].
    lingers: bool,
    ended: watch::Sender<bool>,
    metadata: Metadata,
}

impl Fake {
    /// One that ends as soon as it is closed.
    pub fn new(namespace: &str, id: &str) -> Arc<Self> {
        Arc::new(Self::build(namespace, id, false))
    }

    /// One that ends when [`end`](Self::end) is called.
    pub fn lingering(namespace: &str, id: &str) -> Arc<Self> {
        Arc::new(Self::build(namespace, id, true))
    }

    pub fn any(namespace: &str, id: &str) -> AnyConnection {
        Self::new(namespace, id)
    }

    fn build(namespace: &str, id: &str, lingers: bool) -> Self {
        Self {
            address: Address::new(
                ConnectionId::new(id).expect("id"),
                Namespace::new(namespace).expect("namespace"),
            ),
            frames: Mutex::default(),
            answers: Mutex::default(),
            close: Mutex::default(),
            lingers,
            ended: watch::Sender::new(false),
            metadata: Metadata::default(),
        }
    }

    /// The texts it was sent; binary messages as `Debug` of their bytes.
    pub fn texts(&self) -> Vec<String> {
        let text = |frame: &Frame| match frame.as_text() {
            Some(text) => text.to_owned(),
            None => format!("{:?}", frame.payload()),
        };
        self.frames.lock().iter().map(text).collect()
    }

    pub fn frames(&self) -> Vec<Frame> {
        self.frames.lock().clone()
    }

    pub fn close_reason(&self) -> Option<Disconnect> {
        self.close
            .lock()
            .as_ref()
            .map(|(disconnect, _)| disconnect.clone())
    }

    pub fn close_began(&self) -> Option<Instant> {
        self.close.lock().as_ref().map(|(_, began)| *began)
    }

    /// The next send answers `answer`; several answers are given last one first.
    pub fn answer(&self, answer: Result<Sent, SendError>) {
        self.answers.lock().push(answer);
    }

    pub fn end(&self) {
        self.close(Disconnect::ABNORMAL);
        self.ended.send_replace(true);
    }
}

#[async_trait]
impl Connection for Fake {
    fn address(&self) -> &Address {
        &self.address
    }

    fn try_send(&self, frame: &Frame, delivery: Delivery) -> Result<Sent, SendError> {
        if self.is_closed() {
            return Err(SendError::Closed);
        }
        match self.answers.lock().pop() {
            // A full outbox loses what is volatile.
            Some(Err(SendError::Full)) if delivery == Delivery::Volatile => {
                return Ok(Sent::Dropped);
            }
            Some(Err(SendError::SlowConsumer)) => {
                self.close(Disconnect::SLOW_CONSUMER);
                return Err(SendError::SlowConsumer);
            }
            Some(answer @ (Err(_) | Ok(Sent::Dropped))) => return answer,
            Some(answer) => {
                self.frames.lock().push(frame.clone());
                return answer;
            }
            None => {}
        }
        self.frames.lock().push(frame.clone());
        Ok(Sent::Queued)
    }

    fn close(&self, disconnect: Disconnect) -> bool {
        let mut close = self.close.lock();
        if close.is_some() {
            return false;
        }
        *close = Some((disconnect, Instant::now()));
        if !self.lingers {
            self.ended.send_replace(true);
        }
        true
    }

    fn is_closed(&self) -> bool {
        self.close.lock().is_some()
    }

    async fn closed(&self) -> Closed {
        let mut ended = self.ended.subscribe();
        ended
            .wait_for(|ended| *ended)
            .await
            .expect("the sender lives as long as we do");
        Closed::new(
            Initiator::Local,
            self.close_reason().unwrap_or_default(),
            true,
        )
    }

    async fn ready(&self, _: usize) -> Result<(), SendError> {
        Ok(())
    }

    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}
