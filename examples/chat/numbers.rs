//! The numbers of the node, and when they are told.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use switchboard::prelude::*;
use tokio::time::{MissedTickBehavior, interval};

use crate::{
    chat::Chat,
    memory::Memory,
    protocol::{Counts, ToClient},
};

/// Lists of rooms are sent this often at most; counts at every tenth time.
const TICK: Duration = Duration::from_millis(100);

/// Totals since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    messages_in: AtomicU64,
    deliveries: AtomicU64,
}

impl Counters {
    pub(crate) fn received(&self) {
        self.messages_in.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn delivered(&self, recipients: usize) {
        self.deliveries
            .fetch_add(recipients as u64, Ordering::Relaxed);
    }
}

impl Chat {
    /// Sends the lists and counts that are due, for as long as the process lives.
    pub(crate) async fn tick(self: Arc<Self>, endpoint: Endpoint) {
        let memory = Memory::now();
        let mut ticks = interval(TICK);
        // After a pause of the machine: go on at the pace, do not make up for what was missed.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for tick in 0_u64.. {
            ticks.tick().await;
            let changed = std::mem::take(&mut *self.changed.lock());
            for namespace in changed {
                let (here, rooms) = (self.here(&namespace), self.rooms(&namespace));
                self.everybody(&namespace).send(
                    ToClient::Rooms {
                        here,
                        rooms: &rooms,
                    }
                    .frame(),
                );
            }
            if tick % 10 == 0 {
                let counts = ToClient::Counts(self.counts(&endpoint, &memory)).frame();
                for namespace in self.pool().namespaces() {
                    // Whoever does not keep up is better served by the next ones.
                    self.everybody(&namespace).volatile().send(counts.clone());
                }
            }
        }
    }

    fn counts(&self, endpoint: &Endpoint, memory: &Memory) -> Counts {
        let namespaces = self.pool().namespaces();
        let connections = self.pool().len();
        Counts {
            connections,
            namespaces: namespaces.len(),
            rooms: namespaces
                .iter()
                .map(|namespace| self.room_names(namespace).count())
                .sum(),
            messages_in: self.counters.messages_in.load(Ordering::Relaxed),
            deliveries: self.counters.deliveries.load(Ordering::Relaxed),
            dropped: endpoint.stats().dropped,
            bytes_per_connection: memory.per_connection(connections),
        }
    }
}
