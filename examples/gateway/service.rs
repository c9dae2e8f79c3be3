//! The README's `WebSocketService`, as far as it concerns one node.
//!
//! | README | here |
//! |---|---|
//! | `handleConnection`, `handleDisconnect` | [`WebSocketService::handle_connection`], [`handle_disconnect`](WebSocketService::handle_disconnect) |
//! | `joinRoom`, `leaveRoom` | [`join_room`](WebSocketService::join_room), [`leave_room`](WebSocketService::leave_room) |
//! | `broadcastToRoom`, `sendToClient` | [`broadcast_to_room`](WebSocketService::broadcast_to_room), [`send_to_client`](WebSocketService::send_to_client) |
//! | `broadcast(event, data)` | `io.emit(event, &data)` |
//!
//! None of them waits: an event is queued for each client, and who reads too slowly costs only itself.

use serde::Serialize;
use switchboard::socketio::{FromEvent, HandlerError, Incoming, Io, Rejected, Socket};

/// A handle to the server, with the README's verbs. A parameter of handlers.
#[derive(Clone, Debug)]
pub(crate) struct WebSocketService {
    io: Io,
}

impl FromEvent for WebSocketService {
    fn from_event(event: &Incoming) -> Result<Self, Rejected> {
        Ok(Self {
            io: Io::from_event(event)?,
        })
    }
}

#[expect(
    clippy::unused_self,
    reason = "its verbs are called in one way, as in the README"
)]
impl WebSocketService {
    pub(crate) fn handle_connection(&self, client: &Socket) {
        tracing::info!(id = %client.id(), connections = self.io.clients(), "connected");
    }

    /// Its rooms it has left by itself, and empty rooms are gone.
    pub(crate) fn handle_disconnect(&self, client: &Socket) {
        tracing::info!(id = %client.id(), connections = self.io.clients(), "disconnected");
    }

    /// Fails with the README's text for whatever is neither `ROOM_FULL` nor `ROOM_CLOSED`.
    pub(crate) fn join_room(&self, client: &Socket, room: &str) -> Result<(), HandlerError> {
        client.join(room).map_err(|error| {
            tracing::debug!(id = %client.id(), code = error.code(), %error, "not joined");
            HandlerError::new("Failed to join room")
        })
    }

    pub(crate) fn leave_room(&self, client: &Socket, room: &str) {
        client.leave(room);
    }

    pub(crate) fn broadcast_to_room(
        &self,
        room: &str,
        event: &str,
        data: &impl Serialize,
    ) -> Result<(), HandlerError> {
        let report = self.io.to(room).emit(event, data)?;
        if !report.is_complete() {
            tracing::debug!(room, event, ?report, "not all were reached");
        }
        Ok(())
    }

    /// To one client, on whatever node it is; one that is not there is no failure.
    pub(crate) fn send_to_client(
        &self,
        client_id: &str,
        event: &str,
        data: &impl Serialize,
    ) -> Result<(), HandlerError> {
        // Each socket is in the room that its id names.
        self.io.to(client_id).emit(event, data)?;
        Ok(())
    }
}
