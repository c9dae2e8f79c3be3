//! `echo`: every client keeps messages outstanding and checks each answer.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::{Job, Variant, histogram, latencies, per_operation};
use crate::client::window::{REACH, Seen, Window};
use crate::client::{Dialect, Fleet, Handler, Stalled};
use crate::stats::{Metric, Values, real};

pub(super) fn measure(job: &Job<'_>) -> anyhow::Result<Values> {
    let Variant::Outstanding(outstanding) = job.variant else {
        anyhow::bail!("not an echo")
    };
    let (server, mut fleet) = job.start()?;
    let connections = job.connections();
    fleet.open_all(connections)?;
    let each = job.operations().div_ceil(connections as u64);
    let mut echo = Echo::new(job.dialect(), connections, job.payload())?;
    echo.run(&mut fleet, (each / 10).max(2), outstanding)?;
    echo.forget();
    let interval = job.begin(&server)?;
    echo.run(&mut fleet, each, outstanding)?;
    let reading = interval.end()?;
    fleet.settle(Duration::from_millis(5), &mut echo)?;
    let mut values = per_operation(&reading, echo.answered);
    values.extend(latencies(job.gauge, &echo.latency));
    values.push((Metric::Duplicated, real(echo.duplicated)));
    values.push((Metric::Wrong, real(echo.wrong)));
    Ok(values)
}

#[derive(Clone, Debug)]
struct Client {
    window: Window,
    next: u64,
    sent: Vec<Instant>,
}

#[derive(Debug)]
struct Echo {
    dialect: Dialect,
    clients: Vec<Client>,
    payload: usize,
    /// Each client stops before this number.
    end: u64,
    answered: u64,
    duplicated: u64,
    wrong: u64,
    latency: Histogram<u64>,
}

impl Echo {
    fn new(dialect: Dialect, connections: usize, payload: usize) -> anyhow::Result<Self> {
        let sent = vec![Instant::now(); usize::try_from(REACH)?];
        Ok(Self {
            dialect,
            clients: vec![
                Client {
                    window: Window::default(),
                    next: 0,
                    sent
                };
                connections
            ],
            payload,
            end: 0,
            answered: 0,
            duplicated: 0,
            wrong: 0,
            latency: histogram()?,
        })
    }

    fn forget(&mut self) {
        (self.answered, self.duplicated, self.wrong) = (0, 0, 0);
        self.latency.reset();
    }

    fn run(&mut self, fleet: &mut Fleet, each: u64, outstanding: usize) -> anyhow::Result<()> {
        self.end += each;
        let target = self.answered + each * self.clients.len() as u64;
        let mut frames = Vec::new();
        for id in 0..self.clients.len() {
            for _ in 0..outstanding {
                self.push_next(id, &mut frames, Instant::now());
            }
            fleet.send(id, &frames)?;
            frames.clear();
        }
        let mut stalled = Stalled::new();
        while self.answered < target {
            let before = self.answered;
            fleet.turn(Duration::from_millis(100), self)?;
            stalled.check(self.answered > before)?;
        }
        Ok(())
    }

    fn push_next(&mut self, id: usize, out: &mut Vec<u8>, now: Instant) {
        let client = &mut self.clients[id];
        if client.next < self.end {
            client.sent[slot(client.next)] = now;
            self.dialect.push_echo(out, client.next, self.payload);
            client.next += 1;
        }
    }
}

impl Handler for Echo {
    fn message(&mut self, id: usize, payload: &[u8], out: &mut Vec<u8>, now: Instant) {
        let seq = self.dialect.read_echo(payload, self.payload);
        let client = &mut self.clients[id];
        let Some(seq) = seq.filter(|seq| *seq < client.next) else {
            self.wrong += 1;
            return;
        };
        if client.window.note(seq) != Seen::New {
            self.duplicated += 1;
            return;
        }
        self.answered += 1;
        let took = now
            .saturating_duration_since(client.sent[slot(seq)])
            .as_nanos();
        self.latency
            .saturating_record(u64::try_from(took).unwrap_or(u64::MAX).max(1));
        self.push_next(id, out, now);
    }
}

fn slot(seq: u64) -> usize {
    usize::try_from(seq % REACH).unwrap_or_default()
}
