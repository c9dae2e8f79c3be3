//! Messages that a thread broadcast one after another.
//!
//! Eight broadcasts in a row put the same eight frames into every outbox. Instead of eight references an
//! outbox holds one, to the run they belong to, and the numbers of the first and the last: the second to
//! the eighth cost one comparison and one addition per recipient, and the peers that wait for the same
//! part of a run share one gathered copy of its bytes.
//!
//! Outboxes refer to runs only until their flush: one that has to wait takes its frames out first, so
//! that a slow peer keeps no frame alive but its own.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::frame::{Encoded, Frame};

/// A frame larger than this travels alone.
const MAX_FRAME: usize = 4 * 1024;

/// A run ends with this many frames.
pub(crate) const MAX_FRAMES: usize = 64;

/// No run has more bytes.
pub(crate) const MAX_BYTES: usize = MAX_FRAMES * MAX_FRAME;

/// Some frames in the order they were broadcast.
#[derive(Debug, Default)]
pub(crate) struct Run(Mutex<Vec<Encoded>>);

/// Where a frame stands in a run.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) run: Arc<Run>,
    pub(crate) index: u32,
}

/// A part of a run, never empty.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) run: Arc<Run>,
    pub(crate) begin: u32,
    pub(crate) end: u32,
}

impl Part {
    /// The part of one frame.
    #[inline]
    pub(crate) fn one(place: &Place) -> Self {
        Self {
            run: Arc::clone(&place.run),
            begin: place.index,
            end: place.index + 1,
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        (self.end - self.begin) as usize
    }

    /// Whether the frame at `place` follows this part.
    #[inline]
    pub(crate) fn is_followed_by(&self, place: &Place) -> bool {
        self.end == place.index && Arc::ptr_eq(&self.run, &place.run)
    }

    /// Whether both are the same frames.
    #[inline]
    pub(crate) fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.run, &other.run) && self.begin == other.begin && self.end == other.end
    }

    /// Calls `visit` with the frames.
    pub(crate) fn with_frames<R>(&self, visit: impl FnOnce(&[Encoded]) -> R) -> R {
        visit(&self.run.0.lock()[self.begin as usize..self.end as usize])
    }
}

/// Puts `frame` at the end of `current`, or of a new run where that one is full.
pub(crate) fn enrol(current: &mut Option<Place>, frame: Frame) -> Frame {
    if frame.len() > MAX_FRAME {
        return frame;
    }
    let place = match current.take() {
        Some(last) if (last.index as usize) + 1 < MAX_FRAMES => Place {
            run: last.run,
            index: last.index + 1,
        },
        _ => Place {
            run: Arc::default(),
            index: 0,
        },
    };
    place.run.0.lock().push(frame.encoded().clone());
    *current = Some(place.clone());
    frame.at(place)
}
