//! The clock of all connections of one endpoint.
//!
//! A timer per connection costs memory and a place in the runtime's wheel; here each connection is one
//! entry in a list per tick of [`TICK`], and one task looks after them all. A connection that closes
//! takes its entry away; what is left of it in a list is eight bytes, until its tick comes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
    time::Duration,
};

use parking_lot::Mutex;
use slab::Slab;
use tokio::{sync::Notify, time::Instant};

use super::handle::WebSocketHandle;

/// Deadlines are met within one tick, never early.
const TICK: Duration = Duration::from_millis(50);

/// Names an entry: its place, and which of the entries that ever stood there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    index: u32,
    generation: u32,
}

impl Key {
    /// Not kept.
    pub(super) const NONE: Self = Self {
        index: u32::MAX,
        generation: 0,
    };
}

#[derive(Debug)]
struct Entry {
    connection: Weak<WebSocketHandle>,
    /// The tick at which to look; another list that names the entry is out of date.
    due: u64,
    generation: u32,
}

#[derive(Debug, Default)]
struct Entries {
    slab: Slab<Entry>,
    ticks: BTreeMap<u64, Vec<Key>>,
    generation: u32,
    /// The tick for which the task sleeps.
    sleeping_until: Option<u64>,
}

/// Wakes connections at their time.
#[derive(Debug)]
pub(super) struct Keeper {
    start: Instant,
    entries: Mutex<Entries>,
    earlier: Notify,
}

impl Keeper {
    pub(super) fn new(start: Instant) -> Arc<Self> {
        Arc::new(Self {
            start,
            entries: Mutex::default(),
            earlier: Notify::new(),
        })
    }

    fn tick_at(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.start).as_millis();
        u64::try_from(since.div_ceil(TICK.as_millis())).unwrap_or(u64::MAX)
    }

    fn time_of(&self, tick: u64) -> Instant {
        self.start + TICK * u32::try_from(tick).unwrap_or(u32::MAX)
    }

    /// Begins to look after `connection`.
    pub(super) fn keep(&self, connection: Weak<WebSocketHandle>, at: Instant) -> Key {
        let mut entries = self.entries.lock();
        entries.generation = entries.generation.wrapping_add(1);
        let generation = entries.generation;
        let index = entries.slab.insert(Entry {
            connection,
            due: u64::MAX,
            generation,
        });
        let key = Key {
            index: u32::try_from(index).unwrap_or(u32::MAX),
            generation,
        };
        self.wake_by(&mut entries, key, self.tick_at(at));
        key
    }

    /// Looks at the connection at `at`, or earlier if that was asked for before.
    pub(super) fn wake_at(&self, key: Key, at: Instant) {
        let mut entries = self.entries.lock();
        self.wake_by(&mut entries, key, self.tick_at(at));
    }

    fn wake_by(&self, entries: &mut Entries, key: Key, tick: u64) {
        let Some(entry) = entries.slab.get_mut(key.index as usize) else {
            return;
        };
        if entry.generation != key.generation || entry.due <= tick {
            return;
        }
        entry.due = tick;
        entries.ticks.entry(tick).or_default().push(key);
        if entries.sleeping_until.is_none_or(|until| tick < until) {
            self.earlier.notify_one();
        }
    }

    /// Stops looking after a connection.
    pub(super) fn release(&self, key: Key) {
        let mut entries = self.entries.lock();
        if entries
            .slab
            .get(key.index as usize)
            .is_some_and(|e| e.generation == key.generation)
        {
            entries.slab.remove(key.index as usize);
        }
    }

    /// The connections whose time has come.
    fn due(&self, now: Instant) -> Vec<(Key, Arc<WebSocketHandle>)> {
        let mut entries = self.entries.lock();
        let mut due = Vec::new();
        while let Some(first) = entries.ticks.first_entry() {
            if self.time_of(*first.key()) > now {
                break;
            }
            let (tick, keys) = first.remove_entry();
            for key in keys {
                let Some(entry) = entries.slab.get_mut(key.index as usize) else {
                    continue;
                };
                if entry.generation != key.generation || entry.due != tick {
                    continue;
                }
                entry.due = u64::MAX;
                match entry.connection.upgrade() {
                    Some(connection) => due.push((key, connection)),
                    None => drop(entries.slab.remove(key.index as usize)),
                }
            }
        }
        due
    }

    /// When the first connection is to be looked at; remembered, so that an earlier one wakes the task.
    fn next(&self) -> Option<Instant> {
        let mut entries = self.entries.lock();
        let tick = entries.ticks.first_key_value().map(|(tick, _)| *tick);
        entries.sleeping_until = tick;
        tick.map(|tick| self.time_of(tick))
    }

    /// Runs until dropped.
    pub(super) async fn run(self: Arc<Self>) {
        loop {
            match self.next() {
                None => self.earlier.notified().await,
                Some(at) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(at) => {}
                        () = self.earlier.notified() => continue,
                    }
                }
            }
            let now = Instant::now();
            let _cork = crate::Cork::new();
            for (key, connection) in self.due(now) {
                if let Some(next) = connection.look(now) {
                    self.wake_at(key, next.max(now + TICK));
                }
            }
        }
    }
}
