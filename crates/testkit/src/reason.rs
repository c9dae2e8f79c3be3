//! Why a client is no longer connected, as the client sees it.

use std::fmt;

/// What `socket.io-client` would give to its `disconnect` event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The server took this client out of the namespace. A real client does not come back by itself.
    ServerDisconnect,
    /// The client has left: [`TestClient::leave`](crate::TestClient::leave).
    ClientDisconnect,
    /// The server closed the transport, or it ended.
    TransportClose,
    /// The transport failed, or an HTTP request was refused.
    TransportError,
    /// No heartbeat came from the server for too long.
    PingTimeout,
    /// The server sent something that is no packet.
    ParseError,
}

impl Reason {
    /// The text of `socket.io-client`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServerDisconnect => "io server disconnect",
            Self::ClientDisconnect => "io client disconnect",
            Self::TransportClose => "transport close",
            Self::TransportError => "transport error",
            Self::PingTimeout => "ping timeout",
            Self::ParseError => "parse error",
        }
    }

    /// Whether a real client would now reconnect by itself.
    pub fn reconnects(self) -> bool {
        !matches!(self, Self::ServerDisconnect | Self::ClientDisconnect)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
