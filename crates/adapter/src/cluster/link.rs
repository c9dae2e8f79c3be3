//! The way from one node to another.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
};

use fastrand::Rng;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::cluster::{config::ClusterConfig, hub::Hub, message::Message, table::Way};

/// What is under way between two nodes, in order. A task brings it, for as long as there is something.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) from: usize,
    pub(super) to: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    rng: Rng,
    waiting: VecDeque<Waiting>,
    /// The number of the last message that was sent, and of the last that was given to the node.
    sent: u64,
    received: u64,
    last_due: Option<Instant>,
    is_running: bool,
}

#[derive(Clone, Debug)]
struct Waiting {
    due: Instant,
    number: u64,
    message: Message,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    UnderWay,
    Delivered,
    Lost,
    Repeated,
    Overflowed,
}

impl Link {
    pub(super) fn new(seed: u64, from: usize, to: usize) -> Arc<Self> {
        let own = (from as u64) << 32 | to as u64;
        Arc::new(Self {
            from,
            to,
            state: Mutex::new(State {
                rng: Rng::with_seed(seed ^ own.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
                waiting: VecDeque::new(),
                sent: 0,
                received: 0,
                last_due: None,
                is_running: false,
            }),
        })
    }

    /// Sends a message on its way. Whoever finds the link at rest has its task started.
    pub(super) fn send(&self, config: &ClusterConfig, message: Message) -> (Fate, bool) {
        let state = &mut *self.state.lock();
        state.sent += 1;
        // Drawn each time, so that one fault does not change the luck of all messages after it.
        let (luck, again) = (state.rng.f64(), state.rng.f64());
        let span = config.delay.end.saturating_sub(config.delay.start);
        let delay = config.delay.start + span.mul_f64(state.rng.f64());
        if luck < config.loss {
            return (Fate::Lost, false);
        }
        if state.waiting.len() >= config.queue {
            return (Fate::Overflowed, false);
        }
        let due = (Instant::now() + delay).max(state.last_due.unwrap_or_else(Instant::now));
        state.last_due = Some(due);
        let waiting = Waiting {
            due,
            number: state.sent,
            message,
        };
        if again < config.duplication {
            state.waiting.push_back(waiting.clone());
        }
        state.waiting.push_back(waiting);
        let starts = !std::mem::replace(&mut state.is_running, true);
        (Fate::UnderWay, starts)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.state.lock().waiting.is_empty()
    }

    /// Brings what waits, and ends when nothing does.
    pub(super) async fn run(self: Arc<Self>, hub: Weak<Hub>) {
        while let Some(due) = self.next_due() {
            if due > Instant::now() {
                tokio::time::sleep_until(due).await;
            }
            let Some(hub) = hub.upgrade() else {
                return;
            };
            // Before looking, so that nothing is missed in between.
            let changed = hub.faults_changed();
            match hub.way(self.from, self.to) {
                Way::Waits => {
                    drop(hub);
                    changed.await;
                }
                way => self.bring(&hub, way == Way::Open),
            }
        }
    }

    fn next_due(&self) -> Option<Instant> {
        let state = &mut *self.state.lock();
        let next = state.waiting.front().map(|waiting| waiting.due);
        if next.is_none() {
            state.is_running = false;
        }
        next
    }

    fn bring(&self, hub: &Arc<Hub>, is_open: bool) {
        let (fate, message) = {
            let state = &mut *self.state.lock();
            let Some(waiting) = state.waiting.pop_front() else {
                return;
            };
            if !is_open {
                (Fate::Lost, None)
            } else if waiting.number <= state.received {
                (Fate::Repeated, None)
            } else {
                state.received = waiting.number;
                (Fate::Delivered, Some(waiting.message))
            }
        };
        hub.count(fate);
        if let Some(message) = message {
            message.arrive(hub, self.from, self.to);
        }
    }
}
