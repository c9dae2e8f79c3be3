//! Closing everybody at a pace while everybody can watch.
//!
//! A page may ask for a drain to see one; the node then opens again. The drain before the process ends
//! goes first: it cancels a page's drain, and none is begun after it.
//!
//! The node has one pace for both ways in. So both are shut in the first moment, and then one is emptied
//! after the other.

use std::time::Duration;

use switchboard::{
    pool::{DrainError, DrainHandle, DrainOutcome},
    prelude::*,
};
use tokio::time::{interval, sleep};

use crate::{chat::Chat, protocol::Draining};

/// How long after a drain that a page asked for newcomers are taken again.
pub(crate) const REOPEN_AFTER: Duration = Duration::from_secs(3);

/// Nobody who plays keeps the others out for longer.
const LONGEST_PLAY: Duration = Duration::from_mins(2);

/// Progress is told at most this often.
const STEP: Duration = Duration::from_millis(100);

#[derive(Debug, Default)]
pub(crate) struct Drains {
    /// The latest drain; it may have ended.
    latest: Option<Watch>,
    /// The process is about to end.
    final_one: bool,
}

/// How far a drain is.
#[derive(Clone, Debug)]
struct Watch {
    per_second: u32,
    plain: DrainHandle,
    socket_io: DrainHandle,
}

/// The drain of the whole node.
struct Both {
    plain: switchboard::pool::Draining,
    socket_io: switchboard::pool::Draining,
    watch: Watch,
}

impl Chat {
    /// Begins a drain and tells everybody, or says how far the one is that is running.
    pub(crate) fn drain_for_a_page(&self, per_second: u32) -> Draining {
        let mut drains = self.drains.lock();
        let begun = if drains.final_one {
            None
        } else {
            self.begin(per_second, LONGEST_PLAY).ok()
        };
        let Some(both) = begun else {
            let latest = drains.latest.as_ref();
            return latest.map_or_else(
                || self.status(per_second, 0, false),
                |watch| self.how_far(watch, false),
            );
        };
        drains.latest = Some(both.watch.clone());
        drop(drains);

        let status = self.how_far(&both.watch, false);
        // Now: the task below may close whoever asked before the answer is sent.
        self.tell_the_node(&status);
        let chat = self.clone();
        tokio::spawn(async move {
            chat.follow(both).await;
            sleep(REOPEN_AFTER).await;
            if !chat.drains.lock().final_one {
                chat.pool.reopen();
                chat.io().reopen();
            }
        });
        status
    }

    /// Drains before the process ends.
    pub(crate) async fn say_goodbye(&self, per_second: u32, longest: Duration) {
        let both = {
            let mut drains = self.drains.lock();
            drains.final_one = true;
            if let Some(played) = &drains.latest {
                played.plain.cancel();
                played.socket_io.cancel();
            }
            let Ok(both) = self.begin(per_second, longest) else {
                return;
            };
            drains.latest = Some(both.watch.clone());
            both
        };
        self.tell_the_node(&self.how_far(&both.watch, false));
        self.follow(both).await;
    }

    /// From now on newcomers are refused, whichever way they come.
    fn begin(&self, per_second: u32, longest: Duration) -> Result<Both, DrainError> {
        let drain = Drain::per_second(per_second).until(longest);
        let plain = self.pool.drain(drain.clone())?;
        let socket_io = self.io().drain(drain)?;
        let watch = Watch {
            per_second,
            plain: plain.handle(),
            socket_io: socket_io.handle(),
        };
        Ok(Both {
            plain,
            socket_io,
            watch,
        })
    }

    /// Runs a drain and tells everybody how far it is.
    async fn follow(&self, both: Both) {
        let Both {
            plain,
            socket_io,
            watch,
        } = both;
        let run = async {
            let first = plain.await;
            if first.begun > 0 && first.outcome == DrainOutcome::Completed {
                // So that no second holds closes of both.
                sleep(Duration::from_secs(1)).await;
            }
            let then = socket_io.await;
            [first.outcome, then.outcome].contains(&DrainOutcome::DeadlinePassed)
        };
        let mut run = std::pin::pin!(run);
        let mut told = self.how_far(&watch, false);
        let mut steps = interval(STEP);
        let is_late = loop {
            tokio::select! {
                is_late = &mut run => break is_late,
                _ = steps.tick() => {}
            }
            let now = self.how_far(&watch, false);
            if now.closed != told.closed {
                self.tell_the_node(&now);
                told = now;
            }
        };
        // A drain that closed everybody has nobody to tell; one that was cancelled is followed by the next.
        if is_late {
            self.tell_the_node(&self.how_far(&watch, true));
        }
    }

    fn how_far(&self, watch: &Watch, done: bool) -> Draining {
        let closed = |handle: &DrainHandle| handle.progress().borrow().closed;
        let closed = closed(&watch.plain) + closed(&watch.socket_io);
        self.status(watch.per_second, closed, done)
    }

    fn status(&self, per_second: u32, closed: usize, done: bool) -> Draining {
        Draining {
            per_second,
            left: self.connections(),
            closed,
            done,
        }
    }
}
