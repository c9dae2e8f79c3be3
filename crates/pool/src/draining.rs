//! The loop of a drain.

use std::{
    num::NonZeroU32,
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::stream::{FuturesUnordered, StreamExt};
use parking_lot::Mutex;
use switchboard_connection::{AnyConnection, Connection};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, sleep_until},
};

use crate::{
    close_all::end_of,
    drain::{Drain, DrainOutcome, DrainProgress, DrainReport},
    pace::Pace,
    pool::{Pool, Removed},
};

/// What the loop and its handles share: whether the drain has ended, and how.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: Pool,
    called: Instant,
    progress: watch::Sender<DrainProgress>,
    /// Held while a close begins, so that none begins after a cancellation.
    outcome: Mutex<Option<DrainOutcome>>,
    ended: Notify,
}

impl Shared {
    /// The gate is shut for this drain; whoever calls [`end`](Self::end) first opens it, or not.
    pub(crate) fn new(pool: Pool) -> (Self, watch::Receiver<DrainProgress>) {
        let total = pool.len();
        let (progress, receiver) = watch::channel(DrainProgress {
            total,
            ..Default::default()
        });
        let inner = Inner {
            pool,
            called: Instant::now(),
            progress,
            outcome: Mutex::default(),
            ended: Notify::new(),
        };
        (Self(Arc::new(inner)), receiver)
    }

    /// Ends the drain, once; false when it had ended before.
    pub(crate) fn end(&self, outcome: DrainOutcome) -> bool {
        let mut ended = self.0.outcome.lock();
        if ended.is_some() {
            return false;
        }
        *ended = Some(outcome);
        self.0
            .pool
            .gate()
            .end_drain(outcome == DrainOutcome::Cancelled);
        self.0.ended.notify_one();
        tracing::info!(?outcome, progress = ?*self.0.progress.borrow(), "drain ended");
        true
    }

    /// Begins to close `connection` unless the drain has ended.
    fn close(&self, connection: &AnyConnection, drain: &Drain) -> bool {
        let ended = self.0.outcome.lock();
        ended.is_none() && connection.close(drain.disconnect.clone())
    }

    fn progress(&self, change: impl FnOnce(&mut DrainProgress)) {
        self.0.progress.send_modify(change);
    }
}

/// Closes everyone who was in the pool when the gate was shut.
pub(crate) async fn run(shared: Shared, drain: Drain, per_second: NonZeroU32) -> DrainReport {
    let pool = &shared.0.pool;
    let mut waiting = Waiting::of(pool);
    shared.progress(|progress| progress.total = waiting.all.len());
    tracing::info!(total = waiting.all.len(), per_second, "drain begins");

    let start = Instant::now();
    let mut pace = Pace::new(per_second, drain.jitter.then(fastrand::Rng::new));
    let deadline = drain
        .deadline
        .map(|deadline| deadline.saturating_sub(shared.0.called.elapsed()));
    let mut deadline = std::pin::pin!(sleep(deadline.unwrap_or(Duration::MAX)));
    let mut ends = FuturesUnordered::new();
    let mut last_removals = Vec::new();
    let mut next = None;
    loop {
        while next.is_none()
            && let Some(connection) = waiting.next(pool)
        {
            if connection.is_closed() {
                ends.push(end_of(connection));
            } else {
                next = Some(connection);
            }
        }
        if next.is_none() && ends.is_empty() {
            shared.end(DrainOutcome::Completed);
        }
        tokio::select! {
            biased;
            () = shared.0.ended.notified() => break,
            () = &mut deadline => {
                shared.end(DrainOutcome::DeadlinePassed);
            }
            Some(ended) = ends.next() => {
                shared.progress(|progress| progress.closed += 1);
                if pool.remove(&ended) == Removed::LastInNamespace {
                    last_removals.push(ended.address().namespace.clone());
                }
            }
            () = sleep_until(start + pace.next()), if next.is_some() => {
                // It may have left, or begun to close, while it waited for its turn.
                if let Some(connection) = next.take().filter(|connection| pool.holds(connection)) {
                    if shared.close(&connection, &drain) {
                        // Noted after the close began, so that a second counted from here is a whole one.
                        pace.begun(start.elapsed());
                        shared.progress(|progress| progress.begun += 1);
                    }
                    ends.push(end_of(connection));
                }
            }
        }
    }

    let DrainProgress { begun, closed, .. } = *shared.0.progress.borrow();
    let outcome = shared.0.outcome.lock().unwrap_or(DrainOutcome::Completed);
    let left = match outcome {
        DrainOutcome::Completed => Vec::new(),
        _ => waiting
            .left(pool)
            .map(|connection| connection.address().clone())
            .collect(),
    };
    DrainReport {
        outcome,
        begun,
        closed,
        left,
        elapsed: shared.0.called.elapsed(),
        last_removals,
    }
}

/// Everyone in random order. Those who leave before their turn are not kept alive.
struct Waiting {
    all: Vec<Weak<dyn Connection>>,
    turn: usize,
}

impl Waiting {
    fn of(pool: &Pool) -> Self {
        let mut all = Vec::with_capacity(pool.len());
        for connections in pool.everyone() {
            all.extend(connections.iter().map(Arc::downgrade));
        }
        fastrand::shuffle(&mut all);
        Self { all, turn: 0 }
    }

    /// The next who is still in the pool.
    fn next(&mut self, pool: &Pool) -> Option<AnyConnection> {
        while let Some(connection) = self.all.get(self.turn) {
            self.turn += 1;
            if let Some(connection) = connection.upgrade().filter(|found| pool.holds(found)) {
                return Some(connection);
            }
        }
        None
    }

    /// Who of all is still in the pool.
    fn left(&self, pool: &Pool) -> impl Iterator<Item = AnyConnection> {
        self.all
            .iter()
            .filter_map(Weak::upgrade)
            .filter(|connection| pool.holds(connection))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Fake;

    #[test]
    fn no_close_begins_after_the_end() {
        let (shared, _) = Shared::new(Pool::default());
        let drain = Drain::per_second(1);
        let (before, after) = (Fake::any("ns", "1"), Fake::any("ns", "2"));
        assert!(shared.close(&before, &drain));
        assert!(shared.end(DrainOutcome::Cancelled));
        assert!(!shared.end(DrainOutcome::Completed));
        assert!(!shared.close(&after, &drain));
        assert!(!after.is_closed());
    }
}
