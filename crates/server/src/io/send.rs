//! From an event's name and data to the frame that every recipient gets.

use switchboard_connection::{Frame, SendError};
use switchboard_wire::{EncodeError, Encoded};

/// Why an event was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// The data cannot be written, or the name is reserved; nothing was sent.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The socket is not connected, or no longer; the text is that of [`SendError::Closed`], whatever the
    /// transport was.
    #[error("{}", SendError::Closed)]
    Disconnected,
    /// The client did not make room for it in time, or may never get a message of this size.
    #[error(transparent)]
    Refused(SendError),
}

impl EmitError {
    /// The stable code for logs and clients.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Encode(_) => "CANNOT_ENCODE",
            Self::Disconnected => "CLOSED",
            Self::Refused(error) => error.code(),
        }
    }
}

impl From<SendError> for EmitError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Closed => Self::Disconnected,
            error => Self::Refused(error),
        }
    }
}

/// One frame of all messages that an encoded packet consists of: nothing may come between them.
pub(crate) fn frame(encoded: &Encoded) -> Frame {
    let text = encoded.text.as_ref().map(Frame::text);
    let binary = encoded.binary.iter().map(Frame::binary);
    // A packet has a text or, in msgpack, a binary message.
    Frame::batch(text.into_iter().chain(binary)).unwrap_or_else(|| Frame::text(""))
}
