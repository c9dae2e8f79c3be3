//! How an in-process cluster behaves.

use std::{ops::Range, time::Duration};

/// Settings of a [`Cluster`](crate::Cluster). By default nothing is late, lost or repeated.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClusterConfig {
    /// Where all chance comes from. Default: 0.
    pub seed: u64,
    /// How long a message is under way; drawn for each, but none overtakes another of the same sender to the
    /// same receiver. Default: no time.
    pub delay: Range<Duration>,
    /// The share of messages that are lost, 0 to 1. Default: none.
    pub loss: f64,
    /// The share of messages that the bus brings twice, 0 to 1. Default: none.
    pub duplication: f64,
    /// How many messages wait between two nodes; what is more is dropped. Default: 16,384.
    pub queue: usize,
    /// How long questions without a time of their own wait. Default: 5 s.
    pub answer_within: Duration,
    /// How long a node is not heard of before the others take it for gone. Default: 10 s.
    pub gone_after: Duration,
    /// Whether sessions can go on on other nodes. Default: no.
    pub sessions: bool,
    /// How many events are kept for them. Default: 10,000.
    pub log: usize,
}

impl Default for ClusterConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            delay: Duration::ZERO..Duration::ZERO,
            loss: 0.0,
            duplication: 0.0,
            queue: 16_384,
            answer_within: Duration::from_secs(5),
            gone_after: Duration::from_secs(10),
            sessions: false,
            log: 10_000,
        }
    }
}

macro_rules! setters {
    ($($setter:ident: $field:ident: $type:ty),* $(,)?) => {$(
        #[doc = concat!("Sets [`", stringify!($field), "`](Self::", stringify!($field), ").")]
        #[must_use]
        pub fn $setter(mut self, $field: $type) -> Self {
            self.$field = $field;
            self
        }
    )*};
}

impl ClusterConfig {
    setters! {
        with_seed: seed: u64,
        with_delay: delay: Range<Duration>,
        with_loss: loss: f64,
        with_duplication: duplication: f64,
        with_queue: queue: usize,
        with_answer_within: answer_within: Duration,
        with_gone_after: gone_after: Duration,
        with_sessions: sessions: bool,
        with_log: log: usize,
    }
}

/// What became of all messages between the nodes of a [`Cluster`](crate::Cluster).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClusterStats {
    /// Given to their node.
    pub delivered: u64,
    /// Lost by chance, a partition, or a node that is gone.
    pub lost: u64,
    /// Brought twice; the second was not given to the node.
    pub repeated: u64,
    /// Dropped because too many waited.
    pub overflowed: u64,
}
