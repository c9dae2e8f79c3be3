//! Proves that a subscription is alive: what we publish to a channel of our own must come back.
//!
//! A connection may be open and its subscription dead (Redis has failed over, or a middlebox has forgotten
//! us). Only probes that Redis has taken count as sent, so that an outage of the publishing side is not
//! taken for one of the listening side.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

/// Probes on their way are remembered up to this number; more would say nothing new.
const MOST: usize = 16;

#[derive(Debug)]
pub(crate) struct Probe {
    channel: Bytes,
    state: Mutex<State>,
    wanted: Notify,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    /// Number, when it was sent, and whether Redis has taken it.
    under_way: VecDeque<(u64, Instant, bool)>,
}

impl Probe {
    pub(crate) fn new(channel: impl Into<Bytes>) -> Self {
        Self {
            channel: channel.into(),
            state: Mutex::new(State::default()),
            wanted: Notify::new(),
        }
    }

    pub(crate) fn channel(&self) -> &Bytes {
        &self.channel
    }

    /// Asks the publishing side for a probe now.
    pub(crate) fn want(&self) {
        self.wanted.notify_one();
    }

    pub(crate) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// A probe is about to be sent.
    pub(crate) fn send(&self, now: Instant) -> u64 {
        let mut state = self.state.lock();
        state.last += 1;
        let number = state.last;
        if state.under_way.len() == MOST {
            // The oldest stays: it says since when nothing has come.
            state.under_way.pop_back();
        }
        state.under_way.push_back((number, now, false));
        number
    }

    /// Redis took it.
    pub(crate) fn taken(&self, number: u64) {
        let mut state = self.state.lock();
        if let Some(probe) = state.under_way.iter_mut().find(|probe| probe.0 == number) {
            probe.2 = true;
        }
    }

    /// Redis did not take it, or nobody knows.
    pub(crate) fn failed(&self, number: u64) {
        self.state
            .lock()
            .under_way
            .retain(|probe| probe.0 != number);
    }

    /// It came back: how long it took, if it is one of ours.
    pub(crate) fn came(&self, number: u64, now: Instant) -> Option<Duration> {
        let mut state = self.state.lock();
        let place = state.under_way.iter().position(|probe| probe.0 == number)?;
        let (_, sent, _) = state.under_way[place];
        state.under_way.drain(..=place);
        Some(now.saturating_duration_since(sent))
    }

    /// A new subscription: what was sent before it will not come.
    pub(crate) fn begin(&self) {
        self.state.lock().under_way.clear();
    }

    /// Whether one that Redis took has not come back for longer than `limit`.
    pub(crate) fn is_overdue(&self, now: Instant, limit: Duration) -> bool {
        let state = self.state.lock();
        let oldest = state.under_way.iter().find(|probe| probe.2);
        oldest.is_some_and(|probe| now.saturating_duration_since(probe.1) > limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_what_redis_took_can_be_overdue() {
        let probe = Probe::new("p");
        let start = Instant::now();
        let limit = Duration::from_secs(3);
        let late = start + Duration::from_secs(4);
        let first = probe.send(start);
        assert!(!probe.is_overdue(late, limit));
        probe.taken(first);
        assert!(!probe.is_overdue(start + limit, limit));
        assert!(probe.is_overdue(late, limit));
        // Many more do not push the oldest out.
        for _ in 0..100 {
            let number = probe.send(start + Duration::from_secs(1));
            probe.taken(number);
        }
        assert!(probe.is_overdue(late, limit));
        let last = probe.send(late);
        assert_eq!(probe.came(last, late + limit), Some(limit));
        assert!(!probe.is_overdue(late + limit * 9, limit));
        assert_eq!(probe.came(last, late), None, "once");
        let failed = probe.send(late);
        probe.taken(failed);
        probe.begin();
        assert!(!probe.is_overdue(late + limit * 9, limit));
    }
}
