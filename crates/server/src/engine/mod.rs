//! Engine.IO 4: sessions over polling and WebSockets, and the way from one to the other.

mod body;
mod clock;
mod driver;
mod entry;
pub(crate) mod polling;
mod probe;
mod requests;
mod seat;
pub(crate) mod session;

pub use requests::Peer;
