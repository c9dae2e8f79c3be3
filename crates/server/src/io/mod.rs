//! Socket.IO 5: namespaces, sockets, events, rooms, answers.

pub(crate) mod ack;
pub(crate) mod adapter;
pub(crate) mod admit;
pub(crate) mod core;
pub(crate) mod dynamic;
pub(crate) mod emit;
pub(crate) mod handler;
pub(crate) mod handlers;
pub(crate) mod handshake;
pub(crate) mod incoming;
#[expect(clippy::module_inception, reason = "the type is called Io")]
pub(crate) mod io;
mod js_date;
pub(crate) mod namespace;
pub(crate) mod operators;
pub(crate) mod reason;
pub(crate) mod recovery;
pub(crate) mod remote;
pub(crate) mod rooms;
pub(crate) mod send;
pub(crate) mod server_side;
pub(crate) mod socket;
pub(crate) mod typed;
