//! The verbs for one connection, by its address.
//!
//! What [`ConnectionExt`] does with a connection in hand, done to whoever has an address; whether
//! anybody has it is part of the answer.

use serde::Serialize;
use switchboard_connection::{
    ConnectionExt, ConnectionId, Delivery, Disconnect, EncodeError, Frame, Namespace, SendError,
    Sent,
};

use crate::{name::NameOf, pool::Pool};

/// Why a message to one connection was not accepted. Nothing of it reaches the peer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendToError {
    /// Nobody on this node has that address.
    #[error("no such connection")]
    Absent,
    /// The value is no JSON.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The connection did not take the message.
    #[error(transparent)]
    Send(#[from] SendError),
}

impl SendToError {
    /// The stable code for logs and clients.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Absent => "ABSENT",
            Self::Encode(_) => "NOT_JSON",
            Self::Send(error) => error.code(),
        }
    }
}

/// What asking one connection to close did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Closing {
    /// Nobody on this node has that address.
    Absent,
    /// It begins to close.
    Begun,
    /// It was closing or closed already; that close's code and reason stand.
    Already,
}

/// One connection by its address.
///
/// The sends are ready at once while the outbox has room and wait for room, at most
/// [`SEND_DEADLINE`](switchboard_connection::SEND_DEADLINE), when it has none. Dropping a future before
/// it is ready sends nothing, and closes nothing.
impl Pool {
    /// Sends one message: a text (`&str`, `String`), bytes (`Vec<u8>`, `Bytes`) or a [`Frame`].
    ///
    /// ```
    /// # use switchboard_pool::{Pool, SendToError};
    /// # async fn example(pool: Pool) -> Result<(), SendToError> {
    /// match pool.send_to("default", "1", "Hello world!").await {
    ///     Err(SendToError::Absent) => println!("1 is not here"),
    ///     sent => sent?,
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send_to(
        &self,
        namespace: &(impl NameOf<Namespace> + ?Sized),
        id: &(impl NameOf<ConnectionId> + ?Sized),
        message: impl Into<Frame> + Send,
    ) -> Result<(), SendToError> {
        let connection = self.get(namespace, id).ok_or(SendToError::Absent)?;
        Ok(connection.send(message).await?)
    }

    /// Sends one message if the outbox has room for it now; [`SendError::Full`] if not.
    pub fn try_send_to(
        &self,
        namespace: &(impl NameOf<Namespace> + ?Sized),
        id: &(impl NameOf<ConnectionId> + ?Sized),
        message: impl Into<Frame>,
    ) -> Result<Sent, SendToError> {
        let connection = self.get(namespace, id).ok_or(SendToError::Absent)?;
        Ok(connection.try_send(&message.into(), Delivery::Refuse)?)
    }

    /// Sends `value` as a JSON text message.
    pub async fn send_json_to<T: Serialize + Sync + ?Sized>(
        &self,
        namespace: &(impl NameOf<Namespace> + ?Sized),
        id: &(impl NameOf<ConnectionId> + ?Sized),
        value: &T,
    ) -> Result<(), SendToError> {
        self.send_to(namespace, id, Frame::json(value)?).await
    }

    /// Sends the text `{"message", "code", "reason"}`, then closes with that code and reason.
    ///
    /// The connection is closed even when it did not take the message; the error says so.
    pub async fn send_error_to(
        &self,
        namespace: &(impl NameOf<Namespace> + ?Sized),
        id: &(impl NameOf<ConnectionId> + ?Sized),
        message: &str,
        disconnect: Disconnect,
    ) -> Result<(), SendToError> {
        self.send_to_then_close(
            namespace,
            id,
            Frame::error(message, &disconnect),
            disconnect,
        )
        .await
    }

    /// Sends one message, then closes.
    ///
    /// The connection is closed even when it did not take the message; the error says so.
    pub async fn send_to_then_close(
        &self,
        namespace: &(impl NameOf<Namespace> + ?Sized),
        id: &(impl NameOf<ConnectionId> + ?Sized),
        message: impl Into<Frame> + Send,
        disconnect: Disconnect,
    ) -> Result<(), SendToError> {
        let connection = self.get(namespace, id).ok_or(SendToError::Absent)?;
        Ok(connection.send_then_close(message, disconnect).await?)
    }

    /// Sends `value` as JSON, then closes. A value that is no JSON leaves the connection as it was.
    pub async fn send_json_to_then_close<T: Serialize + Sync + ?Sized>(
        &self,
        namespace: &(impl NameOf<Namespace> + ?Sized),
        id: &(impl NameOf<ConnectionId> + ?Sized),
        value: &T,
        disconnect: Disconnect,
    ) -> Result<(), SendToError> {
        self.send_to_then_close(namespace, id, Frame::json(value)?, disconnect)
            .await
    }

    /// Begins to close one connection. It stays in the pool until whoever put it there takes it out.
    pub fn close(
        &self,
        namespace: &(impl NameOf<Namespace> + ?Sized),
        id: &(impl NameOf<ConnectionId> + ?Sized),
        disconnect: Disconnect,
    ) -> Closing {
        match self.get(namespace, id) {
            None => Closing::Absent,
            Some(connection) if connection.close(disconnect) => Closing::Begun,
            Some(_) => Closing::Already,
        }
    }
}
