//! Whether the way to the other nodes is there, as a whole.

use std::sync::Arc;

use metrics::Gauge;
use parking_lot::Mutex;
use tokio::{sync::watch, time::Instant};

/// Since when Redis is away, or `None` while it is there.
pub(crate) type Away = Option<Instant>;

/// The parts of a link report here; it is there when none of them is missing.
#[derive(Clone)]
pub(crate) struct Health(Arc<Shared>);

struct Shared {
    missing: Mutex<usize>,
    away: watch::Sender<Away>,
    gauge: Gauge,
}

impl std::fmt::Debug for Health {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Health")
            .field(&*self.0.away.borrow())
            .finish()
    }
}

impl Health {
    pub(crate) fn new(gauge: Gauge) -> Self {
        gauge.set(0);
        let (away, _) = watch::channel(Some(Instant::now()));
        Self(Arc::new(Shared {
            missing: Mutex::new(0),
            away,
            gauge,
        }))
    }

    /// A part that is missing until it says otherwise.
    pub(crate) fn part(&self) -> Part {
        self.count(1);
        Part {
            health: self.clone(),
            is_there: false,
        }
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Away> {
        self.0.away.subscribe()
    }

    fn count(&self, change: isize) {
        let mut missing = self.0.missing.lock();
        *missing = missing.saturating_add_signed(change);
        let is_there = *missing == 0;
        self.0.away.send_if_modified(|away| {
            let changed = away.is_none() != is_there;
            if changed {
                *away = (!is_there).then(Instant::now);
            }
            changed
        });
        self.0.gauge.set(i32::from(is_there));
    }
}

/// One connection, as the whole sees it.
#[derive(Debug)]
pub(crate) struct Part {
    health: Health,
    is_there: bool,
}

impl Part {
    pub(crate) fn set(&mut self, is_there: bool) {
        if self.is_there != is_there {
            self.is_there = is_there;
            self.health.count(if is_there { -1 } else { 1 });
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.set(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_there_when_no_part_is_missing() {
        let health = Health::new(Gauge::noop());
        let seen = health.watch();
        let (mut one, mut two) = (health.part(), health.part());
        one.set(true);
        one.set(true);
        assert!(seen.borrow().is_some());
        two.set(true);
        assert!(seen.borrow().is_none());
        one.set(false);
        assert!(seen.borrow().is_some());
        drop(one);
        assert!(seen.borrow().is_none(), "a part that is gone is not missed");
    }
}
