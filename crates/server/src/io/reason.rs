//! Why a socket left its namespace, in Socket.IO's words.

use std::fmt;

use switchboard_connection::{Closed, Disconnect, Initiator};

/// Why a socket is no longer connected; [`as_str`](Self::as_str) gives Node's text.
///
/// What the client sees is its own matter: most of these reach it as `transport close`, after which it
/// reconnects by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The client left this namespace: `socket.disconnect()` there.
    ClientNamespaceDisconnect,
    /// [`Socket::disconnect`](crate::Socket::disconnect) was called here. The client does not come back by
    /// itself.
    ServerNamespaceDisconnect,
    /// The server goes away: [`Io::close`](crate::Io::close) or a drain. The client reconnects.
    ServerShuttingDown,
    /// The client closed the transport, or it ended.
    TransportClose,
    /// The transport failed, or the client sent more at once than is allowed.
    TransportError,
    /// The client answered no heartbeat.
    PingTimeout,
    /// The client broke the Engine.IO protocol.
    ParseError,
    /// The client broke the Socket.IO protocol.
    ForcedClose,
    /// The server closed the transport: it took no more bytes, was too fast, or joined nothing in time.
    ForcedServerClose,
}

impl DisconnectReason {
    /// The text that Socket.IO's `disconnect` event carries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientNamespaceDisconnect => "client namespace disconnect",
            Self::ServerNamespaceDisconnect => "server namespace disconnect",
            Self::ServerShuttingDown => "server shutting down",
            Self::TransportClose => "transport close",
            Self::TransportError => "transport error",
            Self::PingTimeout => "ping timeout",
            Self::ParseError => "parse error",
            Self::ForcedClose => "forced close",
            Self::ForcedServerClose => "forced server close",
        }
    }

    /// Whether a session that ended so may be continued (connection state recovery).
    pub fn is_recoverable(self) -> bool {
        matches!(
            self,
            Self::TransportClose
                | Self::TransportError
                | Self::PingTimeout
                | Self::ForcedClose
                | Self::ForcedServerClose
                | Self::ServerShuttingDown
        )
    }

    /// Whether the client ended it, or broke the transport: it will not ask again how the session ended.
    pub(crate) fn is_of_the_client(self) -> bool {
        matches!(
            self,
            Self::TransportClose | Self::TransportError | Self::PingTimeout | Self::ParseError
        )
    }

    /// How a WebSocket is closed for this reason.
    pub(crate) fn disconnect(self) -> Disconnect {
        match self {
            Self::ServerShuttingDown => Disconnect::GOING_AWAY,
            Self::ParseError | Self::ForcedClose => Disconnect::new(1008, "BAD_PACKET"),
            Self::PingTimeout => Disconnect::TIMED_OUT,
            Self::ForcedServerClose => Disconnect::POLICY,
            _ => Disconnect::NORMAL,
        }
    }

    /// What a close asked for from outside, for example by a drain, means here.
    pub(crate) fn of_close(disconnect: &Disconnect) -> Self {
        if disconnect.code() == Disconnect::GOING_AWAY.code() {
            Self::ServerShuttingDown
        } else {
            Self::ForcedServerClose
        }
    }

    /// What the end of a WebSocket means here.
    pub(crate) fn of_closed(closed: &Closed) -> Self {
        match closed.by {
            Initiator::Local if closed.disconnect == Disconnect::TIMED_OUT => Self::PingTimeout,
            Initiator::Local if closed.disconnect == Disconnect::GOING_AWAY => {
                Self::ServerShuttingDown
            }
            Initiator::Local if closed.disconnect == Disconnect::SLOW_CONSUMER => {
                Self::ForcedServerClose
            }
            Initiator::Local => Self::TransportError,
            _ => Self::TransportClose,
        }
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
