//! What is counted, by the names of `docs/metrics.md`. Labels come from fixed lists, never from a peer.

use metrics::{Counter, Gauge, counter, gauge};

use crate::{health::Sums, io::reason::DisconnectReason};

/// The counters of one server, looked up once.
///
/// A recorder that is installed later sees nothing of a server made before it.
#[derive(Debug)]
pub(crate) struct Metrics {
    connections: Gauge,
    connected: Counter,
    received: Counter,
    sent: Counter,
    bad_packets: Counter,
    entries_refused: Counter,
    handlers_failed: Counter,
    handlers_panicked: Counter,
    handlers_rejected: Counter,
    /// The same for whoever has no recorder.
    pub(crate) sums: Sums,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            connections: gauge!("switchboard_connections"),
            connected: counter!("switchboard_connections_total"),
            received: counter!("switchboard_packets_received_total"),
            sent: counter!("switchboard_events_sent_total"),
            bad_packets: counter!("switchboard_bad_packets_total"),
            entries_refused: counter!("switchboard_namespace_refusals_total"),
            handlers_failed: counter!("switchboard_handlers_total", "outcome" => "failed"),
            handlers_panicked: counter!("switchboard_handlers_total", "outcome" => "panicked"),
            handlers_rejected: counter!("switchboard_handlers_total", "outcome" => "rejected"),
            sums: Sums::default(),
        }
    }

    pub(crate) fn connected(&self) {
        self.connections.increment(1);
        self.connected.increment(1);
    }

    pub(crate) fn disconnected(&self, reason: DisconnectReason) {
        self.connections.decrement(1);
        counter!("switchboard_disconnections_total", "reason" => reason.as_str()).increment(1);
    }

    #[expect(clippy::unused_self, reason = "all of them are counted through this")]
    pub(crate) fn refused(&self, code: &'static str) {
        counter!("switchboard_refusals_total", "code" => code).increment(1);
    }

    pub(crate) fn received(&self) {
        self.received.increment(1);
        self.sums.received();
    }

    /// Events queued for clients of this node.
    pub(crate) fn sent(&self, count: usize) {
        self.sent.increment(count as u64);
        self.sums.sent(count);
    }

    pub(crate) fn bad_packet(&self) {
        self.bad_packets.increment(1);
        self.sums.error();
    }

    pub(crate) fn entry_refused(&self) {
        self.entries_refused.increment(1);
    }

    pub(crate) fn handler_failed(&self) {
        self.handlers_failed.increment(1);
        self.sums.error();
    }

    pub(crate) fn handler_panicked(&self) {
        self.handlers_panicked.increment(1);
        self.sums.error();
    }

    pub(crate) fn handler_rejected(&self) {
        self.handlers_rejected.increment(1);
    }
}
