//! Messages that a thread broadcast one after another.
//!
//! Eight broadcasts in a row put the same eight frames into every outbox. Instead of eight references an
//! outbox holds one, to the run they belong to, and the numbers of the first and the last: the second to
//! the eighth cost one comparison and one addition per recipient, and the peers that wait for the same
//! part of a run share one gathered copy of its bytes.
//!
//! Outboxes refer to runs only until their flush: one that has to wait takes its frames out first, so
//! that a slow peer keeps no frame alive but its own.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use parking_lot::Mutex;

use crate::frame::{Encoded, Frame};

/// A frame larger than this travels alone.
const MAX_FRAME: usize = 4 * 1024;

/// A run ends with this many frames.
pub(crate) const MAX_FRAMES: usize = 64;

/// No run has more bytes.
pub(crate) const MAX_BYTES: usize = MAX_FRAMES * MAX_FRAME;

/// Numbers that are set aside for each run: more than frames, so that no run seems to continue another.
const NUMBERS: u64 = 2 * MAX_FRAMES as u64;

/// The number of a frame that is in no run. No frame follows it, and it follows none.
pub(crate) const ALONE: u64 = u64::MAX;

/// Some frames in the order they were broadcast.
#[derive(Debug)]
pub(crate) struct Run {
    /// The number of its first frame; those of the others follow. Unique in the process.
    first: u64,
    frames: Mutex<Vec<Encoded>>,
}

/// Where a frame stands.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) run: Arc<Run>,
    pub(crate) number: u64,
}

impl Run {
    fn new() -> Arc<Self> {
        static RUNS: AtomicU64 = AtomicU64::new(1);
        let first = RUNS.fetch_add(1, Ordering::Relaxed) * NUMBERS;
        Arc::new(Self {
            first,
            frames: Mutex::default(),
        })
    }

    /// Calls `visit` with the frames from number `first` up to before number `next`.
    pub(crate) fn with_frames<R>(
        &self,
        first: u64,
        next: u64,
        visit: impl FnOnce(&[Encoded]) -> R,
    ) -> R {
        let index = |number: u64| usize::try_from(number - self.first).unwrap_or(usize::MAX);
        visit(&self.frames.lock()[index(first)..index(next)])
    }
}

/// Ends a run that is half full, so that what a turn broadcasts seldom straddles two.
#[inline]
pub(crate) fn begin_turn(current: &mut Option<Place>) {
    let half = MAX_FRAMES as u64 / 2;
    if current
        .as_ref()
        .is_some_and(|last| last.number >= last.run.first + half)
    {
        *current = None;
    }
}

/// Puts `frame` at the end of `current`, or of a new run where that one is full.
pub(crate) fn enrol(current: &mut Option<Place>, frame: Frame) -> Frame {
    if frame.len() > MAX_FRAME {
        return frame;
    }
    let place = match current.take() {
        Some(Place { run, number }) if number + 1 < run.first + MAX_FRAMES as u64 => Place {
            run,
            number: number + 1,
        },
        _ => {
            let run = Run::new();
            Place {
                number: run.first,
                run,
            }
        }
    };
    place.run.frames.lock().push(frame.encoded().clone());
    *current = Some(place.clone());
    frame.at(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_run_seems_to_continue_another() {
        let mut current = None;
        let mut last: Option<Place> = None;
        for _ in 0..10 * MAX_FRAMES {
            enrol(&mut current, Frame::text("x"));
            let place = current.clone().unwrap();
            if let Some(last) = last {
                let follows = last.number + 1 == place.number;
                assert_eq!(follows, Arc::ptr_eq(&last.run, &place.run));
            }
            assert!(place.run.frames.lock().len() <= MAX_FRAMES);
            last = Some(place);
        }
    }
}
