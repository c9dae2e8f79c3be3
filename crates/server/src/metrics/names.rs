//! The names, as `docs/metrics.md` has them: a test compares the two.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Gauge,
    Counter,
    Histogram,
}

/// A metric: its name, what it is, its labels, its unit, what it tells.
pub(super) struct Named {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "a test compares it with the docs")
    )]
    pub(super) labels: &'static [&'static str],
    unit: Unit,
    help: &'static str,
}

const fn named(
    name: &'static str,
    kind: Kind,
    labels: &'static [&'static str],
    unit: Unit,
    help: &'static str,
) -> Named {
    Named {
        name,
        kind,
        labels,
        unit,
        help,
    }
}

/// All of them.
#[rustfmt::skip]
pub(super) const ALL: &[Named] = {
    use Kind::{Counter, Gauge, Histogram};
    use Unit::{Bytes, Count, Seconds};
    &[
        named("switchboard_connections", Gauge, &[], Count, "clients that have a session now"),
        named("switchboard_sessions", Gauge, &["transport"], Count, "the same by the transport that they use now"),
        named("switchboard_sockets", Gauge, &[], Count, "clients in namespaces now; one in two namespaces counts twice"),
        named("switchboard_namespaces", Gauge, &[], Count, "namespaces that there are now"),
        named("switchboard_connections_total", Counter, &[], Count, "sessions that were opened"),
        named("switchboard_disconnections_total", Counter, &["reason"], Count, "sessions that have ended"),
        named("switchboard_refusals_total", Counter, &["code"], Count, "requests that were refused"),
        named("switchboard_namespace_refusals_total", Counter, &[], Count, "CONNECTs that were answered with connect_error"),
        named("switchboard_recoveries_total", Counter, &["outcome"], Count, "clients that wanted to continue an earlier session"),
        named("switchboard_upgrades_total", Counter, &["outcome"], Count, "changes from polling to a WebSocket that were tried"),
        named("switchboard_packets_received_total", Counter, &[], Count, "Socket.IO packets of clients"),
        named("switchboard_bad_packets_total", Counter, &[], Count, "packets that broke the protocol"),
        named("switchboard_events_sent_total", Counter, &[], Count, "events that were queued for clients of this node"),
        named("switchboard_handlers_total", Counter, &["outcome"], Count, "handlers that failed, panicked, or were not called"),
        named("switchboard_acks_timed_out_total", Counter, &[], Count, "questions that a client did not answer in time"),
        named("switchboard_received_bytes_total", Counter, &[], Bytes, "bytes of the messages of clients"),
        named("switchboard_sent_bytes_total", Counter, &[], Bytes, "bytes that were queued for clients of this node"),
        named("switchboard_messages_dropped_total", Counter, &["protocol"], Count, "messages that a slow-consumer policy dropped, or that were volatile"),
        named("switchboard_messages_lost_total", Counter, &["protocol"], Count, "messages that were queued for clients who were lost before they got them"),
        named("switchboard_slow_consumers_total", Counter, &["protocol"], Count, "clients closed because they did not keep up"),
        named("switchboard_heartbeats_missed_total", Counter, &["protocol"], Count, "WebSockets cut because nothing came from the peer"),
        named("switchboard_rule_breaks_total", Counter, &["protocol"], Count, "WebSockets closed because the peer broke a rule of RFC 6455 or a limit"),
        named("switchboard_rate_pauses_total", Counter, &["protocol"], Count, "times that reading rested because the peer was too fast"),
        named("switchboard_handler_duration_seconds", Histogram, &["kind"], Seconds, "from the call of the first handler to the return of the last"),
        named("switchboard_handler_wait_seconds", Histogram, &[], Seconds, "how long an event waited for its handlers"),
        named("switchboard_entry_duration_seconds", Histogram, &["outcome"], Seconds, "how long the middlewares decided about a CONNECT"),
        named("switchboard_connection_duration_seconds", Histogram, &[], Seconds, "how long a session lived"),
        named("switchboard_upgrade_duration_seconds", Histogram, &[], Seconds, "how long a change to a WebSocket took"),
        named("switchboard_ack_duration_seconds", Histogram, &[], Seconds, "from a question to one client to its answer"),
        named("switchboard_broadcast_recipients", Histogram, &[], Count, "clients of this node that one broadcast was queued for"),
        named("switchboard_received_message_bytes", Histogram, &[], Bytes, "size of a message of a client"),
        named("switchboard_sent_message_bytes", Histogram, &[], Bytes, "size of an event or answer as it is queued, once for all its recipients"),
    ]
};

/// Tells the recorder what each name means.
pub(super) fn describe() {
    for metric in ALL {
        let Named {
            name, unit, help, ..
        } = *metric;
        match metric.kind {
            Kind::Gauge => describe_gauge!(name, unit, help),
            Kind::Counter => describe_counter!(name, unit, help),
            Kind::Histogram => describe_histogram!(name, unit, help),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_in_the_docs_has_the_same_names_types_and_labels() {
        let docs = include_str!("../../../../docs/metrics.md");
        let rows: Vec<_> = docs
            .lines()
            // What comes behind is the adapters'.
            .take_while(|line| *line != "## The way to other nodes")
            .filter(|line| line.starts_with("| `switchboard_"))
            .map(|line| {
                let cells: Vec<_> = line.split('|').map(str::trim).collect();
                let labels = cells[3].split('`').skip(1).step_by(2);
                // The first word in code is the label, those after a colon its values.
                let label = labels.take(1).map(str::to_owned).collect::<Vec<_>>();
                (
                    cells[1].trim_matches('`').to_owned(),
                    cells[2].to_owned(),
                    label,
                )
            })
            .collect();
        let ours: Vec<_> = ALL
            .iter()
            .map(|metric| {
                let labels = metric.labels.iter().map(|&label| label.to_owned());
                let kind = format!("{:?}", metric.kind).to_lowercase();
                (metric.name.to_owned(), kind, labels.collect::<Vec<_>>())
            })
            .collect();
        assert_eq!(rows, ours);
    }
}
