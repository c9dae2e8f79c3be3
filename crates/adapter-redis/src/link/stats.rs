//! What is counted, by the names of `docs/metrics.md`, and for programs that ask.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

macro_rules! counts {
    ($($(#[$doc:meta])* $field:ident => $name:literal $(, $label:literal = $value:literal)?;)*) => {
        /// What the way to Redis has carried and lost since it was made. Numbers only grow.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct BusStats {
            $($(#[$doc])* pub $field: u64,)*
        }

        pub(crate) struct Stats {
            $(pub(crate) $field: Count,)*
            pub(crate) connected: Gauge,
            lag: Histogram,
        }

        impl Stats {
            pub(crate) fn new() -> Self {
                Self {
                    $($field: Count::new(counter!($name $(, $label => $value)?)),)*
                    connected: gauge!("switchboard_bus_connected"),
                    lag: histogram!("switchboard_bus_lag_seconds"),
                }
            }

            pub(crate) fn read(&self) -> BusStats {
                BusStats { $($field: self.$field.total.load(Relaxed),)* }
            }
        }
    };
}

counts! {
    /// Messages that Redis took.
    published => "switchboard_bus_published_total";
    /// Messages that found the queue full.
    dropped_full => "switchboard_bus_dropped_total", "reason" = "full";
    /// Volatile messages while Redis was away.
    dropped_away => "switchboard_bus_dropped_total", "reason" = "away";
    /// Messages that were on their way when the connection broke or Redis refused: perhaps lost.
    dropped_unanswered => "switchboard_bus_dropped_total", "reason" = "unanswered";
    /// Messages that still waited at the end.
    dropped_closed => "switchboard_bus_dropped_total", "reason" = "closed";
    /// Messages that came.
    received => "switchboard_bus_received_total";
    /// Messages that could not be read.
    undecodable => "switchboard_bus_undecodable_total", "reason" = "malformed";
    /// Messages that were too large.
    oversized => "switchboard_bus_undecodable_total", "reason" = "oversized";
    /// Questions of other nodes that found too many others being worked on.
    requests_refused => "switchboard_bus_requests_refused_total";
    /// Connections for publishing that broke.
    publisher_breaks => "switchboard_bus_reconnects_total", "link" = "publisher";
    /// Connections for listening that broke: what others published meanwhile was missed.
    subscriber_breaks => "switchboard_bus_reconnects_total", "link" = "subscriber";
}

impl std::fmt::Debug for Stats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.read().fmt(f)
    }
}

impl Stats {
    /// How long a probe took through Redis.
    pub(crate) fn lag(&self, time: Duration) {
        self.lag.record(time.as_secs_f64());
    }
}

pub(crate) struct Count {
    total: AtomicU64,
    exported: Counter,
}

impl Count {
    fn new(exported: Counter) -> Self {
        Self {
            total: AtomicU64::new(0),
            exported,
        }
    }

    pub(crate) fn add(&self, count: usize) {
        if count > 0 {
            self.total.fetch_add(count as u64, Relaxed);
            self.exported.increment(count as u64);
        }
    }
}
