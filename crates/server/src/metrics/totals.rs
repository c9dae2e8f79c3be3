//! What the data path counts by itself, without knowing of any recorder: copied to one now and then.

use std::{sync::Weak, time::Duration};

use metrics::{Counter, Gauge, counter, gauge};
use switchboard_connection::{Endpoint, Stats};
use tokio::time::{MissedTickBehavior, interval};

use super::{is_recorded, names};
use crate::io::io::IoInner;

/// How old a figure may be.
const EVERY: Duration = Duration::from_secs(1);

/// The figures of one endpoint. Several servers in one process add up.
pub(crate) struct Totals {
    endpoint: Endpoint,
    seen: Stats,
    dropped: Counter,
    lost: Counter,
    slow_consumers: Counter,
    timed_out: Counter,
    failed: Counter,
    rate_pauses: Counter,
    levels: Option<Levels>,
}

/// What there is now, of a Socket.IO server.
struct Levels {
    sockets: Level,
    namespaces: Level,
}

/// A gauge that several servers share.
struct Level(Gauge, usize);

impl Totals {
    fn new(endpoint: Endpoint, protocol: &'static str, levels: Option<Levels>) -> Self {
        Self {
            endpoint,
            seen: Stats::default(),
            dropped: counter!("switchboard_messages_dropped_total", "protocol" => protocol),
            lost: counter!("switchboard_messages_lost_total", "protocol" => protocol),
            slow_consumers: counter!("switchboard_slow_consumers_total", "protocol" => protocol),
            timed_out: counter!("switchboard_heartbeats_missed_total", "protocol" => protocol),
            failed: counter!("switchboard_rule_breaks_total", "protocol" => protocol),
            rate_pauses: counter!("switchboard_rate_pauses_total", "protocol" => protocol),
            levels,
        }
    }

    /// Copies the figures of a Socket.IO server for as long as it lives, if there is a recorder.
    pub(crate) fn follow_io(io: Weak<IoInner>, endpoint: Endpoint) {
        if !is_recorded() {
            return;
        }
        let levels = Levels {
            sockets: Level(gauge!("switchboard_sockets"), 0),
            namespaces: Level(gauge!("switchboard_namespaces"), 0),
        };
        let mut totals = Self::new(endpoint, "socketio", Some(levels));
        tokio::spawn(async move {
            let mut ticks = ticks();
            loop {
                ticks.tick().await;
                let Some(io) = io.upgrade() else {
                    // Dropped, the totals take their last look.
                    return;
                };
                totals.look();
                if let Some(levels) = &mut totals.levels {
                    levels.sockets.set(io.core.pool.len());
                    levels.namespaces.set(io.namespaces.len());
                }
            }
        });
    }

    /// The same for raw WebSockets, while `server` lives.
    pub(crate) fn follow<T: Send + Sync + 'static>(server: Weak<T>, endpoint: Endpoint) {
        if !is_recorded() {
            return;
        }
        names::describe();
        let mut totals = Self::new(endpoint, "raw", None);
        tokio::spawn(async move {
            let mut ticks = ticks();
            loop {
                ticks.tick().await;
                if server.strong_count() == 0 {
                    return;
                }
                totals.look();
            }
        });
    }

    fn look(&mut self) {
        let now = self.endpoint.stats();
        let seen = std::mem::replace(&mut self.seen, now);
        self.dropped.increment(now.dropped - seen.dropped);
        self.lost.increment(now.lost - seen.lost);
        self.slow_consumers
            .increment(now.slow_consumers - seen.slow_consumers);
        self.timed_out.increment(now.timed_out - seen.timed_out);
        self.failed.increment(now.failed - seen.failed);
        self.rate_pauses
            .increment(now.rate_pauses - seen.rate_pauses);
    }
}

impl Drop for Totals {
    fn drop(&mut self) {
        self.look();
        if let Some(levels) = &mut self.levels {
            levels.sockets.set(0);
            levels.namespaces.set(0);
        }
    }
}

impl Level {
    fn set(&mut self, now: usize) {
        let Self(gauge, seen) = self;
        gauge.increment(super::float(now) - super::float(*seen));
        *seen = now;
    }
}

fn ticks() -> tokio::time::Interval {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
