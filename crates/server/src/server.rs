//! A listener at work.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use switchboard_connection::Endpoint;
use switchboard_pool::{Drain, DrainError, DrainReport, Pool};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::service::Service;

/// How long handlers may take to return after their connections have ended.
const HANDLERS_GRACE: Duration = Duration::from_secs(5);

/// Accepts connections until [`shutdown`](Self::shutdown) or until it is dropped.
///
/// Dropped, it only stops to listen: connections that are open live on.
#[derive(Debug)]
pub struct Server {
    service: Arc<Service>,
    local: SocketAddr,
    stop: DropGuard,
}

/// What a server holds now, and has refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerStats {
    /// Connections that are accepted and not ended.
    pub connections: usize,
    /// The most there may be.
    pub max_connections: usize,
    /// Requests for a WebSocket that were refused.
    pub refused: u64,
    /// Totals over all connections.
    pub totals: switchboard_connection::Stats,
}

impl Server {
    pub(crate) fn new(service: Arc<Service>, local: SocketAddr, stop: CancellationToken) -> Self {
        Self { service, local, stop: stop.drop_guard() }
    }

    /// The address that is listened on.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The pool of its connections.
    pub fn pool(&self) -> &Pool {
        &self.service.pool
    }

    /// Makes further connections that share limits and clock, for example dialled ones.
    pub fn endpoint(&self) -> &Endpoint {
        &self.service.endpoint
    }

    /// What it holds now, and has refused.
    pub fn stats(&self) -> ServerStats {
        ServerStats {
            connections: self.service.gate.connections(),
            max_connections: self.service.gate.cap(),
            refused: self.service.gate.refused.load(Ordering::Relaxed),
            totals: self.service.endpoint.stats(),
        }
    }

    /// Refuses newcomers (503 with `Retry-After`) from this moment, closes everybody at the drain's
    /// pace, then stops to listen. Resolves when all handlers have returned, or a few seconds after
    /// the last connection ended.
    ///
    /// Connections that the deadline left open are named in the report and stay open.
    pub async fn shutdown(self, drain: Drain) -> Result<DrainReport, DrainError> {
        let report = self.service.pool.drain(drain)?.await;
        drop(self.stop);
        self.service.tasks.close();
        if report.left.is_empty() {
            // A handler that goes on after its connection ended is cut off with the process.
            let _ = tokio::time::timeout(HANDLERS_GRACE, self.service.tasks.wait()).await;
        }
        Ok(report)
    }
}
