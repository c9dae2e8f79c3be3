//! One WebSocket peer: addressed, bounded, closed gently.
//!
//! A server that writes to whoever connects needs more than a socket. One peer that reads slowly must
//! not hold memory without a bound, nor slow the others down; one that vanished must be noticed; a
//! message for thousands must be encoded once. This crate is that layer, for one connection: the
//! [`Connection`] trait, and its implementation over WebSockets, accepted or dialled. Pools, rooms and
//! nodes are built on top of it, in crates of their own.
//!
//! ```
//! use switchboard_connection::{
//!     Address, ConnectionConfig, ConnectionExt, ConnectionId, Disconnect, Endpoint, Event, Namespace,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let endpoint = Endpoint::new(ConnectionConfig::default())?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let url = format!("ws://{}/", listener.local_addr()?);
//!
//! let server = endpoint.clone();
//! tokio::spawn(async move {
//!     let (tcp, _) = listener.accept().await?;
//!     let address = Address::new(ConnectionId::from_static("1"), Namespace::from_static("default"));
//!     let mut socket = server.handshake(tcp).await?.accept(address).await?;
//!     while let Some(event) = socket.next().await {
//!         if let Event::Text(text) = event {
//!             socket.send_then_close(text, Disconnect::new(1000, "bye")).await?;
//!         }
//!     }
//!     Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
//! });
//!
//! let mut client = endpoint.dial(url).connect().await?;
//! client.send("Hello world!").await?;
//! assert!(matches!(client.next().await, Some(Event::Text(text)) if text == "Hello world!"));
//! assert!(matches!(client.next().await, Some(Event::Close(closed)) if closed.disconnect.reason() == "bye"));
//! # Ok(())
//! # }
//! ```
//!
//! # What it promises
//!
//! - Messages from one task reach the peer in the order they were accepted. What was accepted is
//!   written before a close, within a grace.
//! - A peer costs at most its outbox bound and one message in the making. A full outbox has a named
//!   policy, and every dropped message is counted.
//! - Any byte that arrives counts as life. A peer that gives no sign is gone after one ping interval and
//!   one timeout; not while we are the ones who do not read.
//! - Bytes from a peer never panic; what breaks RFC 6455 or a limit gets its close code.

pub mod address;
mod config;
mod connection;
mod cork;
mod disconnect;
mod frame;
mod mask;
mod metadata;
#[doc(hidden)]
pub mod millis;
mod outbox;
mod rate;
mod run;
mod websocket;

pub use address::{
    Address, ConnectionId, NameError, Namespace, NodeId, RemoteConnection, Room, UserId,
};
pub use config::{ConfigError, ConnectionConfig, OnRateLimit, Rate, SlowConsumer};
pub use connection::{
    AnyConnection, Connection, ConnectionExt, Delivery, SEND_DEADLINE, SendError, SendJsonError,
    Sent,
};
pub use cork::{Cork, Corked};
pub use disconnect::{Closed, Disconnect, Initiator, MAX_REASON_LEN};
pub use frame::{EncodeError, Frame, FrameKind};
pub use metadata::Metadata;
pub use rate::TokenBucket;
#[doc(hidden)]
pub use websocket::fuzz_decoder;
pub use websocket::{
    AcceptError, DialError, Dialer, Endpoint, Event, Handshake, Stats, Transport, WebSocket,
    WebSocketError, WebSocketHandle,
};
