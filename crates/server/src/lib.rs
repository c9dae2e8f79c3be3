//! Accepts WebSockets: on a path or by a hook, on plain TCP or TLS, with limits that are on by default.
//!
//! ```no_run
//! use switchboard_connection::{ConnectionExt, Event};
//! use switchboard_pool::Drain;
//! use switchboard_server::{Listener, ListenerConfig};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = Listener::bind("127.0.0.1:8080", ListenerConfig::default()).await?;
//! let pool = listener.pool().clone();
//! let server = listener.serve(move |mut socket| {
//!     let pool = pool.clone();
//!     async move {
//!         while let Some(event) = socket.next().await {
//!             if let Event::Text(text) = event {
//!                 pool.namespace("default").send(text);
//!             }
//!         }
//!     }
//! })?;
//! // … until the process is told to go:
//! server.shutdown(Drain::per_second(100)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What a client sees
//!
//! | status | code | when |
//! |---|---|---|
//! | 101 | | accepted |
//! | 400 | `INVALID_HANDSHAKE`, `INVALID_NAMESPACE` | the request breaks RFC 6455 or names no namespace |
//! | 403 | `FOREIGN_ORIGIN` | a page of another origin |
//! | 404 | `NOT_FOUND` | another path |
//! | 409 | `DUPLICATE_ID` | the id is taken, and the pool does not replace |
//! | 426 | `UPGRADE_REQUIRED`, `WEBSOCKET_VERSION` | no upgrade asked for, or not version 13 |
//! | 429 | `TOO_MANY_CONNECTIONS` | too many from one address |
//! | 431 | | head too large or too many headers |
//! | 503 | `DRAINING`, `TOO_MANY_CONNECTIONS`, `RATE_LIMITED`, `TIMED_OUT` (the hook) | come back after `Retry-After` |
//! | closed | | nothing or not enough came within the handshake time |

mod admit;
mod client_address;
mod config;
mod engine;
pub mod extract;
mod gate;
mod health;
mod http;
mod io;
mod listener;
mod metrics;
mod options;
mod origin;
mod server;
mod service;
mod session;
mod tower;
mod trace;

pub use admit::{Admission, Admit, AdmitByPath, Refusal, UpgradeRequest};
pub use config::ListenerConfig;
pub use engine::Peer;
pub use health::Usage;
#[doc(hidden)]
pub use http::fuzz_request;
pub use io::{
    ack::{AckError, Answers, IncompleteAnswers},
    adapter::AdapterView,
    admit::AdmitClient,
    dynamic::NamespaceMatcher,
    emit::Timed,
    handler::{Handler, HandlerError, Outcome},
    handlers::Handlers,
    handshake::Handshake,
    incoming::{Ack, Incoming, What},
    io::{Io, IoBuilder},
    namespace::{DynamicNamespace, Namespace},
    operators::{Broadcast, SentEach, TimedBroadcast},
    reason::DisconnectReason,
    remote::RemoteSocket,
    rooms::{RoomEvent, Rooms},
    send::EmitError,
    server_side::ServerSideEvent,
    socket::{JoinError, Socket},
};
pub use listener::{BindError, Listener};
pub use options::*;
pub use server::{Server, ServerStats};
pub use service::Body;
pub use tower::{IoLayer, IoLayered, IoService};
