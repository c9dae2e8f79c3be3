//! The numbers of the node, and when they are told.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::{MissedTickBehavior, interval};

use crate::{
    chat::Chat,
    memory::Memory,
    protocol::{Counts, Rooms},
};

/// Lists of rooms are sent this often at most; counts at every tenth time.
const TICK: Duration = Duration::from_millis(100);

/// Totals since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    messages_in: AtomicU64,
    deliveries: AtomicU64,
    dropped: AtomicU64,
}

impl Counters {
    pub(crate) fn received(&self) {
        self.messages_in.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn delivered(&self, recipients: usize) {
        self.deliveries
            .fetch_add(recipients as u64, Ordering::Relaxed);
    }

    pub(crate) fn dropped(&self, recipients: usize) {
        self.dropped.fetch_add(recipients as u64, Ordering::Relaxed);
    }
}

impl Chat {
    /// Sends the lists and counts that are due, for as long as the process lives.
    pub(crate) async fn tick(self) {
        let memory = Memory::now();
        let mut ticks = interval(TICK);
        // After a pause of the machine: go on at the pace, do not make up for what was missed.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for tick in 0_u64.. {
            ticks.tick().await;
            let changed = std::mem::take(&mut *self.changed.lock());
            for namespace in changed {
                let people = self.people.lock();
                let here = people.here(&namespace);
                let rooms = people.rooms(&namespace);
                drop(people);
                self.everybody(&namespace).send(&Rooms { here, rooms });
            }
            if tick % 10 == 0 {
                let counts = self.counts(&memory);
                let namespaces = self.people.lock().namespaces();
                for namespace in namespaces {
                    // Whoever does not keep up is better served by the next ones.
                    self.everybody(&namespace).volatile().send(&counts);
                }
            }
        }
    }

    fn counts(&self, memory: &Memory) -> Counts {
        let connections = self.connections();
        let people = self.people.lock();
        Counts {
            connections,
            namespaces: people.namespaces().len(),
            rooms: people.all_rooms(),
            messages_in: self.counters.messages_in.load(Ordering::Relaxed),
            deliveries: self.counters.deliveries.load(Ordering::Relaxed),
            dropped: self.counters.dropped.load(Ordering::Relaxed),
            bytes_per_connection: memory.per_connection(connections),
        }
    }
}
