//! A listener at work.

use std::{
    future::Future,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use switchboard_connection::Endpoint;
use switchboard_pool::{Drain, DrainError, DrainOutcome, DrainReport, Pool};
use tokio::{task::JoinHandle, time::Instant};
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
    accepting: JoinHandle<()>,
}

/// What a server holds now, and has refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerStats {
    /// Connections that are accepted and not ended.
    pub connections: usize,
    /// The most there may be.
    pub max_connections: usize,
    /// Requests for a WebSocket that were refused, and transports that were dropped unheard because
    /// there was no room even to refuse.
    pub refused: u64,
    /// Totals over all connections.
    pub totals: switchboard_connection::Stats,
}

impl Server {
    pub(crate) fn new(
        service: Arc<Service>,
        local: SocketAddr,
        stop: CancellationToken,
        accepting: JoinHandle<()>,
    ) -> Self {
        Self {
            service,
            local,
            stop: stop.drop_guard(),
            accepting,
        }
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

    /// Refuses newcomers (503 with `Retry-After`) from this call on, closes everybody at the drain's
    /// pace, first the raw connections, then Socket.IO's, and then stops to listen. Resolves when all handlers have returned, or a few seconds after
    /// the last connection ended.
    ///
    /// Connections that the deadline left open are named in the report and stay open. With an error
    /// nothing is closed. Then, and when the future is dropped before it is ready, the server is
    /// dropped: it stops to listen, and what is open lives on; closes that have begun stay begun.
    pub fn shutdown(
        self,
        drain: Drain,
    ) -> impl Future<Output = Result<DrainReport, DrainError>> + Send {
        let began = Instant::now();
        let draining = self.service.pool.drain(drain.clone());
        let io = self.service.io.clone();
        if let (Ok(_), Some(io)) = (&draining, &io) {
            io.0.refuse_newcomers();
        }
        async move {
            let Self {
                service,
                stop,
                accepting,
                ..
            } = self;
            let mut report = draining?.await;
            if let Some(io) = &io {
                let rest = drain.after(began.elapsed());
                append(&mut report, io.drain(rest)?.await);
            }
            drop(stop);
            // It cannot fail but by a panic, and then nothing listens either.
            let _ = accepting.await;
            service.tasks.close();
            if report.left.is_empty() {
                // A handler that goes on after its connection ended is cut off with the process.
                let all_return = async {
                    service.tasks.wait().await;
                    if let Some(io) = io {
                        io.close().await;
                    }
                };
                let _ = tokio::time::timeout(HANDLERS_GRACE, all_return).await;
            }
            Ok(report)
        }
    }
}

/// One account of two drains, one after the other.
fn append(report: &mut DrainReport, then: DrainReport) {
    if report.outcome == DrainOutcome::Completed {
        report.outcome = then.outcome;
    }
    report.begun += then.begun;
    report.closed += then.closed;
    report.left.extend(then.left);
    report.elapsed += then.elapsed;
    report.last_removals.extend(then.last_removals);
}
