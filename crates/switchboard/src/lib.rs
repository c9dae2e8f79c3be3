//! Holds WebSocket connections, addresses them by namespace, room and user, and lets them go gently.
//!
//! This crate is the front door: it re-exports the layers, each of which is a crate of its own that can
//! be used without those above it.
//!
//! | module | crate | is |
//! |---|---|---|
//! | [`connection`] | `switchboard-connection` | one peer: bounded outbox, heartbeats, graceful close |
//! | [`pool`] | `switchboard-pool` | connections by namespace and room: send, broadcast, drain |
//! | [`server`] | `switchboard-server` | the listener: admission, limits, TLS, shutdown |
//! | [`adapter`] | `switchboard-adapter` | the way to other nodes: implement it for your own bus |
//! | [`events`] | `switchboard-events` | a Rust type per Socket.IO event, also in TypeScript |
//!
//! A chat in a few lines:
//!
//! ```no_run
//! use switchboard::prelude::*;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = Listener::bind("127.0.0.1:8080", ListenerConfig::default()).await?;
//! let pool = listener.pool().clone();
//! let server = listener.serve(move |mut socket| {
//!     let pool = pool.clone();
//!     async move {
//!         let namespace = socket.address().namespace.clone();
//!         while let Some(event) = socket.next().await {
//!             if let Event::Text(text) = event {
//!                 pool.namespace(&namespace).send(text);
//!             }
//!         }
//!     }
//! })?;
//!
//! tokio::signal::ctrl_c().await?;
//! server.shutdown(Drain::per_second(100)).await?;
//! # Ok(())
//! # }
//! ```

pub use switchboard_adapter as adapter;
pub use switchboard_connection as connection;
pub use switchboard_pool as pool;
pub use switchboard_server as server;

/// A Rust type per Socket.IO event: `switchboard-events`, with a derive that finds it here.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use switchboard::events::Event;
///
/// #[derive(Serialize, Deserialize, Event)]
/// struct UserJoined {
///     room: String,
/// }
///
/// assert_eq!(UserJoined::NAME, "user-joined");
/// ```
pub mod events {
    pub use switchboard_events::*;

    #[doc(inline)]
    pub use switchboard_events::__private::FacadeEvent as Event;
}

/// A Socket.IO server: what programs name of it, extractors and values included.
pub mod socketio {
    #[doc(inline)]
    pub use switchboard_server::{
        Ack, AckError, Answers, Broadcast, DisconnectReason, DynamicNamespace, EmitError, Handler,
        HandlerError, Handlers, Handshake, Incoming, IncompleteAnswers, Io, IoBuilder, IoConfig,
        IoLayer, IoService, JoinError, Namespace, Parser, Peer, Recovery, RemoteSocket, RoomEvent,
        Rooms, ServerSideEvent, ServicePreset, Socket,
        extract::{AckWith, Auth, Data, FromEvent, Rejected, State, Typed},
    };
    #[doc(inline)]
    pub use switchboard_wire::{Args, EventName, Value};
}

/// Many nodes over Redis, together with Node's (`@socket.io/redis-adapter`): `switchboard-adapter-redis`.
///
/// ```no_run
/// use switchboard::{redis::{RedisAdapter, RedisConfig}, socketio::{Io, IoConfig}};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let adapter = RedisAdapter::new(RedisConfig::new("redis://127.0.0.1:6379"))?;
/// let io = Io::builder(IoConfig::default()).with_adapter(adapter).build()?;
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "redis")]
pub mod redis {
    pub use switchboard_adapter_redis::*;
}

/// What most programs name.
pub mod prelude {
    pub use switchboard_connection::{
        Address, AnyConnection, Closed, Connection, ConnectionConfig, ConnectionExt, ConnectionId,
        Delivery, Disconnect, Endpoint, Event, Frame, Namespace, NodeId, Rate, Room, SendError,
        Sent, SlowConsumer, WebSocket,
    };
    pub use switchboard_pool::{
        Drain, DrainProgress, DrainReport, Draining, OnDuplicate, Pool, PoolConfig, Report,
    };
    pub use switchboard_server::{
        Admission, Listener, ListenerConfig, Refusal, Server, UpgradeRequest,
    };
}

/// The README's program, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
