//! The two ways to a person: a plain WebSocket, or a socket of Socket.IO.

use serde::Serialize;
use switchboard::{events::Event, prelude::*, socketio::Socket};

use crate::{
    chat::WELCOMED,
    fate::Fate,
    rules::{Code, Name},
};

#[derive(Clone, Debug)]
pub(crate) enum Way {
    Plain(Pool, AnyConnection),
    SocketIo(Socket),
}

impl Way {
    /// Whether a client of Socket.IO continues an earlier session: it is in its rooms already, and what it
    /// missed is on its way.
    pub(crate) fn is_recovered(&self) -> bool {
        matches!(self, Self::SocketIo(socket) if socket.is_recovered())
    }

    /// The rooms it is in that people can name.
    pub(crate) fn rooms(&self) -> Vec<Room> {
        let (mut rooms, own) = match self {
            Self::Plain(pool, connection) => (pool.rooms_of(connection), None),
            Self::SocketIo(socket) => (socket.rooms(), Some(socket.id().as_str())),
        };
        rooms.retain(|room| room.as_str() != WELCOMED && Some(room.as_str()) != own);
        rooms
    }

    /// Joins a room. The limit is the library's, which counts and joins in one step.
    pub(crate) fn join(&self, room: &Room) -> Result<(), Code> {
        match self {
            Self::Plain(pool, connection) => pool.join(connection, room).map(drop).ok(),
            Self::SocketIo(socket) => socket.join(room).ok(),
        }
        .ok_or(Code::TooManyRooms)
    }

    pub(crate) fn leave(&self, room: &Room) {
        match self {
            Self::Plain(pool, connection) => drop(pool.leave(connection, room)),
            Self::SocketIo(socket) => drop(socket.leave(room)),
        }
    }

    /// Out of all rooms, before its end is known to everybody.
    pub(crate) fn leave_all(&self) {
        if let Self::Plain(pool, connection) = self {
            pool.leave_all(connection);
        }
        // Socket.IO's has left its rooms before its disconnect handler is called.
    }

    /// What is to be known of it when it comes back.
    pub(crate) fn remember(&self, name: &Name) {
        if let Self::SocketIo(socket) = self {
            socket.set_data(name.as_str());
        }
    }

    /// Sends a message, and never waits.
    pub(crate) fn tell<E: Event>(&self, message: &E) -> Fate {
        match self {
            Self::Plain(_, connection) => connection
                .try_send(&plain(message), Delivery::Policy)
                .into(),
            Self::SocketIo(socket) => socket.try_emit_event(message).into(),
        }
    }

    /// Ends it in favour of another of the same person; it does not come back by itself.
    pub(crate) fn replace(&self) {
        match self {
            Self::Plain(_, connection) => drop(connection.close(Disconnect::REPLACED)),
            Self::SocketIo(socket) => drop(socket.disconnect(true)),
        }
    }
}

/// A message as plain WebSockets carry it. Encoded once, however many it is for.
pub(crate) fn plain<E: Event>(message: &E) -> Frame {
    #[derive(Serialize)]
    struct Typed<'a, E> {
        #[serde(rename = "type")]
        name: &'static str,
        #[serde(flatten)]
        message: &'a E,
    }
    let name = E::NAME;
    Frame::json(&Typed { name, message }).expect("texts and numbers are JSON")
}
