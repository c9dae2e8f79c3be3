//! Closing everybody at a pace while everybody can watch.
//!
//! A page may ask for a drain to see one; the node then opens again. The drain before the process ends
//! goes first: it cancels a page's drain, and none is begun after it.

use std::{sync::Arc, time::Duration};

use switchboard::{
    pool::{DrainHandle, DrainOutcome, Draining},
    prelude::*,
};
use tokio::time::{interval, sleep};

use crate::{chat::Chat, protocol::ToClient};

/// How long after a drain that a page asked for newcomers are taken again.
pub(crate) const REOPEN_AFTER: Duration = Duration::from_secs(3);

/// Nobody who plays keeps the others out for longer.
const LONGEST_PLAY: Duration = Duration::from_mins(2);

/// Progress is told at most this often.
const STEP: Duration = Duration::from_millis(100);

#[derive(Debug, Default)]
pub(crate) struct Drains {
    /// The latest drain and its pace; it may have ended.
    latest: Option<(u32, DrainHandle)>,
    /// The process is about to end.
    final_one: bool,
}

impl Chat {
    /// Begins a drain, or tells `asker` of the one that is running. Either answer is a `draining`.
    pub(crate) fn drain_for_a_page(self: &Arc<Self>, per_second: u32, asker: &AnyConnection) {
        let mut drains = self.drains.lock();
        let begun = if drains.final_one {
            None
        } else {
            self.pool()
                .drain(Drain::per_second(per_second).until(LONGEST_PLAY))
                .ok()
        };
        let Some(draining) = begun else {
            let Some((per_second, handle)) = &drains.latest else {
                return;
            };
            let status = self.status(*per_second, handle, false);
            asker.try_send(&status.frame(), Delivery::Policy).ok();
            return;
        };
        drains.latest = Some((per_second, draining.handle()));
        drop(drains);

        // Now, so that it is the answer: the task below may close the asker first.
        self.tell_the_node(&self.status(per_second, &draining.handle(), false));
        let chat = self.clone();
        tokio::spawn(async move {
            chat.follow(per_second, draining).await;
            sleep(REOPEN_AFTER).await;
            if !chat.drains.lock().final_one {
                chat.pool().reopen();
            }
        });
    }

    /// Drains before the process ends.
    pub(crate) async fn say_goodbye(&self, per_second: u32, longest: Duration) {
        let draining = {
            let mut drains = self.drains.lock();
            drains.final_one = true;
            if let Some((_, played)) = &drains.latest {
                played.cancel();
            }
            let Ok(draining) = self
                .pool()
                .drain(Drain::per_second(per_second).until(longest))
            else {
                return;
            };
            drains.latest = Some((per_second, draining.handle()));
            draining
        };
        self.tell_the_node(&self.status(per_second, &draining.handle(), false));
        self.follow(per_second, draining).await;
    }

    /// Runs a drain and tells everybody how far it is.
    async fn follow(&self, per_second: u32, mut draining: Draining) {
        let handle = draining.handle();
        let mut progress = draining.progress();
        let mut steps = interval(STEP);
        let report = loop {
            tokio::select! {
                report = &mut draining => break report,
                _ = steps.tick() => {}
            }
            if progress.has_changed().unwrap_or(false) {
                progress.mark_unchanged();
                self.tell_the_node(&self.status(per_second, &handle, false));
            }
        };
        // A drain that closed everybody has nobody to tell; one that was cancelled is followed by the next.
        if report.outcome == DrainOutcome::DeadlinePassed {
            self.tell_the_node(&self.status(per_second, &handle, true));
        }
    }

    fn status(&self, per_second: u32, handle: &DrainHandle, done: bool) -> ToClient<'static> {
        let closed = handle.progress().borrow().closed;
        ToClient::Draining {
            per_second,
            left: self.pool().len(),
            closed,
            done,
        }
    }
}
