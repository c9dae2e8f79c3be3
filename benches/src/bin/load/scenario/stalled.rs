//! `stalled`: what one client that never reads does to all others.

use std::time::Duration;

use super::fan::Fan;
use super::{Job, Variant, latencies, per_operation};
use crate::client::{Fleet, Handler};
use crate::stats::{Metric, Values, real};
use crate::usage::Memory;

/// With [`PAYLOAD`], more than the kernel's largest send buffer (4 MiB) and a queue of 1 MiB hold.
const TRIGGERS: u64 = 1_500;
/// Least size of a message: smaller ones take long to fill the kernel's buffers.
pub(super) const PAYLOAD: usize = 4 << 10;
/// A small window, so that the server notices the stalled client soon.
const RECEIVE_BUFFER: usize = 4 << 10;

pub(super) fn measure(job: &Job<'_>) -> anyhow::Result<Values> {
    let (server, mut fleet) = job.start()?;
    let with_stalled = job.variant == Variant::OneStalled;
    let readers = job.connections() - usize::from(with_stalled);
    fleet.open_all(readers)?;
    let mut fan = Fan::new(job.dialect(), readers, None, job.payload())?;
    fan.run(&mut fleet, TRIGGERS / 20, 1)?;
    fan.forget();
    let stalled = with_stalled.then(|| open_stalled(&mut fleet)).transpose()?;
    let before = Memory::of(server.pid())?;
    // As many triggers as fill a queue, unless the options ask for a short run.
    let triggers = TRIGGERS.min(job.operations());
    let interval = job.begin(&server)?;
    fan.run(&mut fleet, triggers, 1)?;
    let reading = interval.end()?;
    let after = Memory::of(server.pid())?;
    let mut values = per_operation(&reading, fan.tally.delivered);
    values.extend(latencies(job.gauge, &fan.latency));
    values.push((
        Metric::Growth,
        (real(after.pss) - real(before.pss)) / 1024.0,
    ));
    if let Some(id) = stalled {
        let mut end = End::default();
        fleet.unmute(id)?;
        fleet.settle(Duration::from_millis(500), &mut end)?;
        values.push((Metric::SlowClosed, if end.closed { 1.0 } else { 0.0 }));
    }
    values.extend(fan.tally.values());
    Ok(values)
}

fn open_stalled(fleet: &mut Fleet) -> anyhow::Result<usize> {
    let before = fleet.open();
    let id = fleet.start(Some(RECEIVE_BUFFER))?;
    let mut patience = crate::client::Stalled::new();
    while fleet.open() == before {
        fleet.turn(Duration::from_millis(100), &mut crate::client::Idle)?;
        patience.check(false)?;
    }
    fleet.mute(id)?;
    Ok(id)
}

/// Whether the server ended the connection.
#[derive(Default)]
struct End {
    closed: bool,
}

impl Handler for End {
    fn close_frame(&mut self, _id: usize, _payload: &[u8]) {
        self.closed = true;
    }

    fn closed(&mut self, _id: usize, _opened: bool) {
        self.closed = true;
    }
}
