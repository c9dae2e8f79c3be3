//! What waits to be written to one peer: bounded in bytes and in messages.

use std::{mem, sync::Arc};

use crate::{
    config::SlowConsumer,
    connection::{Delivery, SendError, Sent},
    frame::{Encoded, Frame, FrameKind},
    run::{self, Run},
};

/// Queue capacity that an outbox keeps when it is empty. More is given back.
const KEPT_CAPACITY: usize = 8;

/// The bounds of an outbox.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) bytes: usize,
    pub(crate) messages: usize,
    pub(crate) policy: SlowConsumer,
}

impl Bounds {
    #[inline]
    fn fit_runs(&self) -> bool {
        self.bytes >= run::MAX_BYTES && self.messages >= run::MAX_FRAMES
    }
}

/// What became of a frame that was broadcast.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ran {
    /// It is the first one here.
    Begun,
    /// It is one more of the run that waits.
    On,
    /// Nothing has happened.
    Not,
}

/// Frames in the order they were accepted, and how far the first one is written.
#[derive(Debug, Default)]
#[repr(C)] // See WebSocketHandle.
pub(crate) struct Outbox {
    /// Zero, which no frame has, without a run.
    next: u64,
    bytes: usize,
    /// If it is there, the queue is empty, nothing is written, and what waits are the frames of this
    /// run from number `first` to before number `next`.
    run: Option<Arc<Run>>,
    first: u64,
    /// Bytes of the first frame that the transport already took.
    written: usize,
    queue: Vec<Encoded>,
}

/// What waits, in the form that is cheapest to write.
#[derive(Debug)]
pub(crate) enum Waiting<'a> {
    /// One frame.
    One(&'a Encoded),
    /// Several.
    Several(&'a [Encoded]),
    /// A part of a run and nothing else.
    Run {
        run: &'a Arc<Run>,
        first: u64,
        next: u64,
    },
}

impl Outbox {
    /// Accepts a frame that was broadcast, if it begins a run here or follows the one that waits.
    ///
    /// A run begins in an empty outbox, and where it fits as a whole, so that it may go on unasked.
    #[inline]
    pub(crate) fn try_run(&mut self, frame: &Frame, bounds: &Bounds) -> Ran {
        if frame.number() == self.next {
            self.next += 1;
            self.bytes += frame.len();
            return Ran::On;
        }
        match frame.run() {
            Some(run) if self.bytes == 0 && bounds.fit_runs() => {
                // An empty outbox has no run, so there is none to be dropped.
                mem::forget(self.run.replace(Arc::clone(run)));
                self.first = frame.number();
                self.next = frame.number() + 1;
                self.bytes = frame.len();
                Ran::Begun
            }
            _ => Ran::Not,
        }
    }

    /// Accepts `frame`, or does what `delivery` and the policy say. `blocked` tells whether the
    /// transport takes no bytes at the moment.
    pub(crate) fn push(
        &mut self,
        frame: &Frame,
        bounds: &Bounds,
        delivery: Delivery,
        blocked: bool,
    ) -> Result<Sent, SendError> {
        if self.fits(frame.len(), bounds) && !(blocked && delivery == Delivery::Volatile) {
            self.append(frame);
            return Ok(Sent::Queued);
        }
        if frame.len() > bounds.bytes {
            return Err(SendError::TooLarge);
        }
        match (delivery, bounds.policy) {
            (Delivery::Volatile, _) | (Delivery::Policy, SlowConsumer::DropNewest) => {
                Ok(Sent::Dropped)
            }
            (Delivery::Refuse, _) | (Delivery::Policy, SlowConsumer::Wait) => Err(SendError::Full),
            (Delivery::Policy, SlowConsumer::Close) => Err(SendError::SlowConsumer),
            (Delivery::Policy, SlowConsumer::DropOldest) => {
                let displaced = self.make_room(frame.len(), bounds);
                if !self.fits(frame.len(), bounds) {
                    // Only a frame that is half written and control frames are left.
                    return Ok(Sent::Dropped);
                }
                self.append(frame);
                Ok(Sent::Displaced(displaced))
            }
        }
    }

    /// Whether a frame of `len` bytes has room.
    #[inline]
    pub(crate) fn fits(&self, len: usize, bounds: &Bounds) -> bool {
        self.bytes + len <= bounds.bytes && self.len() < bounds.messages
    }

    /// Drops the oldest messages that are not begun until `len` bytes fit; returns how many.
    fn make_room(&mut self, len: usize, bounds: &Bounds) -> u32 {
        self.expand();
        let mut displaced = 0;
        let mut index = usize::from(self.written > 0);
        while !self.fits(len, bounds) && index < self.queue.len() {
            if matches!(
                FrameKind::of(&self.queue[index]),
                FrameKind::Text | FrameKind::Binary
            ) {
                self.bytes -= self.queue.remove(index).len();
                displaced += 1;
            } else {
                index += 1;
            }
        }
        displaced
    }

    /// Appends without looking at the bounds: for control frames, which are bounded by themselves.
    pub(crate) fn append(&mut self, frame: &Frame) {
        self.expand();
        self.bytes += frame.len();
        self.queue.push(frame.encoded().clone());
    }

    /// Takes the frames out of their run, so that only these stay alive.
    pub(crate) fn expand(&mut self) {
        let (first, next) = (self.first, mem::take(&mut self.next));
        if let Some(run) = self.run.take() {
            run.with_frames(first, next, |frames| self.queue.extend_from_slice(frames));
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Messages and control frames that wait.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        match self.run {
            Some(_) => usize::try_from(self.next - self.first).unwrap_or(usize::MAX),
            None => self.queue.len(),
        }
    }

    /// Bytes that wait, a half-written first frame counted whole.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes of the first waiting frame that are written already.
    pub(crate) fn written(&self) -> usize {
        self.written
    }

    /// The waiting frames, the first of them to be continued from [`written`](Self::written).
    #[inline]
    pub(crate) fn waiting(&self) -> Waiting<'_> {
        match (&self.run, &self.queue[..]) {
            (Some(run), _) => Waiting::Run {
                run,
                first: self.first,
                next: self.next,
            },
            (None, [frame]) => Waiting::One(frame),
            (None, frames) => Waiting::Several(frames),
        }
    }

    /// The waiting frames themselves.
    pub(crate) fn frames(&mut self) -> &[Encoded] {
        self.expand();
        &self.queue
    }

    /// Removes everything: the transport took it.
    #[inline]
    pub(crate) fn all_written(&mut self) {
        if self.run.is_some() {
            self.run = None;
            self.next = 0;
            self.bytes = 0;
        } else {
            self.clear();
        }
    }

    /// Removes `count` bytes that the transport took from the front.
    pub(crate) fn consume(&mut self, count: usize) {
        if self.written + count == self.bytes {
            return self.all_written();
        }
        self.expand();
        self.written += count;
        let mut done = 0;
        for frame in &self.queue {
            if self.written < frame.len() {
                break;
            }
            self.written -= frame.len();
            self.bytes -= frame.len();
            done += 1;
        }
        self.queue.drain(..done);
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self) {
        self.run = None;
        self.next = 0;
        self.bytes = 0;
        self.written = 0;
        self.queue.clear();
        if self.queue.capacity() > KEPT_CAPACITY {
            self.queue = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::run::enrol;

    fn bounds(policy: SlowConsumer) -> Bounds {
        Bounds {
            bytes: 64,
            messages: 4,
            policy,
        }
    }

    fn waiting_bytes(outbox: &Outbox) -> Vec<u8> {
        let written = outbox.written();
        let all = match outbox.waiting() {
            Waiting::One(frame) => frame.to_vec(),
            Waiting::Several(frames) => frames.concat(),
            Waiting::Run { run, first, next } => run.with_frames(first, next, <[Encoded]>::concat),
        };
        all[written..].to_vec()
    }

    #[test]
    fn volatile_frames_are_dropped_while_the_transport_is_blocked() {
        let mut outbox = Outbox::default();
        let bounds = bounds(SlowConsumer::Close);
        let frame = Frame::text("x");
        assert_eq!(
            outbox.push(&frame, &bounds, Delivery::Volatile, false),
            Ok(Sent::Queued)
        );
        assert_eq!(
            outbox.push(&frame, &bounds, Delivery::Volatile, true),
            Ok(Sent::Dropped)
        );
        assert_eq!(
            outbox.push(&frame, &bounds, Delivery::Policy, true),
            Ok(Sent::Queued)
        );
    }

    #[test]
    fn dropping_the_oldest_spares_a_frame_that_is_half_written() {
        let mut outbox = Outbox::default();
        let bounds = bounds(SlowConsumer::DropOldest);
        for text in ["a", "b", "c", "d"] {
            outbox
                .push(&Frame::text(text), &bounds, Delivery::Policy, false)
                .unwrap();
        }
        outbox.consume(1);
        assert_eq!(
            outbox.push(&Frame::text("e"), &bounds, Delivery::Policy, true),
            Ok(Sent::Displaced(1))
        );
        assert_eq!(waiting_bytes(&outbox), b"\x01a\x81\x01c\x81\x01d\x81\x01e");
    }

    #[test]
    fn a_frame_larger_than_the_outbox_is_never_accepted() {
        let mut outbox = Outbox::default();
        for policy in [
            SlowConsumer::Close,
            SlowConsumer::DropOldest,
            SlowConsumer::Wait,
        ] {
            assert_eq!(
                outbox.push(
                    &Frame::binary([0; 100]),
                    &bounds(policy),
                    Delivery::Policy,
                    false
                ),
                Err(SendError::TooLarge)
            );
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Push {
            len: usize,
            delivery: Delivery,
            blocked: bool,
            in_run: bool,
        },
        Consume(usize),
        Expand,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let delivery = prop_oneof![
            Just(Delivery::Policy),
            Just(Delivery::Refuse),
            Just(Delivery::Volatile)
        ];
        let step = prop_oneof![
            (0_usize..80, delivery, any::<bool>(), any::<bool>()).prop_map(
                |(len, delivery, blocked, in_run)| Step::Push {
                    len,
                    delivery,
                    blocked,
                    in_run
                }
            ),
            (0_usize..70).prop_map(Step::Consume),
            Just(Step::Expand),
        ];
        proptest::collection::vec(step, 0..60)
    }

    fn policy() -> impl Strategy<Value = SlowConsumer> {
        prop_oneof![
            Just(SlowConsumer::Close),
            Just(SlowConsumer::DropOldest),
            Just(SlowConsumer::DropNewest),
            Just(SlowConsumer::Wait),
        ]
    }

    proptest! {
        /// Broadcast frames, of which some are for others only, between plain ones, writes and waits.
        #[test]
        fn an_outbox_holds_the_frames_of_a_run_that_are_its_own(
            steps in proptest::collection::vec((0_u8..8, 0_usize..200), 0..120),
        ) {
            let bounds = Bounds {
                bytes: run::MAX_BYTES,
                messages: run::MAX_FRAMES,
                policy: SlowConsumer::DropNewest,
            };
            let mut outbox = Outbox::default();
            let mut model: Vec<u8> = Vec::new();
            let mut last = None;
            for (number, (kind, len)) in steps.into_iter().enumerate() {
                let frame = Frame::binary(vec![u8::try_from(number).unwrap(); len]);
                let frame = match kind {
                    0..=4 => enrol(&mut last, frame),
                    _ => frame,
                };
                match kind {
                    4 => {}
                    6 => {
                        let count = len.min(model.len());
                        outbox.consume(count);
                        model.drain(..count);
                    }
                    7 => outbox.expand(),
                    _ => {
                        let taken = outbox.try_run(&frame, &bounds) != Ran::Not
                            || outbox.push(&frame, &bounds, Delivery::Policy, false)
                                == Ok(Sent::Queued);
                        if taken {
                            model.extend_from_slice(frame.as_bytes());
                        }
                    }
                }
                prop_assert!(outbox.len() <= bounds.messages);
                prop_assert_eq!(waiting_bytes(&outbox), model.clone());
                prop_assert_eq!(outbox.is_empty(), model.is_empty());
            }
        }

        /// Against a model that keeps whole frames in a plain list and writes byte by byte.
        #[test]
        fn an_outbox_does_what_a_list_of_frames_would_do(steps in steps(), policy in policy()) {
            let bounds = bounds(policy);
            let mut outbox = Outbox::default();
            let mut model: Vec<Vec<u8>> = Vec::new();
            let mut begun = 0;
            let mut run = None;
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Expand => outbox.expand(),
                    Step::Push { len, delivery, blocked, in_run } => {
                        let mut frame = Frame::binary(vec![u8::try_from(number).unwrap(); len]);
                        if in_run {
                            frame = enrol(&mut run, frame);
                        }
                        let held: usize = model.iter().map(Vec::len).sum();
                        let fits = |model: &Vec<Vec<u8>>| {
                            model.len() < bounds.messages
                                && model.iter().map(Vec::len).sum::<usize>() + frame.len()
                                    <= bounds.bytes
                        };
                        let result = if !blocked && outbox.try_run(&frame, &bounds) != Ran::Not {
                            Ok(Sent::Queued)
                        } else {
                            outbox.push(&frame, &bounds, delivery, blocked)
                        };
                        let volatile = delivery == Delivery::Volatile;
                        let expected = if fits(&model) && !(volatile && blocked) {
                            model.push(frame.as_bytes().to_vec());
                            Ok(Sent::Queued)
                        } else if frame.len() > bounds.bytes {
                            Err(SendError::TooLarge)
                        } else if volatile {
                            Ok(Sent::Dropped)
                        } else if delivery == Delivery::Refuse {
                            Err(SendError::Full)
                        } else {
                            match policy {
                                SlowConsumer::Close => Err(SendError::SlowConsumer),
                                SlowConsumer::DropNewest => Ok(Sent::Dropped),
                                SlowConsumer::Wait => Err(SendError::Full),
                                SlowConsumer::DropOldest => {
                                    let mut displaced = 0;
                                    let first = usize::from(begun > 0);
                                    while !fits(&model) && model.len() > first {
                                        model.remove(first);
                                        displaced += 1;
                                    }
                                    if fits(&model) {
                                        model.push(frame.as_bytes().to_vec());
                                        Ok(Sent::Displaced(displaced))
                                    } else {
                                        Ok(Sent::Dropped)
                                    }
                                }
                            }
                        };
                        prop_assert_eq!(result, expected);
                        prop_assert!(held <= bounds.bytes);
                    }
                    Step::Consume(count) => {
                        let waiting = model.iter().map(Vec::len).sum::<usize>() - begun;
                        let count = count.min(waiting);
                        outbox.consume(count);
                        begun += count;
                        while model.first().is_some_and(|first| begun >= first.len()) {
                            begun -= model.remove(0).len();
                        }
                    }
                }
                prop_assert_eq!(outbox.len(), model.len());
                prop_assert_eq!(outbox.bytes(), model.iter().map(Vec::len).sum::<usize>());
                let expected: Vec<u8> = model.concat()[begun..].to_vec();
                prop_assert_eq!(waiting_bytes(&outbox), expected);
            }
        }
    }
}
