//! Small parts of the settings.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A transport of Engine.IO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum EngineTransport {
    /// HTTP long polling.
    Polling,
    /// A WebSocket.
    Websocket,
}

impl EngineTransport {
    /// The name that stands in a query string.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::Websocket => "websocket",
        }
    }
}

/// When answers to polls are compressed, for clients that take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct HttpCompression {
    /// The smallest body in bytes that is compressed. Default: 1,024.
    pub threshold: usize,
}

impl HttpCompression {
    /// Compresses bodies of `threshold` bytes and more.
    pub const fn new(threshold: usize) -> Self {
        Self { threshold }
    }
}

impl Default for HttpCompression {
    fn default() -> Self {
        Self::new(1_024)
    }
}

/// How long a client that lost its connection finds its state again, and what may be kept for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Recovery {
    /// How long a client may be away. Default: 2 min.
    #[serde(with = "switchboard_connection::millis")]
    pub max_disconnection_duration: Duration,
    /// Whether a recovered socket passes by the middlewares. Default: yes.
    pub skip_middlewares: bool,
    /// Most packets of one namespace that are kept; beyond it the oldest go, and who needed them
    /// starts afresh. Default: 10,000.
    pub max_buffered_packets: usize,
    /// Most bytes of one namespace that are kept, in the same way. Default: 16 MiB.
    pub max_buffered_bytes: usize,
    /// Most clients, in all namespaces together, that are away and may come back; beyond it those of a
    /// namespace that have been away longest start afresh. Default: 50,000.
    pub max_sessions: usize,
}

impl Default for Recovery {
    fn default() -> Self {
        Self {
            max_disconnection_duration: Duration::from_mins(2),
            skip_middlewares: true,
            max_buffered_packets: 10_000,
            max_buffered_bytes: 16 * 1024 * 1024,
            max_sessions: 50_000,
        }
    }
}

impl Recovery {
    /// Sets [`max_disconnection_duration`](Self::max_disconnection_duration).
    pub fn with_max_disconnection_duration(mut self, time: Duration) -> Self {
        self.max_disconnection_duration = time;
        self
    }

    /// Sets [`skip_middlewares`](Self::skip_middlewares).
    pub fn with_skip_middlewares(mut self, skip: bool) -> Self {
        self.skip_middlewares = skip;
        self
    }

    /// Sets [`max_buffered_packets`](Self::max_buffered_packets).
    pub fn with_max_buffered_packets(mut self, packets: usize) -> Self {
        self.max_buffered_packets = packets;
        self
    }

    /// Sets [`max_buffered_bytes`](Self::max_buffered_bytes).
    pub fn with_max_buffered_bytes(mut self, bytes: usize) -> Self {
        self.max_buffered_bytes = bytes;
        self
    }

    /// Sets [`max_sessions`](Self::max_sessions).
    pub fn with_max_sessions(mut self, sessions: usize) -> Self {
        self.max_sessions = sessions;
        self
    }
}

/// Bounds of the events of one socket that wait for its handler. At a bound we stop reading; an event
/// that finds the queue empty is always taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct HandlerQueue {
    /// Most events. Default: 1,024.
    pub messages: usize,
    /// Most bytes. Default: 1 MiB.
    pub bytes: usize,
    /// Most bytes while the handler waits for an acknowledgement of this same client: reading goes on
    /// until here, then the acknowledgement fails. At least `bytes`. Default: 4 MiB.
    pub bytes_while_asking: usize,
}

impl HandlerQueue {
    /// Bounds in events and bytes, with four times the bytes while a handler asks its client.
    pub const fn new(messages: usize, bytes: usize) -> Self {
        Self {
            messages,
            bytes,
            bytes_while_asking: bytes.saturating_mul(4),
        }
    }

    /// Sets [`bytes_while_asking`](Self::bytes_while_asking).
    pub const fn with_bytes_while_asking(mut self, bytes: usize) -> Self {
        self.bytes_while_asking = bytes;
        self
    }
}

impl Default for HandlerQueue {
    fn default() -> Self {
        Self::new(1_024, 1024 * 1024)
    }
}
