//! One transport to a server, and the task that serves it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use switchboard_wire::engine::{Open, Packet};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::AbortHandle,
    time::{Instant, sleep_until},
};

use crate::reason::Reason;

/// What came from the server.
pub(crate) enum Arrived {
    /// A Socket.IO packet, or whatever came as a message.
    Text(String),
    Binary(Bytes),
    /// Nothing comes any more.
    Ended(Reason),
}

/// Whom a transport tells what came.
pub(crate) type Listener = Box<dyn FnMut(Arrived) + Send>;

/// What is to be written.
pub(crate) enum Outgoing {
    /// An Engine.IO packet.
    Text(String),
    Binary(Bytes),
    /// The transport is to be closed in good order.
    Close,
    /// A client that polls is to change to a WebSocket; hears when it has.
    Upgrade(oneshot::Sender<()>),
}

/// A transport. Dropping it cuts the transport.
pub(crate) struct Engine {
    pub(crate) outgoing: mpsc::UnboundedSender<Outgoing>,
    pub(crate) reading: watch::Sender<bool>,
    pub(crate) facts: Arc<Facts>,
    pub(crate) task: AbortHandle,
}

/// What is known of a transport.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) open: Open,
    pub(crate) close_code: OnceLock<u16>,
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The client's half of the protocol: packets, heartbeats, pauses.
pub(crate) struct Reader {
    facts: Arc<Facts>,
    listener: Listener,
    outgoing: mpsc::UnboundedSender<Outgoing>,
    reading: watch::Receiver<bool>,
    next_ping_by: Instant,
}

impl Reader {
    pub(crate) fn new(
        facts: Arc<Facts>,
        listener: Listener,
        outgoing: mpsc::UnboundedSender<Outgoing>,
        reading: watch::Receiver<bool>,
    ) -> Self {
        let next_ping_by = next_ping_by(&facts.open);
        Self {
            facts,
            listener,
            outgoing,
            reading,
            next_ping_by,
        }
    }

    pub(crate) fn sid(&self) -> String {
        self.facts.open.sid.clone()
    }

    /// Waits for `next`, but not while the client has stopped reading, and not beyond the time in which
    /// the server has to send a heartbeat.
    pub(crate) async fn wait<T>(&mut self, next: impl Future<Output = T>) -> Result<T, Reason> {
        tokio::pin!(next);
        loop {
            if !*self.reading.borrow_and_update() {
                if self.reading.wait_for(|reading| *reading).await.is_err() {
                    return Err(Reason::TransportClose);
                }
                self.next_ping_by = next_ping_by(&self.facts.open);
            }
            tokio::select! {
                biased;
                changed = self.reading.changed() => {
                    if changed.is_err() {
                        return Err(Reason::TransportClose);
                    }
                }
                next = &mut next => return Ok(next),
                () = sleep_until(self.next_ping_by) => return Err(Reason::PingTimeout),
            }
        }
    }

    pub(crate) fn text(&mut self, text: &str) -> Result<(), Reason> {
        match Packet::decode(text) {
            Ok(Packet::Message(message)) => (self.listener)(Arrived::Text(message.to_owned())),
            Ok(Packet::Ping(data)) => {
                self.next_ping_by = next_ping_by(&self.facts.open);
                let pong = Outgoing::Text(Packet::Pong(data).encode());
                // Nobody writes any more: then the end is near.
                let _ = self.outgoing.send(pong);
            }
            Ok(Packet::Close) => return Err(Reason::TransportClose),
            Ok(_) => {}
            Err(_) => return Err(Reason::ParseError),
        }
        Ok(())
    }

    pub(crate) fn binary(&mut self, payload: Bytes) {
        (self.listener)(Arrived::Binary(payload));
    }

    pub(crate) fn close_code(&self, code: u16) {
        // A peer that closes twice counts once.
        let _ = self.facts.close_code.set(code);
    }

    pub(crate) fn ended(mut self, reason: Reason) {
        (self.listener)(Arrived::Ended(reason));
    }
}

fn next_ping_by(open: &Open) -> Instant {
    Instant::now() + open.ping_interval + open.ping_timeout
}
