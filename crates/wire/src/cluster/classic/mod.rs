//! The classic Redis adapter: `PUBLISH` to everybody, requests and answers beside.
//!
//! Wire format: `@socket.io/redis-adapter` 8.3.0 (`dist/index.js`), `notepack.io` 3.0.1. Each namespace of
//! each process is a node of its own, which a `uid` names.
//!
//! - An event is msgpack, `[uid, packet, options]`: [`Writer::broadcast`], [`Broadcast::decode`].
//! - A [`Request`] is JSON, or msgpack where it carries a packet or bytes; so is an answer. Each may come
//!   in either.
//!
//! A message that Node cannot decode ends its process, so nothing else may be published under the
//! channels of [`Channels`]: what is written here, Node decodes.

mod broadcast;
mod channels;
mod request;
mod response;
mod writer;

pub use broadcast::Broadcast;
pub use channels::{Channel, Channels};
pub use request::{Request, RequestBody, Whom};
pub use response::{RawResponse, Response};
pub use writer::Writer;

pub(super) use broadcast::write_broadcast;
pub(super) use writer::Ask;

/// Request and response types (`RequestType`).
pub(super) mod kind {
    pub(in super::super) const SOCKETS: u8 = 0;
    pub(in super::super) const ALL_ROOMS: u8 = 1;
    pub(in super::super) const JOIN: u8 = 2;
    pub(in super::super) const LEAVE: u8 = 3;
    pub(in super::super) const DISCONNECT: u8 = 4;
    pub(in super::super) const FETCH: u8 = 5;
    pub(in super::super) const SERVER_SIDE_EMIT: u8 = 6;
    pub(in super::super) const BROADCAST: u8 = 7;
    pub(in super::super) const CLIENT_COUNT: u8 = 8;
    pub(in super::super) const ACK: u8 = 9;
}
