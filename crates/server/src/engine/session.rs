//! One Engine.IO session: a client and the transport it uses now.
//!
//! A session that began with a WebSocket, or has changed to one, sends through that and nothing else. One
//! that polls keeps its messages in [`Polling`] until the next poll. The change from one to the other is
//! one step under the polling lock, so that no message is lost or overtaken.
//!
//! What comes in is the business of the [`Driver`](super::driver::Driver), one task per session; others give
//! it orders.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use switchboard_connection::{
    Closed, Connection, Delivery, Disconnect, Frame, Initiator, SendError, Sent, WebSocket,
    WebSocketHandle,
};
use tokio::sync::Notify;

use crate::{
    engine::polling::Polling,
    http::Sid,
    io::{
        handshake::Handshake,
        io::IoInner,
        reason::DisconnectReason,
        socket::{SocketCore, Stage},
    },
    trace,
};

/// A client's session.
pub(crate) struct Session {
    io: Arc<IoInner>,
    sid: Sid,
    handshake: Arc<Handshake>,
    websocket: OnceLock<Arc<WebSocketHandle>>,
    /// Of a session that began with polling.
    polling: Option<Box<Polling>>,
    /// Wakes the driver.
    driver: AtomicWaker,
    /// Guards what the driver is to do, and the list of sockets.
    orders: Mutex<Orders>,
    ended: OnceLock<DisconnectReason>,
    /// Waiters for the end of a polling session.
    gone: Notify,
    /// When it began, in microseconds since the server did.
    began: u64,
}

#[derive(Default)]
struct Orders {
    /// The client's sockets that have not left.
    sockets: Vec<Arc<SocketCore>>,
    /// Sockets that the server has taken out.
    kicked: Vec<(Arc<SocketCore>, DisconnectReason)>,
    /// The WebSocket that the client has changed to.
    upgraded: Option<Box<WebSocket>>,
}

/// What a driver is to do next.
pub(crate) enum Order {
    Kicked(Arc<SocketCore>, DisconnectReason),
    Upgraded(Box<WebSocket>),
}

impl Session {
    /// A session whose first transport is `websocket`, or polling.
    pub(crate) fn new(
        io: Arc<IoInner>,
        sid: Sid,
        handshake: Handshake,
        websocket: Option<Arc<WebSocketHandle>>,
    ) -> Arc<Self> {
        let polling = websocket
            .is_none()
            .then(|| Box::new(Polling::new(&io.core.config)));
        Arc::new(Self {
            began: micros(io.core.start.elapsed()),
            io,
            sid,
            handshake: Arc::new(handshake),
            websocket: websocket.map_or_else(OnceLock::new, OnceLock::from),
            polling,
            driver: AtomicWaker::new(),
            orders: Mutex::default(),
            ended: OnceLock::new(),
            gone: Notify::new(),
        })
    }

    pub(crate) fn io(&self) -> &Arc<IoInner> {
        &self.io
    }

    pub(crate) fn sid(&self) -> &Sid {
        &self.sid
    }

    pub(crate) fn handshake(&self) -> &Arc<Handshake> {
        &self.handshake
    }

    pub(crate) fn websocket(&self) -> Option<&Arc<WebSocketHandle>> {
        self.websocket.get()
    }

    pub(crate) fn polling(&self) -> Option<&Polling> {
        self.polling.as_deref()
    }

    pub(crate) fn transport(&self) -> &'static str {
        match self.websocket.get() {
            Some(_) => "websocket",
            None => "polling",
        }
    }

    /// Queues a frame on the transport of the moment. Never waits.
    #[inline]
    pub(crate) fn try_send(&self, frame: &Frame, delivery: Delivery) -> Result<Sent, SendError> {
        match self.websocket.get() {
            Some(websocket) => websocket.try_send(frame, delivery),
            None => self.try_send_polling(frame, delivery),
        }
    }

    #[cold]
    fn try_send_polling(&self, frame: &Frame, delivery: Delivery) -> Result<Sent, SendError> {
        let Some(polling) = self.polling() else {
            return Err(SendError::Closed);
        };
        let result = polling.try_send(frame, delivery, || self.websocket.get());
        match result {
            Ok(Sent::Dropped) => self.io.core.metrics.dropped(1),
            Ok(Sent::Displaced(count)) => self.io.core.metrics.dropped(count as usize),
            Err(SendError::SlowConsumer) => {
                let ended = self.end_as(
                    DisconnectReason::ForcedServerClose,
                    Disconnect::SLOW_CONSUMER,
                );
                if ended {
                    self.io.core.metrics.slow_consumer();
                    trace::slow_consumer();
                }
            }
            _ => {}
        }
        result
    }

    /// Waits until a frame of `len` bytes would find room.
    pub(crate) async fn ready(&self, len: usize) -> Result<(), SendError> {
        if let (None, Some(polling)) = (self.websocket.get(), self.polling()) {
            polling.ready(len).await?;
        }
        match self.websocket.get() {
            Some(websocket) => websocket.ready(len).await,
            None => Ok(()),
        }
    }

    /// Waits for the end of the transport.
    pub(crate) async fn closed(&self) -> Closed {
        loop {
            let gone = self.gone.notified();
            if let Some(websocket) = self.websocket.get() {
                return websocket.closed().await;
            }
            if let Some(reason) = self.ended.get() {
                let clean = *reason != DisconnectReason::TransportError;
                return Closed::new(Initiator::Local, reason.disconnect(), clean);
            }
            gone.await;
        }
    }

    /// Why the session has ended, once it has.
    pub(crate) fn ended(&self) -> Option<DisconnectReason> {
        self.ended.get().copied()
    }

    /// How long it has lived.
    pub(crate) fn age(&self) -> Duration {
        let began = Duration::from_micros(self.began);
        self.io.core.start.elapsed().saturating_sub(began)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.get().is_some()
    }

    /// Ends the session; only the first call says why.
    pub(crate) fn end(&self, reason: DisconnectReason) -> bool {
        self.end_as(reason, reason.disconnect())
    }

    /// The same, with a close of its own for a WebSocket. What was sent before is still written.
    pub(crate) fn end_as(&self, reason: DisconnectReason, disconnect: Disconnect) -> bool {
        if self.ended.set(reason).is_err() {
            return false;
        }
        if let Some(websocket) = self.websocket.get() {
            websocket.close(disconnect);
        }
        if let Some(polling) = self.polling() {
            polling.close(reason.is_of_the_client());
        }
        self.gone.notify_waiters();
        self.driver.wake();
        true
    }

    /// Ends the session and its transport with no word to the client.
    pub(crate) fn abort(&self) {
        let first = self.ended.set(DisconnectReason::TransportClose).is_ok();
        if let Some(websocket) = self.websocket.get() {
            websocket.abort();
        }
        if let Some(polling) = self.polling() {
            polling.abort();
        }
        if first {
            self.gone.notify_waiters();
            self.driver.wake();
        }
    }

    /// A socket of this client is on its way in.
    pub(crate) fn add_socket(&self, socket: &Arc<SocketCore>) {
        let sockets = &mut self.orders.lock().sockets;
        if sockets.is_empty() {
            // Most clients are in one namespace.
            sockets.reserve_exact(1);
        }
        sockets.push(Arc::clone(socket));
    }

    /// It has left.
    pub(crate) fn forget_socket(&self, socket: &Arc<SocketCore>) {
        let sockets = &mut self.orders.lock().sockets;
        sockets.retain(|other| !Arc::ptr_eq(other, socket));
    }

    /// Sockets know their session: what nobody drives any more must not know them.
    pub(crate) fn forget_all_sockets(&self) {
        *self.orders.lock() = Orders::default();
    }

    /// Takes the client out of all namespaces, tells it so, and closes the transport.
    pub(crate) fn disconnect_all(&self) -> bool {
        let sockets = self.orders.lock().sockets.clone();
        let mut left = false;
        for socket in &sockets {
            left |= socket.stage() == Stage::In && socket.kick();
        }
        self.end(DisconnectReason::ServerNamespaceDisconnect) || left
    }

    /// The server has taken `socket` out: its driver has handlers to run.
    pub(crate) fn was_kicked(&self, socket: &Arc<SocketCore>, reason: DisconnectReason) {
        self.orders.lock().kicked.push((Arc::clone(socket), reason));
        self.driver.wake();
    }

    /// Changes to `websocket`, on which the client has said that it is ready: all that waits for a poll goes
    /// there first. `None` when the session has ended.
    pub(crate) fn upgrade(&self, websocket: WebSocket) -> Option<()> {
        let polling = self.polling()?;
        polling.hand_over(websocket.handle(), || {
            // Under the polling lock: whoever finds no WebSocket there queues before this, and whoever
            // comes after it sends to the WebSocket.
            self.websocket.set(Arc::clone(websocket.handle())).is_ok()
        })?;
        websocket.resume_heartbeats();
        self.orders.lock().upgraded = Some(Box::new(websocket));
        self.driver.wake();
        if let Some(reason) = self.ended() {
            // It ended in between and could not close this WebSocket.
            self.websocket.get()?.close(reason.disconnect());
        }
        Some(())
    }

    pub(crate) fn driver(&self) -> &AtomicWaker {
        &self.driver
    }

    /// The next order.
    pub(crate) fn take_order(&self) -> Option<Order> {
        let mut orders = self.orders.lock();
        if let Some(websocket) = orders.upgraded.take() {
            return Some(Order::Upgraded(websocket));
        }
        let (socket, reason) = orders.kicked.pop()?;
        if orders.kicked.is_empty() {
            orders.kicked = Vec::new();
        }
        Some(Order::Kicked(socket, reason))
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The id is a secret of the client.
        f.debug_struct("Session")
            .field("transport", &self.transport())
            .field("ended", &self.ended())
            .finish_non_exhaustive()
    }
}
