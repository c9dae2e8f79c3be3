//! The emitter: a process that publishes to the nodes of the classic adapter without having sockets.
//!
//! Wire format: `@socket.io/redis-emitter` 5.1.0 (`dist/index.js`), on the classic adapter's
//! [`Channels`](super::classic::Channels). It knows neither answers nor acks.
//!
//! The fields of its messages are in its order, which is not that of a node.
//!
//! ```
//! use switchboard_wire::cluster::{To, emitter};
//!
//! let rooms = ["room1".to_owned()];
//! let request = emitter::join(&To::new(&rooms, &[]), &["r7"])?;
//! assert_eq!(request, br#"{"type":2,"opts":{"rooms":["room1"],"except":[]},"rooms":["r7"]}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::{
    EMITTER,
    classic::{Ask, kind, write_broadcast},
    data::Call,
    error::PublishError,
    options::{Order, To},
};
use crate::{Args, Encoded};

/// An event, for [`Channels::of_rooms`](super::classic::Channels::of_rooms).
///
/// With [`Parser::Msgpack`](crate::Parser::Msgpack) the packet may hold any number of binary values.
pub fn broadcast(namespace: &str, packet: &Encoded, to: &To<'_>) -> Result<Vec<u8>, PublishError> {
    write_broadcast(EMITTER, namespace, packet, to, Order::Emitter)
}

/// Puts sockets into `rooms`; a [`Request`](super::classic::Request) like the ones below.
pub fn join<R: AsRef<str>>(to: &To<'_>, rooms: &[R]) -> Result<Vec<u8>, PublishError> {
    Ask::of(kind::JOIN).to(to).rooms(rooms).write()
}

/// Takes sockets out of `rooms`.
pub fn leave<R: AsRef<str>>(to: &To<'_>, rooms: &[R]) -> Result<Vec<u8>, PublishError> {
    Ask::of(kind::LEAVE).to(to).rooms(rooms).write()
}

/// Disconnects sockets, with `close` from everything.
pub fn disconnect(to: &To<'_>, close: bool) -> Result<Vec<u8>, PublishError> {
    let mut ask = Ask::of(kind::DISCONNECT).to(to);
    ask.close = Some(close);
    ask.write()
}

/// Tells the servers something.
pub fn server_side_emit(event: &str, args: &Args) -> Result<Vec<u8>, PublishError> {
    let mut ask = Ask::of(kind::SERVER_SIDE_EMIT);
    ask.uid = Some(EMITTER);
    ask.data = Some(Call(event, args));
    ask.write()
}
