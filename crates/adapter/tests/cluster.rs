//! The in-process cluster: it conforms, also when the bus is slow and repeats itself; and its faults.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use switchboard_adapter::{
    Adapter, Cluster, ClusterConfig,
    conformance::{self, Harness},
};
use switchboard_connection::NodeId;

/// In-process clusters of one kind.
struct InProcess {
    config: ClusterConfig,
    last: Mutex<Option<Cluster>>,
}

#[async_trait]
impl Harness for InProcess {
    async fn cluster(&self, nodes: usize) -> Vec<Arc<dyn Adapter>> {
        let cluster = Cluster::new(self.config.clone());
        *self.last.lock() = Some(cluster.clone());
        let nodes = (0..nodes).map(|_| Arc::new(cluster.node()) as Arc<dyn Adapter>);
        nodes.collect()
    }

    async fn silence(&self, node: &NodeId) -> bool {
        let cluster = self.last.lock().clone().unwrap();
        cluster.pause(node);
        true
    }
}

async fn conforms(config: ClusterConfig) {
    let last = Mutex::new(None);
    conformance::all(Arc::new(InProcess { config, last })).await;
}

#[tokio::test(start_paused = true)]
async fn conforms_at_once() {
    conforms(ClusterConfig::default().with_sessions(true)).await;
}

#[tokio::test(start_paused = true)]
async fn conforms_when_slow_and_repeating() {
    for seed in 0..5 {
        let config = ClusterConfig::default()
            .with_seed(seed)
            .with_sessions(true)
            .with_delay(Duration::ZERO..Duration::from_millis(15))
            .with_duplication(0.3);
        conforms(config).await;
    }
}
