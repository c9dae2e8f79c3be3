//! Whether the pool takes newcomers.

use std::sync::atomic::{AtomicU8, Ordering};

const OPEN: u8 = 0;
const DRAINING: u8 = 1;
const DRAINED: u8 = 2;

/// Open, draining, or drained and still shut.
///
/// It is asked under the lock of the namespace that a newcomer enters, and a drain shuts it before it
/// looks into that namespace: so each newcomer is either seen by the drain or refused.
#[derive(Debug, Default)]
pub(crate) struct Gate(AtomicU8);

impl Gate {
    pub(crate) fn is_open(&self) -> bool {
        self.0.load(Ordering::Acquire) == OPEN
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.0.load(Ordering::Acquire) == DRAINING
    }

    /// Shuts the gate for a drain; false when one is running.
    pub(crate) fn begin_drain(&self) -> bool {
        self.0.swap(DRAINING, Ordering::AcqRel) != DRAINING
    }

    /// Ends the one running drain.
    pub(crate) fn end_drain(&self, reopen: bool) {
        self.0
            .store(if reopen { OPEN } else { DRAINED }, Ordering::Release);
    }

    /// Opens after a drain has ended; false when there was none or it still runs.
    pub(crate) fn reopen(&self) -> bool {
        self.0
            .compare_exchange(DRAINED, OPEN, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}
