//! The seam between nodes.
//!
//! A server delivers to its own sockets by itself. What concerns the sockets of other nodes, it hands to
//! its [`Adapter`]: a broadcast to publish, a question to ask, rooms to join. So the path to local sockets
//! is the same with and without a cluster, and never waits for one.
//!
//! In the other direction an adapter calls back through [`LocalDelivery`], which the server implements:
//! what another node has published is delivered to this node's sockets, its questions are answered.
//!
//! [`LocalAdapter`] is the adapter of a node that is alone: there is nobody to tell, and every answer is
//! complete. It is the default.
//!
//! ```
//! use switchboard_adapter::{Adapter, LocalAdapter, Target};
//! use switchboard_connection::Namespace;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let alone = LocalAdapter::default();
//! let others = alone.sockets(&Namespace::from_static("/"), &Target::default()).await;
//! assert!(others.value.is_empty() && others.is_complete());
//! # }
//! ```

mod adapter;
mod answer;
#[cfg(feature = "cluster")]
mod cluster;
#[cfg(feature = "conformance")]
pub mod conformance;
mod delivery;
mod local;
mod publication;
mod session;
mod status;

pub use adapter::{Adapter, AdapterError, MAX_NOTICE};
pub use answer::{Answer, Incomplete, SocketDetails};
#[cfg(feature = "cluster")]
pub use cluster::{Cluster, ClusterConfig, ClusterNode, ClusterStats};
pub use delivery::{Arrival, Asked, LocalDelivery};
pub use local::LocalAdapter;
pub use publication::{Publication, Target};
pub use session::{Missed, Restored, SavedSession};
pub use status::{BusStatus, Capabilities, Change};
