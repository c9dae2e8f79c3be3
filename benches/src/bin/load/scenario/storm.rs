//! `storm`: everyone connects at once, as after a restart.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::{Job, histogram, latencies, per_operation};
use crate::client::Handler;
use crate::stats::{Metric, Values, real};
use crate::usage::ListenQueue;

pub(super) fn measure(job: &Job<'_>) -> anyhow::Result<Values> {
    let (server, mut fleet) = job.start()?;
    let connections = job.connections();
    let mut arrivals = Arrivals(histogram()?);
    let queue = ListenQueue::now()?;
    let interval = job.begin(&server)?;
    let begun = Instant::now();
    fleet.open_more(connections, connections, &mut arrivals)?;
    let took = begun.elapsed();
    let reading = interval.end()?;
    let now = ListenQueue::now()?;
    anyhow::ensure!(fleet.open() > 0, "nobody was let in");
    let mut values = per_operation(&reading, fleet.open() as u64);
    values.extend(latencies(job.gauge, &arrivals.0));
    values.push((Metric::AllConnected, took.as_secs_f64() * 1e3));
    values.push((Metric::Refused, real(fleet.refused())));
    values.push((
        Metric::ListenOverflows,
        real(now.overflows - queue.overflows),
    ));
    values.push((Metric::ListenDrops, real(now.drops - queue.drops)));
    Ok(values)
}

struct Arrivals(Histogram<u64>);

impl Handler for Arrivals {
    fn opened(&mut self, _id: usize, took: Duration, _out: &mut Vec<u8>) {
        self.0
            .saturating_record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).max(1));
    }
}
