//! A Socket.IO client in memory, for tests of your own server.
//!
//! A test of a server needs clients, and clients over a network make tests slow and flaky. Here the
//! network is a pipe in memory: the HTTP request, the upgrade, the WebSocket, Engine.IO and Socket.IO are
//! all real, but nothing leaves the process and nothing waits for a clock. With paused tokio time
//! (`tokio` with its feature `test-util`) a heartbeat of 25 seconds takes microseconds.
//!
//! ```
//! use switchboard_server::{Ack, Io, IoConfig, Socket, extract::Data};
//! use switchboard_testkit::TestClient;
//!
//! #[tokio::test(start_paused = true)]
//! # async fn in_the_docs() {}
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! async fn main() {
//!     let io = Io::new(IoConfig::default()).unwrap();
//!     io.on("join", async |socket: Socket, Data(room): Data<String>, ack: Ack| {
//!         socket.join(&*room)?;
//!         socket.to(&*room).emit("joined", &socket.id())?;
//!         Ok::<_, switchboard_server::HandlerError>(ack.send(&"ok")?)
//!     });
//!
//!     let (ann, bob) = (TestClient::connect(&io).await, TestClient::connect(&io).await);
//!     assert_eq!(ann.emit_with_ack::<String>("join", "lobby").await, "ok");
//!     assert_eq!(bob.emit_with_ack::<String>("join", "lobby").await, "ok");
//!     assert_eq!(ann.expect_as::<String>("joined").await, bob.id());
//! }
//! ```
//!
//! Each `expect…` waits a while (5 s of tokio's time, see [`ClientBuilder::deadline`]) and panics with what
//! came instead. A client answers heartbeats by itself and reconnects only when told to.
//!
//! A [`Cluster`] is several servers, joined by a bus that can be cut, delayed and stopped.
//!
//! Start at [`TestClient`]; [`RawClient`] sends whatever you like, for tests of what a bad client does.

mod builder;
mod client;
mod cluster;
mod connection;
mod engine;
mod expect;
mod polling;
mod raw;
mod reason;
mod received;
mod seat;
mod websocket;

pub use builder::{ClientBuilder, ConnectFailure};
pub use client::TestClient;
pub use cluster::{Cluster, ClusterBuilder};
pub use raw::RawClient;
pub use reason::Reason;
pub use received::Received;
#[doc(no_inline)]
pub use switchboard_adapter::{Cluster as Bus, ClusterConfig};
