//! Sends every client away without bringing them all back at once.
//!
//! Closing 100,000 sockets in one loop makes 100,000 clients reconnect in the same second, to the nodes
//! that remain. A drain closes at one pace for the whole node, in random order, refuses newcomers from
//! its first moment, and stops at a deadline with an account of who was left.
//!
//! Start at [`Pool::drain`]; the pacing rule is [`Pace`](crate::pace::Pace), the loop is in `draining.rs`.

use std::{
    fmt,
    future::Future,
    num::NonZeroU32,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use switchboard_connection::{Address, Disconnect, Namespace};
use tokio::sync::watch;

use crate::{
    draining::{self, Shared},
    pool::Pool,
};

/// How to drain: how fast, how long at most, and what peers are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drain {
    pub(crate) per_second: u32,
    pub(crate) deadline: Option<Duration>,
    pub(crate) disconnect: Disconnect,
    pub(crate) jitter: bool,
}

impl Drain {
    /// Begins at most `closes` closes in any second, over the whole node.
    ///
    /// Zero is an error of [`Pool::drain`].
    pub fn per_second(closes: u32) -> Self {
        Self {
            per_second: closes,
            deadline: None,
            disconnect: Disconnect::GOING_AWAY,
            jitter: true,
        }
    }

    /// Ends the drain so long after the call even if connections are left. Default: no deadline.
    pub fn until(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// The same drain, begun `elapsed` ago: its deadline is so much nearer.
    pub fn after(mut self, elapsed: Duration) -> Self {
        self.deadline = self
            .deadline
            .map(|deadline| deadline.saturating_sub(elapsed));
        self
    }

    /// What peers are told. Default: [`Disconnect::GOING_AWAY`], after which clients reconnect.
    pub fn disconnect(mut self, disconnect: Disconnect) -> Self {
        self.disconnect = disconnect;
        self
    }

    /// Begins closes at even distances. By default each has a random moment within its share of the
    /// second, so that clients do not come back in step.
    pub fn without_jitter(mut self) -> Self {
        self.jitter = false;
        self
    }
}

/// Why a drain did not begin. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DrainError {
    /// The pace is zero closes per second: it would never end.
    #[error("pace of a drain is zero")]
    ZeroPace,
    /// Another drain is running.
    #[error("a drain is running already")]
    AlreadyDraining,
}

/// Draining.
impl Pool {
    /// Closes every connection of the node at a pace.
    ///
    /// From this call on newcomers are refused with [`AddError::Draining`](crate::AddError::Draining).
    /// Closes begin when the returned future is first polled. It resolves when all connections have
    /// ended, or at the deadline; the pool then keeps refusing until [`reopen`](Self::reopen). Dropping
    /// or [cancelling](DrainHandle::cancel) it ends the drain and takes newcomers again; closes that
    /// have begun stay begun.
    ///
    /// Each connection is taken out of the pool when it has ended, unless whoever put it there was
    /// faster.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use switchboard_pool::{Drain, DrainError, Pool};
    /// # async fn example(pool: Pool) -> Result<(), DrainError> {
    /// let draining = pool.drain(Drain::per_second(100).until(Duration::from_secs(25)))?;
    /// let report = draining.await;
    /// for address in &report.left {
    ///     println!("still here: {address}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn drain(&self, drain: Drain) -> Result<Draining, DrainError> {
        let per_second = NonZeroU32::new(drain.per_second).ok_or(DrainError::ZeroPace)?;
        if !self.gate().begin_drain() {
            return Err(DrainError::AlreadyDraining);
        }
        let (shared, progress) = Shared::new(self.clone());
        let run = Box::pin(draining::run(shared.clone(), drain, per_second));
        Ok(Draining {
            run,
            handle: DrainHandle { shared, progress },
        })
    }

    /// Whether a drain is running.
    pub fn is_draining(&self) -> bool {
        self.gate().is_draining()
    }

    /// Whether newcomers are refused: a drain is running, or has ended and the pool was not reopened.
    /// A listener answers 503 then.
    pub fn refuses_newcomers(&self) -> bool {
        !self.gate().is_open()
    }

    /// Takes newcomers again after a drain has ended; `false` when there was none or it still runs.
    pub fn reopen(&self) -> bool {
        self.gate().reopen()
    }
}

/// A drain under way: a future of its [`DrainReport`]. Dropping it cancels the drain.
#[must_use = "a drain goes on only while it is awaited, and is cancelled when dropped"]
pub struct Draining {
    run: Pin<Box<dyn Future<Output = DrainReport> + Send>>,
    handle: DrainHandle,
}

impl Draining {
    /// How far the drain is, now and after each step.
    pub fn progress(&self) -> watch::Receiver<DrainProgress> {
        self.handle.progress()
    }

    /// A handle to watch and to cancel the drain from elsewhere.
    pub fn handle(&self) -> DrainHandle {
        self.handle.clone()
    }
}

impl Future for Draining {
    type Output = DrainReport;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<DrainReport> {
        self.run.as_mut().poll(context)
    }
}

impl Drop for Draining {
    fn drop(&mut self) {
        self.handle.cancel();
    }
}

impl fmt::Debug for Draining {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draining")
            .field("progress", &*self.handle.progress.borrow())
            .finish_non_exhaustive()
    }
}

/// Watches and cancels a drain. Clones belong to the same drain; dropping them does nothing.
#[derive(Clone, Debug)]
pub struct DrainHandle {
    shared: Shared,
    progress: watch::Receiver<DrainProgress>,
}

impl DrainHandle {
    /// Ends the drain: no further close begins, newcomers are welcome again, and the drain's future
    /// resolves as [`DrainOutcome::Cancelled`]. `false` when the drain had ended before.
    pub fn cancel(&self) -> bool {
        self.shared.end(DrainOutcome::Cancelled)
    }

    /// How far the drain is, now and after each step.
    pub fn progress(&self) -> watch::Receiver<DrainProgress> {
        self.progress.clone()
    }
}

/// How far a drain is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrainProgress {
    /// Connections that the drain found. A count of the moment of the call until closes begin.
    pub total: usize,
    /// Closes it has begun.
    pub begun: usize,
    /// Connections it has seen end; those that leave before their turn are not among them.
    pub closed: usize,
}

/// What a drain did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrainReport {
    /// Why the drain ended.
    pub outcome: DrainOutcome,
    /// Closes it began.
    pub begun: usize,
    /// Connections it has seen end: those whose close it began, or that were closing when their turn
    /// came. Those that left before their turn are not among them.
    pub closed: usize,
    /// Who of those it found is in the pool still, closing or not. Empty when it completed.
    pub left: Vec<Address>,
    /// Time from the call to the end.
    pub elapsed: Duration,
    /// Namespaces whose last connection this drain took out, so that nobody else is told.
    pub last_removals: Vec<Namespace>,
}

/// Why a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DrainOutcome {
    /// Every connection has ended.
    Completed,
    /// The deadline came first.
    DeadlinePassed,
    /// It was cancelled.
    Cancelled,
}
