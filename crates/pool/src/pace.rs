//! The pacing rule of a drain, without a clock.
//!
//! With N closes per second, close `k` has the slot of length 1/N that begins `k`/N after the start, and
//! a random moment in it: clients do not come back in step. On top of that, close `k` begins no earlier
//! than one second after close `k`−N did begin. So no second ever holds more than N, however late a
//! timer fires, and a late timer delays only what must be delayed.

use std::{collections::VecDeque, num::NonZeroU32, time::Duration};

const SECOND: Duration = Duration::from_secs(1);
const SECOND_NANOS: u64 = 1_000_000_000;

/// Says when the next close may begin. Times are counted from the drain's start.
#[derive(Debug)]
pub(crate) struct Pace {
    per_second: NonZeroU32,
    /// Source of the jitter; `None` puts each close at the beginning of its slot.
    random: Option<fastrand::Rng>,
    count: u64,
    slot: Duration,
    /// When the last closes began, at most N of them, oldest first.
    begun: VecDeque<Duration>,
}

impl Pace {
    pub(crate) fn new(per_second: NonZeroU32, random: Option<fastrand::Rng>) -> Self {
        let mut pace = Self {
            per_second,
            random,
            count: 0,
            slot: Duration::ZERO,
            begun: VecDeque::new(),
        };
        pace.slot = pace.draw();
        pace
    }

    /// The earliest moment for the next close.
    pub(crate) fn next(&self) -> Duration {
        match self.begun.front() {
            Some(first) if self.begun.len() == self.per_second.get() as usize => {
                self.slot.max(*first + SECOND)
            }
            _ => self.slot,
        }
    }

    /// Notes that the next close began, no later than `at`.
    pub(crate) fn begun(&mut self, at: Duration) {
        if self.begun.len() == self.per_second.get() as usize {
            self.begun.pop_front();
        }
        self.begun.push_back(at);
        self.count += 1;
        self.slot = self.draw();
    }

    /// A moment in the slot of close `count`.
    fn draw(&mut self) -> Duration {
        let n = u64::from(self.per_second.get());
        let (seconds, rest) = (self.count / n, self.count % n);
        let jitter = self
            .random
            .as_mut()
            .map_or(0, |random| random.u64(0..(SECOND_NANOS / n).max(1)));
        Duration::new(seconds, 0) + Duration::from_nanos(rest * SECOND_NANOS / n + jitter)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pace(per_second: u32, seed: Option<u64>) -> Pace {
        let per_second = NonZeroU32::new(per_second).unwrap();
        Pace::new(per_second, seed.map(fastrand::Rng::with_seed))
    }

    /// When `total` closes begin if each is late by what `lateness` says.
    fn begins(
        mut pace: Pace,
        total: usize,
        mut lateness: impl FnMut() -> Duration,
    ) -> Vec<Duration> {
        let mut now = Duration::ZERO;
        let mut begins = Vec::new();
        for _ in 0..total {
            now = now.max(pace.next()) + lateness();
            pace.begun(now);
            begins.push(now);
        }
        begins
    }

    /// The most begins in any second.
    fn most_in_a_second(begins: &[Duration]) -> usize {
        let within = |from: &Duration| {
            begins
                .iter()
                .filter(|at| (*from..*from + SECOND).contains(at))
                .count()
        };
        begins.iter().map(within).max().unwrap_or_default()
    }

    #[test]
    fn c4_chunks_of_3_in_7_are_3_3_1() {
        let begins = begins(pace(3, None), 7, || Duration::ZERO);
        let in_second = |n: u64| begins.iter().filter(|at| at.as_secs() == n).count();
        assert_eq!(
            [in_second(0), in_second(1), in_second(2), in_second(3)],
            [3, 3, 1, 0]
        );
    }

    #[test]
    fn jitter_does_not_accumulate() {
        let begins = begins(pace(100, Some(7)), 1_000, || Duration::ZERO);
        let last = *begins.last().unwrap();
        assert!(last >= Duration::from_millis(9_990), "{last:?}");
        assert!(last <= Duration::from_secs(10), "{last:?}");
        let gaps = begins
            .windows(2)
            .map(|pair| pair[1].saturating_sub(pair[0]).as_micros());
        assert!(
            gaps.collect::<std::collections::HashSet<_>>().len() > 50,
            "closes are not in step"
        );
    }

    #[test]
    fn after_a_stall_the_pace_is_still_kept() {
        let mut stall = Some(Duration::from_secs(3));
        let begins = begins(pace(10, Some(1)), 60, || stall.take().unwrap_or_default());
        assert_eq!(most_in_a_second(&begins), 10);
    }

    proptest! {
        #[test]
        fn no_second_holds_more_than_n(
            per_second in 1_u32..40,
            total in 0_usize..200,
            jitter: bool,
            seed: u64,
            late_by in 0_u64..200,
        ) {
            let pace = pace(per_second, jitter.then_some(seed));
            let mut random = fastrand::Rng::with_seed(!seed);
            let begins = begins(pace, total, || Duration::from_millis(random.u64(0..=late_by)));
            prop_assert!(most_in_a_second(&begins) <= per_second as usize);
            prop_assert!(begins.is_sorted());
        }
    }
}
