//! `churn`: clients that come, shake hands and go.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::{Job, histogram, latencies, per_operation};
use crate::client::{Fleet, Handler, Stalled, wire};
use crate::gauge::Gauge;
use crate::stats::{Metric, Values, real};

/// Connections alive at once.
const AT_ONCE: usize = 64;

pub(super) fn measure(job: &Job<'_>) -> anyhow::Result<Values> {
    let (server, mut fleet) = job.start()?;
    let total = match job.gauge {
        Gauge::Clock => job.connections(),
        Gauge::Instructions | Gauge::Syscalls => job.connections().min(1_000),
    };
    let mut visitors = Visitors {
        latency: histogram()?,
        gone: 0,
        rude: 0,
        answered: 0,
    };
    visitors.come(&mut fleet, (total / 10).max(2))?;
    visitors = Visitors {
        latency: histogram()?,
        gone: 0,
        rude: 0,
        answered: 0,
    };
    let interval = job.begin(&server)?;
    visitors.come(&mut fleet, total)?;
    let reading = interval.end()?;
    let mut values = per_operation(&reading, total as u64);
    values.extend(latencies(job.gauge, &visitors.latency));
    values.push((Metric::Refused, real(fleet.refused())));
    values.push((
        Metric::Wrong,
        real((visitors.gone - visitors.rude) - visitors.answered),
    ));
    Ok(values)
}

struct Visitors {
    latency: Histogram<u64>,
    gone: u64,
    /// Gone before they were let in.
    rude: u64,
    /// Closed by the server with a Close frame, as they asked.
    answered: u64,
}

impl Visitors {
    fn come(&mut self, fleet: &mut Fleet, total: usize) -> anyhow::Result<()> {
        let mut begun = 0;
        let mut stalled = Stalled::new();
        while self.gone < total as u64 {
            while begun < total && (begun as u64) < self.gone + AT_ONCE as u64 {
                fleet.start(None)?;
                begun += 1;
            }
            let before = self.gone;
            fleet.turn(Duration::from_millis(100), self)?;
            stalled.check(self.gone > before)?;
        }
        Ok(())
    }
}

impl Handler for Visitors {
    fn opened(&mut self, _id: usize, took: Duration, out: &mut Vec<u8>) {
        self.latency
            .saturating_record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).max(1));
        // Code 1000: done.
        wire::push_frame(out, wire::CLOSE, &1_000_u16.to_be_bytes());
    }

    fn close_frame(&mut self, _id: usize, _payload: &[u8]) {
        self.answered += 1;
    }

    fn closed(&mut self, _id: usize, opened: bool) {
        self.gone += 1;
        self.rude += u64::from(!opened);
    }
}
