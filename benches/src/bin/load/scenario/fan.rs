//! `broadcast` and `rooms`: one trigger, many deliveries, each checked.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use hdrhistogram::Histogram;

use super::{Job, Scenario, Variant, histogram, latencies, per_operation};
use crate::client::window::{REACH, Seen, Window};
use crate::client::{Dialect, Fleet, Handler, Stalled};
use crate::stats::{Metric, Values, real};

/// The connection that triggers. It receives like any other.
const TRIGGER: usize = 0;

pub(super) fn measure(job: &Job<'_>) -> anyhow::Result<Values> {
    let Variant::InFlight(in_flight) = job.variant else {
        anyhow::bail!("not a fan-out")
    };
    let (server, mut fleet) = job.start()?;
    let connections = job.connections();
    fleet.open_all(connections)?;
    let rooms = match job.scenario {
        Scenario::Rooms => Some((connections / job.options.room_size).max(1)),
        _ => None,
    };
    let mut fan = Fan::new(job.dialect(), connections, rooms, job.payload())?;
    fan.join(&mut fleet)?;
    // Rounded up to whole turns round all rooms, so that every member receives equally many.
    let round = fan.audience.iter().sum::<u64>();
    let triggers = job.operations().div_ceil(round) * fan.rooms;
    fan.run(&mut fleet, (triggers / 10).max(2), in_flight)?;
    fan.forget();
    let interval = job.begin(&server)?;
    fan.run(&mut fleet, triggers, in_flight)?;
    let reading = interval.end()?;
    fleet.settle(Duration::from_millis(5), &mut fan)?;
    let mut values = per_operation(&reading, fan.tally.delivered);
    values.extend(latencies(job.gauge, &fan.latency));
    values.extend(fan.tally.values());
    Ok(values)
}

/// Deliveries, counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) delivered: u64,
    lost: u64,
    duplicated: u64,
    wrong: u64,
}

impl Tally {
    pub(super) fn values(&self) -> Values {
        vec![
            (Metric::Lost, real(self.lost)),
            (Metric::Duplicated, real(self.duplicated)),
            (Metric::Wrong, real(self.wrong)),
        ]
    }
}

/// A trigger under way.
#[derive(Clone, Copy, Debug)]
struct Outstanding {
    seq: u64,
    sent: Instant,
    missing: u64,
}

/// Sends triggers and checks what they bring about.
///
/// Connection `i` is in room `i % rooms`, and trigger `seq` goes to room `seq % rooms`; a broadcast
/// is one room of everyone.
#[derive(Debug)]
pub(super) struct Fan {
    dialect: Dialect,
    rooms: u64,
    named_rooms: bool,
    payload: usize,
    /// Members of each room.
    audience: Vec<u64>,
    windows: Vec<Window>,
    outstanding: Vec<Option<Outstanding>>,
    next_seq: u64,
    under_way: usize,
    pub(super) tally: Tally,
    pub(super) latency: Histogram<u64>,
}

impl Fan {
    /// Expects deliveries on connections `0..connections`; `rooms` of `None` means a broadcast.
    pub(super) fn new(
        dialect: Dialect,
        connections: usize,
        rooms: Option<usize>,
        payload: usize,
    ) -> anyhow::Result<Self> {
        let count = rooms.unwrap_or(1);
        let mut audience = vec![0; count];
        for id in 0..connections {
            audience[id % count] += 1;
        }
        Ok(Self {
            dialect,
            rooms: count as u64,
            named_rooms: rooms.is_some(),
            payload,
            audience,
            windows: vec![Window::default(); connections],
            outstanding: vec![None; usize::try_from(REACH)?],
            next_seq: 0,
            under_way: 0,
            tally: Tally::default(),
            latency: histogram()?,
        })
    }

    /// Puts every connection into its room.
    fn join(&self, fleet: &mut Fleet) -> anyhow::Result<()> {
        if !self.named_rooms {
            return Ok(());
        }
        let mut frame = Vec::new();
        for id in 0..self.windows.len() {
            frame.clear();
            let room = format!("r{}", id as u64 % self.rooms);
            fleet.dialect().push_join(&mut frame, &room);
            fleet.send(id, &frame)?;
        }
        let mut joined = Joined {
            dialect: fleet.dialect(),
            count: 0,
        };
        let mut stalled = Stalled::new();
        while joined.count < self.windows.len() {
            let before = joined.count;
            fleet.turn(Duration::from_millis(100), &mut joined)?;
            stalled
                .check(joined.count > before)
                .context("joining rooms")?;
        }
        Ok(())
    }

    /// Begins to count anew, after a warm-up.
    pub(super) fn forget(&mut self) {
        self.tally = Tally::default();
        self.latency.reset();
    }

    /// Sends `triggers` triggers, keeping `in_flight` outstanding, and waits for all deliveries.
    pub(super) fn run(
        &mut self,
        fleet: &mut Fleet,
        triggers: u64,
        in_flight: usize,
    ) -> anyhow::Result<()> {
        let end = self.next_seq + triggers;
        let mut frames = Vec::new();
        let mut stalled = Stalled::new();
        loop {
            // Successors of all that completed in the last turn go out in one write.
            let first = self.next_seq;
            while self.next_seq < end && self.under_way < in_flight && self.slot_is_free() {
                self.push_trigger(&mut frames);
            }
            if !frames.is_empty() {
                let sent = Instant::now();
                for seq in first..self.next_seq {
                    if let Some(outstanding) = &mut self.outstanding[slot(seq)] {
                        outstanding.sent = sent;
                    }
                }
                fleet.send(TRIGGER, &frames)?;
                frames.clear();
            }
            if self.under_way == 0 && self.next_seq == end {
                return Ok(());
            }
            let before = self.tally.delivered;
            fleet.turn(Duration::from_millis(100), self)?;
            if stalled.is(self.tally.delivered > before) {
                let missing = self
                    .outstanding
                    .iter()
                    .flatten()
                    .map(|trigger| trigger.missing);
                self.tally.lost += missing.sum::<u64>();
                anyhow::bail!("{} deliveries were lost", self.tally.lost);
            }
        }
    }

    fn slot_is_free(&self) -> bool {
        self.outstanding[slot(self.next_seq)].is_none()
    }

    fn push_trigger(&mut self, frames: &mut Vec<u8>) {
        let (seq, size) = (self.next_seq, self.payload);
        let room = seq % self.rooms;
        if self.named_rooms {
            let room = format!("r{room}");
            self.dialect.push_to_room(frames, &room, seq, size);
        } else {
            self.dialect.push_broadcast(frames, seq, size);
        }
        let missing = self.audience[usize::try_from(room).unwrap_or_default()];
        self.outstanding[slot(seq)] = Some(Outstanding {
            seq,
            sent: Instant::now(),
            missing,
        });
        self.next_seq += 1;
        self.under_way += 1;
    }
}

impl Handler for Fan {
    fn message(&mut self, id: usize, payload: &[u8], _out: &mut Vec<u8>, now: Instant) {
        let seq = self.dialect.read_broadcast(payload, self.payload);
        let mine = |seq: &u64| seq % self.rooms == id as u64 % self.rooms;
        let (Some(seq), Some(window)) = (seq.filter(mine), self.windows.get_mut(id)) else {
            self.tally.wrong += 1;
            return;
        };
        let seen = window.note(seq / self.rooms);
        let slot = &mut self.outstanding[slot(seq)];
        match (seen, slot) {
            (Seen::Duplicate, _) => self.tally.duplicated += 1,
            (Seen::New, Some(trigger)) if trigger.seq == seq => {
                self.tally.delivered += 1;
                let took = now.saturating_duration_since(trigger.sent).as_nanos();
                self.latency
                    .saturating_record(u64::try_from(took).unwrap_or(u64::MAX).max(1));
                trigger.missing -= 1;
                if trigger.missing == 0 {
                    self.outstanding[self::slot(seq)] = None;
                    self.under_way -= 1;
                }
            }
            _ => self.tally.wrong += 1,
        }
    }
}

/// Where trigger `seq` is kept while under way.
fn slot(seq: u64) -> usize {
    usize::try_from(seq % REACH).unwrap_or_default()
}

/// Counts the answers to `join`.
struct Joined {
    dialect: Dialect,
    count: usize,
}

impl Handler for Joined {
    fn message(&mut self, _id: usize, payload: &[u8], _out: &mut Vec<u8>, _now: Instant) {
        self.count += usize::from(self.dialect.is_joined(payload));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deliver(fan: &mut Fan, id: usize, text: &[u8]) {
        fan.message(id, text, &mut Vec::new(), Instant::now());
    }

    #[test]
    fn a_trigger_is_complete_once_everyone_has_it() {
        let mut fan = Fan::new(Dialect::Raw, 2, None, 6).unwrap();
        fan.push_trigger(&mut Vec::new());
        deliver(&mut fan, 0, b"b:0:xx");
        assert_eq!(fan.under_way, 1);
        deliver(&mut fan, 1, b"b:0:xx");
        assert_eq!((fan.under_way, fan.tally.delivered), (0, 2));
        assert_eq!(fan.latency.len(), 2);
    }

    #[test]
    fn faults_are_told_apart() {
        let mut fan = Fan::new(Dialect::Raw, 4, Some(2), 6).unwrap();
        fan.push_trigger(&mut Vec::new());
        fan.push_trigger(&mut Vec::new());
        deliver(&mut fan, 0, b"b:0:xx");
        deliver(&mut fan, 0, b"b:0:xx");
        // Room 1's message at a member of room 0, a damaged one, and one never sent.
        deliver(&mut fan, 0, b"b:1:xx");
        deliver(&mut fan, 1, b"b:1:xy");
        deliver(&mut fan, 0, b"b:2:xx");
        let Tally {
            delivered,
            duplicated,
            wrong,
            ..
        } = fan.tally;
        assert_eq!((delivered, duplicated, wrong), (1, 1, 3));
    }
}
