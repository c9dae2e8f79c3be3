//! The tests that every adapter passes.
//!
//! An implementer gives a [`Harness`] that makes clusters of its adapter, and calls [`all`] in a test:
//!
//! ```
//! # #[cfg(feature = "cluster")]
//! # mod example {
//! use std::sync::Arc;
//! use switchboard_adapter::{Adapter, Cluster, conformance::{self, Harness}};
//!
//! struct InProcess;
//!
//! #[async_trait::async_trait]
//! impl Harness for InProcess {
//!     async fn cluster(&self, nodes: usize) -> Vec<Arc<dyn Adapter>> {
//!         let cluster = Cluster::default();
//!         (0..nodes).map(|_| Arc::new(cluster.node()) as Arc<dyn Adapter>).collect()
//!     }
//! }
//!
//! #[tokio::test(start_paused = true)]
//! async fn conforms() {
//!     conformance::all(Arc::new(InProcess)).await;
//! }
//! # }
//! ```
//!
//! Each test has a cluster of its own, with [`FakeNode`]s in place of servers. What an adapter says it cannot
//! ([`Capabilities`](crate::Capabilities)) is not tested. Time is tokio's, so an adapter without I/O may be
//! tested with paused time.

mod cases;
mod events;
mod fake;
mod members;
mod questions;
mod sessions;

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use switchboard_connection::{Namespace, NodeId};

use crate::adapter::Adapter;

pub use cases::{Nodes, names};
pub use fake::{FakeNode, FakeSocket, Heard};

/// Makes clusters of the adapter under test.
#[async_trait]
pub trait Harness: Send + Sync + 'static {
    /// So many adapters of one new cluster that nobody else uses. The suite attaches them.
    async fn cluster(&self, nodes: usize) -> Vec<Arc<dyn Adapter>>;

    /// From now on this node, of the cluster made last, is asked but does not answer; or `false` when that
    /// cannot be had, and is not tested.
    async fn silence(&self, node: &NodeId) -> bool {
        let _ = node;
        false
    }

    /// Puts bytes that make no sense wherever the cluster made last listens; or `false` when there are no
    /// bytes.
    async fn garbage(&self, namespace: &Namespace) -> bool {
        let _ = namespace;
        false
    }

    /// How long anything may take that should happen. Default: 10 s.
    fn patience(&self) -> Duration {
        Duration::from_secs(10)
    }

    /// How long to wait for what should not happen, once what comes after it is there. Default: 50 ms.
    fn quiet(&self) -> Duration {
        Duration::from_millis(50)
    }
}

/// A test that failed, and what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The test's name.
    pub test: &'static str,
    /// What it said.
    pub message: String,
}

type Running = Pin<Box<dyn Future<Output = ()>>>;
type Case = fn(Arc<dyn Harness>) -> Running;

/// Runs all tests, one after another.
///
/// # Panics
///
/// When one fails; all are run before.
pub async fn all(harness: Arc<dyn Harness>) {
    let failures = failures(harness).await;
    let texts = failures
        .iter()
        .map(|failure| format!("{}: {}", failure.test, failure.message));
    let texts: Vec<_> = texts.collect();
    assert!(texts.is_empty(), "{}", texts.join("\n"));
}

/// Runs all tests, one after another, and returns those that failed.
pub async fn failures(harness: Arc<dyn Harness>) -> Vec<Failure> {
    let mut failures = Vec::new();
    for &(test, case) in cases::CASES {
        if let Err(message) = caught(case(Arc::clone(&harness))).await {
            failures.push(Failure { test, message });
        }
    }
    failures
}

/// Runs one test; what it says when it panics.
async fn caught(mut running: Running) -> Result<(), String> {
    let mut poll = move |context: &mut Context<'_>| running.as_mut().poll(context);
    std::future::poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| poll(context)));
        polled.map_or_else(
            |panic| {
                let text = panic.downcast_ref::<&str>().map(|&text| text.to_owned());
                let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
                Poll::Ready(Err(text.unwrap_or_default()))
            },
            |ready| ready.map(Ok),
        )
    })
    .await
}
