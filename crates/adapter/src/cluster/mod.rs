//! Several nodes in one process, and faults to order.
//!
//! A test of what a cluster does needs nodes that can be parted, delayed, paused and killed, the same way each
//! time. Here the bus is a table in memory: each ordered pair of nodes has a link, a bounded queue with a
//! pace of its own. All time is tokio's, so that with paused time nothing waits; all chance comes from one
//! seed, so that on a runtime with one thread a run can be repeated.
//!
//! ```
//! use switchboard_adapter::{Cluster, ClusterConfig};
//! use std::time::Duration;
//!
//! let cluster = Cluster::new(
//!     ClusterConfig::default()
//!         .with_seed(7)
//!         .with_delay(Duration::ZERO..Duration::from_millis(20))
//!         .with_duplication(0.1),
//! );
//! let (a, b) = (cluster.node(), cluster.node());
//! # drop((a, b));
//! ```
//!
//! Start at [`Cluster`]; `link.rs` is the way from one node to another, `node.rs` what a node does.

mod config;
mod hub;
mod link;
mod log;
mod message;
mod node;
mod question;
mod table;

use std::sync::Arc;

use switchboard_connection::NodeId;

pub use config::{ClusterConfig, ClusterStats};
pub use node::ClusterNode;

use hub::Hub;

/// The bus that joins the nodes of one process. Cheap to clone; all clones are the same.
///
/// Faults hold from the call on, for what is under way too, until they are taken back. Nodes are named by the
/// ids they were attached with; an id that is not there is ignored.
#[derive(Clone, Debug)]
pub struct Cluster(Arc<Hub>);

impl Default for Cluster {
    fn default() -> Self {
        Self::new(ClusterConfig::default())
    }
}

impl Cluster {
    /// A bus without nodes.
    pub fn new(config: ClusterConfig) -> Self {
        Self(Arc::new(Hub::new(config)))
    }

    /// An adapter for one more node, which is there once it is attached.
    pub fn node(&self) -> ClusterNode {
        ClusterNode::new(Arc::clone(&self.0))
    }

    /// The nodes that are there, in the order they came.
    pub fn nodes(&self) -> Vec<NodeId> {
        self.0.ids()
    }

    /// What goes between these two is lost.
    pub fn partition(&self, a: &NodeId, b: &NodeId) {
        self.0.order(|table| table.cut(a, b));
    }

    /// What goes between these two arrives again.
    pub fn heal(&self, a: &NodeId, b: &NodeId) {
        self.0.order(|table| table.mend(a, b));
    }

    /// Takes all partitions back.
    pub fn heal_all(&self) {
        self.0.order(table::Table::mend_all);
    }

    /// Takes the bus away from this node: nothing comes or goes, and it knows ([`BusStatus::Away`]).
    ///
    /// [`BusStatus::Away`]: crate::BusStatus::Away
    pub fn isolate(&self, node: &NodeId) {
        self.0.isolate(node, true);
    }

    /// Gives it the bus back.
    pub fn reconnect(&self, node: &NodeId) {
        self.0.isolate(node, false);
    }

    /// Stops this node as a debugger would: what comes for it and what it sends waits, as far as queues reach.
    pub fn pause(&self, node: &NodeId) {
        self.0.order(|table| table.pause(node));
    }

    /// Lets it go on.
    pub fn resume(&self, node: &NodeId) {
        self.0.order(|table| table.resume(node));
    }

    /// Ends this node without a word. The others notice after [`ClusterConfig::gone_after`].
    pub fn kill(&self, node: &NodeId) {
        self.0.order(|table| table.kill(node));
    }

    /// Changes delay, loss or duplication from now on; the rest stays as it was.
    pub fn change(&self, change: impl FnOnce(ClusterConfig) -> ClusterConfig) {
        self.0.reconfigure(change);
    }

    /// What became of all messages so far.
    pub fn stats(&self) -> ClusterStats {
        self.0.stats()
    }

    /// Whether no message is on its way, but to or from nodes that are paused.
    pub fn is_quiet(&self) -> bool {
        self.0.is_quiet()
    }
}
