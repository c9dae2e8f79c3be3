//! What is counted, by the names of `docs/metrics.md`. Labels come from fixed lists, never from a peer.
//!
//! Nothing here is done per recipient of a broadcast. Times and sizes are looked at only where somebody
//! records them; see [`Metrics::now`].

mod names;
mod totals;

use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use tokio::time::Instant;

use crate::{
    health::Sums,
    io::{incoming::What, reason::DisconnectReason},
};

pub(crate) use totals::Totals;

/// The metrics of one server, looked up once.
///
/// A recorder that is installed later sees nothing of a server made before it.
#[derive(Debug)]
pub(crate) struct Metrics {
    /// Whether there is a recorder: without one no clock is read.
    recorded: bool,
    connections: Gauge,
    polling: Gauge,
    websocket: Gauge,
    connected: Counter,
    received: Counter,
    sent: Counter,
    bad_packets: Counter,
    entries_refused: Counter,
    recovered: Counter,
    not_recovered: Counter,
    upgraded: Counter,
    not_upgraded: Counter,
    handlers_failed: Counter,
    handlers_panicked: Counter,
    handlers_rejected: Counter,
    acks_timed_out: Counter,
    received_bytes: Counter,
    sent_bytes: Counter,
    dropped: Counter,
    lost: Counter,
    slow_consumers: Counter,
    rate_pauses: Counter,
    connect_handlers: Histogram,
    event_handlers: Histogram,
    disconnect_handlers: Histogram,
    waits: Histogram,
    accepted: Histogram,
    refused: Histogram,
    connection_durations: Histogram,
    upgrade_durations: Histogram,
    ack_durations: Histogram,
    recipients: Histogram,
    received_sizes: Histogram,
    sent_sizes: Histogram,
    /// The same for whoever has no recorder.
    pub(crate) sums: Sums,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let recorded = is_recorded();
        if recorded {
            names::describe();
        }
        Self {
            recorded,
            connections: gauge!("switchboard_connections"),
            polling: gauge!("switchboard_sessions", "transport" => "polling"),
            websocket: gauge!("switchboard_sessions", "transport" => "websocket"),
            connected: counter!("switchboard_connections_total"),
            received: counter!("switchboard_packets_received_total"),
            sent: counter!("switchboard_events_sent_total"),
            bad_packets: counter!("switchboard_bad_packets_total"),
            entries_refused: counter!("switchboard_namespace_refusals_total"),
            recovered: counter!("switchboard_recoveries_total", "outcome" => "recovered"),
            not_recovered: counter!("switchboard_recoveries_total", "outcome" => "refused"),
            upgraded: counter!("switchboard_upgrades_total", "outcome" => "completed"),
            not_upgraded: counter!("switchboard_upgrades_total", "outcome" => "failed"),
            handlers_failed: counter!("switchboard_handlers_total", "outcome" => "failed"),
            handlers_panicked: counter!("switchboard_handlers_total", "outcome" => "panicked"),
            handlers_rejected: counter!("switchboard_handlers_total", "outcome" => "rejected"),
            acks_timed_out: counter!("switchboard_acks_timed_out_total"),
            received_bytes: counter!("switchboard_received_bytes_total"),
            sent_bytes: counter!("switchboard_sent_bytes_total"),
            dropped: counter!("switchboard_messages_dropped_total", "protocol" => "socketio"),
            lost: counter!("switchboard_messages_lost_total", "protocol" => "socketio"),
            slow_consumers: counter!("switchboard_slow_consumers_total", "protocol" => "socketio"),
            rate_pauses: counter!("switchboard_rate_pauses_total", "protocol" => "socketio"),
            connect_handlers: histogram!("switchboard_handler_duration_seconds", "kind" => "connect"),
            event_handlers: histogram!("switchboard_handler_duration_seconds", "kind" => "event"),
            disconnect_handlers: histogram!("switchboard_handler_duration_seconds", "kind" => "disconnect"),
            waits: histogram!("switchboard_handler_wait_seconds"),
            accepted: histogram!("switchboard_entry_duration_seconds", "outcome" => "accepted"),
            refused: histogram!("switchboard_entry_duration_seconds", "outcome" => "refused"),
            connection_durations: histogram!("switchboard_connection_duration_seconds"),
            upgrade_durations: histogram!("switchboard_upgrade_duration_seconds"),
            ack_durations: histogram!("switchboard_ack_duration_seconds"),
            recipients: histogram!("switchboard_broadcast_recipients"),
            received_sizes: histogram!("switchboard_received_message_bytes"),
            sent_sizes: histogram!("switchboard_sent_message_bytes"),
            sums: Sums::default(),
        }
    }

    /// The time, where somebody records what it is taken for.
    #[inline]
    pub(crate) fn now(&self) -> Option<Instant> {
        self.recorded.then(Instant::now)
    }
}

/// Sessions.
impl Metrics {
    pub(crate) fn connected(&self, transport: &str) {
        self.connections.increment(1);
        self.connected.increment(1);
        self.sessions(transport).increment(1);
    }

    /// A session that used `transport` has ended; `lost` messages were never fetched.
    pub(crate) fn disconnected(
        &self,
        reason: DisconnectReason,
        transport: &str,
        lived: Duration,
        lost: usize,
    ) {
        self.connections.decrement(1);
        self.sessions(transport).decrement(1);
        self.connection_durations.record(lived);
        self.lost.increment(lost as u64);
        counter!("switchboard_disconnections_total", "reason" => reason.as_str()).increment(1);
    }

    /// A session has changed to a WebSocket, if it did.
    pub(crate) fn upgrade(&self, began: Option<Instant>, completed: bool) {
        if !completed {
            return self.not_upgraded.increment(1);
        }
        self.upgraded.increment(1);
        self.polling.decrement(1);
        self.websocket.increment(1);
        since(&self.upgrade_durations, began);
    }

    #[expect(clippy::unused_self, reason = "all of them are counted through this")]
    pub(crate) fn refused(&self, code: &'static str) {
        counter!("switchboard_refusals_total", "code" => code).increment(1);
    }

    fn sessions(&self, transport: &str) -> &Gauge {
        match transport {
            "polling" => &self.polling,
            _ => &self.websocket,
        }
    }
}

/// Sockets on their way in.
impl Metrics {
    pub(crate) fn entry_refused(&self) {
        self.entries_refused.increment(1);
    }

    /// The middlewares have decided.
    pub(crate) fn decided(&self, began: Option<Instant>, accepted: bool) {
        let outcome = if accepted {
            &self.accepted
        } else {
            &self.refused
        };
        since(outcome, began);
    }

    /// A client wanted to continue an earlier session.
    pub(crate) fn recovery(&self, recovered: bool) {
        if recovered {
            self.recovered.increment(1);
        } else {
            self.not_recovered.increment(1);
        }
    }
}

/// What comes in.
impl Metrics {
    /// A message of so many bytes.
    #[inline]
    pub(crate) fn message(&self, bytes: usize) {
        if self.recorded {
            self.received_bytes.increment(bytes as u64);
            self.received_sizes.record(float(bytes));
        }
    }

    pub(crate) fn received(&self) {
        self.received.increment(1);
        self.sums.received();
    }

    pub(crate) fn bad_packet(&self) {
        self.bad_packets.increment(1);
        self.sums.error();
    }

    /// A client that polls is slowed down.
    pub(crate) fn rate_pause(&self) {
        self.rate_pauses.increment(1);
    }
}

/// What goes out.
impl Metrics {
    /// An event of so many bytes was queued for `count` clients of this node.
    #[inline]
    pub(crate) fn sent(&self, count: usize, bytes: usize) {
        self.sent.increment(count as u64);
        self.sums.sent(count);
        self.queued(count, bytes);
    }

    /// A packet of so many bytes was queued for `count` clients.
    #[inline]
    pub(crate) fn queued(&self, count: usize, bytes: usize) {
        if self.recorded {
            self.sent_bytes.increment((count * bytes) as u64);
            self.sent_sizes.record(float(bytes));
        }
    }

    /// A broadcast was queued for `count` clients of this node: once for all of them.
    pub(crate) fn broadcast(&self, count: usize) {
        self.recipients.record(float(count));
    }

    /// Messages for a client that polls were dropped.
    pub(crate) fn dropped(&self, count: usize) {
        self.dropped.increment(count as u64);
    }

    /// A client that polls was closed because it did not keep up.
    pub(crate) fn slow_consumer(&self) {
        self.slow_consumers.increment(1);
    }

    pub(crate) fn ack(&self, asked: Option<Instant>) {
        since(&self.ack_durations, asked);
    }

    pub(crate) fn acks_timed_out(&self, count: usize) {
        self.acks_timed_out.increment(count as u64);
    }
}

/// Handlers.
impl Metrics {
    /// Handlers begin with an event that came at `came`; what ran before them ended at `free`. Returns when
    /// they began.
    ///
    /// An event begins when it has come, or when what ran before it has ended: both have been read from the
    /// clock already.
    #[inline]
    pub(crate) fn begun(&self, came: Option<Instant>, free: Option<Instant>) -> Option<Instant> {
        let Some(came) = came else {
            return free.or_else(|| self.now());
        };
        let began = free.map_or(came, |free| free.max(came));
        self.waits.record(began - came);
        Some(began)
    }

    /// They have returned; returns the time.
    #[inline]
    pub(crate) fn handled(&self, what: &What, began: Option<Instant>) -> Option<Instant> {
        let handlers = match what {
            What::Connect => &self.connect_handlers,
            What::Event { .. } => &self.event_handlers,
            What::Disconnect(_) => &self.disconnect_handlers,
        };
        since(handlers, began)
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

/// Records the time since `began`, and returns the time.
fn since(histogram: &Histogram, began: Option<Instant>) -> Option<Instant> {
    let began = began?;
    let now = Instant::now();
    histogram.record(now - began);
    Some(now)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a size that loses digits has more of them than anybody looks at"
)]
fn float(size: usize) -> f64 {
    size as f64
}

/// Whether a recorder is installed. The one that stands for none is without any state, which nobody's that
/// records something is.
fn is_recorded() -> bool {
    metrics::with_recorder(|recorder| size_of_val(recorder) > 0)
}
