//! The WebSocket implementation of [`Connection`](crate::Connection), accepted or dialled.
//!
//! In: [`socket`] reads when the transport is readable and hands the bytes to [`decoder`], a sans-IO
//! state machine. Out: [`handle`] queues into the connection's outbox, [`write`] empties it. [`endpoint`]
//! holds what the connections of one node share, [`keeper`] is their clock.

mod decoder;
mod dial;
mod endpoint;
mod event;
mod flusher;
mod handle;
mod handshake;
mod keeper;
mod lifecycle;
mod link;
mod pulse;
mod socket;
#[cfg(feature = "hyper")]
mod upgraded;
mod utf8;
mod write;

#[doc(hidden)]
pub use decoder::fuzz_decoder;
pub use dial::{DialError, Dialer};
pub use endpoint::{Endpoint, Stats};
pub use event::{Event, WebSocketError};
pub use handle::WebSocketHandle;
pub use handshake::{AcceptError, Handshake};
pub use link::Transport;
pub use socket::WebSocket;
pub(crate) use write::{Gather, flush_all};
