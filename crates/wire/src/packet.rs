//! What a Socket.IO message says, once it is decoded.

use crate::{Args, EventName, Name, Value};

/// One Socket.IO packet, with its attachments in place.
#[derive(Clone, Debug, PartialEq)]
pub struct Packet {
    /// The namespace it belongs to.
    pub namespace: Name,
    /// What it says there.
    pub body: Body,
}

/// What a [`Packet`] says to its namespace.
///
/// The digits are those of the JSON parser; a binary event (`5`) or ack (`6`) is an [`Event`] or
/// [`Body::Ack`] whose arguments hold bytes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Body {
    /// `0`: a client asks to join, with or without `auth`; or a server's consent, `{"sid":…}`. The one
    /// argument is an object.
    Connect(Option<Args>),
    /// `1`: either side leaves.
    Disconnect,
    /// `2` or `5`: an event.
    Event(Event),
    /// `3` or `6`: the answer to the event that carried `id`.
    Ack {
        /// The number that the event came with.
        id: u64,
        /// The answer.
        args: Args,
    },
    /// `4`: a server refuses to let a client join. Only [`Decoder::client`](crate::Decoder::client)
    /// accepts it.
    ConnectError(ConnectError),
}

/// An event: a name and arguments, and a number if the sender waits for an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What the ack has to carry, if one is wanted.
    ///
    /// A number that does not fit is like none: no peer counts that far, and nobody could be answered.
    pub id: Option<u64>,
    /// What it is called.
    pub name: EventName,
    /// What it carries.
    pub args: Args,
}

/// Why a server did not let a client join a namespace.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectError {
    /// For people.
    pub message: String,
    /// For programs, when the server's middleware gave any.
    pub data: Option<Value>,
}
