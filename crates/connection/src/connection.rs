//! The seam between what addresses connections and what carries bytes.

use std::{any::Any, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::Serialize;

use crate::{
    address::Address,
    disconnect::{Closed, Disconnect},
    frame::{EncodeError, Frame},
    metadata::Metadata,
};

/// A shared handle to some connection.
pub type AnyConnection = Arc<dyn Connection>;

/// What [`Connection::try_send`] does when the peer does not keep up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery {
    /// Apply the connection's slow-consumer policy. What a broadcast uses.
    #[default]
    Policy,
    /// Refuse with [`SendError::Full`]; nothing happened. What a producer uses that can wait.
    Refuse,
    /// Drop the frame unless the peer takes bytes right now. For what is stale a moment later.
    Volatile,
}

/// What became of a frame that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sent {
    /// It is in the outbox and will be written, in order, unless the connection is lost first.
    Queued,
    /// It is in the outbox; so many older frames were dropped to make room.
    Displaced(u32),
    /// It was dropped, and counted: by the policy, or because it was volatile.
    Dropped,
}

/// Why a frame was not accepted. Nothing of it reaches the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The connection is closed or closing. The text is the one that services on Node's `ws` give.
    #[error("WebSocket is not open")]
    Closed,
    /// The outbox has no room and nothing was changed; wait with [`Connection::ready`].
    #[error("outbox is full")]
    Full,
    /// The outbox had no room, so the connection was closed as its policy says.
    #[error("peer reads too slowly and was closed")]
    SlowConsumer,
    /// The frame alone is larger than the whole outbox may be. Never possible on this connection.
    #[error("frame is larger than the outbox")]
    TooLarge,
    /// No room appeared before the deadline; nothing was queued.
    #[error("no room in the outbox before the deadline")]
    TimedOut,
}

impl SendError {
    /// The stable code for logs and clients.
    pub fn code(self) -> &'static str {
        match self {
            Self::Closed => "CLOSED",
            Self::Full => "FULL",
            Self::SlowConsumer => "SLOW_CONSUMER",
            Self::TooLarge => "TOO_LARGE",
            Self::TimedOut => "TIMED_OUT",
        }
    }
}

/// One live transport to one peer.
///
/// Implement it to bring another transport into a pool; the one of this crate is
/// [`WebSocketHandle`](crate::WebSocketHandle).
///
/// # Contract
///
/// - [`try_send`](Self::try_send) neither waits nor blocks on I/O for longer than one non-blocking
///   write. It may be called from many tasks at once, and from inside a broadcast.
/// - Frames accepted from one caller reach the peer in the order they were accepted.
/// - [`close`](Self::close) works once; what was accepted before it is written first, within a grace
///   period that the implementation documents. After it, `try_send` answers [`SendError::Closed`].
/// - Identity is the allocation: a pool tells two connections of one [`Address`] apart by the
///   address of the `Arc`.
/// - Neither method calls back into a pool.
///
/// A connection may be turned back into its own type: `Arc<dyn Connection>` is an `Arc<dyn Any + Send +
/// Sync>`.
#[async_trait]
pub trait Connection: Any + fmt::Debug + Send + Sync {
    /// Where the connection is found. Never changes.
    fn address(&self) -> &Address;

    /// Queues `frame`, or does with it what `delivery` says. Never waits.
    fn try_send(&self, frame: &Frame, delivery: Delivery) -> Result<Sent, SendError>;

    /// Begins to close: flushes what was accepted, then tells the peer why. Returns at once.
    ///
    /// Only the first call has an effect; it returns `true`.
    fn close(&self, disconnect: Disconnect) -> bool;

    /// Whether `try_send` can no longer succeed: closing or closed.
    fn is_closed(&self) -> bool;

    /// Waits until the connection has ended and says how. Safe to drop and to call again.
    async fn closed(&self) -> Closed;

    /// Waits until a frame of `len` bytes would find room, or the connection is closing.
    ///
    /// Another producer may take the room before the caller does. Safe to drop.
    async fn ready(&self, len: usize) -> Result<(), SendError>;

    /// Values that the application keeps with the connection.
    fn metadata(&self) -> &Metadata;
}

/// How long [`ConnectionExt::send`] waits for room in the outbox.
pub const SEND_DEADLINE: Duration = Duration::from_secs(10);

/// The verbs that every connection has, on top of the few that an implementer writes.
///
/// Each `send` is ready at once while the outbox has room and waits for room, at most
/// [`SEND_DEADLINE`], when it has none. Dropping the future before it is ready sends nothing.
/// `Ok` means accepted: written in order unless the connection is lost first.
#[async_trait]
pub trait ConnectionExt: Connection {
    /// Sends one message: a text (`&str`, `String`), bytes (`Vec<u8>`, `Bytes`) or a [`Frame`].
    async fn send<F: Into<Frame> + Send>(&self, message: F) -> Result<(), SendError> {
        let frame = message.into();
        let mut deadline = None;
        loop {
            match self.try_send(&frame, Delivery::Refuse) {
                Ok(_) => return Ok(()),
                Err(SendError::Full) => {
                    let deadline = *deadline
                        .get_or_insert_with(|| tokio::time::Instant::now() + SEND_DEADLINE);
                    tokio::time::timeout_at(deadline, self.ready(frame.len()))
                        .await
                        .map_err(|_| SendError::TimedOut)??;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends `value` as a JSON text message.
    async fn send_json<T: Serialize + Sync + ?Sized>(
        &self,
        value: &T,
    ) -> Result<(), SendJsonError> {
        Ok(self.send(Frame::json(value)?).await?)
    }

    /// Sends the text `{"message", "code", "reason"}`, then closes with that code and reason.
    async fn send_error(&self, message: &str, disconnect: Disconnect) -> Result<(), SendError> {
        self.send_then_close(Frame::error(message, &disconnect), disconnect)
            .await
    }

    /// Sends one message, then closes.
    ///
    /// The connection is closed even when the message was not accepted; the error says so.
    async fn send_then_close<F: Into<Frame> + Send>(
        &self,
        message: F,
        disconnect: Disconnect,
    ) -> Result<(), SendError> {
        let sent = self.send(message).await;
        self.close(disconnect);
        sent
    }

    /// Sends `value` as JSON, then closes. A value that is no JSON leaves the connection as it was.
    async fn send_json_then_close<T: Serialize + Sync + ?Sized>(
        &self,
        value: &T,
        disconnect: Disconnect,
    ) -> Result<(), SendJsonError> {
        Ok(self
            .send_then_close(Frame::json(value)?, disconnect)
            .await?)
    }

    /// The same as [`send_error`](Self::send_error), which always closes; kept because users of
    /// `@soketi/connections` look for this name.
    async fn send_error_then_close(
        &self,
        message: &str,
        disconnect: Disconnect,
    ) -> Result<(), SendError> {
        self.send_error(message, disconnect).await
    }

    /// Closes and waits until the connection has ended.
    async fn close_and_wait(&self, disconnect: Disconnect) -> Closed {
        self.close(disconnect);
        self.closed().await
    }
}

impl<C: Connection + ?Sized> ConnectionExt for C {}

/// Why a JSON message was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendJsonError {
    /// The value is no JSON; nothing was sent.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The connection did not take the message.
    #[error(transparent)]
    Send(#[from] SendError),
}
