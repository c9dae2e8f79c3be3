//! What a connection tells its handler.

use std::{io, sync::Arc};

use bytes::Bytes;

use crate::disconnect::{Closed, Disconnect};

/// Something that happened on a connection, in the order it happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Bytes),
    /// The peer asked whether we are alive; the answer is already on its way.
    Ping(Bytes),
    /// The peer answered a ping, or sent a pong unasked.
    Pong(Bytes),
    /// Something went wrong. A [`Close`](Self::Close) follows.
    Error(WebSocketError),
    /// The connection ended. Always the last event, exactly once.
    Close(Closed),
}

/// What went wrong on a connection; it ends.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebSocketError {
    /// The peer broke RFC 6455. It is told 1002.
    #[error("protocol violated: {0}")]
    Protocol(&'static str),
    /// A text is not UTF-8. The peer is told 1007.
    #[error("text is not UTF-8")]
    NotUtf8,
    /// A message or frame is larger than allowed. The peer is told 1009, before it is read.
    #[error("message is larger than {limit} bytes")]
    TooLarge {
        /// The limit that it broke.
        limit: usize,
    },
    /// A message has more fragments than allowed. The peer is told 1008.
    #[error("message has more than {limit} fragments")]
    TooManyFragments {
        /// The limit that it broke.
        limit: usize,
    },
    /// The peer sends faster than allowed, and the configuration says to close. It is told 1008.
    #[error("peer sends faster than allowed")]
    RateLimited,
    /// The transport failed.
    #[error("transport failed")]
    Io(#[source] Arc<io::Error>),
}

impl WebSocketError {
    /// What the peer is told.
    pub fn disconnect(&self) -> Disconnect {
        match self {
            Self::Protocol(what) => Disconnect::new(1002, *what),
            Self::NotUtf8 => Disconnect::new(1007, "NOT_UTF8"),
            Self::TooLarge { .. } => Disconnect::new(1009, "TOO_LARGE"),
            Self::TooManyFragments { .. } => Disconnect::new(1008, "TOO_MANY_FRAGMENTS"),
            Self::RateLimited => Disconnect::RATE_LIMITED,
            Self::Io(_) => Disconnect::ABNORMAL,
        }
    }
}
