//! `idle`: what a quiet connection costs in memory, fresh and after it once was busy.

use std::time::{Duration, Instant};

use super::Job;
use crate::client::{Dialect, Fleet, Handler, Idle, Stalled};
use crate::stats::{Metric, Values, real};
use crate::usage::Memory;

/// Connections opened before the first reading: they pay for what all share.
const WARM_UP: usize = 100;
/// Bytes that each connection exchanges, in one message.
const EXCHANGED: usize = 64 << 10;
/// Exchanges under way at once.
const AT_ONCE: usize = 32;

pub(super) fn measure(job: &Job<'_>) -> anyhow::Result<Values> {
    let (server, mut fleet) = job.start()?;
    let connections = job.connections();
    fleet.open_all(WARM_UP)?;
    exchange(&mut fleet, 0..WARM_UP)?;
    fleet.settle(Duration::from_millis(500), &mut Idle)?;
    let before = Memory::of(server.pid())?;
    fleet.open_all(connections)?;
    fleet.settle(Duration::from_millis(500), &mut Idle)?;
    let fresh = Memory::of(server.pid())?;
    exchange(&mut fleet, WARM_UP..WARM_UP + connections)?;
    fleet.settle(Duration::from_secs(1), &mut Idle)?;
    let after = Memory::of(server.pid())?;
    let growth = |now: u64, before: u64| (real(now) - real(before)) / real(connections as u64);
    Ok(vec![
        (Metric::Rss, growth(fresh.rss, before.rss)),
        (Metric::Pss, growth(fresh.pss, before.pss)),
        (Metric::RssAfter, growth(after.rss, before.rss)),
        (Metric::PssAfter, growth(after.pss, before.pss)),
    ])
}

/// Has each of the connections echo one large message.
fn exchange(fleet: &mut Fleet, ids: std::ops::Range<usize>) -> anyhow::Result<()> {
    let mut frame = Vec::new();
    fleet.dialect().push_echo(&mut frame, 0, EXCHANGED);
    let mut answers = Answers {
        dialect: fleet.dialect(),
        right: 0,
    };
    let mut stalled = Stalled::new();
    for (begun, id) in ids.clone().enumerate() {
        fleet.send(id, &frame)?;
        while begun + 1 - answers.right >= AT_ONCE {
            answers.wait(fleet, &mut stalled)?;
        }
    }
    while answers.right < ids.len() {
        answers.wait(fleet, &mut stalled)?;
    }
    Ok(())
}

struct Answers {
    dialect: Dialect,
    right: usize,
}

impl Answers {
    fn wait(&mut self, fleet: &mut Fleet, stalled: &mut Stalled) -> anyhow::Result<()> {
        let before = self.right;
        fleet.turn(Duration::from_millis(100), self)?;
        stalled.check(self.right > before)
    }
}

impl Handler for Answers {
    fn message(&mut self, _id: usize, payload: &[u8], _out: &mut Vec<u8>, _now: Instant) {
        self.right += usize::from(self.dialect.read_echo(payload, EXCHANGED).is_some());
    }
}
